"""Copies a checkout under another name, whole or not at all."""

import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from . import checkout, documents, reduction, tidying
from .naming import Refused, named
from .renaming import RULES, Renaming, Rule

LEFT_OUT = {"fork", "test_fork.py"}
"""The command itself and its tests, which know the name that is replaced: folders and files."""


def fork(
    root: Path,
    target: Path,
    text: str,
    *,
    is_minimal: bool = False,
    ruff: str | None = None,
    rules: Sequence[Rule] = RULES,
) -> int:
    """Make a repository of a checkout under another name, and return the number of its files.

    Args:
        root: The checkout.
        target: The new folder.
        text: The new name.
        is_minimal: Whether one example route is to stand in place of what the original is for.
        ruff: What formats the copy; None where there is none.
        rules: Where the name has which form.

    Raises:
        Refused: It is not possible. Nothing is left behind.
    """
    check(target, root)
    paths = checkout.tracked(root)
    renaming = Renaming(named(text, checkout.taken(root, paths)), rules)
    version = checkout.version(root)
    kept = [path for path in paths if LEFT_OUT.isdisjoint(path.parts)]
    # Beside the target, so that the finished copy only has to be moved.
    with TemporaryDirectory(prefix=".fork-", dir=target.parent) as staging:
        copy = Path(staging) / "copy"
        if is_minimal:
            reduced = Path(staging) / "reduced"
            root, kept = reduced, reduction.reduce(root, kept, reduced)
        for path in kept:
            _copy(root, path, copy, renaming, version)
        if ruff is not None:
            tidying.tidy(copy, ruff)
        if left := tidying.traces(copy, {documents.credit(version)}):
            raise Refused("\n  ".join(["the old name would remain:", *left]))
        checkout.begin(copy)
        copy.replace(target)
    return len(kept)


def check(target: Path, root: Path) -> None:
    """Make sure that there is room for a copy of a checkout.

    Raises:
        Refused: There is none.
    """
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise Refused(f"{target} is there already, and is no empty folder")
    if not target.parent.is_dir():
        raise Refused(f"{target.parent} is no folder, so nothing can be put into it")
    if target.resolve().is_relative_to(root.resolve()):
        raise Refused(f"{target} is in the checkout that it would be a copy of")


def _copy(root: Path, path: PurePosixPath, copy: Path, renaming: Renaming, version: str) -> None:
    source, place = root / path, copy / renaming.text(str(path))
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        text = source.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        # An image, say, has no name in it.
        shutil.copyfile(source, place)
    else:
        place.write_text(_renamed(text, path, renaming, version), encoding="utf-8")
    shutil.copymode(source, place)


def _renamed(text: str, path: PurePosixPath, renaming: Renaming, version: str) -> str:
    if str(path) == "README.md":
        return documents.readme(text, renaming, version)
    if path.suffix == ".md":
        return documents.document(text, renaming)
    if path.suffix == ".py":
        return renaming.python(text)
    return documents.plain(text, renaming)
