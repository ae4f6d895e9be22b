"""Leaves a service with one example route and two downstreams of a checkout, for `--minimal`.

What differs is data, in `minimal/`: `dropped.toml` says what is left out, and why. Each other file
there is about the file of the checkout that has its path: `.new` takes its place, or comes as one
more, and `.patch` changes it, so that whatever else is changed in the checkout is in the fork too.

A change that a patch cannot be applied to any more is found by the tests. To renew the patch of a
file: `git apply --reject tests/fork/minimal/FILE.patch`, change in FILE what was rejected, write
what `git diff --unified=1 FILE` says into the patch, and `git restore FILE`.
"""

import fnmatch
import re
import shutil
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from . import checkout
from .naming import Refused

CHANGES = Path(__file__).with_name("minimal")

LIST = "dropped.toml"

Entry = dict[str, Any]
"""One entry of the list."""


def reduce(
    root: Path, paths: Sequence[PurePosixPath], folder: Path, changes: Path = CHANGES
) -> list[PurePosixPath]:
    """Write what a minimal service has of a checkout to a folder, and return the files there.

    Args:
        root: The checkout.
        paths: Its files.
        folder: A new one.
        changes: What is different.

    Raises:
        Refused: The changes are about another checkout.
    """
    listed = tomllib.loads((changes / LIST).read_text(encoding="utf-8"))["dropped"]
    dropped = set(_dropped(paths, listed))
    for path in paths:
        if path not in dropped:
            _copy(root / path, folder / path)
    for document, heading in _sections(listed):
        _cut(folder / document, heading)
    # A repository of its own: in the folder of another, git leaves out what that one ignores.
    checkout.git(folder, "init", "--quiet")
    for change in sorted(changes.rglob("*")):
        place = folder / change.relative_to(changes).with_suffix("")
        if change.suffix == ".patch":
            checkout.git(folder, "apply", str(change))
        elif change.suffix == ".new":
            _copy(change, place)
    shutil.rmtree(folder / ".git")
    return [
        PurePosixPath(path.relative_to(folder).as_posix())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = target.stat().st_mode if target.exists() else source.stat().st_mode
    shutil.copyfile(source, target)
    target.chmod(mode)


def _dropped(paths: Sequence[PurePosixPath], listed: list[Entry]) -> Iterator[PurePosixPath]:
    """Yield the files that are left out.

    Raises:
        Refused: Something is to be left out that is not there.
    """
    for pattern in (pattern for entry in listed for pattern in entry["files"]):
        found = [path for path in paths if fnmatch.fnmatchcase(str(path), pattern)]
        if not found:
            raise Refused(f"{LIST} has {pattern}, which is no file here")
        yield from found


def _sections(listed: list[Entry]) -> Iterator[tuple[str, str]]:
    """Yield the sections that are left out: the document, and the heading."""
    for entry in listed:
        yield from entry.get("sections", {}).items()


def _cut(document: Path, heading: str) -> None:
    """Take a section out of a document.

    Raises:
        Refused: There is none.
    """
    text = document.read_text(encoding="utf-8")
    section = rf"^## {re.escape(heading)}\n.*?(?=^## |\Z)"
    rest, count = re.subn(section, "", text, flags=re.MULTILINE | re.DOTALL)
    if not count:
        raise Refused(f"{LIST} has {heading}, which is no section of {document.name}")
    document.write_text(rest, encoding="utf-8")
