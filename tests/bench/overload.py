"""Three times what can be done: what can be is done all the same, the rest is refused at once."""

import resource
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from statistics import median

from tests.integration.process import Process

from .flood import Flood, flood
from .load import Burst, Client, burst, client, cpu_seconds
from .probing import Probing, joined, probe_for
from .row import Length, Row, quantile, spread
from .sides import MESSAGE, messenger, mocks

TIMES_CAPACITY = 3.0
LEAST_GOODPUT = 0.8
"""Share of the capacity that is still to be accepted in time."""

DEADLINE_SECONDS = 3.0
"""The service's own default."""

AT_ONCE_SECONDS = 0.5
"""Within what 99 of 100 refusals have to come: half of the second after which they ask to come
again."""

LATE_SECONDS = 0.1
"""How late 99 of 100 requests may be sent, against their schedule. Latencies count from there, so
that more than a fifth of what a refusal may take would be the load's own fault: on few cores it has
to share one with what it measures. A run that was later judges nothing."""

CONTROL_LATE_SECONDS = DEADLINE_SECONDS / 6
"""The same for the control, which is judged by the deadline alone: whom nobody refuses needs a
connection of its own, and opening thousands keeps the load busy."""

WORK_SECONDS = 0.1
"""How much work is let in at once. Whoever is accepted then waits for about so long on a machine of
any speed. More keeps a core no busier, and costs: it all gets its turn before the next refusal."""

ROUNDS = 3
"""How often each side is flooded, at a rate that follows the capacity of the moment: on a machine
that others use, that of a minute ago is another one."""

CLIENTS = 64
"""Kept-alive connections by which capacity is measured: enough to keep a process busy."""

PROBE_EVERY_SECONDS = 0.25

UNLIMITED = 100_000
"""A concurrency limit that nothing reaches: the control."""

FILES = 30_000
"""Open files for the control: each request that is not refused has a connection of its own."""


@dataclass(slots=True)
class Side:
    """What became of the floods of one process."""

    shares: list[float] = field(default_factory=list)
    """What was accepted in time, of the capacity that was measured just before each flood."""
    by_cpu: list[float] = field(default_factory=list)
    """The same by seconds of the process's CPU: what refusing others has cost, whoever else used
    the machine."""
    all: Flood = field(default_factory=Flood)
    probes: list[Probing] = field(default_factory=list)


def rows(length: Length) -> list[Row]:
    """Measure the capacity, then the flood with shedding and without, and so again."""
    seconds = float(length.of(quick=3, usual=6))
    _allow_files()
    with ExitStack() as stack:
        sender = stack.enter_context(client())
        behind = mocks(stack)
        unhurried = messenger(stack, behind)
        first = _capacity(unhurried, sender, seconds).per_second
        limit = max(1, min(512, int(WORK_SECONDS * first)))
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
        found = {name: Side() for name in sides}
        for _ in range(length.of(quick=1, usual=ROUNDS)):
            for name in ("subject", "control"):
                capacity = _capacity(unhurried, sender, seconds)
                _flood(found[name], sides[name], sender, capacity, seconds)
    return judged(f"{TIMES_CAPACITY:g} x {first:.0f} messages/s, limit {limit}", found)


def _allow_files() -> None:
    """Raise the limit on open files, as far as allowed; the processes started inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))


def _capacity(process: Process, sender: Client, seconds: float) -> Burst:
    """Send messages of clients who wait for their answers."""
    # The first burst opens the connections to the mocks, and does not count.
    bursts = [
        burst(process.pid, process.port, MESSAGE, connections=CLIENTS, seconds=part, sender=sender)
        for part in (seconds / 5, seconds)
    ]
    assert not any(done.errors for done in bursts), [done.errors for done in bursts]
    assert bursts[-1].requests, f"no answer in time from process {process.pid}"
    return bursts[-1]


def _flood(side: Side, process: Process, sender: Client, capacity: Burst, seconds: float) -> None:
    """Flood a process and probe it meanwhile."""
    before = cpu_seconds(process.pid)
    with ThreadPoolExecutor(2) as pool:
        probing = [
            pool.submit(probe_for, process.port, seconds, PROBE_EVERY_SECONDS, f"/health/{probe}")
            for probe in ("alive", "ready")
        ]
        rate = TIMES_CAPACITY * capacity.per_second
        done = flood(sender, process.port, [MESSAGE], rate=rate, seconds=seconds)
        side.probes += [each.result() for each in probing]
    good = done.goodput(seconds, DEADLINE_SECONDS)
    used = (cpu_seconds(process.pid) - before) / seconds
    side.shares.append(good / capacity.per_second)
    side.by_cpu.append(good / used / capacity.per_cpu_second)
    side.all.add(done)


def judged(what: str, found: Mapping[str, Side]) -> list[Row]:
    """Return a row for what was accepted, one for what was refused, and one for the probes.

    None is judged by load that came too late; the first needs that of the control in time as well.
    """
    control, subject = found["control"], found["subject"]
    kept, lost = spread(subject.shares), spread(control.shares)
    p99 = quantile(subject.all.accepted, 0.99)
    at_once = quantile(subject.all.refused, 0.99) if subject.all.refused else float("inf")
    rows = [
        Row(
            f"accepted in time at {what}: share of capacity, by CPU, p99; how late it was sent",
            f"{lost}, {median(control.by_cpu):.2f}, {_p99(control.all.accepted)}; {_late(control)}",
            f"{kept}, {median(subject.by_cpu):.2f}, {_p99(subject.all.accepted)}; {_late(subject)}",
            f"at least {LEAST_GOODPUT}, under {DEADLINE_SECONDS:g} s; control less",
            kept.middle >= LEAST_GOODPUT > lost.middle and p99 < DEADLINE_SECONDS,
        ),
        Row(
            f"refused at {what}: 503 with Retry-After, p99, anything else",
            _refused(control.all),
            _refused(subject.all),
            f"p99 at most {AT_ONCE_SECONDS:g} s, nothing else",
            at_once <= AT_ONCE_SECONDS and not subject.all.rest,
        ),
        Row(
            f"probes at {what}",
            str(_joined(control.probes)),
            str(_joined(subject.probes)),
            "0 failed",
            not _joined(subject.probes).failures,
        ),
    ]
    first, *others = rows
    return [
        _if_in_time(_if_in_time(first, control, CONTROL_LATE_SECONDS), subject),
        *(_if_in_time(row, subject) for row in others),
    ]


def _if_in_time(row: Row, side: Side, may_be: float = LATE_SECONDS) -> Row:
    """Return a row without its judgement if the load of a side was too late."""
    late = quantile(side.all.late, 0.99)
    if late <= may_be:
        return row
    why = f"not judged: the load itself was late, p99 {late:.2f} s, and may be {may_be:g} s"
    return replace(row, target=f"{row.target}; {why}", is_met=None)


def _late(side: Side) -> str:
    return f"{_p99(side.all.late)}, at most {max(side.all.late):.2f} s"


def _joined(series: list[Probing]) -> Probing:
    """Return several series of probes as one."""
    return joined(
        [pair for each in series for pair in zip(each.codes, each.milliseconds, strict=True)]
    )


def _refused(done: Flood) -> str:
    rest = f"{done.rest} {done.other or ''}".strip()
    return f"{len(done.refused):,}, {_p99(done.refused)}, {rest}"


def _p99(latencies: list[float]) -> str:
    return f"{quantile(latencies, 0.99):.2f} s" if latencies else "-"
