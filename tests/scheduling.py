"""In which order tests run, and how they are dealt out to the workers of pytest-xdist."""

from collections.abc import Callable
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

TOGETHER = (
    "tests/browser/",  # one browser
    "tests/e2e/",  # one cluster
    "tests/integration/health/",  # most experiments run at the same time in threads of their worker
    "tests/integration/test_downstream_faults.py",  # one process of mocks
    "tests/integration/test_abuse.py",  # one pair of processes
    "tests/integration/test_messenger_interface.py",  # one pair of processes
    "tests/manifests/",  # each rendering is done once
)
"""Tests that share what is dear to make, and that every further worker would make once more."""


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Keeps in one worker what shares something; deals out all others singly.

    The mark `xdist_group` is meant for that; xdist 3.8 sets it where pytest 9.2 does not look.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)


def put_in_order(
    items: list[pytest.Item], folder: Path, rank: Callable[[pytest.Item], int]
) -> None:
    """Put the tests of a folder in order of rank; those of others stay where they are."""
    places = [place for place, item in enumerate(items) if item.path.parent == folder]
    ordered = sorted((items[place] for place in places), key=rank)
    for place, item in zip(places, ordered, strict=True):
        items[place] = item
