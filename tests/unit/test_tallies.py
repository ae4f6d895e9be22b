"""Tallies: what is scraped is what prometheus_client's own metrics would tell."""

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from messenger.tallies import Family, Tallies

TOTAL = Family("calls_total", "Calls.", ("downstream", "outcome"))
SECONDS = Family("call_seconds", "Their time.", ("downstream",))
BOUNDS = (0.25, 1.0, 2.0)

ENDS = [
    ("consent", "ok", 0.125),
    ("consent", "ok", 0.25),
    ("audit", "ok", 1.5),
    ("consent", "timeout", 3.0),
    ("consent", "ok", 0.5),
    ("audit", "status", 0.0),
]
"""Two downstreams in turn, each with two ends, on a bound, between them and beyond the last."""


def told(registry: CollectorRegistry) -> list[list[str]]:
    """Return a scrape in each format, without the moments when a series began."""
    return [
        [
            line.rpartition(" ")[0] if "_created" in line else line
            for line in encode(registry).decode().splitlines()
        ]
        for encode in (generate_latest, openmetrics.generate_latest)
    ]


def test_a_scrape_is_word_for_word_that_of_the_librarys_own_metrics() -> None:
    """Names, labels, buckets, sums and their order, in both formats."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tallies = Tallies(TOTAL, SECONDS, BOUNDS)
    ours.register(tallies)
    counter = Counter(*TOTAL, registry=theirs)
    histogram = Histogram(*SECONDS, buckets=BOUNDS, registry=theirs)
    for downstream, outcome, seconds in ENDS:
        tallies.count((downstream, outcome), seconds)
        counter.labels(downstream, outcome).inc()
        histogram.labels(downstream).observe(seconds)

    assert told(ours) == told(theirs)


def test_nothing_counted_is_told_as_the_library_tells_it() -> None:
    """A metric is known before its first sample."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    ours.register(Tallies(TOTAL, SECONDS, BOUNDS))
    Counter(*TOTAL, registry=theirs)
    Histogram(*SECONDS, buckets=BOUNDS, registry=theirs)

    assert told(ours) == told(theirs)


def test_a_series_says_when_it_began() -> None:
    """That of a histogram with the first of its ends."""
    moments = iter([100.0, 200.0])
    tallies = Tallies(TOTAL, SECONDS, BOUNDS, now=lambda: next(moments))
    for outcome in ("ok", "timeout", "ok"):
        tallies.count(("consent", outcome), 0.5)

    samples = [sample for family in tallies.collect() for sample in family.samples]
    began = [sample.value for sample in samples if sample.name.endswith("_created")]
    assert began == [100.0, 200.0, 100.0]


def test_a_registry_takes_them_once() -> None:
    """Two metrics of one name would be scraped as nonsense."""
    registry = CollectorRegistry()
    registry.register(Tallies(TOTAL, SECONDS, BOUNDS))

    with pytest.raises(ValueError, match="Duplicated timeseries"):
        registry.register(Tallies(TOTAL, SECONDS, BOUNDS))
