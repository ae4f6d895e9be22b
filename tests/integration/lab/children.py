"""Child processes, by fork and by exec, which hear their own signals, or not."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

CHILD_SECONDS = 20.0
"""After which a child ends by itself, so that none is left behind."""

_SLEEP = f"import time; print('up', flush=True); time.sleep({CHILD_SECONDS})"


def by_fork() -> tuple[int, Callable[[], int]]:
    """Fork; the child sleeps in Python, where a handler of ours would run."""
    ready, told = os.pipe()
    pid = os.fork()
    if not pid:
        os.write(told, b"!")
        time.sleep(CHILD_SECONDS)
        os._exit(0)
    os.read(ready, 1)
    os.close(ready)
    os.close(told)
    return pid, lambda: os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def by_exec() -> tuple[int, Callable[[], int]]:
    """Start a process; it sleeps."""
    child = subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, "-c", _SLEEP], stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    child.stdout.close()
    return child.pid, child.wait


def by_exec_under_a_mask() -> tuple[int, Callable[[], int]]:
    """Start a process with SIGTERM blocked, as it would be below a thread in `sigwait`."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        return by_exec()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


KINDS = {"fork": by_fork, "exec": by_exec, "masked": by_exec_under_a_mask}

_statuses: dict[int, int] = {}


async def start(request: Request) -> PlainTextResponse:
    """Start a child of a kind and answer its process id."""
    pid, wait = KINDS[request.query_params["kind"]]()

    def reap() -> None:
        _statuses[pid] = wait()

    threading.Thread(target=reap, name=f"reap-{pid}", daemon=True).start()
    return PlainTextResponse(str(pid))


async def ended(request: Request) -> JSONResponse:
    """Answer the exit statuses of the children that have ended."""
    del request
    return JSONResponse(_statuses)


ROUTES = [Route("/child", start), Route("/child/ended", ended)]
