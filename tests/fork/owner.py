"""What the owner of a fork does in it, for tests of the result."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from . import copying, tidying

TOOLS = ("git", "kubectl", "uv")
"""Without which nobody gets far in a fork."""

RUN_SECONDS = 3600.0
"""How long one command may take: the whole suite takes 25 minutes where other work has most of two
cores."""


def missing(root: Path, *more: str) -> str:
    """Return what a fork of a checkout cannot be tried without, and is not there."""
    absent = [each for each in (*TOOLS, *more) if shutil.which(each) is None]
    if not (root / ".git").exists():
        absent.append("a checkout, not a copy of one,")
    return " and ".join(absent)


def fork(root: Path, target: Path, *, is_minimal: bool = False) -> Path:
    """Fork a checkout under the name of the new folder, and return that."""
    copying.fork(root, target, target.name, is_minimal=is_minimal, ruff=tidying.ruff())
    return target


def run(folder: Path, *command: str) -> str:
    """Run a command in a fork as its owner would, and return what it printed.

    Raises:
        AssertionError: It failed; with what it printed.
    """
    done = subprocess.run(  # noqa: S603 - the commands of tests
        command,
        cwd=folder,
        env=_own(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def _own(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what says where tests run."""
    return {
        key: value
        for key, value in environ.items()
        if key != "VIRTUAL_ENV" and not key.startswith(("PYTEST_CURRENT_TEST", "PYTEST_XDIST"))
    }
