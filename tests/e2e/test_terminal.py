"""The shell that the story is typed into."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal, opened

SECONDS = 20.0
"""More than any of these commands takes, on whatever machine."""


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A shell in an empty folder."""
    with opened(tmp_path, {"ANSWER": "42"}) as terminal:
        yield terminal


def test_what_was_typed_before_is_remembered(terminal: Terminal) -> None:
    """As in any terminal, over several lines."""
    assert terminal.type("pod=one", within_seconds=SECONDS) == (0, "")
    assert terminal.type("echo $pod \\\n  $ANSWER", within_seconds=SECONDS) == (0, "one 42")


def test_both_streams_are_heard_and_the_status_is_known(terminal: Terminal) -> None:
    """A pipe fails with any part of it."""
    said = terminal.type("(echo out; echo err >&2; exit 3) | cat", within_seconds=SECONDS)

    assert said.status == 3
    assert sorted(said.text.split()) == ["err", "out"]


def test_a_command_that_does_not_end_is_no_success(terminal: Terminal) -> None:
    """What it has said until then is told."""
    with pytest.raises(AssertionError, match=r"did not end within 1\.0 s: waiting"):
        terminal.type("echo waiting; sleep 60", within_seconds=1.0)
