"""Messenger's own locks, loop, pool and worker fall ill on order, and its liveness says so."""

import json
import re
import signal
import time
from pathlib import Path

import httpx
import pytest

from tests.commands import ADDRESS, Block, run_by
from tests.integration import clients
from tests.integration.service import Pair, code, pair, until, until_ready
from tests.integration.shell import type_in

SETTINGS = {
    "MESSENGER_FAULTS_ENABLED": "true",
    "MESSENGER_STALL_BROKEN_SECONDS": "4",
    "MESSENGER_STALL_UNREADY_SECONDS": "2",
}
"""A short limit, so that a stall is seen within the test's patience."""


NUMBER = r"[\d.:TZ-]*\d[\d.:TZ-]*"
"""Also a time, and the number of a line behind a colon."""


def order(service: Pair, faults: str, ttl_seconds: float | None = None) -> httpx.Response:
    """Put faults in force."""
    body = {"faults": faults, "ttl_seconds": ttl_seconds}
    return clients.put(f"{service.messenger.url}/debug/faults", json=body, timeout=5)


def until_broken(service: Pair, timeout: float = 10.0) -> str:
    """Wait until liveness fails and return its reason."""
    url = f"{service.messenger.url}/health/alive"
    until(lambda: code(url) == 503, "alive 503", service.messenger, timeout)
    return str(clients.get(url, timeout=2).json()["output"])


@pytest.mark.parametrize(
    ("faults", "output", "explained"),
    [
        ("deadlock=threads", "deadlock-threads", "waits directory.contacts.swap @"),
        ("deadlock=tasks", "deadlock-tasks", "waits directory.contacts.refresh @"),
        ("deadlock=mixed", "deadlock-mixed", "waits directory.accounts.swap @"),
        ("lock-orphan", "lock-orphaned", "holds directory.accounts.swap @"),
        ("stall=sleep:15s", "event-loop-stalled", "messenger/stalls.py"),
        ("stall=cpu:15s", "event-loop-stalled", "messenger/stalls.py"),
    ],
)
def test_a_fault_of_the_process_is_found_and_explained(
    faults: str, output: str, explained: str, tmp_path: Path
) -> None:
    """Liveness turns 503 for the right reason, and the last line names Messenger's own code."""
    log = tmp_path / "termination-log"
    log.touch()
    settings = {**SETTINGS, "MESSENGER_TERMINATION_LOG": str(log)}
    with pair(messenger=settings) as service:
        until_ready(service)
        ordered = order(service, faults)
        began = time.monotonic()
        found = until_broken(service)
        seconds = time.monotonic() - began
        ready = code(f"{service.messenger.url}/health/ready")
    last = log.read_text().splitlines()[-1]

    assert ordered.json()["process"] == [faults]
    assert (found, ready) == (output, 503)
    assert explained in last
    assert "messenger/" in last
    assert seconds < 10  # 4 s, and what a busy machine adds; a stall would be over after 15


def shown_in(document: str) -> list[Block]:
    """Return what a document shows of an ailment."""
    return [block for block in run_by(__file__) if block.document == document]


def shape(message: str) -> list[str]:
    """Return a message without what is another one each time.

    That is numbers, the pod's name, and which of the two began to wait first.
    """
    for pattern, name in ((r"pod=\S+", "pod"), (r"\.(accounts|contacts)\.", "."), (NUMBER, "0")):
        message = re.sub(pattern, name, message)
    return sorted(message.strip().splitlines())


def test_the_message_of_a_deadlock_is_the_one_that_people_are_shown(tmp_path: Path) -> None:
    """k8s/README.md explains a real one, whatever its lines and times."""
    (block,) = shown_in("k8s/README.md")
    (command,) = block.commands
    log = tmp_path / "termination-log"
    log.touch()
    with pair(messenger={**SETTINGS, "MESSENGER_TERMINATION_LOG": str(log)}) as service:
        until_ready(service)
        order(service, "deadlock=threads")
        until_broken(service, timeout=30)
        service.messenger.signal(signal.SIGTERM)
        status = service.messenger.wait()
    told = shape(command.output or "")

    assert status == 71
    assert told == shape(log.read_text())
    assert told != shape(log.read_text().replace("waits", "has"))


