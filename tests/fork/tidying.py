"""Sees to it that the copy keeps the rules of the original under a name of another length."""

import os
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from .naming import OLD, Refused

LONG = "- the name is long"
"""Why a line may be longer than others: the formatter leaves sentences and strings as they are."""


def ruff() -> str | None:
    """Return where ruff is: beside this Python, as a development tool, or on PATH."""
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return shutil.which("ruff", path=os.pathsep.join(places))


def tidy(folder: Path, program: str) -> None:
    """Sort imports, wrap code, and mark the lines that are too long and cannot be wrapped.

    Raises:
        Refused: Something is left that ruff objects to.
    """
    _run(program, folder, "check", "--fix")
    _run(program, folder, "format")
    # Wrapped code is judged anew, and some marks have become needless.
    _run(program, folder, "check", "--fix")
    _run(program, folder, "check", "--select=E501", f"--add-noqa={LONG}")
    left = _run(program, folder, "check") + _run(program, folder, "format", "--check")
    if left:
        raise Refused(f"ruff objects to what came out:\n{left}")


def traces(folder: Path, allowed: Collection[str] = ()) -> list[str]:
    """Return where the old name is in a folder, in the names of files or in their lines.

    Args:
        folder: What is searched, but for the data of git.
        allowed: Lines that may have it.
    """
    found = []
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if place.parts[0] == ".git":
            continue
        if OLD.kebab in str(place).lower():
            found.append(str(place))
        if path.is_file():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            found += [
                f"{place}:{number}: {line.strip()}"
                for number, line in enumerate(lines, start=1)
                if OLD.kebab in line.lower() and line not in allowed
            ]
    return found


def _run(program: str, folder: Path, *arguments: str) -> str:
    """Return what ruff has to say, none of it where it is content."""
    done = subprocess.run(  # noqa: S603 - a development tool of this repository
        [program, *arguments, "--no-cache", "--quiet"],
        cwd=folder,
        env={**os.environ, "RUFF_OUTPUT_FORMAT": "concise"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout if done.returncode else ""
