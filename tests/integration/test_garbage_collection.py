"""The garbage collector leaves what is in use alone: it would find nothing there to free."""

import re
import socket
from contextlib import ExitStack
from pathlib import Path

from tests.integration import clients
from tests.integration.altered import altered
from tests.integration.process import REPOSITORY, Process
from tests.integration.service import in_front_of, mocks, until_ready

CLIENTS = 800
"""Connections, each of which keeps some thirty-five objects: no collection with the threshold of
the service, and with that of the interpreter forty of 700 objects, or fourteen of 2,000."""

LOOKS = re.compile(r'^python_gc_collections_total\{generation="0"\} (\S+)$', re.MULTILINE)

SPARING = "    spare_collector()\n    registry"
"""The line by which the service has another threshold than the interpreter, and what follows it."""


def looks(service: Process) -> float:
    """Return how often young objects have been looked at so far."""
    found = LOOKS.search(clients.get(f"{service.url}/metrics").text)
    assert found
    return float(found[1])


def looks_at_a_crowd(behind: Process, root: Path) -> float:
    """Return how often they are looked at while clients come, ask once, and stay."""
    with in_front_of(behind, root=root) as service, ExitStack() as crowd:
        until_ready(service)
        before = looks(service.messenger)
        for _ in range(CLIENTS):
            guest = socket.create_connection(("127.0.0.1", service.messenger.port), 5)
            crowd.enter_context(guest).sendall(b"GET /version HTTP/1.1\r\nHost: t\r\n\r\n")
            assert guest.recv(4096).startswith(b"HTTP/1.1 200 ")
        return looks(service.messenger) - before


def test_a_crowd_has_young_objects_looked_at_a_few_times_only(tmp_path: Path) -> None:
    """Control: with the interpreter's own threshold it is at least three times as often."""
    copy = altered(tmp_path, "messenger/process.py", SPARING, "    registry")
    with mocks() as behind:
        spared, control = (looks_at_a_crowd(behind, root) for root in (REPOSITORY, copy))

    assert control >= 3 * max(1, spared), (control, spared)
