"""What is sent on its way before the process ends."""

import asyncio
import logging
import queue
from typing import Any

from messenger.health.flushes import Flushes
from messenger.health.journal import Journal


def events(journal: Journal) -> list[tuple[int, str, dict[str, Any]]]:
    """Return what was written."""
    found = []
    lines: queue.Queue[Any] = journal._lines  # noqa: SLF001 - what would be logged
    while not lines.empty():
        found.append(lines.get_nowait())
    return found


async def test_every_flush_is_run_even_if_one_fails() -> None:
    """The failure is written down and spoils neither the others nor the exit."""
    journal, done = Journal(), list[str]()
    flushes = Flushes(journal)

    async def fail() -> None:
        raise OSError("collector gone")

    async def flush() -> None:
        done.append("flushed")

    for each in (fail, flush):
        flushes.add(each)
    await flushes.run(3)

    assert done == ["flushed"]
    ((level, event, facts),) = events(journal)
    assert (level, event) == (logging.ERROR, "flush failed")
    assert "collector gone" in facts["error"]


async def test_a_flush_s_own_time_out_is_its_failure_only() -> None:
    """The next one still has its turn."""
    journal, done = Journal(), list[str]()
    flushes = Flushes(journal)

    async def give_up() -> None:
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    async def flush() -> None:
        done.append("flushed")

    for each in (give_up, flush):
        flushes.add(each)
    await flushes.run(3)

    assert done == ["flushed"]
    assert [event for _, event, _ in events(journal)] == ["flush failed"]


async def test_flushes_that_take_too_long_are_cut_short() -> None:
    """All of them together have one limit: the grace period has no room for more."""
    journal = Journal()
    flushes = Flushes(journal)

    async def hang() -> None:
        await asyncio.Event().wait()

    flushes.add(hang)
    async with asyncio.timeout(5):
        await flushes.run(0.01)

    assert [event for _, event, _ in events(journal)] == ["flush took too long"]
