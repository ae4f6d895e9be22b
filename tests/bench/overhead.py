"""What the health package costs a process that is well."""

import time
from contextlib import ExitStack

from tests.integration.lab.experiment import lab, until_serving

from .load import client, cpu_seconds, get
from .row import Length, Row
from .sides import MESSAGE, messenger, mocks, pinned, speed
from .turns import ratio_row, take_turns

ROUNDS = 60
"""How often the sides take turns with messages: many short bursts see the same machine, whoever
else uses it."""

BURST_SECONDS = 0.5
"""Some hundred messages."""

PAIRS = 30
"""How many pairs of bursts: on a machine that others use the ratio of one is off by a third, and
the median of as many by some hundredths."""

IDLE_SECONDS = 20.0

LEAST_RATIO = 0.97


def rows(length: Length) -> list[Row]:
    """Measure what it costs a message, a route that does nothing, and a process that idles."""
    return [_messages(length), *_bare(length)]


def _messages(length: Length) -> Row:
    """Measure Messenger, against the very application on plain uvicorn."""
    with ExitStack() as stack:
        sender = stack.enter_context(client())
        behind = mocks(stack)
        control = messenger(stack, behind, module="tests.bench.unwatched")
        subject = messenger(stack, behind)
        rounds = take_turns(
            {
                "control": speed(control, MESSAGE, sender, seconds=BURST_SECONDS),
                "subject": speed(subject, MESSAGE, sender, seconds=BURST_SECONDS),
            },
            length.of(quick=2, usual=ROUNDS),
        )
    return ratio_row(
        "messages per CPU-second, health package on", rounds, "subject", "control", LEAST_RATIO
    )


def _bare(length: Length) -> list[Row]:
    """Measure an application that does nothing at all, against the same on plain uvicorn."""
    with ExitStack() as stack:
        sender = stack.enter_context(client())
        subject = pinned(stack.enter_context(lab()))
        control = pinned(stack.enter_context(lab(plain=True)))
        until_serving(subject)
        hello = get("/hello")
        rounds = take_turns(
            {"control": speed(control, hello, sender), "subject": speed(subject, hello, sender)},
            length.of(quick=2, usual=PAIRS),
        )
        before = cpu_seconds(control.pid), cpu_seconds(subject.pid)
        time.sleep(IDLE_SECONDS)  # idle on purpose: what is measured is doing nothing
        idle_control = (cpu_seconds(control.pid) - before[0]) / IDLE_SECONDS * 100
        idle_subject = (cpu_seconds(subject.pid) - before[1]) / IDLE_SECONDS * 100
    return [
        ratio_row(
            "requests of an empty handler per CPU-second, health package on",
            rounds,
            "subject",
            "control",
            None,
        ),
        Row(
            "idle CPU, % of a core",
            f"{idle_control:.2f}",
            f"{idle_subject:.2f}",
            "at most +0.5",
            idle_subject - idle_control <= 0.5,
        ),
    ]
