"""A fresh clone does what README begins with, on a Python that has nothing but pip."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.commands import run_by
from tests.integration.process import REPOSITORY
from tests.integration.shell import type_in

pytestmark = pytest.mark.slow

SECONDS = 600.0
"""How long a command may take that fetches packages: half a minute, and a busy machine."""

FEW = "--numprocesses=0 tests/unit/test_commands.py"
"""For pytest in the clone: what it could find beside is being run where it was cloned from."""

ENV = {
    # Of the service, and of what README makes of it.
    **{f"{name.upper()}_PORT": "0" for name in ("messenger", "orders")},
    "PYTEST_ADDOPTS": FEW,
    # Whoever runs this has told git who they are, or has not.
    **{f"GIT_{role}_NAME": "A Reader" for role in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{role}_EMAIL": "reader@example.com" for role in ("AUTHOR", "COMMITTER")},
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of what is committed."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("git, and a checkout of its own, is needed")
    target = tmp_path_factory.mktemp("fresh") / "clone"
    command = ["git", "clone", "--quiet", "--no-hardlinks", str(REPOSITORY), str(target)]
    subprocess.run(command, check=True, timeout=SECONDS)  # noqa: S603 - of our own
    return target


@pytest.fixture(scope="module")
def env(clone: Path) -> Mapping[str, str]:
    """Variables by which `python3` is one that has pip alone."""
    python = clone.parent / "python"
    command = [sys.executable, "-m", "venv", str(python)]
    subprocess.run(command, check=True, timeout=SECONDS)  # noqa: S603 - of our own
    return {**ENV, "PATH": f"{python}/bin:/usr/local/bin:/usr/bin:/bin"}


def test_a_fresh_clone_does_what_is_told(
    clone: Path, env: Mapping[str, str], record_property: Callable[[str, object], None]
) -> None:
    """From top to bottom each command ends well; what serves does so after a time that is told."""
    for command in (command for block in run_by(__file__) for command in block.commands):
        done = type_in(command.line, env=env, folder=clone, seconds=SECONDS)

        assert done.status == 0, f"{command.line}\n{done.text}\n{done.log}"
        if done.serving_seconds is not None:
            name = f"{command.line}: seconds from a fresh clone until it listens"
            record_property(name, round(done.serving_seconds, 1))
