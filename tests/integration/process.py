"""Real processes under test: started, watched and always ended.

The integration tier patches nothing: it starts `python -m messenger` and `python -m downstream` as
a user would, and speaks to them over HTTP and by signals.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

REPOSITORY = Path(__file__).parents[2]
"""The directory that `python -m` starts in, as README's commands do."""

PATIENCE_SECONDS = 0.02
"""Pause between two looks at what a process has printed."""

GOODBYE_SECONDS = 3.0
"""What a process gets between SIGINT, which skips the minimum drain, and SIGKILL."""


class ProcessError(AssertionError):
    """Raised when a process did not do in time what the test waited for."""


class Process:
    """A process that was started by a test, with all that it has printed so far.

    Args:
        popen: The process, with both streams piped as text.
    """

    def __init__(self, popen: subprocess.Popen[str]) -> None:
        self._popen = popen
        self._listening: Mapping[str, Any] | None = None
        self._printed: list[tuple[str, str]] = []
        self._readers = [
            threading.Thread(target=self._collect, args=(name, stream), daemon=True)
            for name, stream in (("stdout", popen.stdout), ("stderr", popen.stderr))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    @property
    def threads(self) -> list[int]:
        """The ids of its threads, as the kernel has them."""
        return [int(path.name) for path in Path(f"/proc/{self.pid}/task").iterdir()]

    @property
    def port(self) -> int:
        """The port that the process said it listens on."""
        return int(self._said_listening()["port"])

    @property
    def url(self) -> str:
        """The address of its HTTP server, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def lines(self) -> list[str]:
        """Every line printed so far, on either stream, in the order of arrival."""
        return [line for _, line in list(self._printed)]

    @property
    def stdout(self) -> list[str]:
        """The lines printed so far on standard output: the banner, if there is one."""
        return [line for name, line in list(self._printed) if name == "stdout"]

    @property
    def stderr(self) -> list[str]:
        """The lines printed so far on standard error: the log."""
        return [line for name, line in list(self._printed) if name == "stderr"]

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended yet."""
        return self._popen.poll() is None

    def say(self, text: str) -> None:
        """Write to its standard input."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(text)
        self._popen.stdin.flush()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this process alone."""
        self._popen.send_signal(number)

    def wait(self, timeout: float = 30.0) -> int:
        """Wait for the end of the process and of its output.

        Returns:
            The exit status; negative when a signal ended it.

        Raises:
            ProcessError: when it still runs after `timeout` seconds.
        """
        try:
            status = self._popen.wait(timeout)
        except subprocess.TimeoutExpired as exc:
            raise ProcessError(self._report(f"still runs after {timeout} s")) from exc
        for reader in self._readers:
            reader.join(timeout=1)  # a grandchild may hold the stream open for longer
        return status

    def wait_for(
        self, description: str, found: Callable[[str], bool], timeout: float = 10.0
    ) -> str:
        """Wait until a printed line satisfies `found`, and return that line.

        Raises:
            ProcessError: when the process ended or `timeout` seconds passed without such a line.
        """
        deadline = time.monotonic() + timeout
        while True:
            has_ended = not self.is_running
            if has_ended:
                self.wait()
            if line := next((line for line in self.lines if found(line)), None):
                return line
            if has_ended:
                raise ProcessError(self._report(f"ended without {description}"))
            if time.monotonic() > deadline:
                raise ProcessError(self._report(f"no {description} within {timeout} s"))
            time.sleep(PATIENCE_SECONDS)

    def end(self) -> None:
        """End the process: politely, then by force. Does nothing when it has ended already.

        Raises:
            ProcessError: when even force does not end it, as when a tracer holds it.
        """
        if self.is_running:
            self._popen.send_signal(signal.SIGINT)
            try:
                self._popen.wait(GOODBYE_SECONDS)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                self.wait()
        for reader in self._readers:
            reader.join(timeout=1)
        if self._popen.stdin is not None:
            self._popen.stdin.close()

    def _said_listening(self) -> Mapping[str, Any]:
        if self._listening is None:
            line = next(line for line in self.lines if is_listening(line))
            self._listening = json.loads(line)
        assert self._listening is not None
        return self._listening

    def _collect(self, name: str, stream: IO[str] | None) -> None:
        assert stream is not None
        with stream:
            for line in stream:
                self._printed.append((name, line.rstrip("\n")))

    def _report(self, problem: str) -> str:
        printed = "\n".join(f"  {name}: {line}" for name, line in self._printed[-30:])
        return f"process {self.pid} {problem}; status {self._popen.poll()}; it printed:\n{printed}"


def free_port() -> int:
    """Return a port that is free now: for a process that is to be found, or found again, there."""
    with socket.create_server(("127.0.0.1", 0)) as trial:
        return int(trial.getsockname()[1])


@contextmanager
def running(
    module: str,
    *,
    env: Mapping[str, str] | None = None,
    args: Sequence[str] = (),
    pass_fds: Sequence[int] = (),
    root: Path = REPOSITORY,
    timeout: float = 10.0,
) -> Iterator[Process]:
    """Run `python -m module` until the block ends, and wait first until it listens.

    Args:
        module: The module to run.
        env: The whole environment of the process, beside the minimum that Python needs.
        args: Arguments after the module's name.
        pass_fds: File descriptors that the process inherits.
        root: The directory that holds the packages.
        timeout: Seconds that it may take until it says that it listens.

    Raises:
        ProcessError: when it ended, or did not listen in time; with what it printed.
    """
    with starting(module, env=env, args=args, pass_fds=pass_fds, root=root) as process:
        process.wait_for('"listening" line', is_listening, timeout)
        yield process


@contextmanager
def starting(
    module: str,
    *,
    env: Mapping[str, str] | None = None,
    args: Sequence[str] = (),
    pass_fds: Sequence[int] = (),
    root: Path = REPOSITORY,
) -> Iterator[Process]:
    """Run `python -m module` until the block ends, and wait for nothing first; see `running`."""
    process = Process(_start(module, env=env, args=args, pass_fds=pass_fds, root=root))
    try:
        yield process
    finally:
        process.end()


def run_to_end(
    module: str,
    *,
    env: Mapping[str, str] | None = None,
    args: Sequence[str] = (),
    timeout: float = 10.0,
) -> tuple[int, Process]:
    """Run `python -m module` that is expected to end by itself.

    Returns:
        The exit status, and the process with what it printed.
    """
    with starting(module, env=env, args=args) as process:
        return process.wait(timeout), process


def is_listening(line: str) -> bool:
    """Say whether a printed line announces the address of an HTTP server."""
    try:
        record = json.loads(line)
    except ValueError:
        return False
    return isinstance(record, dict) and record.get("message") == "listening"


def _start(
    module: str,
    *,
    env: Mapping[str, str] | None,
    args: Sequence[str],
    pass_fds: Sequence[int],
    root: Path,
) -> subprocess.Popen[str]:
    minimum = {
        name: value
        for name, value in os.environ.items()
        if name in {"PATH", "TMPDIR"} or name.startswith("COVERAGE_")
    }
    return subprocess.Popen(  # noqa: S603 - our own modules
        [sys.executable, "-m", module, *args],
        cwd=root,
        env={**minimum, **(env or {})},
        pass_fds=tuple(pass_fds),
        stdin=subprocess.PIPE,  # at its end a process can know that the test is no more
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
