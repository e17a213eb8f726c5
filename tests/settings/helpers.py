"""Load settings from keyword arguments alone."""

from __future__ import annotations

import pytest

from bridge.errors import ConfigurationError
from bridge.settings import Settings, load_settings

KEY = "k" * 16
BASE64_KEY = "whsec_" + "A" * 32  # 24 bytes


def load(**variables: str) -> Settings:
    """The settings of an environment that holds nothing else."""
    return load_settings(variables, None)


def complaint(**variables: str) -> ConfigurationError | None:
    """The error such an environment gives, if it gives one."""
    try:
        load(**variables)
    except ConfigurationError as error:
        return error
    return None


def problems(**variables: str) -> tuple[str, ...]:
    """What is wrong with such an environment, one sentence each."""
    with pytest.raises(ConfigurationError) as caught:
        load(**variables)
    return caught.value.problems


def problem(**variables: str) -> str:
    """The one thing that is wrong with it."""
    (only,) = problems(**variables)
    return only
