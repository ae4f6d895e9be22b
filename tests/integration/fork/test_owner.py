"""Trying a fork: what is told of a command that fails, and what becomes of an endless one."""

from pathlib import Path

import pytest

from tests.fork.owner import LAST_LINES, run
from tests.integration.offspring import is_running, wait_until_gone

FAILS = f"""
print("FAILED tests/unit/test_a.py::test_b - assert 1 == 2")
print("some other line")
print("line\\n" * {LAST_LINES})
raise SystemExit(3)
"""

ENDLESS = "trap 'exit 1' INT; (trap '' INT; exec sleep 3600) & echo $!; wait"
"""Starts a process that does not mind Ctrl-C, and ends by it without that one."""

DEATH_SECONDS = 10.0
"""How long a process that was killed may take to be gone on a machine that is busy elsewhere."""


@pytest.fixture
def fork(tmp_path: Path) -> Path:
    """The folder of a fork, with nothing in it."""
    made = tmp_path / "orders"
    made.mkdir()
    return made


def test_a_command_that_fails_tells_which_tests_did(fork: Path) -> None:
    """Those and the end of what it printed; all of it is in a file."""
    (fork / "fails.py").write_text(FAILS, encoding="utf-8")
    with pytest.raises(AssertionError, match="ended with 3") as failure:
        run(fork, "python3", "fails.py")
    told = str(failure.value)
    (log,) = fork.parent.glob("*.log")

    assert "FAILED tests/unit/test_a.py::test_b - assert 1 == 2" in told
    assert "some other line" not in told
    assert str(log) in told
    assert "some other line" in log.read_text(encoding="utf-8")


def test_a_command_that_does_not_end_is_ended_with_all_that_it_has_started(fork: Path) -> None:
    """In the time that was given to it, and not when its children end."""
    with pytest.raises(AssertionError, match="was not done in 2 s") as failure:
        run(fork, "sh", "-c", ENDLESS, seconds=2)
    child = int(str(failure.value).splitlines()[-1])

    wait_until_gone(child, DEATH_SECONDS)

    assert not is_running(child)


def test_what_a_command_prints_is_returned(fork: Path) -> None:
    """The control: from the folder of the fork, and nothing is wrong with it."""
    assert run(fork, "pwd") == f"{fork}\n"
