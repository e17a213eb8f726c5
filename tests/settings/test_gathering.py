from __future__ import annotations

import pytest

from tests.settings.helpers import load, problem, problems

AZURE = {"BRIDGE_PROVIDERS__AZURE__BASE_URL": "https://me.openai.azure.com/openai/v1/"}
LOCAL = {"BRIDGE_PROVIDERS__LOCAL__BASE_URL": "http://127.0.0.1:8000/v1"}


def test_there_is_one_provider_from_the_start() -> None:
    settings = load()
    (provider,) = settings.providers.values()
    assert (provider.name, provider.base_url, provider.api_key) == ("openai", "https://api.openai.com/v1", None)
    assert (provider.auth, provider.rate, settings.default_provider) == ("bearer", 20, "openai")


def test_a_single_provider_replaces_it_and_is_the_default() -> None:
    settings = load(**AZURE)
    assert list(settings.providers) == ["azure"]
    assert settings.default_provider == "azure"
    assert settings.providers["azure"].base_url == "https://me.openai.azure.com/openai/v1"


@pytest.mark.parametrize("variable", ["OPENAI_BASE_URL", "BRIDGE_PROVIDERS__OPENAI__BASE_URL"])
def test_openai_stays_beside_others_when_it_is_configured(variable: str) -> None:
    settings = load(**AZURE, **{variable: "http://127.0.0.1:1/v1"})
    assert sorted(settings.providers) == ["azure", "openai"]
    assert settings.default_provider == "openai"
    assert settings.providers["openai"].base_url == "http://127.0.0.1:1/v1"


def test_a_key_alone_configures_openai() -> None:
    assert sorted(load(**AZURE, OPENAI_API_KEY="sk-1").providers) == ["azure", "openai"]
    assert sorted(load(**AZURE, OPENAI_API_KEY="").providers) == ["azure"]


def test_details_of_openai_join_its_own_variables() -> None:
    provider = load(OPENAI_API_KEY="sk-1", BRIDGE_PROVIDERS__OPENAI__RATE="5").providers["openai"]
    assert provider.api_key is not None
    assert provider.rate == 5


def test_every_detail_of_a_provider_is_read() -> None:
    provider = load(
        **AZURE,
        BRIDGE_PROVIDERS__AZURE__AUTH="api-key",
        BRIDGE_PROVIDERS__AZURE__HEADERS='{"X-Team": "ads"}',
        BRIDGE_PROVIDERS__AZURE__QUERY='{"api-version": "preview"}',
        BRIDGE_PROVIDERS__AZURE__RATE="0.5",
    ).providers["azure"]
    assert (provider.auth, provider.rate) == ("api-key", 0.5)
    assert (provider.headers, provider.query) == ({"X-Team": "ads"}, {"api-version": "preview"})


def test_a_provider_takes_the_common_rate_unless_it_has_its_own() -> None:
    settings = load(**AZURE, **LOCAL, BRIDGE_PROVIDERS__LOCAL__RATE="3", BRIDGE_POLL_RATE="7", OPENAI_API_KEY="k")
    assert {name: one.rate for name, one in settings.providers.items()} == {"azure": 7, "local": 3, "openai": 7}


def test_a_bad_common_rate_is_reported_once() -> None:
    assert problem(**AZURE, BRIDGE_POLL_RATE="fast").startswith("BRIDGE_POLL_RATE")


@pytest.mark.parametrize(
    ("written", "name"), [("AZURE", "azure"), ("Azure-2", "azure-2"), ("A__B", "a__b"), ("9", "9")]
)
def test_the_name_is_the_middle_part_in_lower_case(written: str, name: str) -> None:
    assert list(load(**{f"BRIDGE_PROVIDERS__{written}__BASE_URL": "http://x.example/v1"}).providers) == [name]


@pytest.mark.parametrize("written", ["_A", "Ä", "A.B", "A" * 65])
def test_an_impossible_name_is_a_problem(written: str) -> None:
    variable = f"BRIDGE_PROVIDERS__{written}__BASE_URL"
    assert problem(**{variable: "http://x.example/v1"}).startswith(f"{variable} has no usable provider name")


