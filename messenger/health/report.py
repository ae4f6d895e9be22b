"""Puts places, stacks and verdicts into words that fit a termination message."""

import asyncio
import concurrent.futures
import inspect
import linecache
import threading
from collections.abc import Callable, Iterable
from types import CodeType, FrameType
from typing import Any

from . import async_lock, frames, locks
from .frames import current_frames
from .signals import note_only
from .verdict import Evidence

STACK_FRAMES = 3
"""How many frames of each stack are shown: the wait itself, who called it and who called that."""

SOURCE_CHARACTERS = 60
"""How much of a source line is quoted: enough to recognise it, little enough for 4,000 bytes."""


def short(filename: str) -> str:
    """Return the last two parts of a file's path: `messenger/directory.py`, without the machine."""
    return "/".join(filename.rsplit("/", 2)[-2:])


def place(code: CodeType | None, lasti: int) -> str:
    """Return `package/file.py:line` of one instruction, or `?` if it is not known."""
    if code is None:
        return "?"
    return f"{short(code.co_filename)}:{line_of(code, lasti)}"


def line_of(code: CodeType, lasti: int) -> int:
    """Return the line of an instruction; the line table is decoded only when somebody asks."""
    for start, end, line in code.co_lines():
        if start <= lasti < end and line is not None:
            return line
    return code.co_firstlineno


def frame_line(frame: FrameType) -> str:
    """Return `file.py:88 in flush  with self._b:` for one frame."""
    code = frame.f_code
    source = linecache.getline(code.co_filename, frame.f_lineno).strip()[:SOURCE_CHARACTERS]
    return f"{short(code.co_filename)}:{frame.f_lineno} in {code.co_qualname}  {source}"


def thread_stack(thread_name: str, frame: FrameType | None) -> tuple[str, ...]:
    """Return the innermost frames of a thread, one line each, innermost last.

    The frames of the locks and of the standard library's waiting are left out: everybody's end in
    the same ones. So is our signal handler's, which stands for a moment on whatever is to be shown.
    """
    lines: list[str] = []
    while frame is not None and len(lines) < STACK_FRAMES:
        if not _is_plumbing(frame):
            lines.append(f'stack "{thread_name}": {frame_line(frame)}')
        frame = frame.f_back
    return tuple(reversed(lines))


def task_stack(task: asyncio.Task[Any]) -> tuple[str, ...]:
    """Return the innermost frames of a suspended task, one line each, innermost last."""
    frames: list[FrameType] = []
    coroutine: Any = task.get_coro()
    while coroutine is not None and (frame := getattr(coroutine, "cr_frame", None)) is not None:
        if not _is_plumbing(frame):
            frames.append(frame)
        coroutine = coroutine.cr_await
    return tuple(f'stack "{task.get_name()}": {frame_line(f)}' for f in frames[-STACK_FRAMES:])


def _is_plumbing(frame: FrameType) -> bool:
    code = frame.f_code
    return (
        code.co_filename in _PLUMBING
        or code.co_filename.startswith(_ASYNCIO)
        or code is note_only.__code__
    )


_PLUMBING = frozenset(
    {
        async_lock.__file__,
        frames.__file__,
        locks.__file__,
        threading.__file__,
        inspect.getsourcefile(concurrent.futures.Future),
    }
)
_ASYNCIO = asyncio.__file__.removesuffix("__init__.py")


def stack_lines(
    parties: Iterable[threading.Thread | asyncio.Task[Any]],
    frame_of: Callable[[threading.Thread], FrameType | None],
) -> tuple[str, ...]:
    """Return the stacks of all `parties`."""
    lines: list[str] = []
    for party in parties:
        if isinstance(party, threading.Thread):
            lines.extend(thread_stack(party.name, frame_of(party)))
        else:
            lines.extend(task_stack(party))
    return tuple(lines)


def all_stacks() -> tuple[str, ...]:
    """Return the innermost frames of every thread, for the log."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    lines: list[str] = []
    for ident, frame in current_frames().items():
        lines.extend(thread_stack(names.get(ident, f"thread {ident}"), frame))
    return tuple(lines)


def verdict_lines(evidence: Evidence, *, who: str, at: str, action: str) -> list[str]:
    """Return the termination message: stacks first, the verdict and its reason last.

    Args:
        evidence: What broke the process.
        who: Service, release and pod.
        at: The time of day.
        action: What happens now, such as `exit by SIGTERM`.
    """
    return [
        *evidence.stacks,
        f"{evidence.headline} {who} at {at}, {action}",
        evidence.explanation,
    ]
