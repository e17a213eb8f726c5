"""What stands between a rendered template and a message that its target takes."""

from __future__ import annotations


class Unfit(ValueError):  # noqa: N818 - an adjective, like the sentence it carries
    """A rendered message cannot be sent as it is; the text names the place and the limit, fit for whoever wrote it."""
