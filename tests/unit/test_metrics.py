"""What Prometheus is told, as its own parser reads it."""

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from messenger.directory_metrics import DirectoryCollector
from messenger.metrics import Metrics
from messenger.snapshot import Stats


def samples(registry: CollectorRegistry) -> dict[tuple[str, frozenset[str]], float]:
    """Return every sample of a scrape by its name and the values of its labels."""
    text = generate_latest(registry).decode()
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_requests_are_counted_by_method_route_and_code() -> None:
    """An unanswered one has code none, and an invented method is no label."""
    metrics = Metrics(CollectorRegistry(), "1.0")
    for method, code in [("GET", 200), ("GET", 200), ("GET", None), ("BREW", 405), ("SIP", 405)]:
        metrics.count_request(method, "/version", code, 0.02)

    found = samples(metrics.registry)
    assert found["messenger_requests_total", frozenset({"GET", "/version", "200"})] == 2
    assert found["messenger_requests_total", frozenset({"GET", "/version", "none"})] == 1
    assert found["messenger_requests_total", frozenset({"other", "/version", "405"})] == 2
    assert found["messenger_request_seconds_count", frozenset({"/version"})] == 5


def test_calls_are_counted_by_downstream_and_outcome() -> None:
    """Rate, errors and duration of each downstream can be told apart."""
    metrics = Metrics(CollectorRegistry(), "1.0")
    metrics.count_call("presence", "ok", 0.01)
    metrics.count_call("presence", "timeout", 3.0)

    found = samples(metrics.registry)
    assert found["messenger_downstream_calls_total", frozenset({"presence", "timeout"})] == 1
    assert found["messenger_downstream_seconds_sum", frozenset({"presence"})] == 3.01


def test_a_degraded_answer_counts_for_each_downstream_it_went_without() -> None:
    """What users did not get is visible before they complain."""
    metrics = Metrics(CollectorRegistry(), "1.0")
    metrics.count_degraded(["accounts", "presence"])
    metrics.count_degraded(["presence"])

    found = samples(metrics.registry)
    assert found["messenger_degraded_total", frozenset({"presence"})] == 2
    assert found["messenger_degraded_total", frozenset({"accounts"})] == 1


def test_the_release_and_the_requests_in_work_are_told() -> None:
    """The second is read at each scrape, not counted up and down."""
    metrics = Metrics(CollectorRegistry(), "2.0")
    metrics.watch_in_flight(lambda: 3)

    found = samples(metrics.registry)
    assert found["messenger_build_info", frozenset({"2.0"})] == 1
    assert found["messenger_in_flight", frozenset()] == 3


def test_the_directory_is_told_snapshot_by_snapshot() -> None:
    """Entries, age, staleness and the tally as they are at the scrape."""
    registry = CollectorRegistry()
    stats = {
        "accounts": Stats(
            1000, 12.5, is_stale=True, loads_total=3, failures_total=1, live_fetches_total=2
        ),
        "others": Stats(
            0, None, is_stale=True, loads_total=0, failures_total=0, live_fetches_total=0
        ),
    }
    registry.register(DirectoryCollector(lambda: stats))

    found = samples(registry)
    assert found["messenger_directory_entries", frozenset({"accounts"})] == 1000
    assert found["messenger_directory_age_seconds", frozenset({"accounts"})] == 12.5
    assert found["messenger_directory_stale", frozenset({"accounts"})] == 1
    assert found["messenger_directory_loads_total", frozenset({"accounts"})] == 3
    assert found["messenger_directory_failures_total", frozenset({"accounts"})] == 1
    assert found["messenger_directory_live_fetches_total", frozenset({"accounts"})] == 2
    assert ("messenger_directory_age_seconds", frozenset({"others"})) not in found
