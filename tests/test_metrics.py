from __future__ import annotations

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge.metrics import Metrics
from bridge.models import DeliveryStatus, Outcome, ProviderState, Reason, WatchStatus

KINDS = {
    "bridge_watches": "gauge",
    "bridge_videos_in_flight": "gauge",
    "bridge_provider_state": "gauge",
    "bridge_polls_total": "counter",
    "bridge_poll_duration_seconds": "histogram",
    "bridge_poll_requests_total": "counter",
    "bridge_detection_delay_seconds": "histogram",
    "bridge_delivery_attempts_total": "counter",
    "bridge_deliveries": "gauge",
    "bridge_delivery_latency_seconds": "histogram",
    "bridge_outbox_oldest_seconds": "gauge",
    "bridge_targets_disabled": "gauge",
    "bridge_breakers_open": "gauge",
    "bridge_pushes_total": "counter",
    "bridge_clock_jumps_total": "counter",
    "bridge_archive_files_total": "counter",
    "bridge_archive_bytes_total": "counter",
    "bridge_clock_offset_seconds": "gauge",
    "bridge_loop_lag_seconds": "gauge",
}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(["openai", "azure"])


def samples(metrics: Metrics) -> dict[str, float]:
    """Every line of the exposition: the series as text, and its value."""
    lines = metrics.render()[0].decode().splitlines()
    return {series: float(value) for series, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_the_names_and_kinds_are_those_that_are_documented(metrics: Metrics) -> None:
    types = re.findall(r"^# TYPE (\S+) (\S+)$", metrics.render()[0].decode(), re.MULTILINE)
    assert dict(types) == KINDS
    assert len(types) == len(KINDS)


def test_prometheus_can_read_it(metrics: Metrics) -> None:
    body, content_type = metrics.render()
    families = {family.name for family in text_string_to_metric_families(body.decode())}
    assert families == {name.removesuffix("_total") for name in KINDS}
    assert content_type.startswith("text/plain; version=0.0.4")


def test_closed_sets_are_there_with_zero_from_the_start(metrics: Metrics) -> None:
    found = samples(metrics)
    for status in WatchStatus:
        assert found[f'bridge_watches{{status="{status}"}}'] == 0
    for delivery in DeliveryStatus:
        assert found[f'bridge_deliveries{{status="{delivery}"}}'] == 0
    for provider in ("openai", "azure"):
        assert found[f'bridge_videos_in_flight{{provider="{provider}"}}'] == 0
        assert found[f'bridge_provider_state{{provider="{provider}",state="ok"}}'] == 1
        assert found[f'bridge_provider_state{{provider="{provider}",state="paused"}}'] == 0
        assert found[f'bridge_poll_requests_total{{kind="list",provider="{provider}"}}'] == 0


def test_two_of_them_do_not_share_their_figures(metrics: Metrics) -> None:
    metrics.set_targets_disabled(3)
    assert samples(Metrics())["bridge_targets_disabled"] == 0


def test_a_look_is_counted_and_timed(metrics: Metrics) -> None:
    metrics.looked("openai", "observed", 0.2)
    metrics.looked("openai", "observed", 40)
    found = samples(metrics)
    assert found['bridge_polls_total{outcome="observed",provider="openai"}'] == 2
    assert found['bridge_poll_duration_seconds_bucket{le="0.25"}'] == 1
    assert found['bridge_poll_duration_seconds_bucket{le="+Inf"}'] == 2
    assert found["bridge_poll_duration_seconds_sum"] == pytest.approx(40.2)


def test_a_request_is_counted_by_kind(metrics: Metrics) -> None:
    metrics.requested("azure", "retrieve")
    assert samples(metrics)['bridge_poll_requests_total{kind="retrieve",provider="azure"}'] == 1


@pytest.mark.parametrize(("delay", "counted"), [(3.0, 3.0), (-2.0, 0.0)])
def test_a_detection_delay_is_never_negative(metrics: Metrics, delay: float, counted: float) -> None:
    metrics.detected(delay)
    assert samples(metrics)["bridge_detection_delay_seconds_sum"] == counted


def test_an_attempt_is_counted_with_its_reason(metrics: Metrics) -> None:
    metrics.attempted("callback", Outcome.DELIVERED, None)
    metrics.attempted("slack", Outcome.RETRY, Reason.RATE_LIMITED)
    found = samples(metrics)
    assert found['bridge_delivery_attempts_total{kind="callback",outcome="delivered",reason=""}'] == 1
    assert found['bridge_delivery_attempts_total{kind="slack",outcome="retry",reason="rate_limited"}'] == 1


def test_a_delivery_shows_how_long_it_took(metrics: Metrics) -> None:
    metrics.delivered(0.3)
    metrics.delivered(-1)
    found = samples(metrics)
    assert found['bridge_delivery_latency_seconds_bucket{le="0.05"}'] == 1
    assert found["bridge_delivery_latency_seconds_sum"] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("name", "edges"),
    [("bridge_detection_delay_seconds", ("0.5", "300.0")), ("bridge_delivery_latency_seconds", ("0.05", "3600.0"))],
)
def test_buckets_span_what_is_to_be_expected(metrics: Metrics, name: str, edges: tuple[str, str]) -> None:
    bounds = re.findall(rf'^{name}_bucket{{le="([^"]+)"}}', metrics.render()[0].decode(), re.MULTILINE)
    assert (bounds[0], bounds[-2]) == edges


def test_counts_from_the_database_replace_the_former_ones(metrics: Metrics) -> None:
    metrics.set_watches({WatchStatus.WATCHING: 4, WatchStatus.LOST: 1})
    metrics.set_watches({WatchStatus.WATCHING: 2})
    metrics.set_deliveries({DeliveryStatus.PENDING: 7})
    found = samples(metrics)
    assert found['bridge_watches{status="watching"}'] == 2
    assert found['bridge_watches{status="lost"}'] == 0
    assert found['bridge_deliveries{status="pending"}'] == 7


def test_videos_of_a_provider_that_is_gone_are_shown_as_long_as_there_are_any(metrics: Metrics) -> None:
    metrics.set_videos_in_flight({"former": 2, "openai": 1})
    assert samples(metrics)['bridge_videos_in_flight{provider="former"}'] == 2
    metrics.set_videos_in_flight({"openai": 3})
    found = samples(metrics)
    assert found['bridge_videos_in_flight{provider="openai"}'] == 3
    assert 'bridge_videos_in_flight{provider="former"}' not in found


def test_a_provider_is_in_one_state_at_a_time(metrics: Metrics) -> None:
    metrics.set_provider_states({"openai": ProviderState.PAUSED})
    found = samples(metrics)
    states = {state: found[f'bridge_provider_state{{provider="openai",state="{state}"}}'] for state in ProviderState}
    assert states == {ProviderState.OK: 0, ProviderState.PAUSED: 1, ProviderState.SUSPECT: 0}
    assert found['bridge_provider_state{provider="azure",state="ok"}'] == 1


def test_single_figures_are_set(metrics: Metrics) -> None:
    metrics.loop_lag(0.25)
    metrics.set_outbox_oldest(61.5)
    metrics.set_targets_disabled(2)
    found = samples(metrics)
    assert found["bridge_loop_lag_seconds"] == 0.25
    assert found["bridge_outbox_oldest_seconds"] == 61.5
    assert found["bridge_targets_disabled"] == 2


def test_labels_are_escaped_rather_than_trusted() -> None:
    metrics = Metrics()
    metrics.looked('a"b\nc', "observed", 1)
    assert 'provider="a\\"b\\nc"' in metrics.render()[0].decode()
