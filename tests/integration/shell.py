"""Commands of a document, typed into a shell as a reader would: one that serves gets a Ctrl-C."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.integration.process import (
    PATIENCE_SECONDS,
    REPOSITORY,
    Process,
    ProcessError,
    is_listening,
)

SECONDS = 60.0
"""How long a command may take to end, or to serve: two on an idle machine."""

OURS = ("VIRTUAL_ENV", "PYTEST_", "MESSENGER_", "DOWNSTREAM_", "OTEL_")
"""What the names of variables begin with that a reader's shell does not have."""


class Done(NamedTuple):
    """What became of a command."""

    status: int
    text: str
    """What it printed to standard output."""

    log: str
    """What it printed to standard error."""

    serving_seconds: float | None
    """When it said that it listens; None if it ended by itself."""


def type_in(
    line: str,
    *,
    env: Mapping[str, str] | None = None,
    folder: Path = REPOSITORY,
    seconds: float = SECONDS,
) -> Done:
    """Run a command until it ends; if it serves, until it has ended by a Ctrl-C.

    Args:
        line: The command, as a shell takes it.
        env: Further variables.
        folder: Where the shell is.
        seconds: How long it may take.

    Raises:
        ProcessError: It neither ended nor served in time; with what it printed.
    """
    popen = subprocess.Popen(  # noqa: S603 - from our own documents
        ["bash", "-euo", "pipefail", "-c", line],  # noqa: S607 - the one on PATH
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        | dict(env or {}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # So that nothing is left of what it starts.
        start_new_session=True,
    )
    process = Process(popen)
    try:
        return _done(process, seconds)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGKILL)
        process.end()


def _done(process: Process, seconds: float) -> Done:
    began = time.monotonic()
    serving_seconds = None
    while process.is_running:
        taken = time.monotonic() - began
        if any(map(is_listening, process.lines)):
            serving_seconds = taken
            # To uv alone, which hands it on where there is no terminal that has sent it to all.
            process.signal(signal.SIGINT)
            break
        if taken > seconds:
            printed = "\n".join(process.lines[-30:])
            raise ProcessError(f"neither ended nor served within {seconds} s:\n{printed}")
        time.sleep(PATIENCE_SECONDS)
    status = process.wait(seconds)
    return Done(status, "\n".join(process.stdout), "\n".join(process.stderr), serving_seconds)
