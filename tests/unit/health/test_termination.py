"""What `kubectl describe pod` shows: at most 4,000 bytes, the verdict last."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from messenger.health.termination import MESSAGE_BYTES, TerminationLog, fitted


@given(lines=st.lists(st.text(st.characters(exclude_characters="\n\r"), max_size=3_000)))
def test_a_message_always_fits(lines: list[str]) -> None:
    """Whatever is in it, in any script; and it is still text."""
    data = fitted(lines)

    assert len(data) <= MESSAGE_BYTES <= 4_096
    assert data.decode().count("\n") <= len(lines)


@given(
    head=st.lists(st.text("abc ", max_size=500), max_size=40),
    last=st.text("abcé", min_size=1, max_size=1_500),
)
def test_the_last_line_always_survives(head: list[str], last: str) -> None:
    """What is dropped is dropped from the top, in whole lines."""
    kept = fitted([*head, last]).decode().split("\n")

    assert kept[-2] == last
    assert [*head, last][-len(kept) + 1 :] == kept[:-1]


def test_a_last_line_that_is_too_long_keeps_its_beginning() -> None:
    """It names the verdict; a character is not cut in two."""
    data = fitted(["DEADLOCK" + "é" * 4_000])

    assert data.startswith(b"DEADLOCK")
    assert len(data) in {MESSAGE_BYTES, MESSAGE_BYTES - 1}
    assert data.decode().endswith("é\n")


def test_no_lines_are_no_message() -> None:
    """Nothing in, nothing out."""
    assert fitted([]) == b""


def test_a_message_replaces_the_one_before(tmp_path: Path) -> None:
    """The kubelet reads the file once, at the end."""
    path = tmp_path / "termination-log"
    path.write_text("an older message that is longer")
    log = TerminationLog(path)

    assert log.write(["stack", "verdict"]) is True
    assert path.read_text() == "stack\nverdict\n"


def test_a_message_can_be_taken_back(tmp_path: Path) -> None:
    """What has passed must not be shown as the reason of a later end."""
    path = tmp_path / "termination-log"
    path.write_text("verdict\n")

    assert TerminationLog(path).clear() is True
    assert path.read_text() == ""


def test_a_file_that_is_not_there_is_not_created(tmp_path: Path) -> None:
    """Outside Kubernetes nobody wants it."""
    path = tmp_path / "termination-log"
    log = TerminationLog(path)

    assert log.write(["verdict"]) is False
    assert log.clear() is False
    assert log.open() is None
    assert not path.exists()


def test_a_file_that_cannot_be_opened_is_skipped(tmp_path: Path) -> None:
    """Here it is a directory: nobody may write to that, not even root."""
    log = TerminationLog(tmp_path)

    assert log.write(["verdict"]) is False
    assert log.open() is None


def test_a_file_that_cannot_be_written_is_skipped() -> None:
    """A full disk is no reason to die of."""
    assert TerminationLog(Path("/dev/full")).write(["verdict"]) is False


def test_nowhere_is_a_place_too() -> None:
    """None leaves it out."""
    log = TerminationLog(None)

    assert log.write(["verdict"]) is False
    assert log.open() is None


def test_an_open_descriptor_appends(tmp_path: Path) -> None:
    """So that what is dumped in an emergency destroys nothing."""
    path = tmp_path / "termination-log"
    path.write_text("before\n")
    descriptor = TerminationLog(path).open()
    assert descriptor is not None
    with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
        file.write(b"after\n")

    assert path.read_text() == "before\nafter\n"
