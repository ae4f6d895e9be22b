"""From exec to a bound port, and what memory a process takes when it has nothing to do."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack

from tests.integration.process import REPOSITORY, is_listening

from .memory import resident_megabytes
from .row import Length, Row
from .sides import BOOT_SECONDS, messenger, mocks, plain
from .turns import ratios, take_turns, values

ROUNDS = 15
"""How often each is started."""

MOST_SECONDS_RATIO = 2.0
MOST_MEMORY_RATIO = 1.5

SETTLED_SECONDS = 5.0
"""How long a process is left alone before its memory is read: the warm-up is over, and what it
needed has been given back."""

ELSEWHERE = "http://127.0.0.1:1/{service}"
"""Downstreams that nobody has started: the port is bound before anybody calls them."""


def rows(length: Length) -> list[Row]:
    """Measure starts with downstreams elsewhere and embedded, then memory at rest."""
    rounds = take_turns(
        {
            "imports": _imports,
            "elsewhere": lambda: _start({"MESSENGER_DOWNSTREAM_URL": ELSEWHERE}),
            "embedded": lambda: _start({}),
        },
        length.of(quick=2, usual=ROUNDS),
    )
    result = []
    for name in ("elsewhere", "embedded"):
        ratio = ratios(rounds, name, "imports")
        result.append(
            Row(
                f"start to port bound, s, downstreams {name}, beside the imports",
                str(values(rounds, "imports")),
                str(values(rounds, name)),
                f"ratio at most {MOST_SECONDS_RATIO:g}: {ratio}",
                ratio.middle <= MOST_SECONDS_RATIO,
            )
        )
    return [*result, _memory(length)]


def _imports() -> float:
    """Return how long an interpreter takes that imports what every such service does."""
    began = time.perf_counter()
    command = [sys.executable, "-c", "import starlette, uvicorn, httpx"]
    subprocess.run(command, cwd=REPOSITORY, check=True)  # noqa: S603 - our own interpreter
    return time.perf_counter() - began


def _start(env: Mapping[str, str]) -> float:
    """Return how long a Messenger takes until it says that its port is bound."""
    began = time.perf_counter()
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
        took = time.perf_counter() - began
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
