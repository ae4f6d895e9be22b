"""Messages as load: what is sent, to which process, and how fast that one is."""

import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from http import HTTPStatus

from tests.integration import clients
from tests.integration.process import Process, running
from tests.integration.service import until

from .load import Client, burst, post

ROUNDS = 60
"""How often the sides take turns: many short bursts see the same machine, whoever else uses it."""

BURST_SECONDS = 0.5
"""Some hundred messages."""

PATIENT = {"MESSENGER_PORT": "0", "MESSENGER_DOWNSTREAM_DEADLINE_SECONDS": "30"}
"""A deadline that no load of the machine meets: a message that does without is another one."""

BOOT_SECONDS = 30.0
"""How long a side may take to take traffic, on a machine that others use."""

_DRAFT = {"sender": "alice", "recipient": "bob", "channel": "push", "body": "Hello"}

MESSAGE = post("/v1/messages", json.dumps(_DRAFT).encode())


def started(
    stack: ExitStack, behind: Process, module: str, env: Mapping[str, str] | None = None
) -> Process:
    """Run one side until it takes traffic, on a core that mocks and load do without, if any.

    Args:
        stack: Ends it.
        behind: The mocks.
        module: What is run; it takes Messenger's settings.
        env: More settings.
    """
    settings = {**PATIENT, "MESSENGER_DOWNSTREAM_URL": behind.url + "/{service}", **(env or {})}
    process = stack.enter_context(running(module, env=settings, timeout=BOOT_SECONDS))
    os.sched_setaffinity(process.pid, {0})
    until(lambda: _takes_traffic(process.url), "takes traffic", process, BOOT_SECONDS)
    return process


def _takes_traffic(url: str) -> bool:
    return clients.post(f"{url}/v1/messages", _DRAFT).status_code == HTTPStatus.ACCEPTED


def speed(process: Process, sender: Client) -> float:
    """Return messages per second of the process's CPU, its exports included if it has any."""
    result = burst(process.pid, process.port, MESSAGE, seconds=BURST_SECONDS, sender=sender)
    assert not result.errors, result
    return result.per_cpu_second
