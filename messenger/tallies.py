"""Tallies: how often something ended in each of its ways, and how long that took.

A `Counter` and a `Histogram` of prometheus_client take three locks and a search for what is
observed once, and a message does so eight times. A tally takes none: only the event loop's thread
counts, and it is the one that answers the scrape, at which the two metrics are made of the tallies.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector


class Family(NamedTuple):
    """What a metric is called and means."""

    name: str
    documentation: str
    labels: tuple[str, ...]


class Tally:
    """What ended in one way.

    Args:
        size: How many buckets there are, the last of which has no upper bound.
        created: When it was begun, in seconds since the epoch.
    """

    __slots__ = ("buckets", "created", "seconds")

    def __init__(self, size: int, created: float) -> None:
        self.buckets = [0] * size
        self.seconds = 0.0
        self.created = created


class Tallies(Collector):
    """Counts by all labels, with the durations by one of them.

    Args:
        total: The counter; its name ends in `_total`.
        seconds: The histogram; its only label is one of the counter's.
        bounds: Upper bounds of the histogram's buckets, in seconds.
        now: Seconds since the epoch.
    """

    def __init__(
        self,
        total: Family,
        seconds: Family,
        bounds: Sequence[float],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._total = total
        self._seconds = seconds
        self._bounds = tuple(bounds)
        self._texts = [*map(str, bounds), "+Inf"]
        self._position = total.labels.index(seconds.labels[0])
        self._now = now
        self._tallies: dict[tuple[str, ...], Tally] = {}

    def count(self, labels: tuple[str, ...], seconds: float) -> None:
        """Count what ended in this way, by the counter's labels, after so many seconds."""
        tally = self._tallies.get(labels)
        if tally is None:
            tally = self._tallies[labels] = Tally(len(self._texts), self._now())
        tally.buckets[bisect_left(self._bounds, seconds)] += 1
        tally.seconds += seconds

    def describe(self) -> Iterator[Metric]:
        """Yield both metrics without a sample, by which a registry refuses to have them twice."""
        yield CounterMetricFamily(*self._total[:2], labels=self._total.labels)
        yield HistogramMetricFamily(*self._seconds[:2], labels=self._seconds.labels)

    def collect(self) -> Iterator[Metric]:
        """Yield both metrics."""
        counter = CounterMetricFamily(*self._total[:2], labels=self._total.labels)
        groups: dict[str, list[Tally]] = {}
        for labels, tally in self._tallies.items():
            counter.add_metric(labels, float(sum(tally.buckets)), created=tally.created)
            groups.setdefault(labels[self._position], []).append(tally)
        yield counter
        histogram = HistogramMetricFamily(*self._seconds[:2], labels=self._seconds.labels)
        for label, tallies in groups.items():
            self._add(histogram, label, tallies)
        yield histogram

    def _add(self, histogram: HistogramMetricFamily, label: str, tallies: Sequence[Tally]) -> None:
        """Add what several tallies have together, whatever else tells them apart."""
        running = 0
        buckets: list[tuple[str, float]] = []
        for text, *counts in zip(self._texts, *(tally.buckets for tally in tallies), strict=True):
            running += sum(counts)
            buckets.append((text, float(running)))
        histogram.add_metric([label], buckets, sum(tally.seconds for tally in tallies))
        # Which `add_metric` has no word for.
        created = f"{self._seconds.name}_created"
        histogram.add_sample(created, {self._seconds.labels[0]: label}, tallies[0].created)
