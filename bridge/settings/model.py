"""The settings as values: immutable, checked, with secrets that no repr shows.

A field may look at fields declared above it (``info.data`` holds those that are valid), so that a rule about two
variables is reported together with everything else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    WrapSerializer,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bridge.models import PresetName
from bridge.settings import files, urls, values
from bridge.settings.sources import Found

Auth = Literal["bearer", "api-key", "none"]
LogFormat = Literal["console", "json"]
LogLevel = Literal["debug", "info", "warning", "error", "critical"]

OPENAI_URL = "https://api.openai.com/v1"
"""Base URL of the provider ``openai`` unless another one is set."""

DEFAULT_POLL_INTERVALS = (1.0, 30.0)
"""Shortest and longest time between two looks at one video, seconds."""

Value = TypeVar("Value")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")


def _read(parse: Callable[[str], Any]) -> BeforeValidator:
    """Turn text into the field's value; what is no text is a value already (a default, or a test's own)."""
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


def _strings(text: str) -> dict[str, str]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise ValueError('must be a JSON object of strings, for example {"name": "value"}')
    return value


def _query(text: str) -> dict[str, str]:
    query = _strings(text)
    if not all(part.isprintable() for part in (*query, *query.values())):
        raise ValueError("has a name or value with characters that are not printable")
    return query


def _headers(text: str) -> dict[str, str]:
    headers = _strings(text)
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"has {values.quoted(name)}, which is not the name of a header")
        if not value.isascii() or not value.isprintable() or value != value.strip():
            raise ValueError(f"has a value for {name} that cannot be sent: only printable ASCII characters can")
    if len({name.lower() for name in headers}) < len(headers):
        raise ValueError("has the same header twice")
    return headers


def _frozen(mapping: Mapping[str, Value]) -> Mapping[str, Value]:
    return MappingProxyType(dict(mapping))


def _thawed(mapping: Mapping[str, Value], handler: SerializerFunctionWrapHandler) -> Any:
    return handler(dict(mapping))


Rate = Annotated[float, _read(values.number(0, 10_000, above=True))]
CaFile = Annotated[Path | None, _read(files.ca_file)]
HeaderSecret = Annotated[SecretStr | None, _read(values.header_secret)]
SigningSecret = Annotated[SecretStr | None, _read(values.signing_secret)]
Strings = Annotated[Mapping[str, str], AfterValidator(_frozen), WrapSerializer(_thawed)]
ServerUrl = Annotated[str, _read(urls.server_url)]
DestinationUrl = Annotated[str | None, _read(urls.destination_url)]
Interval = Annotated[float, _read(values.number(0, 86_400, above=True))]


class ProviderSettings(BaseModel):
    """How one server that speaks the Videos API is reached.

    ``base_url`` has no trailing slash; ``rate`` is its request budget per second.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)

    name: str
    base_url: ServerUrl
    api_key: HeaderSecret = None
    auth: Annotated[Auth, _read(values.one_of("bearer", "api-key", "none"))] = "bearer"
    headers: Annotated[Strings, _read(_headers)] = Field(default={}, repr=False)
    query: Annotated[Strings, _read(_query)] = Field(default={}, repr=False)
    rate: Rate = 20.0
    ca_file: CaFile = None
    client_cert: Annotated[Path | None, _read(files.client_cert)] = None


