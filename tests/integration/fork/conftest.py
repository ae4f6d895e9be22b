"""What all tests of forks need: somebody who commits, and time."""

import faulthandler

import pytest

ROLES = ("AUTHOR", "COMMITTER")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let a whole suite run for longer than a minute without all stacks being printed."""
    if item.get_closest_marker("slow"):
        faulthandler.cancel_dump_traceback_later()


@pytest.fixture(autouse=True)
def author(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let git know who commits, on whatever machine this runs."""
    for role in ROLES:
        monkeypatch.setenv(f"GIT_{role}_NAME", "A Tester")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "tester@example.com")
