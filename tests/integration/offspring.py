"""A process that another one has started: whose child it is, and whether it runs on."""

import time
from pathlib import Path

from tests.integration.process import Process, ProcessError

_PAUSE_SECONDS = 0.005
"""Between two looks: short beside the half second that a start takes."""


def child_of(parent: Process, timeout: float = 20.0) -> int:
    """Wait until a process has its one child, and return the child's process id.

    Raises:
        ProcessError: It has none in time.
    """
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
    deadline = time.monotonic() + timeout
    while not (pids := children.read_text().split()):
        if time.monotonic() > deadline:
            raise ProcessError(f"no child of process {parent.pid} within {timeout} s")
        time.sleep(_PAUSE_SECONDS)
    assert len(pids) == 1, pids
    return int(pids[0])


def wait_until_gone(pid: int, timeout: float = 5.0) -> None:
    """Wait until a process that is no child of ours has ended.

    Raises:
        ProcessError: It still runs.
    """
    deadline = time.monotonic() + timeout
    while is_running(pid):
        if time.monotonic() > deadline:
            raise ProcessError(f"process {pid} still runs after {timeout} s")
        time.sleep(_PAUSE_SECONDS)


def is_running(pid: int) -> bool:
    """Say whether a process runs; one that ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except FileNotFoundError:
        return False
    return state not in "ZX"
