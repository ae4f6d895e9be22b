"""Stops a process for a while, as a paused container or a suspended machine does."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.integration.lab.experiment import get, lab, logged, until_serving
from tests.integration.lab.wire import Reply
from tests.integration.meanwhile import meanwhile
from tests.integration.process import Process

QUICK_LIMITS = {"stall_suspect_seconds": 0.4, "stall_broken_seconds": 0.8}
"""Limits that a freeze of a second exceeds."""

BETWEEN_SECONDS = 0.5
"""How long the process runs between two freezes."""

REQUEST_MILLISECONDS = 80
"""What one request keeps the loop busy for, of the processor: much longer than the watchdog needs
to look after a freeze, and a tenth of the shortest limit."""


def freeze(process: Process, seconds: float) -> None:
    """Stop a process for some seconds."""
    process.signal(signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        process.signal(signal.SIGCONT)


@contextmanager
def busy(process: Process) -> Iterator[list[Reply]]:
    """Keep the loop of a laboratory in requests; provide what they were answered."""
    replies: list[Reply] = []
    target = f"/heavy?ms={REQUEST_MILLISECONDS}"
    with meanwhile(lambda: replies.append(get(process, target, timeout=60)), 0.02):
        yield replies


def condemned(
    constants: dict[str, float], limits: dict[str, float], seconds: float, freezes: int = 4
) -> set[str]:
    """Freeze a busy laboratory several times, and return what was found broken.

    Its loop is in the middle of a request most of the time, so that it is the watchdog that looks
    first when the process goes on.
    """
    options: dict[str, Any] = {"constants": constants, "limits": limits}
    with lab(**options) as process:
        until_serving(process)
        with busy(process) as replies:
            for _ in range(freezes):
                freeze(process, seconds)
                time.sleep(BETWEEN_SECONDS)
        strange = [reply for reply in replies if reply.code not in {200, 503}]
        assert not strange, (strange, process.stderr)
        return {line["cause"] for line in logged(process, "liveness broken")}
