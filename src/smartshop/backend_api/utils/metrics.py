"""What the service counts, for Prometheus; one registry per service, nothing global."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)
"""Seconds. 2.5 ms, 25 ms and 150 ms are the figures that the service promises."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure read from its owner when Prometheus asks."""

    name: str
    text: str
    counts_up: bool
    read: Callable[[], dict[str, float]]
    """Label value → figure; the empty label for a figure without one."""
    label: str = ""


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "smartshop_requests", "Requests answered.", ("route", "method", "status"), registry=self.registry
        )
        self._latency = Histogram(
            "smartshop_request_seconds", "Time to answer.", ("route",), buckets=LATENCY_BUCKETS, registry=self.registry
        )
        self.events = Counter(
            "smartshop_events", "Events, by what became of them.", ("outcome",), registry=self.registry
        )
        self.slate_seconds = Histogram(
            "smartshop_slate_seconds", "Time to decide one slate.", buckets=LATENCY_BUCKETS, registry=self.registry
        )
        self.degraded = Counter("smartshop_slates_degraded", "Slates answered without a part.", registry=self.registry)
        self.sockets = Gauge("smartshop_open_sockets", "Open WebSocket connections.", registry=self.registry)
        self._seen: dict[tuple[str, str, int], Callable[[], None]] = {}

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        count = self._seen.get((route, method, status))
        if count is None:
            # Looking a child up by its labels costs more than counting; there are few of them.
            count = self._seen[route, method, status] = self._requests.labels(route, method, str(status)).inc
        count()
        self._latency.labels(route).observe(seconds)

    def read_from(self, readings: Iterable[Reading]) -> None:
        """Figures that others keep."""
        self.registry.register(_Readings(tuple(readings)))

    def text(self) -> bytes:
        return generate_latest(self.registry)


class _Readings(Collector):
    def __init__(self, readings: tuple[Reading, ...]) -> None:
        self._readings = readings

    def describe(self) -> Iterable[Metric]:
        """Nothing: figures are not read before someone asks."""
        return []

    def collect(self) -> Iterable[Metric]:
        for reading in self._readings:
            family = CounterMetricFamily if reading.counts_up else GaugeMetricFamily
            metric = family(reading.name, reading.text, labels=[reading.label] if reading.label else [])
            for label, value in reading.read().items():
                metric.add_metric([label] if reading.label else [], value)
            yield metric
