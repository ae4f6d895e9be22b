"""Drop-in thread locks that know who holds them, so that a deadlock can be explained.

`Lock` and `RLock` stand in for those of `threading`. A free
lock is taken by the same C call as before, plus three assignments: the owner, the frame and the
instruction, which become a line only when somebody asks. Only who must wait pays more: see
waits.py.

A lock that is released by somebody else than its owner is a signal, not a mutex: it is marked
`handoff` for ever and no ownership is read from it. Declare it so where it is known beforehand.
"""

import _thread
import threading
from sys import _getframe
from types import CodeType, FrameType, TracebackType
from typing import Self

from .waits import WAITS, Party, Wait

NO_TIMEOUT = -1
"""What `threading.Lock.acquire` takes for no time-out."""


class _Me(threading.local):
    """The current thread as an object: unlike its number it is never used again by another."""

    def __init__(self) -> None:
        self.thread = threading.current_thread()


_me = _Me()


class Lock:
    """A `threading.Lock` that knows its owner.

    Args:
        name: What the explanation calls it, such as `directory.snapshots`.
        handoff: Whether one thread takes it and another releases it.
    """

    __slots__ = (
        "__weakref__",
        "_frame",
        "_holder",
        "_inner",
        "_release",
        "_take",
        "handoff",
        "lasti",
        "name",
    )

    def __init__(self, name: str = "lock", *, handoff: bool = False) -> None:
        self._inner = _thread.allocate_lock()
        # Bound once: a method look-up in each `with` costs more than the C call itself.
        self._take = self._inner.acquire
        self._release = self._inner.release
        self.name = name
        self.handoff = handoff
        self._holder = _me.thread
        # The frame that took the lock while it is held, None while it is free: with it a release is
        # one assignment. The holder beside it is believed only while there is a frame.
        self._frame: FrameType | None = None
        self.lasti = 0

    @property
    def owner(self) -> Party | None:
        """The thread that holds the lock, None while it is free."""
        return None if self._frame is None else self._holder

    @property
    def code(self) -> CodeType | None:
        """The code that took the lock, None while it is free."""
        frame = self._frame
        return None if frame is None else frame.f_code

    def acquire(self, blocking: bool = True, timeout: float = NO_TIMEOUT) -> bool:  # noqa: FBT001, FBT002 - threading's signature
        """Take the lock as `threading.Lock.acquire` does, and say whether that succeeded."""
        if not self._take(False) and not (blocking and self._wait(timeout)):
            return False
        self._own(_getframe(1))
        return True

    def _own(self, frame: FrameType) -> None:
        self._holder = _me.thread
        self._frame = frame
        self.lasti = frame.f_lasti

    def _wait(self, timeout: float = NO_TIMEOUT) -> bool:
        me = _me.thread
        WAITS[me] = Wait(me, self, timed=timeout != NO_TIMEOUT, depth=3)
        try:
            return self._take(True, timeout)
        finally:
            WAITS.pop(me, None)  # a signal handler may have waited meanwhile, and taken it out

    def release(self) -> None:
        """Release the lock; by another thread than the owner it becomes a handoff."""
        if self._holder is not _me.thread:
            self.handoff = True
        self._frame = None
        self._release()

    def locked(self) -> bool:
        """Return whether somebody holds the lock."""
        return self._inner.locked()

    def __enter__(self) -> Self:
        """Take the lock, waiting without limit."""
        if not self._take(False):
            self._wait()
        # `_own` written out: a call would cost as much as the rest.
        self._holder = _me.thread
        self._frame = frame = _getframe(1)
        self.lasti = frame.f_lasti
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release the lock; a `with` block ends in the thread that began it."""
        self._frame = None
        self._release()

    def __repr__(self) -> str:
        """Return the name and the owner."""
        holder = "nobody" if self._frame is None else self._holder.name
        return f"<{type(self).__name__} {self.name} held by {holder}>"


class RLock(Lock):
    """A `threading.RLock` that knows its owner; serves as the lock of a `threading.Condition`."""

    __slots__ = ("_depth",)

    def __init__(self, name: str = "rlock") -> None:
        super().__init__(name)
        self._depth = 0

    def acquire(self, blocking: bool = True, timeout: float = NO_TIMEOUT) -> bool:  # noqa: FBT001, FBT002 - threading's signature
        """Take the lock as `threading.RLock.acquire` does, and say whether that succeeded."""
        if not self._is_owned():
            if not self._take(False) and not (blocking and self._wait(timeout)):
                return False
            self._own(_getframe(1))
        self._depth += 1
        return True

    def release(self) -> None:
        """Release the lock once.

        Raises:
            RuntimeError: The current thread does not hold it.
        """
        if not self._is_owned():
            raise RuntimeError("cannot release un-acquired lock")
        self._depth -= 1
        if not self._depth:
            self._frame = None
            self._release()

    def __enter__(self) -> Self:
        """Take the lock, waiting without limit."""
        if not self._is_owned():
            if not self._take(False):
                self._wait()
            self._own(_getframe(1))
        self._depth += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release the lock once."""
        self.release()

    # The three methods by which threading.Condition gives a re-entrant lock up and takes it back.

    def _is_owned(self) -> bool:
        return self._frame is not None and self._holder is _me.thread

    def _release_save(self) -> int:
        depth = self._depth
        self._depth = 0
        self._frame = None
        self._release()
        return depth

    def _acquire_restore(self, depth: int) -> None:
        if not self._take(False):
            self._wait()
        self._own(_getframe(1))
        self._depth = depth
