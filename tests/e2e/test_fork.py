"""A fork releases as safely as what it was made of: its own proof says so, on the same cluster.

Images, manifests, prober and test are the fork's, under its name; only the cluster is ours.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.cluster import Cluster
from tests.fork import owner
from tests.fork.__main__ import ROOT

pytestmark = pytest.mark.slow

PROOF = "rolling_update or does_not_drain"
"""The tests that no request is lost in a release, and their control, in which some are."""

NAME = "order-items"


@pytest.fixture(autouse=True)
def author(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let git know who commits."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "A Tester")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "tester@example.com")


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
    )

    for line in told.splitlines():
        if line.startswith("rolling "):
            name, _, figures = line.partition(": ")
            record_property(f"fork on {alone.name}, {fork.name}, {name}", figures)
    assert "3 passed" in told, told