def test_a_provider_needs_a_base_url() -> None:
    assert problem(BRIDGE_PROVIDERS__AZURE__API_KEY="k") == (
        "BRIDGE_PROVIDERS__AZURE__BASE_URL is missing: every provider needs its base URL, "
        "for example https://example.com/v1."
    )


@pytest.mark.parametrize("detail", ["BASE_URL", "API_KEY"])
def test_two_variables_for_one_thing_must_agree(detail: str) -> None:
    one, other = f"OPENAI_{detail}", f"BRIDGE_PROVIDERS__OPENAI__{detail}"
    sentence = problem(**{one: "https://a.example", other: "https://b.example"})
    assert sentence == f"{one} and {other} set the same thing to different values: keep one of them."
    assert list(load(**{one: "https://a.example", other: "https://a.example/"}).providers) == ["openai"]


def test_two_spellings_of_one_name_must_agree() -> None:
    spellings = {
        "BRIDGE_PROVIDERS__X__BASE_URL": "https://a.example",
        "BRIDGE_PROVIDERS__x__BASE_URL": "https://b.example",
    }
    assert "different values" in problem(**spellings)


def test_the_default_can_be_chosen() -> None:
    settings = load(**AZURE, **LOCAL, BRIDGE_DEFAULT_PROVIDER="Local")
    assert settings.default_provider == "local"


def test_a_default_that_is_not_configured_is_a_problem() -> None:
    assert problem(BRIDGE_DEFAULT_PROVIDER="azure") == (
        "BRIDGE_DEFAULT_PROVIDER must name one of openai, and 'azure' is not configured."
    )


def test_several_providers_without_openai_need_a_choice() -> None:
    assert problem(**AZURE, **LOCAL) == (
        "BRIDGE_DEFAULT_PROVIDER must name one of azure, local, because none of them is named openai."
    )


def test_a_misspelt_detail_does_not_make_a_provider() -> None:
    settings = load(BRIDGE_PROVIDERS__AZURE__BASEURL="https://x.example")
    assert list(settings.providers) == ["openai"]


@pytest.mark.parametrize(
    ("detail", "value"),
    [
        ("BASE_URL", "ftp://x.example"),
        ("BASE_URL", "https://me:pw@x.example/v1"),
        ("BASE_URL", "https://x.example/v1?key=1"),
        ("BASE_URL", "https://x.example/v1#top"),
        ("API_KEY", "line\nbreak"),
        ("AUTH", "basic"),
        ("HEADERS", "X-Team: ads"),
        ("HEADERS", '["X-Team"]'),
        ("HEADERS", '{"X-Team": 1}'),
        ("HEADERS", '{"X Team": "ads"}'),
        ("HEADERS", '{"X-Team": "a\\nb"}'),
        ("HEADERS", '{"X-Team": "caf\\u00e9"}'),
        ("HEADERS", '{"X-Team": " ads"}'),
        ("HEADERS", '{"X-Team": "a", "x-team": "b"}'),
        ("QUERY", "[" * 100_000),
        ("QUERY", '{"a": null}'),
        ("QUERY", '{"a": "\\ud800"}'),
        ("QUERY", '{"a\\n": "b"}'),
        ("RATE", "0"),
        ("RATE", "10001"),
        ("RATE", "inf"),
        ("CA_FILE", "/nowhere.pem"),
        ("CLIENT_CERT", "/nowhere.pem"),
    ],
)
def test_a_bad_detail_names_its_variable(detail: str, value: str) -> None:
    variable = f"BRIDGE_PROVIDERS__AZURE__{detail}"
    (sentence,) = problems(**{**AZURE, variable: value})
    assert sentence.startswith(f"{variable} ")


def test_a_bad_detail_of_openai_names_the_variable_it_came_from() -> None:
    assert problem(OPENAI_BASE_URL="x").startswith("OPENAI_BASE_URL must be an http or https URL")
    assert problem(BRIDGE_PROVIDERS__OPENAI__BASE_URL="x").startswith("BRIDGE_PROVIDERS__OPENAI__BASE_URL")
