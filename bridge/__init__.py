"""video-bridge: watches AI video jobs and tells Slack, e-mail or a callback URL when they end."""

__version__ = "0.1.0"
