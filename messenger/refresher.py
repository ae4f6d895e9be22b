"""Loads the snapshots: once each during the warm-up, then again and again as a supervised worker.

Whatever goes wrong in that, the old snapshot stays in service and is marked stale. It is no death
of the worker, since another service's data must never be a reason to restart this one.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from messenger import calls
from messenger.ports import Beat, Caller, Progress, Threads
from messenger.snapshot import Snapshot

PAGE_ENTRIES = 1000
"""Entries asked for at a time: some 100 KB, decoded in about a millisecond of a thread that holds
the GIL meanwhile, and enough that a million people take no more than a thousand questions."""

REFRESH_SECONDS = 30.0
"""Pause between two loads: a changed address or a disabled account takes that long to be seen, and
five replicas ask for a thousand people ten times a minute."""

RETRY_SECONDS = 5.0
"""Longest pause after a load that failed: short, since every answer says `degraded` until then, and
long enough that a downstream in trouble has hardly more to do than before."""

JITTER_SHARE = 0.2
"""Part of a pause left to chance, so that replicas started together do not ask together."""

BEAT_DEADLINE_SECONDS = 30.0
"""Longest silence of the worker: between two beats lies the decoding of one page, a millisecond,
and a wait for a thread of the pool. Less than that the supervision does not take for a hang."""

_LOG = logging.getLogger(__name__)


class Refresher:
    """Keeps snapshots as young as they should be.

    Args:
        snapshots: What to load, by the name of the downstream.
        caller: Puts calls through.
        threads: Pool for decoding.
        deadline_seconds: Time for one page.
        refresh_seconds: Pause between two loads of a snapshot.
        clock: Seconds, monotonic.
        sleep: Waits for so many seconds.
        chance: Returns a random number from 0 to 1.
    """

    def __init__(
        self,
        snapshots: Mapping[str, Snapshot[Any]],
        caller: Caller,
        threads: Threads,
        *,
        deadline_seconds: float,
        refresh_seconds: float = REFRESH_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._snapshots = snapshots
        self._caller = caller
        self._threads = threads
        self._deadline_seconds = deadline_seconds
        self._refresh_seconds = refresh_seconds
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self._failing: set[str] = set()

    def gates(self) -> dict[str, Callable[[Progress], Awaitable[None]]]:
        """Return what warms each snapshot up, by the name of its downstream.

        A gate raises what went wrong, for the warm-up to try again. None of them is to be a
        required one: what all replicas share must not keep all of them from starting.
        """
        return {name: partial(self._warm, each) for name, each in self._snapshots.items()}

    async def run(self, beat: Beat) -> None:
        """Load each snapshot again in its own time, for ever."""
        retry_seconds = min(RETRY_SECONDS, self._refresh_seconds)
        due = dict.fromkeys(self._snapshots, self._clock() + retry_seconds)
        # What the warm-up has loaded is left alone at first, and what it gave up is not.
        unseen = set(self._snapshots)
        while True:
            name = min(due, key=due.__getitem__)
            with beat.waiting():
                await self._sleep(max(0.0, due[name] - self._clock()))
            snapshot = self._snapshots[name]
            if snapshot.is_stale or name not in unseen:
                await self._renew(snapshot, beat)
            unseen.discard(name)
            pause = retry_seconds if snapshot.is_stale else self._refresh_seconds
            due[name] = self._clock() + pause * (1 - JITTER_SHARE * self._chance())

    async def _warm(self, snapshot: Snapshot[Any], gate: Progress) -> None:
        """Load a snapshot for the first time, or raise what is in the way of that."""
        try:
            await self._load(snapshot, gate.progress, nullcontext)
        except Exception as error:
            self._note_failure(snapshot, error)
            raise

    async def _renew(self, snapshot: Snapshot[Any], beat: Beat) -> None:
        """Load a snapshot, or leave it stale."""
        try:
            await self._load(snapshot, lambda _done, _total: beat(), beat.waiting)
        except Exception as error:  # noqa: BLE001 - whatever the data is like, the worker lives on
            self._note_failure(snapshot, error)

    async def _load(
        self,
        snapshot: Snapshot[Any],
        progress: Callable[[int, int], object],
        waiting: Callable[[], AbstractContextManager[object]],
    ) -> None:
        """Fetch all pages of a snapshot and put them in its place."""
        with waiting():
            # Held by the warm-up at most, for as long as its pages take to come.
            await snapshot.refresh_lock.acquire()
        try:
            entries: dict[str, Any] = {}
            after: str | None = ""
            while after is not None:
                call = calls.page(snapshot.name, after, PAGE_ENTRIES)
                with waiting():
                    content = await self._caller.answer(call, self._deadline_seconds)
                page = await self._threads.run(snapshot.absorb, content, entries)
                progress(len(entries), page.total)
                after = page.next
            await self._threads.run(snapshot.swap, entries)
        finally:
            snapshot.refresh_lock.release()
        if snapshot.name in self._failing:
            self._failing.discard(snapshot.name)
            _LOG.info("snapshot renewed", extra={"downstream": snapshot.name})

    def _note_failure(self, snapshot: Snapshot[Any], error: Exception) -> None:
        """Mark a snapshot stale, and say so once for each time it becomes so."""
        snapshot.fail()
        if snapshot.name not in self._failing:
            self._failing.add(snapshot.name)
            extra = {"downstream": snapshot.name, "error": type(error).__name__, "why": str(error)}
            _LOG.warning("snapshot stale", extra=extra)
