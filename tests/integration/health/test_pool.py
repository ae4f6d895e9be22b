"""A pool that will never finish anything is told from one that is slow or busy."""

import time

import pytest

from tests.integration.lab.experiment import (
    get,
    lab,
    logged,
    message_file,
    message_lines,
    probe,
    until,
    until_serving,
    watch,
)

from .figures import note

LIMITS = {"pool_suspect_seconds": 1.0, "pool_broken_seconds": 2.0}
"""Limits for the default run; the real ones are 5 s and 30 s."""


@pytest.mark.together
@pytest.mark.parametrize("kind", ["starve", "lost-lock"])
def test_pool_that_waits_for_itself_or_for_a_lost_lock_is_broken(kind: str) -> None:
    """Every thread waits for a result of the same pool, or for a lock that nobody releases."""
    with message_file() as message, lab(limits=LIMITS, termination_log=str(message)) as process:
        until_serving(process)
        began = time.monotonic()
        get(process, f"/pool?kind={kind}")
        suspect = until(process, lambda answer: answer.json["status"] == "warn")
        broken = until(process, lambda answer: answer.code == 503)
        note(f"pool {kind}: seconds to BROKEN, limit 2", time.monotonic() - began)
        lines = message_lines(message)
        hello = get(process, "/hello")

    assert (suspect.code, suspect.json["output"]) == (200, "pool-starved")
    assert broken.json["output"] == "pool-starved"
    assert lines[-2].startswith(f"POOL {kind} without a completion for 2s")
    waits = "4 in future" if kind == "starve" else "4 in lock"
    assert lines[-1].endswith(f"jobs wait behind 4 threads ({waits})")
    assert any("lab/pools.py:" in line and "in " in line for line in lines[:-2])
    assert hello.code == 200


@pytest.mark.slow
@pytest.mark.together(seconds=33)
def test_starved_pool_is_broken_after_thirty_seconds() -> None:
    """The same with the real limits."""
    with lab() as process:
        until_serving(process)
        began = time.monotonic()
        get(process, "/pool?kind=starve")
        broken = until(process, lambda answer: answer.code == 503, timeout=60)
        took = time.monotonic() - began

    assert broken.json["output"] == "pool-starved"
    assert took >= 29.5  # the last look before the backlog counts


@pytest.mark.together
def test_slow_and_busy_pools_are_never_broken() -> None:
    """Threads that read from a silent socket are saturated, not dead; busy ones are well."""
    with lab(limits=LIMITS) as process:
        until_serving(process)
        get(process, "/pool?kind=slow-io&kind=busy")
        answers = watch(process, 4.0)
        slow = probe(process, "/health/alive/pool:slow-io")
        busy = probe(process, "/health/alive/pool:busy")
        broken = logged(process, "liveness broken")

    assert {answer.code for answer in answers} == {200}
    assert slow.json["output"] == "pool-saturated"
    assert busy.json["status"] == "pass"
    assert broken == []
