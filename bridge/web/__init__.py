"""The HTTP API: thin endpoints over the registry, and what every request passes through."""
