"""The table of who waits for which lock; written by the locks, read by the watchdog.

Nothing is recorded for a lock that is free. Whoever must wait puts one entry into the table before
and takes it out afterwards; both are single dictionary operations, atomic under the GIL, so the
detector needs no lock that a deadlock could involve. An entry carries a sequence number instead of
a
time: the watchdog remembers when, in its own ticks, it first saw the number.
"""

import asyncio
import itertools
import sys
import threading
from contextvars import Context, ContextVar, Token, copy_context
from types import CodeType, TracebackType
from typing import Any, Protocol, Self, TypeAlias

Party: TypeAlias = threading.Thread | asyncio.Task[Any]
"""Who can hold a lock and who can wait: a thread, or a task on an event loop."""


class Held(Protocol):
    """What the detector reads of a lock; every instrumented lock has it."""

    name: str
    handoff: bool
    lasti: int

    @property
    def owner(self) -> Party | None:
        """Who holds it, None while it is free."""
        ...

    @property
    def code(self) -> CodeType | None:
        """The code that took it, None while it is free."""
        ...


class Wait:
    """One wait for one lock, from its beginning to its end."""

    __slots__ = ("code", "lasti", "lock", "sequence", "timed", "waiter")

    def __init__(self, waiter: Party, lock: Held, *, timed: bool, depth: int) -> None:
        frame = sys._getframe(depth)  # noqa: SLF001 - the documented way to the caller's line
        self.waiter = waiter
        self.lock = lock
        self.timed = timed
        self.sequence = next(_sequence)
        self.code = frame.f_code
        self.lasti = frame.f_lasti


WAITS: dict[Party, Wait] = {}
"""Every wait that goes on now, by who waits; of the process, as threads and tasks are."""

_sequence = itertools.count(1)
_under_deadline: ContextVar[bool] = ContextVar("under_deadline", default=False)


def is_under_deadline() -> bool:
    """Return whether the current context runs under `deadline`."""
    return _under_deadline.get()


def context_of_thread() -> Context:
    """Return a copy of the current context for a thread: a deadline does not end what it does."""
    context = copy_context()
    context.run(_under_deadline.set, False)
    return context


class deadline:  # noqa: N801 - used like `asyncio.timeout`, which reads as a verb too
    """Cancel the block after `seconds` and mark every wait begun inside it as timed.

    Use it as `async with deadline(3):`; it raises TimeoutError like `asyncio.timeout`. Tasks that
    are created inside inherit the mark, so a cycle among the children of one request is seen as
    what it
    is: something that the deadline will break.

    Args:
        seconds: The time allowed; None is no limit and marks nothing.
    """

    __slots__ = ("_timeout", "_token")

    def __init__(self, seconds: float | None) -> None:
        self._timeout = asyncio.timeout(seconds)
        self._token: Token[bool] | None = None

    async def __aenter__(self) -> Self:
        """Enter the block."""
        if self._timeout.when() is not None:
            self._token = _under_deadline.set(True)
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the block; turn the deadline's own cancellation into TimeoutError."""
        if self._token is not None:
            _under_deadline.reset(self._token)
        await self._timeout.__aexit__(kind, error, trace)
