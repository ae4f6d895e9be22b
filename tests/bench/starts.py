"""From exec to a bound port, and what memory a process takes when it has nothing to do."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

from tests.integration.process import REPOSITORY, is_listening

from .load import cpu_seconds
from .memory import resident_megabytes
from .row import Length, Row
from .sides import BOOT_SECONDS, messenger, mocks, plain
from .turns import Round, ratios, take_turns, values

ROUNDS = 15
"""How often each is started."""

MOST_SECONDS_RATIO = 2.0
MOST_MEMORY_RATIO = 1.5

SETTLED_SECONDS = 5.0
"""How long a process is left alone before its memory is read: the warm-up is over, and what it
needed has been given back."""

ELSEWHERE = "http://127.0.0.1:1/{service}"
"""Downstreams that nobody has started: the port is bound before anybody calls them."""

Reading = Callable[[int], float]
"""Returns what a clock shows, for the process of such an id."""

Clock = Callable[[], Reading]
"""Starts a clock."""


def rows(length: Length) -> list[Row]:
    """Measure starts with downstreams elsewhere and embedded, then memory at rest."""
    rounds = length.of(quick=2, usual=ROUNDS)
    return [
        *_starts("s", _wall, rounds, MOST_SECONDS_RATIO),
        *_starts("CPU s without the mocks", _cpu, rounds, None),
        _memory(length),
    ]


def _starts(unit: str, clock: Clock, rounds: int, most: float | None) -> list[Row]:
    """Compare starts with imports by a clock.

    The mocks load at the same time, on another core if one is free: where none is, the wall clock
    counts their start in, and the CPU clock does not.
    """
    took = take_turns(
        {
            "imports": partial(_imports, clock),
            "elsewhere": partial(_start, clock, {"MESSENGER_DOWNSTREAM_URL": ELSEWHERE}),
            "embedded": partial(_start, clock, {}),
        },
        rounds,
    )
    return [_row(unit, took, name, most) for name in ("elsewhere", "embedded")]


def _row(unit: str, took: Sequence[Round], name: str, most: float | None) -> Row:
    ratio = ratios(took, name, "imports")
    return Row(
        f"start to port bound, {unit}, downstreams {name}, beside the imports",
        str(values(took, "imports")),
        str(values(took, name)),
        f"ratio {'reported' if most is None else f'at most {most:g}'}: {ratio}",
        None if most is None else ratio.middle <= most,
    )


def _wall() -> Reading:
    """Start a clock on the wall."""
    began = time.perf_counter()
    return lambda _pid: time.perf_counter() - began


def _cpu() -> Reading:
    """Start the clock of whatever process comes, which starts with it."""
    return cpu_seconds


def _imports(clock: Clock) -> float:
    """Return how long an interpreter takes that imports what every such service does."""
    read = clock()
    command = [sys.executable, "-c", "import starlette, uvicorn, httpx"]
    process = subprocess.Popen(command, cwd=REPOSITORY)  # noqa: S603 - our own interpreter
    # Until it has ended, but not until it is gone: its clock would be, too.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    took = read(process.pid)
    assert process.wait() == 0
    return took


def _start(clock: Clock, env: Mapping[str, str]) -> float:
    """Return how long a Messenger takes until it says that its port is bound."""
    read = clock()
    process = subprocess.Popen(
        [sys.executable, "-m", "messenger"],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "MESSENGER_PORT": "0", **env},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    with process.stderr as lines:
        is_bound = any(is_listening(line) for line in lines)
        took = read(process.pid)
        process.send_signal(signal.SIGINT)
        rest = lines.read()
    process.wait(BOOT_SECONDS)
    assert is_bound, rest
    return took


def _memory(length: Length) -> Row:
    """Compare what is resident when a thousand people are known and nobody asks anything."""
    with ExitStack() as stack:
        behind = mocks(stack)
        control, subject = plain(stack, behind, "httpx"), messenger(stack, behind)
        rounds = []
        for _ in range(length.of(quick=2, usual=5)):
            time.sleep(SETTLED_SECONDS / 5)  # at rest on purpose, for the whole time
            rounds.append(
                {
                    "plain": resident_megabytes(control.pid),
                    "messenger": resident_megabytes(subject.pid),
                }
            )
    ratio = ratios(rounds, "messenger", "plain")
    return Row(
        "resident memory at rest, MB, beside the plain lines on httpx",
        str(values(rounds, "plain")),
        str(values(rounds, "messenger")),
        f"ratio at most {MOST_MEMORY_RATIO:g}: {ratio}",
        ratio.middle <= MOST_MEMORY_RATIO,
    )
