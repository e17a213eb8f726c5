"""The names of the environment variables, and which setting each one fills."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from types import MappingProxyType

PROVIDER_PREFIX = "BRIDGE_PROVIDERS__"
PROVIDER_DETAILS = ("BASE_URL", "API_KEY", "AUTH", "HEADERS", "QUERY", "RATE", "CA_FILE", "CLIENT_CERT")

OPENAI_DETAILS: Mapping[str, str] = MappingProxyType({"OPENAI_BASE_URL": "BASE_URL", "OPENAI_API_KEY": "API_KEY"})
"""The two variables that set details of the provider ``openai`` under names of their own."""

FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "OPENAI_WEBHOOK_SECRET": "openai_webhook_secret",
        "BRIDGE_DEFAULT_PROVIDER": "default_provider",
        "BRIDGE_HOST": "host",
        "BRIDGE_PORT": "port",
        "BRIDGE_API_KEYS": "api_keys",
        "BRIDGE_WATCHES_PER_KEY": "watches_per_key",
        "BRIDGE_DATABASE_URL": "database_url",
        "BRIDGE_SECRET_KEY": "secret_keys",
        "BRIDGE_PUBLIC_URL": "public_url",
        "BRIDGE_CALLBACK_SECRET": "callback_secret",
        "BRIDGE_SLACK_WEBHOOK_URL": "slack_webhook_url",
        "BRIDGE_CALLBACK_URL": "callback_url",
        "BRIDGE_EMAIL_WEBHOOK_URL": "email_webhook_url",
        "BRIDGE_EMAIL_TO": "email_to",
        "BRIDGE_EMAIL_FROM": "email_from",
        "BRIDGE_EMAIL_PRESET": "email_preset",
        "BRIDGE_EMAIL_API_KEY": "email_api_key",
        "BRIDGE_ALLOWED_NETWORKS": "allowed_networks",
        "BRIDGE_EGRESS_PROXY": "egress_proxy",
        "BRIDGE_CA_FILE": "ca_file",
        "BRIDGE_TEMPLATES_DIR": "templates_dir",
        "BRIDGE_POLL_RATE": "poll_rate",
        "BRIDGE_POLL_MIN_INTERVAL": "poll_min_interval",
        "BRIDGE_POLL_MAX_INTERVAL": "poll_max_interval",
        "BRIDGE_WATCH_TIMEOUT": "watch_timeout",
        "BRIDGE_LOST_GRACE": "lost_grace",
        "BRIDGE_DELIVERY_RETRIES": "delivery_retries",
        "BRIDGE_DELIVERY_TIMEOUT": "delivery_timeout",
        "BRIDGE_RETENTION_DAYS": "retention_days",
        "BRIDGE_LINK_DAYS": "link_days",
        "BRIDGE_ARCHIVE_DIR": "archive_dir",
        "BRIDGE_ARCHIVE_MAX_FILE": "archive_max_file",
        "BRIDGE_ARCHIVE_MAX_TOTAL": "archive_max_total",
        "BRIDGE_ARCHIVE_KEEP_FREE": "archive_keep_free",
        "BRIDGE_OPEN_METRICS": "open_metrics",
        "BRIDGE_OPEN_DOCS": "open_docs",
        "BRIDGE_LOG_FORMAT": "log_format",
        "BRIDGE_LOG_LEVEL": "log_level",
    }
)
"""Each variable that fills one field of :class:`bridge.settings.Settings`, in the order they are documented."""

CLIENT_VARIABLES = ("BRIDGE_URL", "BRIDGE_API_KEY")
"""Read by the commands that talk to a running server."""

VARIABLES = (*OPENAI_DETAILS, *FIELDS, *CLIENT_VARIABLES)
"""All variables with a fixed name."""

_VARIABLE_OF = {field: variable for variable, field in FIELDS.items()}
_TEST_PREFIX = "BRIDGE_TEST_"
_FILE = "_FILE"


def variable_of(field: str) -> str:
    """The variable that fills a field of the settings."""
    return _VARIABLE_OF[field]


def provider_variable(name: str, detail: str) -> str:
    """The usual spelling of the variable for one detail of a provider."""
    return f"{PROVIDER_PREFIX}{name.upper()}__{detail}"


def split_provider_variable(variable: str) -> tuple[str, str] | None:
    """Provider name (as written) and detail of ``BRIDGE_PROVIDERS__<NAME>__<DETAIL>``, None for other variables."""
    if not variable.startswith(PROVIDER_PREFIX):
        return None
    name, separator, detail = variable.removeprefix(PROVIDER_PREFIX).rpartition("__")
    return (name, detail) if separator and name else None


def is_known(variable: str) -> bool:
    """Whether the settings or the client commands read this variable."""
    parts = split_provider_variable(variable)
    return variable in VARIABLES or (parts is not None and parts[1] in PROVIDER_DETAILS)


def file_variable(name: str) -> str | None:
    """The variable whose value stands in the file that ``name`` points to, None when it is no such name.

    ``BRIDGE_CA_FILE`` is a variable itself; its file form is ``BRIDGE_CA_FILE_FILE``.
    """
    stem = name.removesuffix(_FILE)
    return stem if stem != name and not is_known(name) and is_known(stem) else None


def is_stray(name: str) -> bool:
    """Whether ``name`` looks as if it was meant for us, although nothing reads it."""
    ours = name.upper().startswith("BRIDGE_") and not name.startswith(_TEST_PREFIX)
    return ours and not is_known(name) and file_variable(name) is None


def suggestion(name: str) -> str | None:
    """The known variable that a stray name was probably meant to be."""
    candidates = list(_candidates(name.upper()))
    return next(iter(difflib.get_close_matches(name.upper(), candidates, n=1, cutoff=0.8)), None)


def _candidates(name: str) -> Iterator[str]:
    parts = split_provider_variable(name)
    names = VARIABLES if parts is None else tuple(provider_variable(parts[0], detail) for detail in PROVIDER_DETAILS)
    yield from names
    if name.endswith(_FILE):
        yield from (variable + _FILE for variable in names)
