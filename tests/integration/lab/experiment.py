"""What a test does with the laboratory: start it, ask it, wait for it."""

import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.integration.process import Process, running

from .wire import Connection, Reply, exchange, request

PROBE_SECONDS = 1.0
"""The kubelet's default time-out of a probe."""

PATIENCE_SECONDS = 30.0
"""How long to wait for what happens in a second or two on a machine that has nothing else to do."""

BOOT_SECONDS = 30.0
"""How long a laboratory may take to listen while many of them start on a small machine."""

_starting = threading.BoundedSemaphore(2)
"""Starting costs CPU, waiting does not: two at a time leave the running experiments undisturbed."""


@contextmanager
def lab(**options: Any) -> Iterator[Process]:  # noqa: ANN401 - JSON
    """Run the laboratory with the given options."""
    text = json.dumps(options)
    with _starting:
        context = running("tests.integration.lab", args=[text], timeout=BOOT_SECONDS)
        process = context.__enter__()
    try:
        yield process
    finally:
        context.__exit__(None, None, None)


@contextmanager
def message_file() -> Iterator[Path]:
    """Provide the file that a kubelet would read when the container has ended."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "termination-log")
        path.touch()
        yield path


def message_lines(path: Path, timeout: float = PATIENCE_SECONDS) -> list[str]:
    """Return the lines of a termination message, waiting for it a moment: a probe is quicker.

    Raises:
        AssertionError: There is none.
    """
    deadline = time.monotonic() + timeout
    while not (lines := path.read_text().splitlines()):
        assert time.monotonic() < deadline, "no termination message"
        time.sleep(0.02)
    return lines


def is_emptied(path: Path, timeout: float = PATIENCE_SECONDS) -> bool:
    """Return whether a termination message is taken back, within a moment."""
    deadline = time.monotonic() + timeout
    while path.read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    return not path.read_text()


def probe(process: Process, path: str = "/health/alive", timeout: float = PROBE_SECONDS) -> Reply:
    """Ask as the kubelet does: a new connection and a time-out of a second."""
    return exchange(process.port, request(path, close=True), timeout)


def get(process: Process, path: str, timeout: float = PATIENCE_SECONDS) -> Reply:
    """Send an ordinary request and wait for its answer."""
    return exchange(process.port, request(path, close=True), timeout)


def poke(process: Process, path: str) -> Connection:
    """Send an ordinary request and do not wait for its answer."""
    connection = Connection(process.port)
    connection.send(request(path))
    return connection


def release(process: Process) -> None:
    """End a stall of the kind `event`."""
    process.say(".")


def until(
    process: Process,
    found: Callable[[Reply], bool],
    path: str = "/health/alive",
    timeout: float = PATIENCE_SECONDS,
) -> Reply:
    """Probe every 50 ms until an answer satisfies `found`.

    Raises:
        AssertionError: None did within `timeout` seconds; with the last answer and the log.
    """
    deadline = time.monotonic() + timeout
    while True:
        answer = probe(process, path)
        if found(answer):
            return answer
        if time.monotonic() > deadline:
            log = "\n".join(process.lines[-20:])
            raise AssertionError(f"not within {timeout} s; last {path}: {answer}\n{log}")
        time.sleep(0.05)


def until_serving(process: Process) -> None:
    """Wait until the laboratory takes traffic."""
    until(process, lambda answer: answer.code == 200, "/health/ready", timeout=BOOT_SECONDS)


def until_silent(process: Process) -> None:
    """Probe until there is no answer at all: nothing in the process can run."""
    until(process, lambda answer: answer.code == 0)


def until_logged(process: Process, message: str, number: int = 1) -> list[dict[str, Any]]:
    """Wait until the log has so many lines with this message, and return them.

    Raises:
        AssertionError: It has not in time; with those it has.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(lines := logged(process, message)) < number:
        assert time.monotonic() < deadline, f"{number} x {message} expected, have {lines}"
        time.sleep(0.05)
    return lines


def watch(
    process: Process, seconds: float, path: str = "/health/alive", every: float = 0.1
) -> list[Reply]:
    """Probe for some seconds and return all answers."""
    deadline = time.monotonic() + seconds
    answers = []
    while (now := time.monotonic()) < deadline:
        answers.append(probe(process, path))
        time.sleep(max(0.0, now + every - time.monotonic()))
    return answers


def logged(process: Process, message: str) -> list[dict[str, Any]]:
    """Return the lines of the log with this message."""
    records = []
    for line in process.stderr:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and record.get("message") == message:
            records.append(record)
    return records


KUBELET_FAILURES = 3
"""How many probes in a row have to fail until somebody acts."""


def longest_failure(answers: list[Reply]) -> int:
    """Return how many probes in a row failed at most."""
    longest = current = 0
    for answer in answers:
        current = 0 if answer.code == 200 else current + 1
        longest = max(longest, current)
    return longest
