"""What `kubectl describe pod` will show: short enough, most important last, never in the way."""

import time
from pathlib import Path

import pytest

from tests.integration.lab.experiment import (
    get,
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
)

KUBELET_BYTES = 4_096
"""What the kubelet keeps of the file's end."""

OUR_BYTES = 4_000


@pytest.mark.together
def test_message_of_many_deadlocks_fits_and_ends_with_a_verdict() -> None:
    """Sixteen verdicts with their stacks do not fit: whole lines are dropped from the top."""
    kinds = ["threads", "threads-3", "self", "orphan", "tasks", "child", "gather", "task-group"]
    with message_file() as message, lab(termination_log=str(message)) as process:
        until_serving(process)
        for kind in kinds:
            get(process, f"/deadlock?kind={kind}")
            get(process, f"/deadlock?kind={kind}")
        until_logged(process, "liveness broken", 2 * len(kinds))
        message_lines(message)
        data = message.read_bytes()
    lines = data.decode().splitlines()

    assert OUR_BYTES * 3 // 4 < len(data) <= OUR_BYTES < KUBELET_BYTES
    assert lines[-1].startswith(("cycle: ", "orphan: "))
    assert lines[-2].startswith(("DEADLOCK after ", "ORPHANED LOCK after "))
    assert data.endswith(b"\n")


UNUSABLE = {
    "absent": "/nowhere/at/all",
    "directory": "/tmp",  # noqa: S108 - not written to
    "full": "/dev/full",
    "none": None,
}
"""Paths that cannot be written to, whoever runs the test."""


@pytest.mark.together
@pytest.mark.parametrize("path", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_verdict_is_delivered_without_a_file(path: str | None) -> None:
    """A file that is not there or cannot be written is skipped: probe and log say the same."""
    with lab(termination_log=path, limits={"stall_broken_seconds": 1.0}) as process:
        until_serving(process)
        with poke(process, "/stall?kind=event&seconds=60"):
            until(process, lambda answer: answer.code == 503)
            release(process)
        until(process, lambda answer: answer.code == 200)
        log = logged(process, "liveness broken")
        crashes = logged(process, "detector crashed")
        hello = get(process, "/hello")

    assert [line["cause"] for line in log] == ["event-loop-stalled"]
    assert "lab/stalls.py:" in log[0]["explanation"]
    assert crashes == []
    assert hello.code == 200
    assert path is None or path != UNUSABLE["absent"] or not Path(path).exists()


@pytest.mark.together
def test_stall_that_passes_leaves_a_proven_deadlock_in_the_message() -> None:
    """A proof outlasts an observation: after the stall the message names the deadlock alone."""
    with message_file() as message:
        limits = {"stall_broken_seconds": 1.0}
        with lab(termination_log=str(message), limits=limits) as process:
            until_serving(process)
            get(process, "/deadlock?kind=threads")
            until(process, lambda answer: answer.code == 503)
            with poke(process, "/stall?kind=event&seconds=60") as stalled:
                until_logged(process, "liveness broken", 2)
                both = message_lines(message)
                release(process)
                stalled.receive()
            until_logged(process, "liveness recovered")
            time.sleep(0.2)  # the message is written right after that
            lines = message_lines(message)
            alive = probe(process)

    assert any(line.startswith("STALL after ") for line in both)
    assert both[-1].startswith("cycle: ")
    assert not any(line.startswith("STALL after ") for line in lines)
    assert lines[-1].startswith("cycle: ")
    assert (alive.code, alive.json["output"]) == (503, "deadlock-threads")
