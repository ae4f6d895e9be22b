"""A fork releases as safely as what it was made of: its own proof says so, on the same cluster.

Images, manifests, prober, test and control are the fork's, by its name; only the cluster is ours.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.cluster import Cluster, CommandFailed, run
from tests.fork import owner
from tests.fork.__main__ import ROOT

pytestmark = pytest.mark.slow

PROOF = "rolling_update or does_not_drain"
"""The tests that no request is lost in a release, and their control, in which some are."""

PASSED = "3 passed"
"""Both ways to replace pods, and the control."""

NAME = "forked-orders"
"""Of two words, and of nobody's images: those that are made here are taken away again."""


@pytest.fixture(autouse=True)
def author(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let git know who commits."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "A Tester")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "tester@example.com")


@pytest.fixture(autouse=True)
def _without_images(alone: Cluster) -> Iterator[None]:
    """Take the fork's images away again, from the nodes and from this machine."""
    yield
    # Where one of the tools is not there, nothing was made.
    with contextlib.suppress(CommandFailed, FileNotFoundError):
        names = run(["docker", "images", "--format={{.Repository}}:{{.Tag}}", f"{NAME}-*"]).split()
        for node in run(["kind", "get", "nodes", "--name", alone.name]).split():
            with contextlib.suppress(CommandFailed):
                run(["docker", "exec", node, "crictl", "rmi", *names])
        run(["docker", "rmi", *names])


@pytest.mark.parametrize("is_minimal", [False, True], ids=["whole", "minimal"])
def test_a_rolling_update_of_a_fork_loses_nothing(
    alone: Cluster,
    tmp_path: Path,
    is_minimal: bool,  # noqa: FBT001 - a parameter of the test
    record_property: Callable[[str, object], None],
) -> None:
    """Not one of thousands of requests, with either strategy; without a drain some are lost."""
    if missing := owner.missing(ROOT, "docker", "kind"):
        pytest.skip(f"{missing} is needed")
    fork = owner.fork(ROOT, tmp_path / NAME, is_minimal=is_minimal)
    told = owner.run(
        fork,
        *("uv", "run", "pytest", "--numprocesses=0", "--build-images", "--require-cluster"),
        *("-k", PROOF, "tests/e2e/test_rolling.py"),
        seconds=owner.SUITE_SECONDS,
    )

    kind = "minimal" if is_minimal else "whole"
    for line in told.splitlines():
        if line.startswith("rolling "):
            name, _, figures = line.partition(": ")
            record_property(f"{kind} fork on {alone.name}, {name}", figures)
    assert PASSED in told, told
