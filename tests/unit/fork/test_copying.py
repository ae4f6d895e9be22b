"""A fork needs a place of its own, and is refused any other."""

from pathlib import Path

import pytest

from tests.fork import copying
from tests.fork.naming import Refused


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The checkout."""
    made = tmp_path / "checkout"
    made.mkdir()
    return made


def test_a_folder_that_is_not_there_or_empty_will_do(tmp_path: Path, root: Path) -> None:
    """Nothing is lost in either."""
    (tmp_path / "empty").mkdir()

    copying.check(tmp_path / "new", root)
    copying.check(tmp_path / "empty", root)


def test_a_place_that_is_taken_is_refused(tmp_path: Path, root: Path) -> None:
    """Be it by a folder with something in it, or by a file."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()

    for name in ("full", "full/file"):
        with pytest.raises(Refused, match="there already"):
            copying.check(tmp_path / name, root)


def test_a_place_in_the_checkout_is_refused(tmp_path: Path, root: Path) -> None:
    """Also by way of a link."""
    (tmp_path / "link").symlink_to(root)

    for folder in (root, tmp_path / "link"):
        with pytest.raises(Refused, match="in the checkout"):
            copying.check(folder / "orders", root)


def test_a_place_in_no_folder_is_refused(tmp_path: Path, root: Path) -> None:
    """A folder is not made for it, since a misspelt path is more likely."""
    with pytest.raises(Refused, match="is no folder"):
        copying.check(tmp_path / "nowhere" / "orders", root)

    assert not (tmp_path / "nowhere").exists()
