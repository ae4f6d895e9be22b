"""Who waits for whom, among threads and tasks, and who of them can never go on.

The nodes are threads and tasks, the edges are waits. A node is *dead* when it waits without a
time-out and everything it waits for is dead too, or when it waits for a lock whose owner has ended.
What is left after taking away, again and again, whoever still can go on is the set of the dead. The
rule asks more than an AND-graph would (one dead branch of a `gather` is not enough: another branch
may fail and set the parent free), so it is right for OR-waits as well, and it errs on the side of
the living.
"""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from types import CodeType, FrameType
from typing import Any

from .frames import current_frames
from .insides import Awaited, awaited_by_task, awaited_by_thread, behind_loop
from .waits import WAITS, Held, Party, Wait


@dataclass(frozen=True, slots=True)
class Edge:
    """Why one party cannot go on: what it waits for and where."""

    waiter: Party
    targets: tuple[Party, ...]
    timed: bool
    lock: Held | None = None
    sequence: int = 0
    how: str = "waits"
    code: CodeType | None = None
    lasti: int = 0

    @property
    def is_orphan(self) -> bool:
        """Whether it waits for a lock whose owner has ended without releasing it."""
        return self.lock is not None and bool(self.targets) and has_ended(self.targets[0])


def has_ended(party: Party) -> bool:
    """Return whether a thread or task has run to its end."""
    if isinstance(party, threading.Thread):
        return not party.is_alive()
    return party.done()


def name_of(party: Party) -> str:
    """Return the name under which a party is explained."""
    return party.name if isinstance(party, threading.Thread) else party.get_name()


class WaitGraph:
    """A snapshot of the waits of this moment.

    Args:
        believed: Which lock waits count: the detector leaves out those that are too young.
        loop_thread: The thread that runs the event loop, if it is known: while it is blocked, none
            of its tasks can go on.
        deliverers: Returns the threads of which one must deliver a future; empty if unknown.
    """

    def __init__(
        self,
        believed: Iterable[Wait],
        *,
        loop_thread: threading.Thread | None = None,
        deliverers: Callable[
            [concurrent.futures.Future[Any]], tuple[threading.Thread, ...]
        ] = lambda _: (),
    ) -> None:
        self._deliverers = deliverers
        self._frames = current_frames()
        self.edges: dict[Party, Edge] = {}
        for wait in believed:
            owner = wait.lock.owner
            if owner is not None and not wait.lock.handoff:
                self.edges[wait.waiter] = Edge(
                    wait.waiter,
                    (owner,),
                    wait.timed,
                    wait.lock,
                    wait.sequence,
                    code=wait.code,
                    lasti=wait.lasti,
                )
        self._loop_thread = loop_thread
        if loop_thread is not None and loop_thread not in self.edges:
            self._loop_thread = None
        self._follow()

    def _follow(self) -> None:
        """Add what the owners of locks wait for, and what those wait for."""
        open_ends = {target for edge in self.edges.values() for target in edge.targets}
        if self._loop_thread is not None:
            self.edges |= {
                party: self._behind_loop(edge)
                for party, edge in self.edges.items()
                if isinstance(party, asyncio.Task) and not edge.is_orphan
            }
        while open_ends:
            party = open_ends.pop()
            if party in self.edges or party in WAITS or has_ended(party):
                continue
            edge = self._other_wait(party)
            if edge is not None and edge.targets:
                self.edges[party] = edge
                open_ends.update(edge.targets)

    def _behind_loop(self, edge: Edge) -> Edge:
        assert self._loop_thread is not None  # noqa: S101 - the caller's condition, for the types
        return Edge(
            edge.waiter,
            (self._loop_thread,),
            timed=False,
            sequence=edge.sequence,
            how="needs",
            code=edge.code,
            lasti=edge.lasti,
        )

    def _other_wait(self, party: Party) -> Edge | None:
        if isinstance(party, threading.Thread):
            frame = self._frames.get(party.ident or 0)
            return None if frame is None else self._edge(party, awaited_by_thread(frame))
        if self._loop_thread is not None:
            return self._edge(party, behind_loop(party))
        return self._edge(party, awaited_by_task(party))

    def _edge(self, party: Party, awaited: Awaited) -> Edge | None:
        targets: tuple[Party, ...] = (*awaited.tasks, *awaited.threads)
        for future in awaited.futures:
            targets += self._deliverers(future)
        if awaited.loop and self._loop_thread is not None:
            targets += (self._loop_thread,)
        return Edge(
            party, targets, awaited.timed, how=awaited.how, code=awaited.code, lasti=awaited.lasti
        )

    def mark_timed(self, parties: Container[Party]) -> None:
        """Take the waits of `parties` for timed.

        Those that need a blocked loop stay as they are: no time-out comes on it either.
        """
        for party, edge in self.edges.items():
            if party in parties and edge.how != "needs":
                self.edges[party] = replace(edge, timed=True)

    def frame_of(self, thread: threading.Thread) -> FrameType | None:
        """Return the innermost frame of a thread at the time of the snapshot."""
        return self._frames.get(thread.ident or 0)

    def dead(self, *, timed_too: bool = False) -> dict[Party, Edge]:
        """Return those who can never go on, with what each waits for.

        Args:
            timed_too: Count waits with a time-out as if they had none: what is dead only then
                breaks up by itself.
        """
        return dead_among(self.edges, timed_too=timed_too)


def dead_among(edges: Mapping[Party, Edge], *, timed_too: bool) -> dict[Party, Edge]:
    """Take away, until nothing changes, whoever can still go on."""
    left = {party: edge for party, edge in edges.items() if timed_too or not edge.timed}
    waiters: dict[Party, list[Party]] = {}
    for party, edge in left.items():
        for target in edge.targets:
            waiters.setdefault(target, []).append(party)
    # Whoever is set free sets free those who wait for it: each wait is looked at once, since a
    # queue of thousands that is no deadlock would otherwise hold the interpreter for seconds.
    free = [
        party for party, edge in left.items() if not all(target in left for target in edge.targets)
    ]
    while free:
        party = free.pop()
        if party in left and not left[party].is_orphan:
            del left[party]
            free += waiters.get(party, ())
    return left


def cycles(dead: Mapping[Party, Edge]) -> list[list[Edge]]:
    """Return each closed chain among the dead, and each orphaned lock as a chain of one wait."""
    found: list[list[Edge]] = []
    seen: set[Party] = set()
    orphans: set[int] = set()
    for start in dead:
        path: list[Party] = []
        party = start
        while party not in seen:
            seen.add(party)
            path.append(party)
            edge = dead[party]
            if edge.is_orphan:
                if id(edge.lock) not in orphans:
                    found.append([edge])
                orphans.add(id(edge.lock))
                break
            party = next(target for target in edge.targets if target in dead)
        else:
            if party in path:
                found.append([dead[member] for member in path[path.index(party) :]])
    return found
