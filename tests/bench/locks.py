"""What an instrumented lock costs beside the standard library's."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager

from messenger.health import AsyncLock, Lock, RLock

from .row import Length, Row, spread

ROUNDS = 100
"""How often the sides take turns: the smallest of many short rounds is free of the neighbours."""

SECTIONS = 20_000
"""Sections a round: some 10 ms."""

LOCK_LIMIT = 250 / 148
"""What a Lock may cost more, as a share of `threading.Lock`: +250 ns on a machine where that takes
148 ns. Machines differ, ratios hold."""

ASYNC_LOCK_LIMIT = 600 / 409
"""The same for an AsyncLock: +600 ns where `asyncio.Lock` takes 409 ns."""


def _thread_nanoseconds(lock: AbstractContextManager[object]) -> float:
    began = time.thread_time_ns()
    for _ in range(SECTIONS):
        with lock:
            pass
    return (time.thread_time_ns() - began) / SECTIONS


async def _task_nanoseconds(lock: AbstractAsyncContextManager[object]) -> float:
    began = time.thread_time_ns()
    for _ in range(SECTIONS):
        async with lock:
            pass
    return (time.thread_time_ns() - began) / SECTIONS


def _row(what: str, limit: float | None, rounds: int, measure: Callable[[bool], float]) -> Row:
    """Take turns; the smallest of each side is the cost, the rest is the machine's noise."""
    pairs = [(measure(False), measure(True)) for _ in range(rounds)]
    control, subject = spread(c for c, _ in pairs), spread(s for _, s in pairs)
    least = min(control.values)
    extra = (min(subject.values) - least) / least
    return Row(
        f"{what}, ns per section",
        str(control),
        str(subject),
        "reported" if limit is None else f"at most +{limit:.2f} x: +{extra:.2f} x",
        None if limit is None else extra <= limit,
    )


def rows(length: Length) -> list[Row]:
    """Measure thread locks, re-entrant locks and task locks."""
    rounds = length.of(quick=2, usual=ROUNDS)
    plain, watched = threading.Lock(), Lock("bench")
    plain_r, watched_r = threading.RLock(), RLock("bench")

    def tasks(is_subject: bool) -> float:  # noqa: FBT001 - one of two sides
        lock = AsyncLock("bench") if is_subject else asyncio.Lock()
        return asyncio.run(_task_nanoseconds(lock))

    return [
        _row(
            "Lock", LOCK_LIMIT, rounds, lambda own: _thread_nanoseconds(watched if own else plain)
        ),
        _row("RLock", None, rounds, lambda own: _thread_nanoseconds(watched_r if own else plain_r)),
        _row("AsyncLock", ASYNC_LOCK_LIMIT, rounds, tasks),
    ]
