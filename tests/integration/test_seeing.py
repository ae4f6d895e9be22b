"""What people see of real processes: every query has something to show, and the alerts come."""

import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.integration import clients
from tests.integration.prometheus import Pod, Prometheus, scraping
from tests.integration.service import Pair, code, in_front_of, mocks, until, until_ready
from tests.manifests.promtool import rules
from tests.manifests.queries import queries

pytestmark = pytest.mark.slow

VERSIONS = {"m-1": "1.0", "m-2": "2.0", "m-3": "2.0"}
"""The pods; the last one has a deadlock."""

BROKEN = "m-3"
GONE = Pod("m-0", "1.0", port=1, phase="Failed")
"""One that was evicted: nobody listens there, and nobody should be asked."""

PATIENT = {
    "MESSENGER_FAULTS_ENABLED": "true",
    "MESSENGER_DOWNSTREAM_DEADLINE_SECONDS": "30",
}
"""A deadline that no load of the machine meets: nothing shall fail but what is meant to."""

LOST_LINKS = 'messenger:downstream_errors:ratio1m{downstream="links"} > 0.3 < 0.7'
"""What the recorded share has to say of half of the links, of either version."""

PAUSE_SECONDS = 0.05
"""Between two messages to a pod: twenty a second, of which half lack their links."""

PATIENCE_SECONDS = 60.0
"""Until everything has two values in one minute; ten seconds on a machine that is free."""

STALL_SECONDS = 8
"""Below the 10 s after which liveness is lost."""

STALLS = 8
"""At most: five are 35 s beyond the first second of each, of the 30 s that the alert allows, and
the watchdog counts less on a machine that gives it no time."""


@contextmanager
def pods(*names: str) -> Iterator[dict[str, Pair]]:
    """Run Messengers of both versions, in front of mocks that lose half of the links."""
    with ExitStack() as stack:
        behind = stack.enter_context(mocks({"DOWNSTREAM_FAULTS": "links=error:50%"}))
        running = {}
        for name in names:
            env = PATIENT | {"MESSENGER_VERSION": VERSIONS[name]}
            running[name] = stack.enter_context(in_front_of(behind, env))
        for pair in running.values():
            until_ready(pair)
        yield running


@contextmanager
def load(running: Mapping[str, Pair]) -> Iterator[None]:
    """Send messages to every pod until the block ends."""
    enough = threading.Event()

    def send(pair: Pair) -> None:
        with clients.client() as client:
            while not enough.wait(PAUSE_SECONDS):
                pair.send(client)

    with ThreadPoolExecutor(len(running)) as pool:
        try:
            sending = [pool.submit(send, pair) for pair in running.values()]
            yield
        finally:
            enough.set()
        for each in sending:
            each.result()


def spoil(pair: Pair, fault: str) -> None:
    """Have a process fall ill."""
    answer = clients.put(f"{pair.messenger.url}/debug/faults", json={"faults": fault})
    assert answer.status_code == 200, answer.text


def targets(running: Mapping[str, Pair]) -> list[Pod]:
    """Return what Prometheus finds of these."""
    return [Pod(name, VERSIONS[name], pair.messenger.port) for name, pair in running.items()]


def firing(prometheus: Prometheus) -> set[tuple[str, str]]:
    """Return name and pod of each alert that somebody is called for."""
    return {(name, pod) for name, pod, state in prometheus.alerts() if state == "firing"}


def test_every_panel_and_every_rule_has_data(tmp_path: Path) -> None:
    """Of two versions under load, one pod of which has a deadlock; and a share of none is 0.

    Nothing is excepted: no query is about a metric of Kubernetes' own.
    """
    with pods(*VERSIONS) as running, scraping([*targets(running), GONE], tmp_path) as prometheus:
        spoil(running[BROKEN], "deadlock=threads")
        with load(running):
            prometheus.wait_for(queries(), PATIENCE_SECONDS)
            until(lambda: len(prometheus.query(LOST_LINKS)) == 2, "links", running["m-1"].messenger)
        versions = {
            name: {labels.get("version") for labels in prometheus.query(name)}
            for name in rules("record")
        }
        broken = {pod for name, pod, _ in prometheus.alerts() if name == "MessengerIsBroken"}
        up = {labels["pod"] for labels in prometheus.query("up")}
        nothing_failed = prometheus.query("messenger:errors:ratio1m == 0")
        control = prometheus.query("messenger:request_seconds:p98_1m")

    assert all(each == set(VERSIONS.values()) for each in versions.values()), versions
    assert broken == {BROKEN}
    assert up == set(VERSIONS)
    assert len(nothing_failed) == 2
    assert control == []


def asked_during_a_stall(pair: Pair) -> list[int]:
    """Return what liveness is answered until a stall, and the scrape after it, are over."""
    codes = []
    ended = time.monotonic() + STALL_SECONDS + 2
    while time.monotonic() < ended:
        codes.append(code(f"{pair.messenger.url}/health/alive"))
        time.sleep(0.5)
    return codes


def test_a_loop_that_stalls_again_and_again_raises_the_alert(tmp_path: Path) -> None:
    """Its liveness is never lost, so that nobody restarts it; the other pod raises none."""
    with pods("m-1", "m-2") as running, scraping(targets(running), tmp_path) as prometheus:
        until(lambda: len(prometheus.query("up == 1")) == 2, "two values", running["m-1"].messenger)
        before = firing(prometheus)
        alive = []
        for _ in range(STALLS):
            spoil(running["m-1"], f"stall=sleep:{STALL_SECONDS}s")
            alive += asked_during_a_stall(running["m-1"])
            if firing(prometheus):
                break
        after = firing(prometheus)

    # One that the loop had accepted when it stopped is answered by nobody; a kubelet needs three.
    assert 503 not in alive
    assert alive.count(0) <= STALLS
    assert (before, after) == (set(), {("MessengerStallsAgainAndAgain", "m-1")})
