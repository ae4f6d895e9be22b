"""The commands of istio/README.md, run as they stand there: the document is this test's input."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import ROOT, run_by
from tests.e2e.cluster import Cluster, run, wait_for
from tests.e2e.load import loading
from tests.e2e.mesh.canary import (
    BARE,
    DEPLOYED_SECONDS,
    MOCK_WORKLOADS,
    NAMESPACE,
    VERSIONS,
    WORKLOADS,
)
from tests.e2e.space import Space, is_free

pytestmark = pytest.mark.slow

CONTEXT = "kind-messenger"
"""The one that the commands mean."""

RATE = 15.0
"""Requests a second, to be judged by: as many as a release, a mesh and two processors have room
for."""

LATE_SHARE = 0.01
"""Of how many requests a mock may be late for the commands to be well: five pods and their proxies
start at once where a gate promotes. That a shift costs nothing is test_shifting.py's."""

WHOLE = (
    "curl -sS http://messenger.localhost:30080/v1/messages -H 'content-type: application/json' "
    """-d '{"sender": "alice", "recipient": "bob", "channel": "push", "body": "Hello"}'"""
)
"""Needs all of the mocks, by the way of the command that looks."""

HOURS = 3600.0
"""How long the load lasts if nobody stops it."""

COMMAND_SECONDS = 500.0
"""How long the longest may take: a roll-out."""

FASTER = {"istio.gate step": " --pause-seconds 20", "istio.gate run": " --pause-seconds 20"}
"""What is added to commands that are patient: a third of the time."""


@pytest.fixture(scope="module")
def space(mesh: Cluster) -> Iterator[Space]:
    """Yield the namespace of the overlay, in which nothing is as yet; delete it."""
    if mesh.context != CONTEXT:
        pytest.skip(f"the README is about {CONTEXT}, and this is {mesh.context}")
    if not is_free(mesh, NAMESPACE):
        pytest.skip(f"the namespace {NAMESPACE} is in use")
    try:
        yield Space(mesh, NAMESPACE)
    finally:
        mesh.kubectl("delete", "namespace", NAMESPACE, "--wait=false", "--ignore-not-found")


def _is_whole(said: str) -> bool:
    """Return whether it was answered with the help of all: whoever has just begun is busy."""
    return '"degraded":[]' in said


def test_the_story_is_told_by_commands_that_work(space: Space, tmp_path: Path) -> None:
    """Each of them ends well, one after the other, on a canary that is good; nobody is cut off."""
    deploy, look, *roll_out = (each.line for block in run_by(__file__) for each in block.commands)
    _run(deploy, tmp_path)
    names = (*WORKLOADS, *(f"deployment/{name}" for name in VERSIONS))
    space.settle(*names, within_seconds=DEPLOYED_SECONDS)
    _bare_the_mocks(space)
    said = wait_for("an answer", lambda: _try(look), until=bool, within_seconds=30)
    assert '"version"' in said, said
    wait_for("the mocks to be in time", lambda: _try(WHOLE), until=_is_whole, within_seconds=60)

    with loading(space, "prober", rate=RATE, seconds=HOURS) as load:
        for command in roll_out:
            _run(command, tmp_path)
        time.sleep(1)
        report = load.stop()

    assert report.failed == report.declared, report.examples
    assert report.declared <= LATE_SHARE * report.sent, report.kinds


def _bare_the_mocks(space: Space) -> None:
    """Take the proxies from the mocks: two cores have no room for those and a roll-out."""
    patch = json.dumps({"spec": {"template": {"metadata": {"labels": BARE}}}})
    for workload in MOCK_WORKLOADS:
        space.kubectl("patch", workload, "-p", patch)
    space.settle(*MOCK_WORKLOADS, within_seconds=DEPLOYED_SECONDS)


def _run(command: str, folder: Path) -> str:
    """Run a command as it stands; files that it writes or reads are in a folder of their own."""
    more = next((text for verb, text in FASTER.items() if verb in command), "")
    line = f"{command}{more}".replace("seen.jsonl", str(folder / "seen.jsonl"))
    return run(("bash", "-c", f"cd {ROOT} && {line}"), timeout_seconds=COMMAND_SECONDS)


def _try(command: str) -> str:
    """Run a command and return what it printed, nothing if it failed."""
    done = subprocess.run(  # noqa: S602 - from our own README
        command, shell=True, capture_output=True, text=True, timeout=30, check=False
    )
    return "" if done.returncode else done.stdout
