"""What the health package costs a process that is well."""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack

from tests.integration.lab.experiment import lab, until_serving
from tests.integration.process import Process
from tests.integration.service import mocks

from .load import burst, client, cpu_seconds, get
from .messages import ROUNDS, speed, started
from .row import Row, spread

PAIRS = 30
"""How many pairs of bursts: on a machine that others use the ratio of one is off by a third, and
the median of as many by some hundredths."""

IDLE_SECONDS = 20.0

LEAST_RATIO = 0.97


def rows() -> list[Row]:
    """Measure what it costs a message, a route that does nothing, and a process that idles."""
    return [_messages(), *_bare()]


def _messages() -> Row:
    """Measure Messenger, against the very application on plain uvicorn."""
    with ExitStack() as stack:
        sender = stack.enter_context(client())
        behind = stack.enter_context(mocks())
        control, subject = (
            started(stack, behind, module) for module in ("tests.bench.unwatched", "messenger")
        )
        pairs = _pairs(control, subject, lambda process: speed(process, sender), ROUNDS)
    return _ratio("messages per CPU-second, health package on", pairs, LEAST_RATIO)


def _bare() -> list[Row]:
    """Measure an application that does nothing at all, against the same on plain uvicorn."""
    with ExitStack() as stack:
        subject = _pinned(stack.enter_context(lab()))
        control = _pinned(stack.enter_context(lab(plain=True)))
        until_serving(subject)
        pairs = _pairs(
            control, subject, lambda p: burst(p.pid, p.port, get("/hello")).per_cpu_second, PAIRS
        )
        before = cpu_seconds(control.pid), cpu_seconds(subject.pid)
        time.sleep(IDLE_SECONDS)  # idle on purpose: what is measured is doing nothing
        idle_control = (cpu_seconds(control.pid) - before[0]) / IDLE_SECONDS * 100
        idle_subject = (cpu_seconds(subject.pid) - before[1]) / IDLE_SECONDS * 100
    return [
        _ratio("requests of an empty handler per CPU-second, health package on", pairs, None),
        Row(
            "idle CPU, % of a core",
            f"{idle_control:.2f}",
            f"{idle_subject:.2f}",
            "at most +0.5",
            idle_subject - idle_control <= 0.5,
        ),
    ]


def _pinned(process: Process) -> Process:
    os.sched_setaffinity(process.pid, {0})
    return process


def _pairs(
    control: Process, subject: Process, measure: Callable[[Process], float], count: int
) -> list[tuple[float, float]]:
    """Measure both by turns, each of them first in every other turn."""
    pairs = []
    for turn in range(count):
        order = (control, subject) if turn % 2 else (subject, control)
        measured = {id(process): measure(process) for process in order}
        pairs.append((measured[id(control)], measured[id(subject)]))
    return pairs


def _ratio(what: str, pairs: list[tuple[float, float]], least: float | None) -> Row:
    ratios = spread(s / c for c, s in pairs)
    return Row(
        what,
        str(spread(c for c, _ in pairs)),
        str(spread(s for _, s in pairs)),
        f"ratio {'reported' if least is None else f'at least {least}'}: {ratios}",
        None if least is None else ratios.middle >= least,
    )
