"""Our sources with one line changed: what a protection is worth shows where it is missing."""

import shutil
from pathlib import Path

from tests.integration.process import REPOSITORY


def altered(directory: Path, file: str, old: str, new: str) -> Path:
    """Return a directory with a copy of the sources in which one text is another.

    Args:
        directory: Where the copy goes.
        file: What is changed, such as "messenger/process.py".
        old: What has to be there.
        new: What is there instead.
    """
    for package in ("messenger", "downstream"):
        shutil.copytree(REPOSITORY / package, directory / package)
    source = (directory / file).read_text(encoding="utf-8")
    assert old in source
    (directory / file).write_text(source.replace(old, new), encoding="utf-8")
    return directory
