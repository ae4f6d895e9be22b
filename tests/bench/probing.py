"""Probes as the kubelet sends them, timed: a new connection each, one second, no keep-alive."""

import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

from .row import quantile

TIMEOUT_SECONDS = 1.0
"""The kubelet's default `timeoutSeconds`."""


@dataclass(frozen=True, slots=True)
class Probing:
    """What a series of probes got."""

    codes: tuple[int, ...]
    """0 is no answer in time."""
    milliseconds: tuple[float, ...]

    @property
    def failures(self) -> int:
        """How many were not answered with 2xx or 3xx in time, which is what the kubelet counts."""
        return sum(not 200 <= code < 400 for code in self.codes)

    @property
    def p99(self) -> float:
        """The 99th percentile in milliseconds; the largest of up to a hundred."""
        return quantile(self.milliseconds, 0.99)

    def __str__(self) -> str:
        """Return failures and latency."""
        return f"{self.failures} of {len(self.codes)} failed, p99 {self.p99:.0f} ms"


def probe_once(port: int, path: str = "/health/alive") -> tuple[int, float]:
    """Send one probe and return its code and its milliseconds."""
    began = time.perf_counter()
    code = 0
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as connection:
            left = TIMEOUT_SECONDS - (time.perf_counter() - began)
            connection.settimeout(max(left, 0.001))
            connection.sendall(
                f"GET {path} HTTP/1.1\r\nHost: kubelet\r\nConnection: close\r\n\r\n".encode()
            )
            head = connection.recv(64)
        code = int(head.split(b" ", 2)[1]) if head.startswith(b"HTTP/1.1 ") else 0
    except OSError:
        code = 0
    return code, (time.perf_counter() - began) * 1000


def probe_for(port: int, seconds: float, every_seconds: float, path: str) -> Probing:
    """Send probes for a while."""
    results: list[tuple[int, float]] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.monotonic()
        results.append(probe_once(port, path))
        time.sleep(max(0.0, every_seconds - (time.monotonic() - began)))
    return joined(results)


def joined(results: Sequence[tuple[int, float]]) -> Probing:
    """Return results as one series."""
    return Probing(tuple(code for code, _ in results), tuple(ms for _, ms in results))
