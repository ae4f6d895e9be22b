"""What READMEs tell to type with images and a cluster, in places that are nobody's."""

import contextlib
import secrets
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import ROOT, Command, run_by
from tests.e2e.cluster import Cluster, CommandFailed, run, wait_for
from tests.e2e.objects import MESSENGER_IMAGE
from tests.e2e.space import Space, open_space

START_SECONDS = 60.0
"""How long a container may take to be ready: two on an idle machine."""

STOP_SECONDS = 40.0
"""How long it may take to stop: the drain's 25 s, and what docker needs."""


def commands(document: str) -> list[Command]:
    """Return the commands of a document that are run here."""
    found = (block for block in run_by(__file__) if block.document == document)
    return [command for block in found for command in block.commands]


@pytest.fixture(scope="module")
def space(alone: Cluster) -> Iterator[Space]:
    """A namespace for what names none."""
    with open_space(alone, "readme") as space:
        yield space


@pytest.fixture
def kubeconfig(space: Space, tmp_path: Path) -> Path:
    """A configuration of kubectl by which that is the namespace of every command."""
    path = tmp_path / "kubeconfig"
    path.write_text(
        space.cluster.kubectl("config", "view", "--minify", "--raw", "--flatten"), encoding="utf-8"
    )
    run(
        (
            *("kubectl", "--kubeconfig", str(path)),
            *("config", "set-context", "--current", f"--namespace={space.name}"),
        )
    )
    return path


def test_the_base_can_be_deployed_alone(space: Space, kubeconfig: Path) -> None:
    """Each command ends well, and every pod is ready although it has nothing to call."""
    for command in commands("k8s/README.md"):
        line = f"cd {ROOT}; export KUBECONFIG={kubeconfig}; {command.line}"
        assert command.prints(run(("bash", "-euc", line)))

    space.settle("deployment/messenger")


def test_the_image_runs_alone_and_stops(cluster: Cluster) -> None:
    """With docker, at a port that is free and under a name that nobody has."""
    del cluster  # which has seen to the images
    try:
        run(("docker", "image", "inspect", MESSENGER_IMAGE))
    except (CommandFailed, FileNotFoundError):
        pytest.skip(f"docker has no {MESSENGER_IMAGE}: --build-images makes it")
    with socket.create_server(("127.0.0.1", 0)) as trial:
        port = trial.getsockname()[1]
    name = f"messenger-{secrets.token_hex(4)}"
    start, stop = (
        command.line.replace("--name messenger ", f"--name {name} ")
        .replace("30 messenger", f"30 {name}")
        .replace("8080:8080", f"{port}:8080")
        .split()
        for command in commands("README.md")
    )

    with subprocess.Popen(start) as container:  # noqa: S603 - from our own README
        try:
            wait_for(
                "the container",
                lambda: _is_ready(port),
                until=bool,
                within_seconds=START_SECONDS,
            )
            run(stop, timeout_seconds=STOP_SECONDS)

            assert container.wait(STOP_SECONDS) == 0
        finally:
            run(("docker", "rm", "--force", name))


def _is_ready(port: int) -> bool:
    with (
        contextlib.suppress(OSError),
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as answer,
    ):
        return bool(answer.status == 200)
    return False
