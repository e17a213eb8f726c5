"""What Prometheus is told. Counters are counted here, gauges are set from the database when they are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from bridge.models import DeliveryStatus, Outcome, ProviderState, Reason, WatchStatus

REQUEST_KINDS = ("retrieve", "list")
"""The two requests that look at videos: one by id, or a page of the list."""

_DETECTION_BUCKETS = (0.5, 1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 120, 300)
_POLL_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LATENCY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)


class _Registry(CollectorRegistry):
    """Leaves out the ``_created`` series, which the library adds to every counter and histogram."""

    def collect(self) -> Iterable[Metric]:
        for metric in super().collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


class Metrics:
    """The figures of one process. Labels are words of closed sets and names of providers, never ids or URLs.

    :param providers: names of the configured providers, whose series are there from the start.
    """

    def __init__(self, providers: Iterable[str] = ()) -> None:
        self._providers = tuple(providers)
        self._registry = _Registry()
        self._make_polling_metrics()
        self._make_delivery_metrics()
        self._make_archive_metrics()
        self._loop_lag = self._gauge("bridge_loop_lag_seconds", "How late the event loop ran what was due.")
        self._jumps = self._counter("bridge_clock_jumps", "Times the clock was found set to another time.")
        self._offset = self._gauge(
            "bridge_clock_offset_seconds", "How far this clock is ahead of a provider's.", "provider"
        )
        self._start_at_zero()

    def _make_polling_metrics(self) -> None:
        self._watches = self._gauge("bridge_watches", "Watches by status.", "status")
        self._in_flight = self._gauge(
            "bridge_videos_in_flight", "Videos that are looked at until they end.", "provider"
        )
        self._state = self._gauge("bridge_provider_state", "1 for the state a provider is in.", "provider", "state")
        self._polls = self._counter("bridge_polls", "Looks at videos by what they came to.", "provider", "outcome")
        self._poll_duration = self._histogram("bridge_poll_duration_seconds", "Time of one look.", _POLL_BUCKETS)
        self._requests = self._counter("bridge_poll_requests", "Requests sent to providers.", "provider", "kind")
        self._pushes = self._counter(
            "bridge_pushes",
            "Ends told by a provider's webhook, by whether that came before our own look.",
            "provider",
            "first",
        )
        self._detection = self._histogram(
            "bridge_detection_delay_seconds", "From the provider's completed_at to our event.", _DETECTION_BUCKETS
        )

    def _make_delivery_metrics(self) -> None:
        self._attempts = self._counter(
            "bridge_delivery_attempts", "Attempts to deliver an event.", "kind", "outcome", "reason"
        )
        self._deliveries = self._gauge("bridge_deliveries", "Deliveries by status.", "status")
        self._latency = self._histogram("bridge_delivery_latency_seconds", "From event to delivered.", _LATENCY_BUCKETS)
        self._oldest = self._gauge("bridge_outbox_oldest_seconds", "Age of the oldest delivery that is still pending.")
        self._disabled = self._gauge("bridge_targets_disabled", "Targets that nothing is sent to any more.")
        self._breakers = self._gauge("bridge_breakers_open", "Targets left alone after failures in a row.")

    def _make_archive_metrics(self) -> None:
        self._archived = self._counter(
            "bridge_archive_files", "Tries to keep a file of a finished video.", "variant", "outcome"
        )
        self._archived_bytes = self._counter("bridge_archive_bytes", "Bytes kept of finished videos.")

    def _gauge(self, name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(name, help_text, labels, registry=self._registry)

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(name, help_text, labels, registry=self._registry)

    def _histogram(self, name: str, help_text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, help_text, buckets=buckets, registry=self._registry)

    def _start_at_zero(self) -> None:
        """A series that appears only with its first event has no increase that an alert could see."""
        self.set_watches({})
        self.set_deliveries({})
        self.set_videos_in_flight({})
        self.set_provider_states(dict.fromkeys(self._providers, ProviderState.OK))
        for provider in self._providers:
            for kind in REQUEST_KINDS:
                self._requests.labels(provider, kind)
            for first in ("true", "false"):
                self._pushes.labels(provider, first)

    def looked(self, provider: str, outcome: str, seconds: float) -> None:
        """A video was looked at; ``outcome`` is the word for what the look came to."""
        self._polls.labels(provider, outcome).inc()
        self._poll_duration.observe(seconds)

    def swept(self, provider: str, videos: int) -> None:
        """A page of a list observed so many videos."""
        self._polls.labels(provider, "observed").inc(videos)

    def requested(self, provider: str, kind: str) -> None:
        """A request of one of :data:`REQUEST_KINDS` went out, tries included."""
        self._requests.labels(provider, kind).inc()

    def pushed(self, provider: str, *, first: bool) -> None:
        """A provider's webhook said that a video has ended; ``first``: we still waited for it."""
        self._pushes.labels(provider, "true" if first else "false").inc()

    def detected(self, delay: float) -> None:
        """An end was noticed ``delay`` seconds after it happened; clocks that disagree count as no delay."""
        self._detection.observe(max(0.0, delay))

    def attempted(self, kind: str, outcome: Outcome, reason: Reason | None) -> None:
        """A delivery was tried; without a reason the label is empty."""
        self._attempts.labels(kind, outcome.value, "" if reason is None else reason.value).inc()

    def delivered(self, latency: float) -> None:
        """An event arrived ``latency`` seconds after it was made."""
        self._latency.observe(max(0.0, latency))

    def archived(self, variant: str, outcome: str, size: int) -> None:
        """The archive tried to keep a file of so many bytes."""
        self._archived.labels(variant, outcome).inc()
        self._archived_bytes.inc(size)

    def loop_lag(self, seconds: float) -> None:
        """The event loop ran something that many seconds late."""
        self._loop_lag.set(seconds)

    def clock_jumped(self) -> None:
        """The clock shows another time than it should by what has passed."""
        self._jumps.inc()

    def set_clock_offset(self, provider: str, seconds: float) -> None:
        """Say how far this machine's clock is ahead of a provider's."""
        self._offset.labels(provider).set(round(seconds, 1))

    def set_watches(self, counts: Mapping[WatchStatus, int]) -> None:
        """Set the number of watches of each status; those not named are 0."""
        for status in WatchStatus:
            self._watches.labels(status.value).set(counts.get(status, 0))

    def set_videos_in_flight(self, counts: Mapping[str, int]) -> None:
        """Set the number of unfinished videos of each provider; configured ones not named are 0."""
        self._in_flight.clear()
        for provider in dict.fromkeys((*self._providers, *counts)):
            self._in_flight.labels(provider).set(counts.get(provider, 0))

    def set_deliveries(self, counts: Mapping[DeliveryStatus, int]) -> None:
        """Set the number of deliveries of each status; those not named are 0."""
        for status in DeliveryStatus:
            self._deliveries.labels(status.value).set(counts.get(status, 0))

    def set_provider_states(self, states: Mapping[str, ProviderState]) -> None:
        """Say which state each provider is in: 1 there, 0 at its other states."""
        for provider, current in states.items():
            for state in ProviderState:
                self._state.labels(provider, state.value).set(state is current)

    def set_outbox_oldest(self, seconds: float) -> None:
        """Set the age of the oldest delivery that should have gone out by now, 0 when there is none."""
        self._oldest.set(seconds)

    def set_targets_disabled(self, number: int) -> None:
        """Set how many targets are disabled."""
        self._disabled.set(number)

    def set_breakers_open(self, number: int) -> None:
        """Set how many targets are left alone after failures in a row."""
        self._breakers.set(number)

    def render(self) -> tuple[bytes, str]:
        """Everything in Prometheus' text format, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4
