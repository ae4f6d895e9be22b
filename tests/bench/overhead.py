"""What the health package costs a process that is well."""

import os
import time
from contextlib import ExitStack

from tests.integration.lab.experiment import lab, until_serving
from tests.integration.process import Process

from .load import burst, cpu_seconds, get
from .row import Row, spread

PAIRS = 30
"""How many pairs of bursts: on a machine that others use the ratio of one is off by a third, and
the median of as many by some hundredths."""

IDLE_SECONDS = 20.0


def _pinned(process: Process) -> Process:
    os.sched_setaffinity(process.pid, {0})
    return process


def rows() -> list[Row]:
    """Measure throughput per CPU-second and idle CPU, against plain uvicorn."""
    with ExitStack() as stack:
        subject = _pinned(stack.enter_context(lab()))
        control = _pinned(stack.enter_context(lab(plain=True)))
        until_serving(subject)
        pairs = []
        for turn in range(PAIRS):
            order = (control, subject) if turn % 2 else (subject, control)
            measured = {id(p): burst(p.pid, p.port, get("/hello")).per_cpu_second for p in order}
            pairs.append((measured[id(control)], measured[id(subject)]))
        before = cpu_seconds(control.pid), cpu_seconds(subject.pid)
        time.sleep(IDLE_SECONDS)  # idle on purpose: what is measured is doing nothing
        idle_control = (cpu_seconds(control.pid) - before[0]) / IDLE_SECONDS * 100
        idle_subject = (cpu_seconds(subject.pid) - before[1]) / IDLE_SECONDS * 100
    ratios = spread(s / c for c, s in pairs)
    return [
        Row(
            "requests per CPU-second, health package on",
            str(spread(c for c, _ in pairs)),
            str(spread(s for _, s in pairs)),
            f"ratio at least 0.97: {ratios}",
            ratios.middle >= 0.97,
        ),
        Row(
            "idle CPU, % of a core",
            f"{idle_control:.2f}",
            f"{idle_subject:.2f}",
            "at most +0.5",
            idle_subject - idle_control <= 0.5,
        ),
    ]
