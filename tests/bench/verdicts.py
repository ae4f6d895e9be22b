"""How soon a verdict is reached and delivered, each fault in a process of its own."""

import signal
import socket
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.integration.lab.experiment import lab, until_serving
from tests.integration.process import Process

from .load import get
from .probing import probe_once
from .row import Length, Row

POLL_SECONDS = 0.02
"""How often a process is asked; the error of every figure here."""

STALL_SECONDS = 14.0


def _start(process: Process, path: str) -> float:
    """Call an ill without waiting for its answer, and return when it was called."""
    connection = socket.create_connection(("127.0.0.1", process.port))
    connection.sendall(get(path))
    _OPEN.append(connection)
    return time.monotonic()


_OPEN: list[socket.socket] = []
"""Connections that wait for answers of stuck processes: closing one could set its request free."""


def _seconds_until(condition: Callable[[], bool], began: float, limit: float) -> float:
    while time.monotonic() - began < limit:
        if condition():
            return time.monotonic() - began
        time.sleep(POLL_SECONDS)
    return float("inf")


def _stall(kind: str) -> Row:
    with lab() as process:
        until_serving(process)
        began = _start(process, f"/stall?kind={kind}&seconds={STALL_SECONDS}")
        suspect = _seconds_until(
            lambda: any("liveness suspect" in line for line in process.lines), began, 5
        )
        broken = _seconds_until(lambda: probe_once(process.port)[0] == 503, began, STALL_SECONDS)
    return Row(
        f"stall by {kind}: suspect with a stack / alive 503, s",
        "never",
        f"{suspect:.2f} / {broken:.2f}",
        "at most 1.1 (and a beat) / 10.0 +- 0.3",
        suspect <= 1.1 + 0.1 + POLL_SECONDS and abs(broken - 10.0) <= 0.3 + POLL_SECONDS,
    )


def _cycle(kind: str) -> Row:
    with tempfile.NamedTemporaryFile() as log, lab(termination_log=log.name) as process:
        until_serving(process)
        began = _start(process, f"/deadlock?kind={kind}")
        broken = _seconds_until(lambda: probe_once(process.port)[0] == 503, began, 10)
        last = Path(log.name).read_text().splitlines()[-1:]
    explained = bool(last) and last[0].startswith("cycle: ") and ".py:" in last[0]
    return Row(
        f"deadlock of {kind}: alive 503, s",
        "never",
        f"{broken:.2f}, {'explained' if explained else 'not explained'}",
        "at most 4 (and 0.2 that the fault takes), explained",
        broken <= 4.0 + 0.2 + POLL_SECONDS and explained,
    )


def _wedged(plain: bool) -> float:  # noqa: FBT001 - one of two sides
    limits = {"stall_broken_seconds": 3}
    with lab(limits=limits) if not plain else lab(plain=True) as process:
        if plain:
            _seconds_until(lambda: probe_once(process.port)[0] == 200, time.monotonic(), 5)
        else:
            until_serving(process)
        _start(process, f"/stall?kind=sleep&seconds={STALL_SECONDS}")
        time.sleep(4)  # until both are wedged, and the subject knows
        began = time.monotonic()
        process.signal(signal.SIGTERM)
        process.wait(STALL_SECONDS + 5)
        return time.monotonic() - began


def _exits() -> Row:
    control, subject = _wedged(plain=True), _wedged(plain=False)
    return Row(
        "SIGTERM while wedged: exit, s",
        f"{control:.2f}",
        f"{subject:.2f}",
        "at most 0.5",
        subject <= 0.5,
    )


def rows(_length: Length) -> list[Row]:
    """Measure all at once: they wait, and hardly compute."""
    jobs: list[Callable[[], Row]] = [
        lambda: _stall("sleep"),
        lambda: _stall("lock"),
        lambda: _cycle("threads"),
        lambda: _cycle("tasks"),
        lambda: _cycle("mixed"),
        _exits,
    ]
    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(lambda job: job(), jobs))
