"""The twelve mocks in a child process, so that a bare checkout has something to talk to.

A process of its own and not a thread: the mocks' work must not look like the service's when either
is measured, stalled or broken on purpose. It must also never outlive us, however we end: it holds
the reading end of a pipe whose writing end only we hold, and SIGKILL closes that too.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any, TextIO, cast

logger = logging.getLogger(__name__)

_START_SECONDS = 15.0
"""How long the child may take to listen: ten times what a slow laptop needs."""

_STOP_SECONDS = 1.0
"""How long the child may take to end; with our own end it stays within the 2 s of an idle Ctrl-C.
What it would lose by SIGKILL is a mock's memory."""

_FIXED = {
    "DOWNSTREAM_HOST": "127.0.0.1",
    "DOWNSTREAM_LOG_FORMAT": "json",
    "DOWNSTREAM_PORT": "0",
}
"""Settings of the child that are ours to make: nobody else is to reach it, and we read its log."""

_OURS = ("level", "message", "time")
"""Fields of a log line that ours has itself when the child's is passed on."""


class EmbeddedFailed(Exception):
    """Raised when the embedded downstreams ended, or kept silent, instead of listening."""


class Embedded:
    """The child process that plays the downstreams.

    Args:
        process: The child, with its standard error piped as text.
        lifeline: The writing end of the pipe by which the child notices our end.
    """

    def __init__(self, process: subprocess.Popen[str], lifeline: int) -> None:
        self._process = process
        self._lifeline = lifeline
        self._port: Future[int] = Future()
        self._is_stopping = threading.Event()
        self._reader = threading.Thread(target=self._read, name="embedded log", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def url(self) -> str:
        """Return the template of the downstreams' addresses; waits until the child listens.

        Raises:
            EmbeddedFailed: If the child ended or kept silent instead.
        """
        try:
            port = self._port.result(_START_SECONDS)
        except TimeoutError as exc:
            raise EmbeddedFailed(f"they did not listen within {_START_SECONDS:g} s") from exc
        return f"http://127.0.0.1:{port}/{{service}}"

    def stop(self) -> None:
        """End the child: SIGINT, which skips its minimum drain, and SIGKILL if that is too slow."""
        self._is_stopping.set()
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._lifeline)
        self._reader.join(_STOP_SECONDS)

    def _read(self) -> None:
        """Find the port in the child's log, pass all other lines on, and notice its end."""
        with cast("TextIO", self._process.stderr) as lines:
            for line in lines:
                record = _record_in(line)
                if record.get("message") == "listening":
                    self._port.set_result(int(record["port"]))
                else:
                    _pass_on(record)
        status = self._process.wait()
        if not self._port.done():
            self._port.set_exception(EmbeddedFailed(f"they ended with exit status {status}"))
        elif not self._is_stopping.is_set():
            logger.error("embedded downstreams ended", extra={"exit_status": status})


def start(environ: Mapping[str, str]) -> Embedded:
    """Start the child and return at once; `Embedded.url` waits for it.

    Args:
        environ: Our own environment, which the child inherits: DOWNSTREAM_FAULTS and its like act
            on embedded mocks as they do on a process of their own.
    """
    reading, writing = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 - our own package, by our own interpreter
            [sys.executable, "-m", "downstream", "--parent-pipe", str(reading)],
            env={**environ, **_FIXED},
            pass_fds=[reading],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            # A session of its own: Ctrl-C in a terminal is for us, and the mocks are needed until
            # our own requests are done.
            start_new_session=True,
            text=True,
        )
    finally:
        os.close(reading)
    return Embedded(process, writing)


def _record_in(line: str) -> dict[str, Any]:
    """Return a line of the child's log as a record; what is none becomes a warning."""
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if isinstance(record, dict):
        return record
    return {"level": "WARNING", "message": "printed", "text": line.rstrip()}


def _pass_on(record: Mapping[str, Any]) -> None:
    """Log what the child has logged: one format, one stream, and told apart from our own."""
    rest = {name: value for name, value in record.items() if name not in _OURS}
    level = logging.getLevelNamesMapping().get(str(record.get("level")), logging.INFO)
    logger.log(level, str(record.get("message")), extra={"downstream": rest})
