"""Messenger and its mocks as two processes, with what a test wants of the pair."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tests.integration import clients
from tests.integration.process import REPOSITORY, Process, running


class Pair(NamedTuple):
    """The service and the mocks it depends on."""

    messenger: Process
    downstream: Process

    def send(self, client: httpx.Client, **changes: object) -> httpx.Response:
        """Send a message from alice to bob with changes."""
        draft = {"sender": "alice", "recipient": "bob", "channel": "push", "body": "Hello"}
        key = changes.pop("key", None)
        headers = {"Idempotency-Key": str(key)} if key else {}
        return client.post(
            f"{self.messenger.url}/v1/messages", json=draft | changes, headers=headers
        )

    def stats(self) -> dict[str, int]:
        """Return what `delivery` counts."""
        stats: dict[str, int] = self.get(f"{self.downstream.url}/delivery/stats")
        return stats

    def spoil(self, service: str, faults: str) -> None:
        """Put faults of a downstream in force; none with an empty text."""
        spoil(self.downstream, service, faults)

    @staticmethod
    def get(url: str) -> Any:  # noqa: ANN401 - JSON
        """Return the JSON at an address."""
        return clients.get(url, timeout=5).json()


@contextmanager
def mocks(env: Mapping[str, str] | None = None) -> Iterator[Process]:
    """Run the mocks until the block ends."""
    settings = {"DOWNSTREAM_PORT": "0", "DOWNSTREAM_DRAIN_MIN_SECONDS": "0", **(env or {})}
    with running("downstream", env=settings) as behind:
        yield behind


@contextmanager
def in_front_of(
    behind: Process, env: Mapping[str, str] | None = None, *, root: Path = REPOSITORY
) -> Iterator[Pair]:
    """Run a Messenger that depends on these mocks; of a copy of the sources, where one is named."""
    settings = {
        "MESSENGER_PORT": "0",
        "MESSENGER_DRAIN_MIN_SECONDS": "0",
        "MESSENGER_DOWNSTREAM_URL": behind.url + "/{service}",
        **(env or {}),
    }
    with running("messenger", env=settings, root=root) as front:
        yield Pair(front, behind)


@contextmanager
def pair(
    *, messenger: Mapping[str, str] | None = None, downstream: Mapping[str, str] | None = None
) -> Iterator[Pair]:
    """Run the mocks and a Messenger that depends on them, until it listens."""
    with mocks(downstream) as behind, in_front_of(behind, messenger) as service:
        yield service


def spoil(behind: Process, service: str, faults: str) -> None:
    """Put faults of a downstream in force; none with an empty text."""
    url = f"{behind.url}/debug/faults/{service}"
    response = clients.put(url, json={"faults": faults}, timeout=5)
    assert response.status_code == 200, response.text


def until(found: Callable[[], bool], what: str, process: Process, timeout: float = 10.0) -> None:
    """Wait until something is so.

    Raises:
        AssertionError: It was not in time; with the process's last lines.
    """
    deadline = time.monotonic() + timeout
    while not found():
        if time.monotonic() > deadline:
            lines = "\n".join(process.lines[-15:])
            raise AssertionError(f"not within {timeout} s: {what}\n{lines}")
        time.sleep(0.05)


def code(url: str) -> int:
    """Return the status that a GET is answered with; 0 for none within two seconds."""
    try:
        return clients.get(url, timeout=2).status_code
    except httpx.TransportError:
        return 0


def until_ready(service: Pair) -> None:
    """Wait until Messenger takes traffic; with a downstream gone that takes its budget."""
    url = f"{service.messenger.url}/health/ready"
    until(lambda: code(url) == 200, "ready", service.messenger, timeout=15)


def until_fresh(service: Pair, *names: str) -> None:
    """Wait until the snapshots of these downstreams are as they should be."""
    url = f"{service.messenger.url}/metrics"

    def stale() -> list[str]:
        text = clients.get(url, timeout=5).text
        lines = {f'messenger_directory_stale{{snapshot="{name}"}} 0.0': name for name in names}
        return [name for line, name in lines.items() if line not in text]

    until(lambda: not stale(), f"fresh: {', '.join(names)}", service.messenger, timeout=15)
