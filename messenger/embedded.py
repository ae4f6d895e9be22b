"""The twelve mocks in a child process, so that a bare checkout has something to talk to.

A process of its own and not a thread: the mocks' work must not look like the service's when either
is measured, stalled or broken on purpose. It must also never outlive us, however we end: it holds
the reading end of a pipe whose writing end only we hold, and SIGKILL closes that too.

It inherits a socket that listens already. So its address is known before it runs, we need not wait
for it before we listen ourselves, and calls that come before it is ready wait for it.
"""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, TextIO, cast

logger = logging.getLogger(__name__)

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
    """Raised when the embedded downstreams ended instead of listening."""


class Embedded:
    """The child process that plays the downstreams.

    Args:
        process: The child, with its standard error piped as text.
        lifeline: The writing end of the pipe by which the child notices our end.
        port: Where it listens, or will.
    """

    def __init__(self, process: subprocess.Popen[str], lifeline: int, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/{{service}}"
        """The template of the downstreams' addresses."""

        self._process = process
        self._lifeline = lifeline
        self._start: Future[None] = Future()
        self._is_stopping = threading.Event()
        self._reader = threading.Thread(target=self._read, name="embedded log", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def when_failed(self, leave: Callable[[], object]) -> None:
        """Call `leave` when the child ends instead of listening, or at once if it has.

        It is called in the thread that reads the child's log, or in the caller's.
        """

        def look(start: Future[None]) -> None:
            if start.exception():
                leave()

        self._start.add_done_callback(look)

    def check(self) -> None:
        """Raise EmbeddedFailed if the child has ended instead of listening."""
        if self._start.done():
            self._start.result()

    def stop(self) -> None:
        """End the child: SIGINT, which skips its minimum drain, and SIGKILL if that is too slow.

        One that does not listen yet gets SIGKILL at once: SIGINT would end it with a traceback.
        """
        self._is_stopping.set()
        self._process.send_signal(signal.SIGINT if self._start.done() else signal.SIGKILL)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._lifeline)
        self._reader.join(_STOP_SECONDS)

    def _read(self) -> None:
        """See in the child's log that it listens, pass all other lines on, and notice its end."""
        with cast("TextIO", self._process.stderr) as lines:
            for line in lines:
                record = _record_in(line)
                if record.get("message") == "listening":
                    self._start.set_result(None)
                else:
                    _pass_on(record)
        status = self._process.wait()
        if self._is_stopping.is_set():
            return
        if not self._start.done():
            self._start.set_exception(EmbeddedFailed(f"they ended with exit status {status}"))
        else:
            logger.error("embedded downstreams ended", extra={"exit_status": status})


def start(environ: Mapping[str, str]) -> Embedded:
    """Start the child and return at once.

    Args:
        environ: Our own environment, which the child inherits: DOWNSTREAM_FAULTS and its like act
            on embedded mocks as they do on a process of their own.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    reading, writing = os.pipe()
    inherited = {"--parent-pipe": reading, "--listener": listener.fileno()}
    words = [word for name, number in inherited.items() for word in (name, str(number))]
    try:
        process = subprocess.Popen(  # noqa: S603 - our own package, by our own interpreter
            [sys.executable, "-m", "downstream", *words],
            env={**environ, **_FIXED},
            pass_fds=list(inherited.values()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            # A session of its own: Ctrl-C in a terminal is for us, and the mocks are needed until
            # our own requests are done.
            start_new_session=True,
            text=True,
        )
        return Embedded(process, writing, listener.getsockname()[1])
    finally:
        os.close(reading)
        listener.close()


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
