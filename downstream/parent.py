"""The bond to a parent process that embeds the mocks: when it is gone, so are they."""

import os
import threading


def end_with_parent(read_end: int) -> None:
    """End this process as soon as nobody holds the other end of a pipe any more.

    A parent that is killed cannot say goodbye, but the system closes its end of the pipe. Nothing
    is drained then: the one client is gone, and deliveries are on disk already.

    Args:
        read_end: The inherited end of the pipe that is read; nobody ever writes to the other.
    """
    threading.Thread(target=_wait, args=(read_end,), name="parent", daemon=True).start()


def _wait(read_end: int) -> None:
    while os.read(read_end, 1):
        pass
    os._exit(0)
