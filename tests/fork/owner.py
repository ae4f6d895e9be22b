"""What the owner of a fork does in it, for tests of the result."""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from . import copying, tidying

TOOLS = ("git", "kubectl", "uv")
"""Without which nobody gets far in a fork."""

COMMAND_SECONDS = 600.0
"""How long one command may take: the first one fetches packages, and types take two minutes on a
busy machine."""

SUITE_SECONDS = 3600.0
"""How long tests may take: all of them take 25 minutes where others have most of two cores."""

GOODBYE_SECONDS = 60.0
"""What tests get to end processes, containers and namespaces when their time is over."""

LAST_LINES = 80
"""How much of the end is told: pytest names there what failed, and what was left out."""

TOLD = ("FAILED ", "ERROR ", "E  ")
"""How pytest begins the lines that say which tests failed, and why."""

MOST_TOLD = 200
"""How many of these are told: more would say that something is wrong with all of it."""


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


def run(folder: Path, *command: str, seconds: float = COMMAND_SECONDS) -> str:
    """Run a command in a fork as its owner would, and return what it printed.

    Raises:
        AssertionError: It failed, or was not done in time; with what tells why, and with the file
            beside the fork that has all it printed.
    """
    with tempfile.NamedTemporaryFile(
        "w", dir=folder.parent, prefix=f"{folder.name}-", suffix=".log", delete=False
    ) as log:
        process = subprocess.Popen(  # noqa: S603 - the commands of tests
            command,
            cwd=folder,
            env=_own(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        with _ended(process):
            try:
                how = f"ended with {process.wait(seconds)}"
            except subprocess.TimeoutExpired:
                how = f"was not done in {seconds:g} s"
    printed = Path(log.name).read_text(encoding="utf-8", errors="replace")
    done = f"`{shlex.join(command)}` {how} in {folder}; all of it is in {log.name}"
    assert process.returncode == 0, "\n".join([done, *_telling(printed)])
    return printed


@contextlib.contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a process that goes on after the block, and all that it started."""
    try:
        yield
    finally:
        if process.poll() is None:
            # To uv alone, which hands it on: tests then take away what they have made.
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GOODBYE_SECONDS)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _telling(printed: str) -> Iterator[str]:
    """Yield what tells most of what a command has printed."""
    lines = printed.splitlines()
    yield from [line for line in lines[:-LAST_LINES] if line.startswith(TOLD)][:MOST_TOLD]
    yield f"… and its last {LAST_LINES} lines:"
    yield from lines[-LAST_LINES:]


def _own(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what says where and how tests run."""
    others = ("PYTEST_CURRENT_TEST", "PYTEST_XDIST", "PYTEST_ADDOPTS")
    return {
        **{
            key: value
            for key, value in environ.items()
            if key != "VIRTUAL_ENV" and not key.startswith(others)
        },
        # By which pytest cuts what it says of each test that failed.
        "COLUMNS": "200",
    }
