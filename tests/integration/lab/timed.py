"""Cycles of waits that break up by themselves, because one of the waits has a time-out.

Who takes part bears the name of the kind, so that one process can hold all of them at once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio

from messenger.health import deadline

from .parties import SETTLE_SECONDS, Parties

TIMEOUT_SECONDS = 6.0
"""Longer than a proof takes (4 s), so that the watchdog has every occasion to be wrong."""


def acquire(parties: Parties) -> None:
    """Two threads; one of them asks with a time-out."""

    def patient() -> None:
        with parties.first:
            time.sleep(SETTLE_SECONDS)
            with parties.second:
                pass
        parties.ended.append("patient")

    def hurried() -> None:
        with parties.second:
            time.sleep(SETTLE_SECONDS)
            parties.first.acquire(timeout=TIMEOUT_SECONDS)
        parties.ended.append("hurried")

    parties.thread("acquire-patient", patient)
    parties.thread("acquire-hurried", hurried)


def _tasks(parties: Parties, name: str, ask: Callable[[], Awaitable[object]]) -> None:
    """Two tasks; one of them asks for its second lock by `ask`, which has a time-out."""

    async def patient() -> None:
        async with parties.alpha:
            await asyncio.sleep(SETTLE_SECONDS)
            async with parties.beta:
                pass
        parties.ended.append("patient")

    async def hurried() -> None:
        async with parties.beta:
            await asyncio.sleep(SETTLE_SECONDS)
            with suppress(TimeoutError):
                await ask()
        parties.ended.append("hurried")

    parties.start(f"{name}-patient", patient())
    parties.start(f"{name}-hurried", hurried())


def timeout(parties: Parties) -> None:
    """Two tasks; one asks under `asyncio.timeout`."""

    async def ask() -> None:
        async with asyncio.timeout(TIMEOUT_SECONDS), parties.alpha:
            pass

    _tasks(parties, "timeout", ask)


def wait_for(parties: Parties) -> None:
    """Two tasks; one asks by `asyncio.wait_for`."""
    _tasks(parties, "wait-for", lambda: asyncio.wait_for(parties.alpha.acquire(), TIMEOUT_SECONDS))


def fail_after(parties: Parties) -> None:
    """Two tasks; one asks under `anyio.fail_after`."""

    async def ask() -> None:
        with anyio.fail_after(TIMEOUT_SECONDS):
            async with parties.alpha:
                pass

    _tasks(parties, "fail-after", ask)


def our_deadline(parties: Parties) -> None:
    """Two tasks; one asks under the package's own `deadline`."""

    async def ask() -> None:
        async with deadline(TIMEOUT_SECONDS), parties.alpha:
            pass

    _tasks(parties, "deadline", ask)


def request(parties: Parties) -> None:
    """The children of one request block each other; the request has a deadline."""

    async def child(first: str) -> None:
        locks = (parties.alpha, parties.beta)
        one, other = locks if first == "alpha" else reversed(locks)
        async with one:
            await asyncio.sleep(SETTLE_SECONDS)
            async with other:
                pass

    async def handler() -> None:
        with suppress(TimeoutError):
            async with deadline(TIMEOUT_SECONDS), asyncio.TaskGroup() as group:
                group.create_task(child("alpha"), name="request-child-1")
                group.create_task(child("beta"), name="request-child-2")
        parties.ended += ["patient", "hurried"]

    parties.start("request", handler())


KINDS = {
    "acquire": acquire,
    "timeout": timeout,
    "wait-for": wait_for,
    "fail-after": fail_after,
    "deadline": our_deadline,
    "request": request,
}
