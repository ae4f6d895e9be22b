"""What a probe waits for when the process is idle, saturated or stalled."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

from tests.integration.lab.experiment import lab, until_serving

from .load import burst, get
from .probing import Probing, probe_for
from .row import Length, Row

SECONDS = 12.0
EVERY_SECONDS = 0.25
CONNECTIONS = 200

BEGUN_SECONDS = 0.2
"""From the order of a stall until it has begun for sure."""


def _idle(plain: bool) -> Probing:  # noqa: FBT001 - one of two sides
    with lab(plain=plain) as process:
        return probe_for(process.port, SECONDS / 2, 0.05, "/health/alive")


def _saturated(plain: bool) -> Probing:  # noqa: FBT001 - one of two sides
    """Probe while 200 connections ask for 5 ms of CPU each, all the time."""
    with lab(plain=plain) as process:
        if not plain:
            until_serving(process)
        with ThreadPoolExecutor(1) as pool:
            load = pool.submit(
                burst,
                process.pid,
                process.port,
                get("/heavy"),
                connections=CONNECTIONS,
                seconds=SECONDS + 3,
            )
            probe_for(process.port, 3, 1, "/version")  # until the load is there
            result = probe_for(process.port, SECONDS - 2, EVERY_SECONDS, "/health/alive")
            load.result()
    return result


def _stalled() -> Probing:
    """Probe during a stall that stays below its limit."""
    with lab() as process:
        until_serving(process)
        with socket.create_connection(("127.0.0.1", process.port)) as connection:
            connection.sendall(get("/stall?kind=sleep&seconds=8"))
            # A connection that the loop takes in the moment it stalls is in nobody's hands.
            time.sleep(BEGUN_SECONDS)
            return probe_for(process.port, 7, 0.1, "/health/alive")


def rows(_length: Length) -> list[Row]:
    """Measure one after the other: each needs the machine."""
    idle_control, idle = _idle(plain=True), _idle(plain=False)
    busy_control, busy = _saturated(plain=True), _saturated(plain=False)
    stalled = _stalled()
    return [
        Row("probe, idle", str(idle_control), str(idle), "p99 at most 5 ms", idle.p99 <= 5),
        Row(
            f"probe, 5 ms CPU x {CONNECTIONS} connections",
            str(busy_control),
            str(busy),
            "0 failed, p99 at most 300 ms; control over 90 % failed",
            not busy.failures
            and busy.p99 <= 300
            and busy_control.failures > 0.9 * len(busy_control.codes),
        ),
        Row(
            "probe, loop stalled",
            "all fail",
            str(stalled),
            "0 failed, p99 at most 400 ms",
            not stalled.failures and stalled.p99 <= 400,
        ),
    ]
