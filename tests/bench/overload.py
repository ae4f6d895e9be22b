"""Three times what can be done: what can be is done all the same, the rest is refused at once."""

import resource
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from tests.integration.process import Process

from .flood import Flood, flood
from .load import Client, burst, client
from .probing import Probing, joined, probe_for
from .row import Length, Row, quantile
from .sides import MESSAGE, messenger, mocks

TIMES_CAPACITY = 3.0
LEAST_GOODPUT = 0.8
"""Share of the capacity that is still to be accepted in time."""

DEADLINE_SECONDS = 3.0
"""The service's own default."""

AT_ONCE_SECONDS = 0.5
"""Within what 99 of 100 refusals have to come: half of the second after which they ask to come
again."""

CLIENTS = 64
"""Kept-alive connections by which capacity is measured: enough to keep a process busy."""

PROBE_EVERY_SECONDS = 0.25

UNLIMITED = 100_000
"""A concurrency limit that nothing reaches: the control."""

FILES = 30_000
"""Open files for the control: each request that is not refused has a connection of its own."""


def rows(length: Length) -> list[Row]:
    """Measure the capacity, then the flood with shedding and without."""
    seconds = float(length.of(quick=3, usual=15))
    _allow_files()
    with ExitStack() as stack:
        sender = stack.enter_context(client())
        behind = mocks(stack)
        capacity = _capacity(messenger(stack, behind), sender, seconds)
        # What is done within a second: whoever is accepted is then served in a third of the
        # deadline, on a machine of any speed.
        limit = max(1, min(512, int(capacity)))
        sides = {
            name: messenger(
                stack,
                behind,
                {
                    "MESSENGER_CONCURRENCY_LIMIT": str(value),
                    "MESSENGER_DOWNSTREAM_DEADLINE_SECONDS": f"{DEADLINE_SECONDS:g}",
                },
            )
            for name, value in (("control", UNLIMITED), ("subject", limit))
        }
        found = {}
        for name in ("subject", "control"):
            found[name] = _flooded(sides[name], sender, TIMES_CAPACITY * capacity, seconds)
    return _judged(capacity, limit, seconds, found)


def _allow_files() -> None:
    """Raise the limit on open files, as far as allowed; the processes started inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))


def _capacity(process: Process, sender: Client, seconds: float) -> float:
    """Return messages per second of clients who wait for their answers."""
    # The first burst opens the connections to the mocks, and does not count.
    bursts = [
        burst(process.pid, process.port, MESSAGE, connections=CLIENTS, seconds=part, sender=sender)
        for part in (seconds / 5, seconds)
    ]
    assert not any(done.errors for done in bursts), [done.errors for done in bursts]
    return bursts[-1].requests / bursts[-1].seconds


def _flooded(
    process: Process, sender: Client, rate: float, seconds: float
) -> tuple[Flood, Probing]:
    """Flood a process and probe it meanwhile."""
    with ThreadPoolExecutor(2) as pool:
        probing = [
            pool.submit(probe_for, process.port, seconds, PROBE_EVERY_SECONDS, f"/health/{probe}")
            for probe in ("alive", "ready")
        ]
        done = flood(sender, process.port, [MESSAGE], rate=rate, seconds=seconds)
        got = [each.result() for each in probing]
    pairs = [pair for each in got for pair in zip(each.codes, each.milliseconds, strict=True)]
    return done, joined(pairs)


def _judged(
    capacity: float, limit: int, seconds: float, found: dict[str, tuple[Flood, Probing]]
) -> list[Row]:
    """Return a row for what was accepted, one for what was refused, and one for the probes."""
    (control, control_probes), (subject, probes) = found["control"], found["subject"]
    shares = {
        name: done.goodput(seconds, DEADLINE_SECONDS) / capacity
        for name, (done, _) in found.items()
    }
    p99 = quantile(subject.accepted, 0.99)
    at_once = quantile(subject.refused, 0.99) if subject.refused else float("inf")
    rest = sum(subject.other.values()) + subject.unanswered
    what = f"{TIMES_CAPACITY:g} x {capacity:.0f} messages/s, limit {limit}"
    return [
        Row(
            f"accepted in time at {what}: share of capacity, p99",
            f"{shares['control']:.2f}, {_p99(control.accepted)}",
            f"{shares['subject']:.2f}, {_p99(subject.accepted)}",
            f"at least {LEAST_GOODPUT}, under {DEADLINE_SECONDS:g} s; control less",
            shares["subject"] >= LEAST_GOODPUT > shares["control"] and p99 < DEADLINE_SECONDS,
        ),
        Row(
            f"refused at {what}: 503 with Retry-After, p99, anything else",
            f"{len(control.refused):,}, {_p99(control.refused)}, {_rest(control)}",
            f"{len(subject.refused):,}, {_p99(subject.refused)}, {_rest(subject)}",
            f"p99 at most {AT_ONCE_SECONDS:g} s, nothing else",
            at_once <= AT_ONCE_SECONDS and not rest,
        ),
        Row(
            f"probes at {what}",
            str(control_probes),
            str(probes),
            "0 failed",
            not probes.failures,
        ),
    ]


def _p99(latencies: list[float]) -> str:
    return f"{quantile(latencies, 0.99):.2f} s" if latencies else "-"


def _rest(done: Flood) -> str:
    return f"{sum(done.other.values()) + done.unanswered} {done.other or ''}".strip()
