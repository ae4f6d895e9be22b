"""What Prometheus is told of the directory: how much it knows, how old that is, and at what cost.

The figures are read when they are scraped. Snapshots change in threads of the pool, and a gauge set
from there at the wrong moment would show a load that another thread has already replaced.
"""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from messenger.snapshot import Stats


class DirectoryCollector:
    """Turns the figures of the snapshots into metrics, one value per snapshot.

    Args:
        read: Returns the figures by the snapshot's name; called from the thread that scrapes.
    """

    def __init__(self, read: Callable[[], Mapping[str, Stats]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        """Return the metrics as they are now."""
        entries = _gauge("entries", "Entries of a snapshot.")
        age = _gauge("age_seconds", "Time since a snapshot was last loaded in full.")
        stale = _gauge("stale", "1 where there is no snapshot or its last refresh failed.")
        loads = _counter("loads", "Complete loads of a snapshot.")
        failures = _counter("failures", "Loads of a snapshot that failed.")
        fetches = _counter("live_fetches", "Entries fetched one by one, being in no snapshot.")
        for name, stats in self._read().items():
            entries.add_metric([name], stats.entries)
            if stats.age_seconds is not None:
                age.add_metric([name], stats.age_seconds)
            stale.add_metric([name], stats.is_stale)
            loads.add_metric([name], stats.loads_total)
            failures.add_metric([name], stats.failures_total)
            fetches.add_metric([name], stats.live_fetches_total)
        return entries, age, stale, loads, failures, fetches


def _gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"messenger_directory_{name}", text, labels=["snapshot"])


def _counter(name: str, text: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"messenger_directory_{name}", text, labels=["snapshot"])
