"""Reads what git knows of one repository, and begins another."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path, PurePosixPath

from .naming import OLD, Refused

MESSAGE = "Begin with a service whose health endpoints tell the truth"

OBJECT = re.compile(r"^ *-? *name: ([a-z0-9-]+)", flags=re.MULTILINE)
"""The name of an object, a container or a port in a manifest."""


def tracked(root: Path) -> list[PurePosixPath]:
    """Return the files of a checkout that git knows, without those that were deleted in it.

    Raises:
        Refused: It is none.
    """
    if git(root, "rev-parse", "--show-prefix").strip():
        raise Refused(f"{root} is no checkout, but a folder in one")
    paths = git(root, "ls-files", "-z").split("\0")
    return [PurePosixPath(path) for path in paths if path and (root / path).is_file()]


def begin(folder: Path) -> None:
    """Make a folder a repository with everything that is in it as one commit.

    Raises:
        Refused: Git does not do that, such as for want of a name of who commits.
    """
    git(folder, "init", "--quiet", "--initial-branch=main")
    # What the original has although .gitignore names it, the fork has as well.
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", f"--message={MESSAGE}")


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, and return what it prints.

    Raises:
        Refused: There is no git, or it fails.
    """
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - constants and paths
    except FileNotFoundError as error:
        raise Refused("there is no git on PATH") from error
    if done.returncode:
        raise Refused(f"git {arguments[0]} failed in {folder}: {done.stderr.strip()}")
    return done.stdout


def version(root: Path) -> str:
    """Return the version of the service in a checkout."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def taken(root: Path, paths: list[PurePosixPath]) -> set[str]:
    """Return the names that stand for something else in a checkout, or where it runs."""
    packages = {*metadata.packages_distributions(), *_distributions()}
    folders = {path.parts[0] for path in paths}
    objects = {
        found
        for path in paths
        if path.suffix == ".yaml"
        for found in OBJECT.findall((root / path).read_text(encoding="utf-8"))
    }
    return (packages | folders | objects) - {OLD.kebab}


def _distributions() -> Iterator[str]:
    for each in metadata.distributions():
        yield each.metadata["Name"].lower()
