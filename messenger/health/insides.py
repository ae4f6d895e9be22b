"""What is read of the insides of asyncio and concurrent.futures, all of it here.

Python has no public way to ask what a suspended task or a blocked thread waits for (3.14 begins to
have one). These few attributes differ by version, so they stand in one file with a test for each,
and every reader returns nothing rather than raise when a version hides what it looks for.
"""

import asyncio
import concurrent.futures
import gc
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FrameType, FunctionType
from typing import Any
from weakref import WeakKeyDictionary


@dataclass(frozen=True, slots=True)
class Awaited:
    """What a task or thread waits for, other than an instrumented lock.

    `tasks` are tasks that must end, `futures` results that a thread must deliver, `threads` threads
    that must end, `loop` tells that the event loop itself must run.
    """

    how: str = ""
    tasks: tuple[asyncio.Task[Any], ...] = ()
    futures: tuple[concurrent.futures.Future[Any], ...] = ()
    threads: tuple[threading.Thread, ...] = ()
    loop: bool = False
    timed: bool = False
    code: CodeType | None = None
    lasti: int = 0


NOTHING = Awaited()
"""What somebody waits for who runs, sleeps, or waits for something that no graph can hold."""


def awaited_by_task(task: asyncio.Task[Any]) -> Awaited:
    """Return what a suspended task waits for, from its future and its innermost frame."""
    future = getattr(task, "_fut_waiter", None)
    innermost, place = _coroutine_frames(task)
    if isinstance(future, asyncio.Task):
        return _at(place, Awaited("awaits", tasks=(future,)))
    if (children := _children_of(future)) is not None:
        return _at(place, Awaited("gathers", tasks=_pending(children)))
    if innermost is not None and (found := _awaited_in(innermost)) is not None:
        return _at(place, found)
    if isinstance(delivered := _chained_source(future), concurrent.futures.Future):
        return _at(place, Awaited("awaits", futures=(delivered,)))
    return NOTHING


def behind_loop(task: asyncio.Task[Any]) -> Awaited:
    """Return the wait of a suspended task for the loop itself, whatever else it waits for."""
    _, place = _coroutine_frames(task)
    return _at(place, Awaited("needs", loop=True))


def _awaited_in(frame: FrameType) -> Awaited | None:
    """Return what one of asyncio's own coroutines waits for, by its name and variables."""
    variables = frame.f_locals
    code = frame.f_code
    if code.co_qualname.startswith("TaskGroup."):  # `__aexit__`, later `_aexit` in it
        return Awaited("joins", tasks=_pending(getattr(variables.get("self"), "_tasks", None)))
    if not code.co_filename.startswith(_ASYNCIO):
        return None
    match code.co_qualname:
        case "_wait":
            timed = variables.get("timeout") is not None
            return Awaited("waits for", tasks=_pending(variables.get("fs")), timed=timed)
        case "wait_for":
            # 3.11 waits for a future of its own; from 3.12 on it is a time-out in the same task.
            return Awaited("waits for", tasks=_pending([variables.get("fut")]), timed=True)
        case _:
            return None


def awaited_by_thread(frame: FrameType) -> Awaited:
    """Return what a blocked thread waits for, from the frames of the standard library in it."""
    current: FrameType | None = frame
    while current is not None:
        code = current.f_code
        if code.co_name == "result" and code.co_filename.endswith("concurrent/futures/_base.py"):
            return _awaited_result(current)
        if code.co_name == "join" and code.co_filename == threading.__file__:
            thread = current.f_locals.get("self")
            if isinstance(thread, threading.Thread):
                timed = current.f_locals.get("timeout") is not None
                return _at(current.f_back, Awaited("joins", threads=(thread,), timed=timed))
        if not code.co_filename.startswith(_STANDARD_LIBRARY):
            return NOTHING
        current = current.f_back
    return NOTHING


_STANDARD_LIBRARY = threading.__file__.rsplit("/", 1)[0] + "/"


def _awaited_result(frame: FrameType) -> Awaited:
    future = frame.f_locals.get("self")
    timed = frame.f_locals.get("timeout") is not None
    if not isinstance(future, concurrent.futures.Future):
        return NOTHING
    source = _chained_source(future)
    if isinstance(source, asyncio.Task):
        found = Awaited("awaits", tasks=(source,), timed=timed)
    elif _is_queued_for_loop(future):
        found = Awaited("needs", loop=True, timed=timed)
    else:
        found = Awaited("awaits", futures=(future,), timed=timed)
    return _at(frame.f_back, found)


def _at(frame: FrameType | None, found: Awaited) -> Awaited:
    if frame is None:
        return found
    return Awaited(
        found.how,
        found.tasks,
        found.futures,
        found.threads,
        found.loop,
        found.timed,
        frame.f_code,
        frame.f_lasti,
    )


