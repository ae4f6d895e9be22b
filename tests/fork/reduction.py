"""Leaves a service with one example route and two downstreams of a checkout, for `--minimal`.

What differs is data, in `minimal/`: `dropped.toml` says what is left out, and why. Each other file
there is about the file of the checkout that has its path: `.new` takes its place, or comes as one
more, and `.patch` changes it, so that whatever else is changed in the checkout is in the fork too.

A change that a patch cannot be applied to any more is found by the tests. To renew the patch of a
file: `git apply --reject tests/fork/minimal/FILE.patch`, change in FILE what was rejected, write
what `git diff --unified=1 FILE` says into the patch, and `git restore FILE`.
"""

import fnmatch
import shutil
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from . import checkout
from .naming import Refused

CHANGES = Path(__file__).with_name("minimal")

LIST = "dropped.toml"


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
    dropped = set(_dropped(paths, changes / LIST))
    for path in paths:
        if path not in dropped:
            _copy(root / path, folder / path)
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


def _dropped(paths: Sequence[PurePosixPath], listed: Path) -> Iterator[PurePosixPath]:
    """Yield the files that are left out.

    Raises:
        Refused: Something is to be left out that is not there.
    """
    for entry in tomllib.loads(listed.read_text(encoding="utf-8"))["dropped"]:
        for pattern in entry["files"]:
            found = [path for path in paths if fnmatch.fnmatchcase(str(path), pattern)]
            if not found:
                raise Refused(f"{listed.name} has {pattern}, which is no file here")
            yield from found
