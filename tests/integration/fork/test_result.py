"""A fork of this repository: its style, its types, its manifests, its tests and its images hold."""

import os
from pathlib import Path

import pytest

from tests.fork import checkout, documents, owner, tidying
from tests.fork.__main__ import ROOT
from tests.fork.owner import SUITE_SECONDS, run

pytestmark = pytest.mark.slow

HYPHENATED = "order-items"
"""Of two words: no two of its forms are the same."""

LONGEST = "customer-notification-centre"
"""About as long as a name may be: of it only the units are tried, since little else has lines that
are long because of a name."""

NAMES = ("pay", HYPHENATED, LONGEST)
"""The first one is short: documents show what is printed, and columns move."""

ANSWER_SECONDS = 60.0
"""How long docker may take to say that it is there."""

MINIMAL = pytest.mark.parametrize("is_minimal", [False, True], ids=["whole", "minimal"])


@pytest.fixture
def fork(tmp_path: Path, name: str, is_minimal: bool) -> Path:  # noqa: FBT001 - a parameter of tests
    """A fork of this repository."""
    if missing := owner.missing(ROOT):
        pytest.skip(f"{missing} is needed")
    return owner.fork(ROOT, tmp_path / name, is_minimal=is_minimal)


@MINIMAL
@pytest.mark.parametrize("name", NAMES)
def test_a_fork_keeps_the_rules_of_this_repository(fork: Path, name: str) -> None:
    """Style, types and manifests hold, and nobody has to touch a file for that."""
    left = tidying.traces(fork, {documents.credit(checkout.version(ROOT))})
    run(fork, "uv", "run", "ruff", "check")
    run(fork, "uv", "run", "ruff", "format", "--check")
    run(fork, "uv", "run", "mypy")
    for overlay in sorted((fork / "k8s" / "overlays").iterdir()):
        assert f"name: {name}" in run(fork, "kubectl", "kustomize", str(overlay))

    assert left == []
    assert checkout.git(fork, "status", "--porcelain") == ""


@MINIMAL
@pytest.mark.parametrize("name", NAMES)
def test_the_tests_of_a_fork_pass(fork: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that `uv run pytest` runs, for a short name, and for one in which every form differs."""
    # A cluster that is there is not the fork's: in it the ports of nodes are taken.
    monkeypatch.setenv("KUBECONFIG", os.devnull)
    places = ["tests/unit"] if name == LONGEST else []

    assert " passed" in run(fork, "uv", "run", "pytest", *places, seconds=SUITE_SECONDS)
    assert checkout.git(fork, "status", "--porcelain") == ""


@MINIMAL
@pytest.mark.parametrize("name", [HYPHENATED])
def test_the_images_of_a_fork_are_built_and_run(fork: Path) -> None:
    """By its own tests of them, none of which is skipped."""
    if missing := owner.missing(ROOT, "docker"):
        pytest.skip(f"{missing} is needed")
    try:
        run(fork, "docker", "info", seconds=ANSWER_SECONDS)
    except AssertionError:
        pytest.skip("docker does not answer")
    told = run(
        fork,
        *("uv", "run", "pytest", "--numprocesses=0", "--slow"),
        "tests/manifests/test_images.py",
        seconds=SUITE_SECONDS,
    )

    assert " passed" in told
    assert " skipped" not in told
