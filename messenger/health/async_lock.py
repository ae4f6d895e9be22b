"""A drop-in for `asyncio.Lock` that knows which task holds it; see locks.py for the idea."""

import asyncio
from sys import _getframe
from types import CodeType, TracebackType
from typing import Any, Literal

from .waits import WAITS, Party, Wait, is_under_deadline


class AsyncLock(asyncio.Lock):
    """An `asyncio.Lock` that knows which task holds it.

    Args:
        name: What the explanation calls it, such as `directory.refresh`.
        handoff: Whether one task takes it and another releases it.
    """

    # What the base class keeps, read here so that a free lock costs no second coroutine.
    _locked: bool
    _waiters: Any

    def __init__(self, name: str = "async lock", *, handoff: bool = False) -> None:
        super().__init__()
        self.name = name
        self.handoff = handoff
        self.owner: Party | None = None
        self.code: CodeType | None = None
        self.lasti = 0

    async def acquire(self) -> Literal[True]:
        """Take the lock as `asyncio.Lock.acquire` does."""
        frame = _getframe(1)
        await self._obtain(frame.f_code, frame.f_lasti)
        task = asyncio.current_task()
        if task is not None and getattr(task.get_coro(), "cr_frame", None) is _getframe():
            # `create_task(lock.acquire())`, or `wait_for` on 3.11: this task ends here and now, and
            # whoever awaits it has the lock.
            self.owner = None
        return True

    async def __aenter__(self) -> None:
        """Take the lock, waiting without limit."""
        task = asyncio.current_task()
        frame = _getframe(1)
        if self._locked or self._waiters:
            await self._obtain(frame.f_code, frame.f_lasti)
            return
        self._locked = True
        self.owner = task
        self.code = frame.f_code
        self.lasti = frame.f_lasti

    async def _obtain(self, code: CodeType, lasti: int) -> None:
        task = asyncio.current_task()
        if task is not None and (self._locked or self._waiters):
            wait = Wait(task, self, timed=is_under_deadline(), depth=1)
            wait.code, wait.lasti = code, lasti
            WAITS[task] = wait
            try:
                await super().acquire()
            finally:
                del WAITS[task]
        else:
            await super().acquire()
        self.owner = task
        self.code, self.lasti = code, lasti

    def release(self) -> None:
        """Release the lock; by another task than the owner it becomes a handoff."""
        if self.owner is not asyncio.current_task():
            self.handoff = True
        self.owner = None
        super().release()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release the lock; an `async with` block ends in the task that began it."""
        self.owner = None
        super().release()
