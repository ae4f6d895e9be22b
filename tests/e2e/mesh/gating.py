"""The gate as a command, run beside the cluster as a person would, and what it said when."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.e2e.cluster import wait_for
from tests.e2e.mesh.canary import Canary

ROOT = Path(__file__).parents[3]

END_SECONDS = 400.0
"""How long a roll-out may take: four steps with starts of pods between them."""


class Gate:
    """One run of the gate.

    Args:
        process: Its process, of which the output has not been read.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.lines: list[tuple[float, str]] = []
        """What it has said, with the time on the monotonic clock."""

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self.lines.append((time.monotonic(), line.rstrip()))

    @property
    def said(self) -> str:
        """All that it has said."""
        return "\n".join(line for _, line in self.lines)

    def time_of(self, pattern: str) -> float | None:
        """Return when it first said what matches; None if it has not."""
        return next((at for at, line in self.lines if re.search(pattern, line)), None)

    def wait_for(self, pattern: str, within_seconds: float = END_SECONDS) -> None:
        """Wait until it has said what matches."""
        wait_for(
            f"the gate to say {pattern}",
            lambda: self.said,
            until=lambda said: re.search(pattern, said) is not None,
            within_seconds=within_seconds,
        )

    def end(self) -> int:
        """Wait for its end, and return its exit status."""
        status = self._process.wait(END_SECONDS)
        self._reader.join()
        return status

    def kill(self) -> None:
        """End it as by kill -9, and then the proxy to the API that it could not end."""
        self._process.kill()
        self._process.wait()
        os.killpg(self._process.pid, signal.SIGTERM)


@contextlib.contextmanager
def gating(canary: Canary, *arguments: str) -> Iterator[Gate]:
    """Yield a gate at work in the namespace."""
    with subprocess.Popen(  # noqa: S603 - our own module
        command(canary, *arguments),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield Gate(process)
        finally:
            process.terminate()


def gate(canary: Canary, *arguments: str) -> tuple[int, str]:
    """Run the gate to its end, and return its exit status and all that it said."""
    with gating(canary, *arguments) as run:
        return run.end(), run.said


def command(canary: Canary, *arguments: str) -> Sequence[str]:
    """Return the command."""
    place = (f"--context={canary.cluster.context}", f"--namespace={canary.name}", "--replicas=3")
    return (sys.executable, "-u", "-m", "istio.gate", *place, *arguments)