def test_readme_shows_a_deadlock_that_is_found_and_told() -> None:
    """What is typed prints what stands there, and the log says who waits for whom."""
    typed, told = shown_in("README.md")
    with pair(messenger=SETTINGS) as service:
        until_ready(service)
        for command in typed.commands:
            done = type_in(command.line.replace(ADDRESS, service.messenger.url))
            assert command.prints(done.text), f"{command.line}\n{done.text}"
        line = service.messenger.wait_for("a verdict", lambda line: '"liveness broken"' in line)

    assert shape(told.text) == shape(json.loads(line)["explanation"])


def test_a_crashing_worker_breaks_the_process_when_its_budget_is_spent() -> None:
    """Six deaths within a minute are more than bad luck."""
    with pair(messenger=SETTINGS) as service:
        until_ready(service)
        order(service, "worker=crash")
        found = until_broken(service, timeout=20)

    assert found == "worker-crash-loop"


def test_a_crashing_worker_recovers_when_its_fault_passes() -> None:
    """With a time to live the worker is restarted, and the process stays alive."""
    with pair(messenger=SETTINGS) as service:
        until_ready(service)
        order(service, "worker=crash", ttl_seconds=0.5)
        metrics = f"{service.messenger.url}/metrics"
        idle = 'worker_restarts_total{worker="directory-refresh"} 0.0'
        until(lambda: idle not in clients.get(metrics).text, "a restart", service.messenger)
        time.sleep(3)  # what has to be shown is that nothing more happens
        alive = code(f"{service.messenger.url}/health/alive")
        active = clients.get(f"{service.messenger.url}/debug/faults").json()["process"]

    assert alive == 200
    assert active == []


def test_never_ready_keeps_the_pod_unready_and_alive() -> None:
    """Set at the start it is a gate that never opens."""
    settings = {**SETTINGS, "MESSENGER_FAULTS": "never-ready"}
    with pair(messenger=settings) as service:
        url = service.messenger.url
        until(
            lambda: "waiting for never-ready" in clients.get(f"{url}/health/ready").text,
            "never-ready alone",
            service.messenger,
        )
        probes = [code(f"{url}/health/{probe}") for probe in ("started", "ready", "alive")]

    assert probes == [200, 503, 200]


def test_a_fault_set_at_the_start_strikes_when_the_pod_takes_traffic() -> None:
    """MESSENGER_FAULTS=deadlock=tasks: ready first, broken a few seconds later."""
    with pair(messenger={**SETTINGS, "MESSENGER_FAULTS": "deadlock=tasks"}) as service:
        until_ready(service)
        found = until_broken(service)

    assert found == "deadlock-tasks"


@pytest.mark.slow
def test_a_starved_pool_and_a_hanging_worker_are_found() -> None:
    """30 s without a completion while every thread waits; a worker silent for its 30 s."""
    with pair(messenger=SETTINGS) as starved, pair(messenger=SETTINGS) as hanging:
        until_ready(starved)
        until_ready(hanging)
        order(starved, "pool=starve")
        order(hanging, "worker=hang")
        reasons = (until_broken(starved, timeout=45), until_broken(hanging, timeout=60))

    assert reasons == ("pool-starved", "worker-hung")


@pytest.mark.slow
def test_leaking_requests_break_the_process_when_half_its_capacity_is_gone() -> None:
    """Requests that nobody answers, 30 s past their deadline."""
    settings = {**SETTINGS, "MESSENGER_CONCURRENCY_LIMIT": "8"}
    with pair(messenger=settings) as service:
        until_ready(service)
        order(service, "leak")
        for _ in range(6):
            with clients.client(timeout=0.1) as client, pytest.raises(httpx.TimeoutException):
                service.send(client)
        found = until_broken(service, timeout=60)

    assert found == "requests-leaked"
