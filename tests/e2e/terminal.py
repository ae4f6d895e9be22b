"""One shell, in which commands are typed one after the other, as a person would do it."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

MARK = "the command has ended with"
"""What the shell says behind each command; no command says it."""


class Said(NamedTuple):
    """What a command has said, and how it ended."""

    status: int
    text: str
    """Both streams together, as a terminal shows them."""


class Terminal:
    """A shell that remembers what was typed before.

    Args:
        shell: The process, with one pipe in and one out.
    """

    def __init__(self, shell: subprocess.Popen[bytes]) -> None:
        self._shell = shell

    def type(self, line: str, *, within_seconds: float) -> Said:
        """Type a command, and return what came of it.

        Raises:
            AssertionError: It did not end in time; with what it has said.
        """
        assert self._shell.stdin is not None
        self._shell.stdin.write(f'{line}\nprintf "\\n{MARK} %d\\n" $?\n'.encode())
        self._shell.stdin.flush()
        deadline = time.monotonic() + within_seconds
        said = b""
        while (found := said.rpartition(f"\n{MARK} ".encode()))[1] == b"" or found[2][-1:] != b"\n":
            more = self._read(deadline - time.monotonic())
            assert more, f"{line!r} did not end within {within_seconds} s: {said.decode()}"
            said += more
        return Said(int(found[2]), found[0].decode().strip())

    def _read(self, seconds: float) -> bytes:
        """Return what is said next; nothing if that takes too long, or there is no more."""
        assert self._shell.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._shell.stdout, selectors.EVENT_READ)
            if not selector.select(max(0.0, seconds)):
                return b""
        return os.read(self._shell.stdout.fileno(), 65_536)


@contextlib.contextmanager
def opened(folder: Path, env: Mapping[str, str]) -> Iterator[Terminal]:
    """Yield a shell in a folder; whatever it has started ends with it.

    Args:
        folder: Where it is.
        env: Variables, beside those of this process.
    """
    with subprocess.Popen(
        # A pipe fails with any part of it: what a person would see is no success here either.
        ["bash", "--norc", "-o", "pipefail"],  # noqa: S607 - the one on PATH
        cwd=folder,
        env={**os.environ, **env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as shell:
        try:
            yield Terminal(shell)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
