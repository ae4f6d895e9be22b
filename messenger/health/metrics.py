"""The health metrics: a collector that reads the state when it is scraped, and costs nothing else.

During a stall nobody can be scraped, so what matters about stalls is a counter: the time is still
in it when the loop is back. A stall that comes and goes faster than the kubelet's three failures
never restarts a pod; an alert on `event_loop_stalled_seconds_total` is what finds it.
"""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector, CollectorRegistry

from .checks import Status
from .health import Health
from .progress import LAG_BUCKETS
from .waits import WAITS

VALUES = {Status.PASS: 1.0, Status.WARN: 0.5, Status.FAIL: 0.0}
"""What a check's state is as a number: `min by (probe)` tells the worst."""

DEADLOCKS = {
    "threads": "deadlock-threads",
    "tasks": "deadlock-tasks",
    "mixed": "deadlock-mixed",
    "orphan": "lock-orphaned",
}
"""The kinds of deadlock, each with its cause in the verdict."""


class HealthCollector(Collector):
    """Reads one `Health`.

    Args:
        health: What to read.
    """

    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterator[Metric]:
        """Yield every metric of the package."""
        yield self._status()
        yield self._broken()
        yield self._transitions()
        yield self._lag()
        yield from self._liveness()
        yield from self._background()
        yield from self._ends()

    def _status(self) -> Metric:
        family = GaugeMetricFamily(
            "health_status",
            "1 passes, 0.5 warns, 0 fails; probe is what a failure turns red, none if nothing.",
            labels=["probe", "check"],
        )
        for check in self._health.readings.checks():
            value = VALUES[check.read().status]
            for probe in sorted(map(str, check.gates)) or ["none"]:
                family.add_metric([probe, check.name], value)
        return family

    def _broken(self) -> Metric:
        family = GaugeMetricFamily(
            "health_broken", "1 while this cause keeps the process broken.", labels=["cause"]
        )
        broken = {item.cause for item in self._health.verdict.evidence if item.is_broken}
        for cause in self._health.verdict.broken_total:
            family.add_metric([cause], float(cause in broken))
        return family

    def _transitions(self) -> Metric:
        family = CounterMetricFamily(
            "health_transitions", "Steps of the life cycle.", labels=["from", "to", "cause"]
        )
        steps = Counter(
            (step.before.value, step.after.value, step.cause)
            for step in tuple(self._health.lifecycle.history)
        )
        for labels, count in steps.items():
            family.add_metric(list(labels), count)
        return family

    def _lag(self) -> Metric:
        progress = self._health.progress
        total = 0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip((*LAG_BUCKETS, "+Inf"), progress.late_counts, strict=True):
            total += count
            buckets.append((str(bound), total))
        family = HistogramMetricFamily(
            "event_loop_lag_seconds", "How late each heartbeat of the event loop came."
        )
        family.add_metric([], buckets, progress.late_sum)
        return family

    def _liveness(self) -> Iterator[Metric]:
        stalled = CounterMetricFamily(
            "event_loop_stalled_seconds",
            "Seconds in which the loop neither beat nor completed a request.",
        )
        stalled.add_metric([], self._health.progress.stalled_total)
        yield stalled
        yield GaugeMetricFamily(
            "lock_waiters", "Threads and tasks that wait for a lock.", value=len(WAITS)
        )
        deadlocks = CounterMetricFamily(
            "deadlocks_detected", "Deadlocks that were proven.", labels=["kind"]
        )
        for kind, cause in DEADLOCKS.items():
            deadlocks.add_metric([kind], self._health.verdict.broken_total.get(cause, 0))
        yield deadlocks
        answers = CounterMetricFamily(
            "responder_answers", "Answers given by the responder thread.", labels=["code"]
        )
        for code, count in tuple(self._health.responder_answers.items()):
            answers.add_metric([str(code)], count)
        yield answers

    def _background(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily(
            "pool_queue_depth", "Jobs that wait for a free thread.", labels=["pool"]
        )
        for pool in self._health.pools:
            depth.add_metric([pool.name], pool.backlog)
        yield depth
        age = GaugeMetricFamily(
            "worker_beat_age_seconds", "Seconds since a worker's last beat.", labels=["worker"]
        )
        restarts = CounterMetricFamily("worker_restarts", "Restarts.", labels=["worker"])
        for worker in self._health.workers.all:
            age.add_metric([worker.name], worker.silent_seconds)
            restarts.add_metric([worker.name], worker.restarts_total)
        yield age
        yield restarts
        gates = GaugeMetricFamily(
            "warmup_gate_seconds", "What each gate took.", labels=["gate", "result"]
        )
        for gate in self._health.warm_up.gates:
            gates.add_metric([gate.name, gate.outcome], gate.seconds)
        yield gates

    def _ends(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "drain_seconds", "Seconds since the drain began.", value=self._health.drain.seconds
        )
        drained = CounterMetricFamily("drain_requests", "Requests completed while draining.")
        in_flight = self._health.in_flight
        drained.add_metric([], in_flight.drained_total if in_flight else 0)
        yield drained


def register(health: Health, registry: CollectorRegistry) -> None:
    """Export the metrics of `health` through `registry`."""
    registry.register(HealthCollector(health))
