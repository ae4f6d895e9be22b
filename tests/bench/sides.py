"""The processes that are compared, each on a core that the mocks and the load do without."""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from http import HTTPStatus

from tests.integration import clients
from tests.integration.process import Process, running
from tests.integration.service import until

from .load import Client, burst, post

PATIENT = {"MESSENGER_PORT": "0", "MESSENGER_DOWNSTREAM_DEADLINE_SECONDS": "30"}
"""A deadline that no load of the machine meets: a message that does without is another one."""

_DRAFT = {"sender": "alice", "recipient": "bob", "channel": "push", "body": "Hello"}

MESSAGE = post("/v1/messages", json.dumps(_DRAFT).encode())


BOOT_SECONDS = 60.0
"""How long a process may take to serve on a machine that others use: benchmarks wait."""


def mocks(
    stack: ExitStack, env: Mapping[str, str] | None = None, *, seconds: float = BOOT_SECONDS
) -> Process:
    """Run the mocks, which may take so many seconds to listen."""
    settings = {"DOWNSTREAM_PORT": "0", "DOWNSTREAM_DRAIN_MIN_SECONDS": "0", **(env or {})}
    return stack.enter_context(running("downstream", env=settings, timeout=seconds))


def pinned(process: Process) -> Process:
    """Keep a process on the first core; the others are those of the mocks and the load."""
    os.sched_setaffinity(process.pid, {0})
    return process


def messenger(
    stack: ExitStack,
    behind: Process,
    env: Mapping[str, str] | None = None,
    *,
    module: str = "messenger",
) -> Process:
    """Run a Messenger in front of these mocks until it takes traffic.

    Args:
        stack: Ends it.
        behind: The mocks.
        env: More settings.
        module: What is run instead, by the same settings.
    """
    settings = PATIENT | {"MESSENGER_DOWNSTREAM_URL": behind.url + "/{service}"}
    process = stack.enter_context(
        running(module, env={**settings, **(env or {})}, timeout=BOOT_SECONDS)
    )
    until(lambda: _takes_traffic(process.url), "takes traffic", process, BOOT_SECONDS)
    return pinned(process)


def _takes_traffic(url: str) -> bool:
    return clients.post(f"{url}/v1/messages", _DRAFT).status_code == HTTPStatus.ACCEPTED


def plain(stack: ExitStack, behind: Process, client: str) -> Process:
    """Run the plain lines on `httpx`, `httpx-each` or `aiohttp` in front of these mocks."""
    process = running("tests.bench.plain", args=[client, behind.url], timeout=BOOT_SECONDS)
    return pinned(stack.enter_context(process))


def speed(
    process: Process,
    request: bytes,
    sender: Client,
    *,
    seconds: float = 1.0,
    connections: int = 20,
) -> Callable[[], float]:
    """Return what measures requests per second of a process's CPU, its threads included.

    Raises:
        AssertionError: when it is called, and an answer was no 200 or 202.
    """
    return partial(_speed, process, request, sender, seconds, connections)


def _speed(
    process: Process, request: bytes, sender: Client, seconds: float, connections: int
) -> float:
    result = burst(
        process.pid,
        process.port,
        request,
        seconds=seconds,
        connections=connections,
        sender=sender,
    )
    assert result.requests, f"no answer in time from process {process.pid}"
    assert not result.errors, (result.requests, result.errors, process.lines[-5:])
    return result.per_cpu_second
