"""What an operator can set, read once from the environment, ``.env`` and files."""

from bridge.settings.describing import Line, describe, secret_values
from bridge.settings.loading import load_settings
from bridge.settings.model import OPENAI_URL, ProviderSettings, Settings
from bridge.settings.values import ApiKey

__all__ = ["OPENAI_URL", "ApiKey", "Line", "ProviderSettings", "Settings", "describe", "load_settings", "secret_values"]
