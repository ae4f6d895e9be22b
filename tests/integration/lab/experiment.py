"""What a test does with the laboratory: start it, ask it, wait for it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.integration.process import Process, running

PROBE_SECONDS = 1.0
"""The kubelet's default time-out of a probe."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a probe got; code 0 is no answer within a second."""

    code: int
    body: dict[str, Any]
    seconds: float
    source: str


@contextmanager
def lab(**options: Any) -> Iterator[Process]:  # noqa: ANN401 - JSON
    """Run the laboratory with the given options."""
    with running("tests.integration.lab", args=[json.dumps(options)]) as process:
        yield process


def probe(process: Process, path: str = "/health/alive", timeout: float = PROBE_SECONDS) -> Answer:
    """Ask as the kubelet does: a new connection, a time-out of a second, no proxies."""
    began = time.monotonic()
    try:
        response = httpx.get(process.url + path, timeout=timeout, trust_env=False)
    except httpx.TransportError:
        return Answer(0, {}, time.monotonic() - began, "")
    body = response.json() if "json" in response.headers["content-type"] else {}
    source = response.headers.get("x-health-source", "")
    return Answer(response.status_code, body, time.monotonic() - began, source)


def until(
    process: Process,
    found: Callable[[Answer], bool],
    path: str = "/health/alive",
    timeout: float = 10.0,
) -> Answer:
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
    until(process, lambda answer: answer.code == 200, "/health/ready")
