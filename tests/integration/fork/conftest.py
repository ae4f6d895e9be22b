"""What all tests of forks need: somebody who commits."""

import pytest

ROLES = ("AUTHOR", "COMMITTER")


@pytest.fixture(autouse=True)
def author(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let git know who commits, on whatever machine this runs."""
    for role in ROLES:
        monkeypatch.setenv(f"GIT_{role}_NAME", "A Tester")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "tester@example.com")
