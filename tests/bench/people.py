"""Start and warm-up with 1,000 to a million people in the directory, and the memory they take."""

import re
import time
from contextlib import ExitStack
from dataclasses import dataclass

from tests.integration import clients
from tests.integration.process import Process, running
from tests.integration.service import code

from .memory import resident_megabytes
from .plot import Plot
from .row import Length, Row
from .sides import mocks

PEOPLE = (1_000, 100_000, 1_000_000)

SNAPSHOTS = 4
"""Snapshots that hold an entry of each person: accounts, contacts, profiles and preferences."""

MOST_SECONDS = {1_000: 20.0, 100_000: 60.0, 1_000_000: 600.0}
"""How long a warm-up may take here before it counts as one that never ends."""

INVENTION_SECONDS = 600.0
"""How long the mocks may take to invent a million people, on a machine that others use."""

PROGRESS = re.compile(r"\w+ \d+/\d+")
"""How readiness tells what a gate has done, such as `contacts 500/1000`."""

MOST_DELAY = 2.0
"""How many times longer the port may take to be bound with the most people than with the fewest:
nothing of the directory is needed for that."""

UNHURRIED = {
    "MESSENGER_PORT": "0",
    "MESSENGER_DOWNSTREAM_DEADLINE_SECONDS": "30",
    "MESSENGER_WARMUP_BUDGET_SECONDS": "60",
    "MESSENGER_DIRECTORY_REFRESH_SECONDS": "86400",
}
"""What is measured is the first load, and no other one beside it."""


@dataclass(frozen=True, slots=True)
class Warming:
    """One start with so many people."""

    people: int
    port_seconds: float
    ready_seconds: float
    megabytes: float
    reports: int
    """How many different states of progress could be seen from outside."""


def rows(length: Length) -> list[Row]:
    """Measure one start for each number of people."""
    numbers = PEOPLE[: length.of(quick=1, usual=2, full=3)]
    found = [_warming(number) for number in numbers]
    first, last = found[0], found[-1]
    entries = SNAPSHOTS * (last.people - first.people)
    added = (last.megabytes - first.megabytes) * 1e6
    each = f": {added / max(1, entries):.0f} bytes for each entry, {SNAPSHOTS} for each person"
    names = " / ".join(f"{number:,}" for number in numbers)
    lines = {
        "to the port": [(w.people, w.port_seconds) for w in found],
        "to ready": [(w.people, w.ready_seconds) for w in found],
    }
    delay = last.port_seconds / first.port_seconds
    has_progress = all(w.reports > 1 for w in found[1:])
    return [
        Row(
            f"start to port bound, s, {names} people",
            f"{first.port_seconds:.2f}",
            " / ".join(f"{w.port_seconds:.2f}" for w in found),
            f"at most {MOST_DELAY:g} times the first: {delay:.2f}",
            delay <= MOST_DELAY,
        ),
        Row(
            f"start to ready, s, {names} people, by pages",
            f"{first.ready_seconds:.2f}",
            " / ".join(f"{w.ready_seconds:.2f}, {w.reports} states seen" for w in found),
            "ready, and the progress seen",
            has_progress,
            Plot("people", "Start with a directory", "people", "seconds", lines),
        ),
        Row(
            f"resident memory, MB, {names} people",
            f"{first.megabytes:.1f}",
            " / ".join(f"{w.megabytes:.1f}" for w in found),
            f"reported{each if entries else ''}",
            None,
        ),
    ]


def _warming(people: int) -> Warming:
    """Start a Messenger in front of mocks that know so many people."""
    with ExitStack() as stack:
        behind = mocks(stack, {"DOWNSTREAM_PEOPLE": str(people)}, seconds=INVENTION_SECONDS)
        env = UNHURRIED | {"MESSENGER_DOWNSTREAM_URL": behind.url + "/{service}"}
        began = time.monotonic()
        process = stack.enter_context(running("messenger", env=env, timeout=60))
        bound = time.monotonic() - began
        states = _until_ready(process, MOST_SECONDS[people])
        return Warming(
            people,
            bound,
            time.monotonic() - began,
            resident_megabytes(process.pid),
            len(states),
        )


def _until_ready(process: Process, seconds: float) -> set[str]:
    """Wait until a process takes traffic, and return what its readiness said of its progress.

    Raises:
        AssertionError: It was not in time.
    """
    states: set[str] = set()
    deadline = time.monotonic() + seconds
    while code(f"{process.url}/health/ready") != 200:
        assert time.monotonic() < deadline, (sorted(states)[-3:], process.lines[-5:])
        states.update(PROGRESS.findall(clients.get(f"{process.url}/health/ready", timeout=5).text))
        time.sleep(0.05)
    return states
