"""The health metrics, as Prometheus's own parser reads them."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from messenger.health import Finding, Gate, Health, Status
from messenger.health.inflight import InFlight
from messenger.health.lifecycle import State
from messenger.health.metrics import register
from messenger.health.verdict import Evidence, Level
from messenger.health.warmup import Outcome

from .clock import FakeClock, noon
from .test_routes import other

NAMES = {
    "health_status",
    "health_broken",
    "health_transitions",
    "event_loop_lag_seconds",
    "event_loop_stalled_seconds",
    "lock_waiters",
    "deadlocks_detected",
    "pool_queue_depth",
    "worker_beat_age_seconds",
    "responder_answers",
    "drain_seconds",
    "drain_requests",
    "warmup_gate_seconds",
}
"""Every metric of the specification; the parser leaves `_total` off a counter's family."""

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(health: Health) -> tuple[set[str], Samples]:
    """Return the names of the families, and every sample by its name and labels."""
    registry = CollectorRegistry()
    register(health, registry)
    families = list(text_string_to_metric_families(generate_latest(registry).decode()))
    samples = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }
    return {family.name for family in families}, samples


def value(health: Health, name: str, **labels: str) -> float | None:
    """Return one sample."""
    return scrape(health)[1].get((name, frozenset(labels.items())))


@pytest.fixture
def health(clock: FakeClock) -> Health:
    """Return the health of a process in which nothing runs."""
    return Health(termination_log=None, clock=clock, wall_clock=noon)


async def _never(_: object) -> None:
    raise AssertionError


def test_every_metric_of_the_specification_is_there(health: Health) -> None:
    """From the first scrape on, so that an alert on one of them can be written."""
    names, _ = scrape(health)

    assert names >= NAMES


def test_checks_are_one_half_or_nothing_by_the_probe_that_they_turn_red(health: Health) -> None:
    """`min by (probe)` tells the worst."""
    health.add_check("downstream:presence", lambda: Finding(Status.WARN, "recent-calls-failing"))
    health.sample()

    assert value(health, "health_status", probe="none", check="downstream:presence") == 0.5
    assert value(health, "health_status", probe="alive", check="locks:waitcycle") == 1
    assert value(health, "health_status", probe="ready", check="locks:waitcycle") == 1
    assert value(health, "health_status", probe="ready", check="lifecycle") == 0
    assert value(health, "health_status", probe="alive", check="lifecycle") is None
    assert value(health, "health_status", probe="started", check="watchdog:looks") == 1


def test_what_is_broken_is_one_and_what_has_recovered_is_nothing(health: Health) -> None:
    """By cause; a cause that never was is not there."""
    stall = Evidence("eventloop:stall", "event-loop-stalled", Level.BROKEN, "H", "E")
    health.verdict.weigh([stall], 1)
    assert value(health, "health_broken", cause="event-loop-stalled") == 1
    health.verdict.weigh([], 2)

    assert value(health, "health_broken", cause="event-loop-stalled") == 0
    assert value(health, "health_broken", cause="pool-starved") is None


def test_deadlocks_are_counted_by_kind(health: Health) -> None:
    """Orphaned locks among them, and all four from the beginning, at nothing."""
    proof = Evidence("locks:waitcycle", "deadlock-tasks", Level.BROKEN, "H", "E", latched=True)
    health.verdict.weigh([proof], 1)
    health.verdict.weigh([proof], 2)
    assert value(health, "deadlocks_detected_total", kind="orphan") == 0
    orphan = Evidence("locks:waitcycle", "lock-orphaned", Level.BROKEN, "H", "E", latched=True)
    health.verdict.weigh([orphan], 3)

    assert value(health, "deadlocks_detected_total", kind="orphan") == 1
    assert value(health, "deadlocks_detected_total", kind="tasks") == 1
    assert value(health, "deadlocks_detected_total", kind="threads") == 0
    assert value(health, "deadlocks_detected_total", kind="mixed") == 0


def test_steps_of_the_life_are_counted_with_their_cause(health: Health) -> None:
    """Each is taken once at most."""
    health.lifecycle.move(State.WARMING, "port bound")
    labels = {"from": "BOOTING", "to": "WARMING", "cause": "port bound"}

    assert value(health, "health_transitions_total", **labels) == 1


def test_lag_is_a_histogram_of_heartbeats(health: Health, clock: FakeClock) -> None:
    """Its buckets add up."""
    for late in (0.0, 0.0, 0.3, 20.0):
        clock.advance(0.1 + late)
        health.progress.beat()

    assert value(health, "event_loop_lag_seconds_bucket", le="0.25") == 2
    assert value(health, "event_loop_lag_seconds_bucket", le="0.5") == 3
    assert value(health, "event_loop_lag_seconds_bucket", le="+Inf") == 4
    assert value(health, "event_loop_lag_seconds_count") == 4
    assert value(health, "event_loop_lag_seconds_sum") == pytest.approx(20.3)


def test_stalled_seconds_are_still_there_when_the_loop_is_back(health: Health) -> None:
    """During the stall nobody could have been scraped."""
    health.progress.observe(5, 1)
    health.progress.beat()
    health.progress.observe(0.05, 1)

    assert value(health, "event_loop_stalled_seconds_total") == 5


def test_background_work_is_shown_by_name(health: Health) -> None:
    """Pools, workers and gates."""
    pool = health.add_pool("render", 2)
    pool.submitted = 5
    worker = health.add_worker("refresh", _never)
    worker.silent_seconds, worker.restarts_total = 1.5, 2
    health.add_gate("cache", _never)
    gate: Gate = health.warm_up.gates[0]
    gate.outcome, gate.seconds = Outcome.PASSED, 0.4

    assert value(health, "pool_queue_depth", pool="render") == 3
    assert value(health, "worker_beat_age_seconds", worker="refresh") == 1.5
    assert value(health, "worker_restarts_total", worker="refresh") == 2
    assert value(health, "warmup_gate_seconds", gate="cache", result="passed") == 0.4
    pool.close()


def test_the_end_is_shown_as_it_goes(health: Health, clock: FakeClock) -> None:
    """Seconds since the signal, requests since then, and what the responder had to answer."""
    assert value(health, "drain_seconds") == 0
    assert value(health, "drain_requests_total") == 0
    health.in_flight = InFlight(
        other, lifecycle=health.lifecycle, progress=health.progress, now=clock
    )
    health.in_flight.drained_total = 7
    health.responder_answers[503] = 3
    health.drain.begin()
    clock.advance(2)

    assert value(health, "drain_seconds") == 2
    assert value(health, "drain_requests_total") == 7
    assert value(health, "responder_answers_total", code="503") == 3
