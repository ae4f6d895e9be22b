"""Log lines from threads that must never wait for the logging lock."""

import logging
import threading
import time
from collections.abc import Iterator

import pytest

from messenger.health.journal import KEPT_LINES, Journal, logger
from messenger.health.lifecycle import State, Transition
from messenger.health.warmup import Gate

from .clock import NOON


class Collected(logging.Handler):
    """Keeps records, and can be made to hang like a logging lock that is never released."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.go = threading.Event()
        self.go.set()
        self.entered = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        self.entered.set()
        self.go.wait(5)
        self.records.append(record)

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Level and text of each record."""
        return [(record.levelname, record.getMessage()) for record in self.records]


@pytest.fixture
def log() -> Iterator[Collected]:
    """Collect what the package logs."""
    handler, level = Collected(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    handler.go.set()
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_what_was_written_is_logged_with_its_facts(log: Collected) -> None:
    """Also what was written before the thread began."""
    journal = Journal()
    journal.write(logging.WARNING, "early", cause="test")
    journal.start()
    journal.write(logging.CRITICAL, "late", stacks=["a", "b"])
    journal.close()

    assert log.lines == [("WARNING", "early"), ("CRITICAL", "late")]
    assert log.records[0].__dict__["cause"] == "test"
    assert log.records[1].__dict__["stacks"] == ["a", "b"]


def test_a_stuck_log_holds_nobody_up_and_does_not_leak(log: Collected) -> None:
    """Lines beyond a thousand are dropped, and the end does not wait for them."""
    log.go.clear()
    journal = Journal()
    journal.start()
    journal.write(logging.INFO, "stuck")
    assert log.entered.wait(5)
    began = time.monotonic()
    for number in range(2 * KEPT_LINES):
        journal.write(logging.INFO, str(number))
    journal.close(timeout_seconds=0.05)

    assert time.monotonic() - began < 2
    log.go.set()
    journal.close()
    assert len(log.records) == 1 + KEPT_LINES


def test_a_journal_that_was_never_started_closes_at_once() -> None:
    """A process may end before it began."""
    journal = Journal()
    journal.write(logging.INFO, "unheard")
    journal.close()


def test_steps_failures_and_crashes_have_words_of_their_own(log: Collected) -> None:
    """A gate is loud the first time only."""
    journal = Journal()
    journal.note_transition(Transition(State.WARMING, State.SERVING, "warm", NOON))
    gate = Gate("cache", run=lambda _: _nothing(), required=False)
    for gate.failures in (1, 2):
        journal.note_gate_failure(gate, OSError("refused"))
    journal.note_crash("downstream:presence", LookupError("presence"))
    journal.start()
    journal.close()

    assert log.lines == [
        ("INFO", "lifecycle"),
        ("WARNING", "warm-up gate failed"),
        ("DEBUG", "warm-up gate failed"),
        ("ERROR", "check crashed"),
    ]
    assert log.records[0].__dict__["before"] == "WARMING"
    assert log.records[1].__dict__["error"] == "OSError('refused')"
    assert log.records[3].__dict__["check"] == "downstream:presence"


async def _nothing() -> None:
    raise AssertionError