def _coroutine_frames(
    task: asyncio.Task[Any],
) -> tuple[FrameType | None, FrameType | None]:
    """Return the innermost frame of a suspended task, and the innermost that is the user's own."""
    innermost = place = None
    coroutine: Any = task.get_coro()
    while coroutine is not None and (frame := getattr(coroutine, "cr_frame", None)) is not None:
        innermost = frame
        if not frame.f_code.co_filename.startswith(_PLUMBING):
            place = frame
        coroutine = coroutine.cr_await
    return innermost, place


_ASYNCIO = asyncio.__file__.rsplit("/", 1)[0] + "/"
_PLUMBING = (_ASYNCIO, __file__.rsplit("/", 1)[0] + "/")
"""asyncio's files and those of this package: an explanation names the line that called them."""


def _pending(candidates: object) -> tuple[asyncio.Task[Any], ...]:
    """Return the tasks among `candidates` that have not ended.

    Nothing is returned if there is a future among them of which nobody knows who delivers it: it
    may come, and set whoever waits free.
    """
    if not isinstance(candidates, (set, frozenset, list, tuple)):
        return ()
    found: list[asyncio.Task[Any]] = []
    for item in tuple(candidates):
        if not asyncio.isfuture(item) or item.done():
            continue
        nested = (item,) if isinstance(item, asyncio.Task) else _pending(_children_of(item))
        if not nested:
            return ()
        found += nested
    return tuple(found)


def _children_of(future: object) -> object:
    """Return what `asyncio.gather` put together in `future`, or None."""
    return getattr(future, "_children", None)


def _chained_source(future: object) -> object:
    """Return what `asyncio.futures._chain_future` copies into `future`, or None.

    Both `wrap_future` and `run_coroutine_threadsafe` leave a callback on the destination, which
    passes a cancellation on and whose closure therefore names the source.
    """
    callbacks = getattr(future, "_done_callbacks", None) or getattr(future, "_callbacks", None)
    for entry in tuple(callbacks or ()):
        callback = entry[0] if isinstance(entry, tuple) else entry
        if isinstance(callback, FunctionType) and callback.__closure__:
            names = callback.__code__.co_freevars
            if callback.__qualname__.startswith("_chain_future.") and "source" in names:
                try:
                    return callback.__closure__[names.index("source")].cell_contents
                except ValueError:
                    return None
    return None


def _is_queued_for_loop(future: concurrent.futures.Future[Any]) -> bool:
    """Return whether `run_coroutine_threadsafe` made it; the loop has not seen it without a chain.

    To find out takes several passes over all objects, so it is done once for each future.
    """
    known = _MADE_FOR_LOOP.get(future)
    if known is None:
        known = _MADE_FOR_LOOP[future] = _is_in_a_call_for_loop(future)
    return known


_MADE_FOR_LOOP: WeakKeyDictionary[concurrent.futures.Future[Any], bool] = WeakKeyDictionary()


def _is_in_a_call_for_loop(future: concurrent.futures.Future[Any]) -> bool:
    for cell in gc.get_referrers(future):
        if type(cell).__name__ != "cell":
            continue
        for closure in gc.get_referrers(cell):
            for function in gc.get_referrers(closure) if isinstance(closure, tuple) else ():
                if getattr(function, "__qualname__", "").startswith("run_coroutine_threadsafe."):
                    return True
    return False


def tasks_with_a_timeout() -> set[asyncio.Task[Any]]:
    """Return the tasks that `asyncio.timeout` or an anyio cancel scope will cancel in time.

    Neither leaves a trace in the task, so all objects are looked at: about 60 ms per million. It is
    asked only when a cycle has been found and is about to be believed.

    A time-out that has fired or whose block has been left has no timer any more.
    """
    anyio_backend = sys.modules.get("anyio._backends._asyncio")
    scope_type = getattr(anyio_backend, "CancelScope", None)
    found: set[asyncio.Task[Any]] = set()
    for item in gc.get_objects():
        if type(item) is asyncio.Timeout:
            task = getattr(item, "_task", None)
            if task is not None and getattr(item, "_timeout_handler", None) is not None:
                found.add(task)
        elif scope_type is not None and type(item) is scope_type:
            found |= set(_tasks_under(item))
    return found


def _tasks_under(scope: Any) -> Iterator[asyncio.Task[Any]]:  # noqa: ANN401 - anyio's private class
    """Yield the tasks of a scope if it or one around it has a deadline."""
    around = scope
    while around is not None:
        if getattr(around, "_deadline", float("inf")) != float("inf"):
            yield from tuple(getattr(scope, "_tasks", ()))
            return
        if getattr(around, "_shield", False):
            return
        around = getattr(around, "_parent_scope", None)
