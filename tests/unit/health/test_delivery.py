"""A verdict is told once: in the termination message and one log line; and it is taken back."""

import logging
import queue
from pathlib import Path
from typing import Any

import pytest

from messenger.health.delivery import Delivery
from messenger.health.journal import Journal
from messenger.health.probes import Identity
from messenger.health.termination import TerminationLog
from messenger.health.verdict import Evidence, Level, Verdict

from .clock import noon


class Desk:
    """A verdict, and what is told of it."""

    def __init__(self, path: Path) -> None:
        path.touch()
        self.path = path
        self.action = "left to the probe"
        self.journal = Journal()
        self.verdict = Verdict()
        self.delivery = Delivery(
            Identity("messenger", "1.4.2", "m-1"),
            verdict=self.verdict,
            journal=self.journal,
            termination_log=TerminationLog(path),
            action=lambda: self.action,
            wall_clock=noon,
        )

    def look(self, *found: Evidence) -> None:
        """Weigh and tell, as each look of the watchdog does."""
        self.delivery.tell(self.verdict.weigh(found, 1.0))

    def events(self) -> list[tuple[int, str, dict[str, Any]]]:
        """Return what was written to the journal since the last time."""
        lines: queue.Queue[Any] = self.journal._lines  # noqa: SLF001 - what would be logged
        return [lines.get_nowait() for _ in range(lines.qsize())]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return a desk with an empty termination log."""
    return Desk(tmp_path / "termination-log")


def stall(level: Level) -> Evidence:
    """Return a stall."""
    return Evidence(
        "eventloop:stall", "event-loop-stalled", level, "STALL", "loop: at a.py:1", ("stack loop",)
    )


def cycle(name: str = "a -> b -> a") -> Evidence:
    """Return a proof."""
    return Evidence(
        "locks:waitcycle",
        "deadlock-threads",
        Level.BROKEN,
        "DEADLOCK",
        f"cycle: {name}",
        latched=True,
        key=(name,),
    )


def test_suspicion_is_logged_with_its_stacks_and_writes_no_message(desk: Desk) -> None:
    """Once."""
    for _ in range(5):
        desk.look(stall(Level.SUSPECT))

    ((level, event, facts),) = desk.events()
    assert (level, event) == (logging.WARNING, "liveness suspect")
    assert facts["stacks"] == ["stack loop"]
    assert desk.path.read_text() == ""


def test_what_breaks_is_logged_and_written_once(desk: Desk) -> None:
    """With who, when, what happens now, and the reason last."""
    for _ in range(5):
        desk.look(cycle())

    ((level, event, facts),) = desk.events()
    assert (level, event) == (logging.CRITICAL, "liveness broken")
    assert facts["cause"] == "deadlock-threads"
    assert any("MainThread" in line for line in facts["stacks"])
    assert desk.path.read_text().splitlines() == [
        "DEADLOCK messenger 1.4.2 pod=m-1 at 2026-11-23T12:00:00Z, left to the probe",
        "cycle: a -> b -> a",
    ]


def test_a_stall_that_passes_takes_its_message_back(desk: Desk) -> None:
    """And says so."""
    desk.look(stall(Level.BROKEN))
    assert desk.path.read_text().endswith("loop: at a.py:1\n")
    desk.events()
    desk.look()

    assert desk.path.read_text() == ""
    assert [event for _, event, _ in desk.events()] == ["liveness recovered"]


def test_a_stall_that_passes_leaves_the_proof(desk: Desk) -> None:
    """The message is what still holds."""
    desk.look(stall(Level.BROKEN), cycle())
    desk.look()

    assert "STALL" not in desk.path.read_text()
    assert desk.path.read_text().endswith("cycle: a -> b -> a\n")


def test_the_proof_stands_below_whatever_followed_from_it(desk: Desk) -> None:
    """The last line is the root."""
    desk.look(stall(Level.BROKEN), cycle())

    assert desk.path.read_text().splitlines()[-1] == "cycle: a -> b -> a"
    assert "loop: at a.py:1" in desk.path.read_text()


def test_the_message_is_written_again_with_what_happens_now(desk: Desk) -> None:
    """A signal changes the intention."""
    desk.look(cycle())
    desk.action = "exit by SIGTERM"
    desk.delivery.write_message()

    assert desk.path.read_text().splitlines()[-2].endswith(", exit by SIGTERM")
