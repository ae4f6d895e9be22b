"""Finds deadlocks of threads, tasks and both, proves them, and says which lines they are.

A cycle is believed when each of its waits is older than two seconds, and proven when the very same
waits still form it a second later. Sequence numbers make "the very same" exact: a lock that was
released and taken again in between has another number. Ages are counted in the watchdog's ticks.
"""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Iterator
from typing import Any

from .graph import Edge, WaitGraph, cycles, name_of
from .insides import tasks_with_a_timeout
from .limits import Limits
from .report import place, stack_lines
from .verdict import Evidence, Level
from .waits import WAITS, Party, Wait


class DeadlockDetector:
    """Looks for waits that can never end.

    Args:
        limits: How old a wait must be and how long a cycle must stay.
        deliverers: Returns the threads of a pool that must deliver a future.
    """

    is_urgent = False

    def __init__(
        self,
        limits: Limits,
        deliverers: Callable[[concurrent.futures.Future[Any]], tuple[threading.Thread, ...]],
    ) -> None:
        self._limits = limits
        self._deliverers = deliverers
        self._first_seen: dict[int, float] = {}
        self._suspected: dict[tuple[object, ...], float] = {}
        self._proven: set[tuple[object, ...]] = set()
        self._looked_into: set[tuple[int, int]] = set()
        self._with_timeout: set[asyncio.Task[Any]] = set()
        self.loop_thread: threading.Thread | None = None

    def look(self, now: float) -> Iterator[Evidence]:
        """Yield the cycles and orphans at tick time `now`."""
        waits = _snapshot()
        self._first_seen = {
            wait.sequence: self._first_seen.get(wait.sequence, now) for wait in waits
        }
        old = [
            wait
            for wait in waits
            if now - self._first_seen[wait.sequence] >= self._limits.cycle_age_seconds
        ]
        found: dict[tuple[object, ...], float] = {}
        if old:
            graph = WaitGraph(old, loop_thread=self.loop_thread, deliverers=self._deliverers)
            closed = graph.dead(timed_too=True)
            dead = self._dead(graph, closed)
            for cycle in cycles(dead):
                key = _key(cycle)
                found[key] = self._suspected.get(key, now)
                yield self._evidence(graph, cycle, key, now, found[key])
            for cycle in cycles(closed):
                if not all(edge.waiter in dead for edge in cycle):
                    yield self._passing(cycle, now)
        self._suspected = found

    def ages(self, now: float) -> dict[Wait, float]:
        """Return the waits that go on, each with its age in seconds."""
        return {wait: now - self._first_seen.get(wait.sequence, now) for wait in _snapshot()}

    def _dead(self, graph: WaitGraph, closed: dict[Party, Edge]) -> dict[Party, Edge]:
        """Return those who can never go on; `closed` holds them, and those whom a time-out frees.

        Time-outs outside the locks are looked for when a wait is new, since that is dear: whoever
        waits enters and leaves none, so what was found holds as long as the very same waits do.
        """
        dead = graph.dead() if closed else {}
        if all(_key(cycle) in self._proven for cycle in cycles(dead)):
            self._looked_into, self._with_timeout = set(), set()
            return dead
        waits = {(edge.sequence, id(edge.waiter)) for edge in dead.values()}
        if not waits <= self._looked_into:
            self._with_timeout = tasks_with_a_timeout()
        self._looked_into = waits
        graph.mark_timed(self._with_timeout)
        return graph.dead()

    def _evidence(
        self, graph: WaitGraph, cycle: list[Edge], key: tuple[object, ...], now: float, since: float
    ) -> Evidence:
        proven = now - since >= self._limits.cycle_confirm_seconds
        if proven:
            self._proven.add(key)
        orphan = cycle[0].is_orphan
        age = max(now - self._first_seen.get(edge.sequence, now) for edge in cycle)
        return Evidence(
            check="locks:waitcycle",
            cause="lock-orphaned" if orphan else f"deadlock-{_kind(cycle)}",
            level=Level.BROKEN if proven else Level.SUSPECT,
            headline=f"{'ORPHANED LOCK' if orphan else 'DEADLOCK'} after {age:.1f}s",
            explanation=self._explain(cycle, now),
            stacks=stack_lines([edge.waiter for edge in cycle], graph.frame_of),
            latched=True,
            key=key,
        )

    def _passing(self, cycle: list[Edge], now: float) -> Evidence:
        return Evidence(
            check="locks:waitcycle",
            cause="timed-waitcycle",
            level=Level.NOTICE,
            headline="WAIT CYCLE with a time-out",
            explanation=self._explain(cycle, now),
            key=_key(cycle),
        )

    def _explain(self, cycle: list[Edge], now: float) -> str:
        """Write the chain as one line: who holds what, taken where, and waits for what, where."""
        parts = []
        for index, edge in enumerate(cycle):
            held = "" if cycle[0].is_orphan else _held(cycle[index - 1])
            arrow = f"-{held}->" if held else "->"
            parts.append(f"{name_of(edge.waiter)} {arrow} {self._waited(edge, now)} -> ")
        if cycle[0].is_orphan:
            (owner,) = cycle[0].targets
            return f"orphan: {parts[0]}{name_of(owner)} {_held(cycle[0])} and has ended"
        return "cycle: " + "".join(parts) + name_of(cycle[0].waiter)

    def _waited(self, edge: Edge, now: float) -> str:
        at = place(edge.code, edge.lasti)
        if edge.lock is None:
            targets = ", ".join(name_of(target) for target in edge.targets)
            return f"{edge.how} {targets} @{at}"
        age = now - self._first_seen.get(edge.sequence, now)
        return f"waits {edge.lock.name} @{at} ({age:.1f}s)"


def _held(edge: Edge) -> str:
    """Say what the party that `edge` waits for holds, and where it took it."""
    if edge.lock is None:
        return ""
    return f"[holds {edge.lock.name} @{place(edge.lock.code, edge.lock.lasti)}]"


def _snapshot() -> list[Wait]:
    # `list(dict.values())` runs no Python code, so no other thread can come in between.
    return list(WAITS.values())


def _key(cycle: list[Edge]) -> tuple[object, ...]:
    if cycle[0].is_orphan:
        return (id(cycle[0].lock), id(cycle[0].targets[0]))  # however many wait for it
    return tuple(sorted((edge.sequence, id(edge.waiter)) for edge in cycle))


def _kind(cycle: list[Edge]) -> str:
    tasks = {isinstance(edge.waiter, asyncio.Task) for edge in cycle}
    if tasks == {True}:
        return "tasks"
    needs_loop = any(edge.how == "needs" for edge in cycle)
    return "threads" if tasks == {False} and not needs_loop else "mixed"