class Settings(BaseSettings):
    """Everything an operator can set; read once by :func:`bridge.settings.load_settings`.

    Durations are seconds. ``secret_keys`` is empty when the key lies in a file beside the database, ``log_format`` is
    None when it depends on where the log goes, ``delivery_retries`` is empty for a single attempt. URLs that may hold
    a secret are left out of the repr.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)

    providers: Annotated[Mapping[str, ProviderSettings], AfterValidator(_frozen), WrapSerializer(_thawed)]
    default_provider: str
    openai_webhook_secret: Annotated[SecretStr | None, _read(values.provider_webhook_secret)] = None
    host: Annotated[str, _read(values.host)] = "127.0.0.1"
    port: Annotated[int, _read(values.port)] = 8080
    api_keys: Annotated[tuple[values.ApiKey, ...], _read(values.api_keys)] = ()
    database_url: Annotated[str, _read(values.database_url)] = Field(default="sqlite:///bridge.db", repr=False)
    secret_keys: Annotated[tuple[SecretStr, ...], _read(values.secret_keys)] = ()
    public_url: Annotated[str | None, _read(urls.server_url)] = None
    callback_secret: SigningSecret = None
    slack_webhook_url: Annotated[SecretStr | None, _read(urls.slack_url)] = None
    callback_url: DestinationUrl = Field(default=None, repr=False)
    email_webhook_url: DestinationUrl = Field(default=None, repr=False)
    email_to: Annotated[tuple[str, ...], _read(values.email_addresses)] = ()
    email_from: Annotated[str | None, _read(values.email_sender)] = None
    email_preset: Annotated[PresetName, _read(values.one_of(*get_args(PresetName)))] = "flat"
    email_api_key: HeaderSecret = None
    allowed_networks: Annotated[tuple[values.Network, ...], _read(values.networks)] = ()
    egress_proxy: Annotated[str | None, _read(urls.proxy_url)] = Field(default=None, repr=False)
    ca_file: CaFile = None
    templates_dir: Annotated[Path | None, _read(files.directory)] = None
    poll_rate: Rate = 20.0
    poll_min_interval: Interval = DEFAULT_POLL_INTERVALS[0]
    poll_max_interval: Interval = DEFAULT_POLL_INTERVALS[1]
    watch_timeout: Annotated[int, _read(values.whole_number(1, 2_592_000))] = 86_400
    watches_per_key: Annotated[int, _read(values.whole_number(1, 1_000_000_000))] = 100_000
    lost_grace: Annotated[float, _read(values.number(0, 2_592_000))] = 60.0
    delivery_retries: Annotated[tuple[float, ...], _read(values.retries)] = (
        *(5.0, 30.0, 120.0, 300.0, 900.0, 1800.0),
        *(3600.0, 10800.0, 21600.0, 43200.0, 86400.0, 86400.0),
    )
    open_metrics: Annotated[bool, _read(values.switch)] = True
    open_docs: Annotated[bool, _read(values.switch)] = True
    retention_days: Annotated[float, _read(values.number(1, 36_500))] = 30.0
    link_days: Annotated[float, _read(values.number(0, 3650, above=True))] = 7.0
    archive_dir: Annotated[Path | None, _read(files.archive)] = None
    archive_max_file: Annotated[float, _read(values.number(0, 10_000_000, above=True))] = 2048.0
    archive_max_total: Annotated[float | None, _read(values.number(0, 1_000_000_000, above=True))] = None
    archive_keep_free: Annotated[float, _read(values.number(0, 10_000_000))] = 1024.0
    delivery_timeout: Annotated[float, _read(values.number(0, 300, above=True))] = 15.0
    log_format: Annotated[LogFormat | None, _read(values.one_of("console", "json"))] = None
    log_level: Annotated[LogLevel, _read(values.one_of("debug", "info", "warning", "error", "critical"))] = "info"
    warnings: tuple[str, ...] = ()
    found: Mapping[str, Found] = Field(default={}, repr=False, exclude=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what `bridge.settings.sources` collected, and nothing from anywhere else."""
        return (init_settings,)

    @field_validator("api_keys")
    @classmethod
    def _keys_for_strangers(cls, keys: tuple[values.ApiKey, ...], info: ValidationInfo) -> tuple[values.ApiKey, ...]:
        host = info.data.get("host")
        if not keys and host is not None and not values.is_loopback(host):
            raise ValueError(
                f"must be set because BRIDGE_HOST is {values.quoted(host)}, where others can reach this server: "
                "set at least one key, or set BRIDGE_HOST to 127.0.0.1"
            )
        return keys

    @field_validator("secret_keys")
    @classmethod
    def _keys_for_a_shared_database(cls, keys: tuple[SecretStr, ...], info: ValidationInfo) -> tuple[SecretStr, ...]:
        if not keys and _kind(info.data.get("database_url", "")) == "postgresql":
            raise ValueError(
                "must be set because BRIDGE_DATABASE_URL names a PostgreSQL server, which has no place for a key file: "
                "`openssl rand -base64 32` makes a good key"
            )
        return keys

    @field_validator("email_to")
    @classmethod
    def _somebody_to_write_to(cls, to: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not to and info.data.get("email_webhook_url") is not None:
            raise ValueError("must be set because BRIDGE_EMAIL_WEBHOOK_URL is: it says whom to write to")
        return to

    @field_validator("poll_max_interval")
    @classmethod
    def _not_below_the_minimum(cls, longest: float, info: ValidationInfo) -> float:
        shortest = info.data.get("poll_min_interval", 0.0)
        if longest < shortest:
            raise ValueError(
                f"must not be below BRIDGE_POLL_MIN_INTERVAL: {longest:g} is less than {shortest:g}; raise the one or "
                "lower the other"
            )
        return longest

    @property
    def open_mode(self) -> bool:
        """Whether the API asks for no key: none is configured, and only this machine can reach the server."""
        return not self.api_keys

    @property
    def needs_key(self) -> bool:
        """Whether the API asks for a key."""
        return not self.open_mode

    @property
    def database_kind(self) -> Literal["sqlite", "postgresql"]:
        """Which kind of database the watches are kept in."""
        return _kind(self.database_url)

    @property
    def database_file(self) -> Path | None:
        """The SQLite file, None with PostgreSQL."""
        return Path(self.database_url.removeprefix("sqlite:///")) if self.database_kind == "sqlite" else None


def _kind(database_url: str) -> Literal["sqlite", "postgresql"]:
    return "postgresql" if database_url.startswith("postgres") else "sqlite"
