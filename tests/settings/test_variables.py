from __future__ import annotations

import pytest

from bridge.settings.variables import file_variable, is_known, provider_variable, split_provider_variable, suggestion


def test_the_name_of_a_provider_is_all_before_the_last_detail() -> None:
    assert split_provider_variable("BRIDGE_PROVIDERS__A__B__RATE") == ("A__B", "RATE")
    assert split_provider_variable(provider_variable("azure", "API_KEY")) == ("AZURE", "API_KEY")


@pytest.mark.parametrize("name", ["BRIDGE_PORT", "BRIDGE_PROVIDERS__RATE", "BRIDGE_PROVIDERS____RATE"])
def test_other_variables_belong_to_no_provider(name: str) -> None:
    assert split_provider_variable(name) is None
    assert is_known(name) == (name == "BRIDGE_PORT")


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("BRIDGE_PORT_FILE", "BRIDGE_PORT"),
        ("BRIDGE_CA_FILE", None),
        ("BRIDGE_CA_FILE_FILE", "BRIDGE_CA_FILE"),
        ("BRIDGE_PROVIDERS__X__CA_FILE", None),
        ("BRIDGE_PROVIDERS__X__CA_FILE_FILE", "BRIDGE_PROVIDERS__X__CA_FILE"),
        ("BRIDGE_PORT", None),
        ("SOME_FILE", None),
    ],
)
def test_a_file_form_is_told_from_a_variable_that_names_a_file(name: str, variable: str | None) -> None:
    assert file_variable(name) == variable


def test_far_fetched_suggestions_are_not_made() -> None:
    assert suggestion("BRIDGE_COLOUR_OF_THE_LOGO") is None
    assert suggestion("BRIDGE_POLLRATE") == "BRIDGE_POLL_RATE"
