"""Background work is restarted when it dies, cancelled when it hangs, and given up in the end."""

import time
from typing import Any

import pytest

from tests.integration.lab.experiment import (
    lab,
    logged,
    message_file,
    message_lines,
    poke,
    probe,
    release,
    until,
    until_logged,
    until_serving,
    watch,
)

LIMITS = {"worker_restarts": 2, "worker_cancel_seconds": 1.0}
"""Limits for the default run; the real ones are 5 restarts in 60 s, and 5 s."""


@pytest.mark.together
@pytest.mark.parametrize(
    ("kind", "cause"), [("raises", "raised RuntimeError"), ("returns", "returned")]
)
def test_worker_that_dies_too_often_breaks_the_process(kind: str, cause: str) -> None:
    """Each death is a restart with back-off; the third within a minute is one too many here."""
    options: dict[str, Any] = {"workers": [kind], "limits": LIMITS}
    with message_file() as message, lab(**options, termination_log=str(message)) as process:
        broken = until(process, lambda answer: answer.code == 503)
        lines = message_lines(message)
        ready = probe(process, "/health/ready")
        restarts = logged(process, "worker restarts")

    assert broken.json["output"] == "worker-crash-loop"
    assert ready.code == 503
    assert lines[-2].startswith(f"WORKER {kind} died 3 times ")
    assert lines[-1] == f"worker {kind} {cause}, 3 times in 60s, of 2 allowed"
    assert {line["cause"] for line in restarts} == {cause}


@pytest.mark.slow
@pytest.mark.together
def test_sixth_death_within_a_minute_breaks_the_process() -> None:
    """The same with the real limits: five restarts are bad luck."""
    with lab(workers=["raises"]) as process:
        until(process, lambda answer: answer.code == 503, timeout=60)
        deaths = logged(process, "worker died")

    assert len(deaths) == 6


@pytest.mark.together
def test_worker_that_dies_once_is_restarted_and_the_process_goes_on() -> None:
    """One death is a warning; the next run works."""
    with lab(workers=["once"]) as process:
        until_serving(process)
        suspect = until(process, lambda answer: answer.json["status"] == "warn")
        answers = watch(process, 2.0)
        restarts = logged(process, "worker restarts")

    assert suspect.json["output"] == "worker-crash-loop"
    assert {answer.code for answer in answers} == {200}
    assert len(restarts) == 1


@pytest.mark.together
def test_worker_that_hangs_is_cancelled_and_restarted() -> None:
    """It is silent beyond its deadline, honours the cancellation, and works after that."""
    with lab(workers=["hangs"], worker_deadline_seconds=1.0, limits=LIMITS) as process:
        until_serving(process)
        suspect = until(process, lambda answer: answer.json["status"] == "warn")
        answers = watch(process, 2.5)
        restarts = logged(process, "worker restarts")
        broken = logged(process, "liveness broken")

    assert suspect.json["output"] in {"worker-hung", "worker-crash-loop"}
    assert {answer.code for answer in answers} == {200}
    assert [line["cause"] for line in restarts] == ["cancelled after a hang"]
    assert broken == []


@pytest.mark.together
def test_worker_that_swallows_its_cancellation_breaks_the_process() -> None:
    """It cannot be got rid of, so the process has to go; the line it stands on is named."""
    options: dict[str, Any] = {"workers": ["swallows"], "worker_deadline_seconds": 1.0}
    options["limits"] = LIMITS
    with message_file() as message, lab(**options, termination_log=str(message)) as process:
        broken = until(process, lambda answer: answer.code == 503)
        lines = message_lines(message)

    assert broken.json["output"] == "worker-hung"
    assert lines[-2].startswith("WORKER swallows silent for ")
    assert "lab/workers.py:" in lines[-1]
    assert "in swallows" in lines[-1]


@pytest.mark.together
def test_worker_that_reads_garbage_or_waits_for_another_service_is_well() -> None:
    """What goes wrong elsewhere is no death, and its slowness no hang: nothing restarts."""
    with lab(workers=["garbage", "waits"], worker_deadline_seconds=0.5, limits=LIMITS) as process:
        until_serving(process)
        answers = watch(process, 4.0)
        restarts = logged(process, "worker restarts")

    assert {(answer.code, answer.json["status"]) for answer in answers} == {(200, "pass")}
    assert restarts == []


@pytest.mark.together
def test_stalled_loop_is_not_blamed_on_its_workers() -> None:
    """While the loop stands still nobody can beat: the stall is the cause, the workers are not."""
    with lab(
        worker_deadline_seconds=1.0, limits={**LIMITS, "stall_broken_seconds": 2.0}
    ) as process:
        until_serving(process)
        with poke(process, "/stall?kind=event&seconds=60") as stalled:
            until_logged(process, "liveness broken")
            time.sleep(1.0)
            release(process)
            stalled.receive()
        time.sleep(0.5)
        broken = [line["cause"] for line in logged(process, "liveness broken")]
        restarts = logged(process, "worker restarts")

    assert broken == ["event-loop-stalled"]
    assert restarts == []
