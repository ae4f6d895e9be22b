"""A kubelet in real time, for one container: liveness probes, three failures, SIGTERM, SIGKILL.

It probes as the real one does with the article's numbers: every 10 s, a second's time-out, a new
connection each time, three failures in a row. Then the container gets SIGTERM and, when its grace
period is over, SIGKILL. What it cannot show is what the real one adds of its own jitter.
"""

import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.lab.experiment import probe
from tests.integration.process import Process

PERIOD_SECONDS = 10.0
FAILURE_THRESHOLD = 3
GRACE_SECONDS = 30.0
LOOK_SECONDS = 0.02
"""How often it is seen whether the process is still there."""


@dataclass(slots=True)
class Restart:
    """How a container ended."""

    seconds: float = 0.0
    """From the fault to the end of the process."""
    status: int = 0
    message: str = ""
    """The last line of the termination message."""
    codes: list[int] = field(default_factory=list)
    """What each probe was answered; 0 is no answer in time."""


def restart(process: Process, message: Path, fault_at: float, phase: float) -> Restart:
    """Probe a process until it has to go, and see it go.

    Args:
        process: The container.
        message: Its termination log.
        fault_at: When the fault struck, on the monotonic clock.
        phase: How long after the fault the next probe is due, 0 to 10 s.
    """
    seen = Restart()
    next_probe = fault_at + phase
    failures, terminated_at = 0, None
    while process.is_running:
        now = time.monotonic()
        if terminated_at is None and now >= next_probe:
            code = probe(process).code
            seen.codes.append(code)
            failures = 0 if code in range(200, 400) else failures + 1
            next_probe += PERIOD_SECONDS
            if failures == FAILURE_THRESHOLD:
                process.signal(signal.SIGTERM)
                terminated_at = time.monotonic()
        elif terminated_at is not None and now - terminated_at > GRACE_SECONDS:
            process.signal(signal.SIGKILL)
        time.sleep(LOOK_SECONDS)
    seen.seconds = time.monotonic() - fault_at
    seen.status = process.wait()
    seen.message = "".join(message.read_text().splitlines()[-1:])
    return seen
