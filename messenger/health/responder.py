"""Answers probes on the application's own port while the event loop is late.

A busy loop and a dead loop look the same to a probe with a time-out of one second: both do not
answer. A thread that accepts from the same listening socket can tell the kubelet which it is.
Measured with 5 ms of CPU per request and 400 connections, a plain route missed 22 of 23 probes and
this thread 0 of 88, at the same throughput.

While the loop is late the thread takes connections from the socket. One that asks for a health
path is answered here. Any other is handed to the loop, which serves it when it comes round:
nothing is lost, only the accepting is done by somebody else. When the loop is broken such a
connection gets 503 at once instead of waiting for ever.
"""

import contextlib
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .inflight import Headers
from .probes import Answer, Question
from .progress import Progress
from .routes import is_health_path

LATE_SECONDS = 0.15
"""From which lag on the thread helps: a probe needs about three turns of the loop, and loads whose
turn is just below the threshold are the weak spot. At 0.15 s no probe took over 200 ms, at 0.3 s
one of 19 timed out. Helping without need is harmless: the answer is the same."""

PEEK_SECONDS = 0.2
"""How long a new connection may take to say what it wants, in seconds; then the loop gets it."""

HEAD_BYTES = 8_192
"""How much of a request's head is looked at."""

MOST_PENDING = 64
"""How many connections may be silent at once: slow senders must not keep probes out."""

SWITCH_SECONDS = 0.0005
"""How long another thread may keep the GIL while this one helps; Python's own value is ten times
as much. Each call to the kernel gives the GIL away, and there are two for each connection: with
hundreds waiting before it, a probe would come too late."""

POLL_MILLISECONDS = 20
"""How long one look at the sockets waits: short, since the lag may be over."""

BROKEN_BODY = b'{"title":"Service Unavailable","status":503,"detail":"event loop stalled"}\n'
"""What an ordinary request gets from a process whose loop is broken."""

_PHRASES = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}


@dataclass(slots=True)
class Pending:
    """A connection that has been accepted and has not yet said what it wants."""

    connection: socket.socket
    until: float


class Responder:
    """The thread.

    Args:
        listener: A duplicate of the listening socket; the responder owns it.
        progress: Tells how late the loop is.
        answer: Answers a question.
        is_broken: Whether the loop is broken, so that nobody will serve ordinary requests.
        hand_over: Gives a connection to the loop.
        answered: Counts the answers of each code.
        marks: Headers of an answer in the application's place.
    """

    def __init__(
        self,
        listener: socket.socket,
        *,
        progress: Progress,
        answer: Callable[[Question], Answer],
        is_broken: Callable[[], bool],
        hand_over: Callable[[socket.socket], None],
        answered: dict[int, int],
        marks: Headers = (),
    ) -> None:
        listener.setblocking(False)
        self._listener = listener
        self._progress = progress
        self._answer = answer
        self._is_broken = is_broken
        self._hand_over = hand_over
        self._answered = answered
        self._broken = Answer(
            503,
            BROKEN_BODY,
            (
                ("Content-Type", "application/problem+json"),
                ("Content-Length", str(len(BROKEN_BODY))),
                ("Retry-After", "1"),
                *((name.decode("latin-1"), value.decode("latin-1")) for name, value in marks),
            ),
        )
        self._late = threading.Event()
        self._closed = False
        self._pending: dict[int, Pending] = {}
        self._thread = threading.Thread(target=self._run, name="health-responder", daemon=True)

    def start(self) -> None:
        """Start the thread; it sleeps until it is woken."""
        self._thread.start()

    def wake(self) -> None:
        """Tell the thread that the loop is late; called by the watchdog on each tick of it."""
        self._late.set()

    def close(self) -> None:
        """Stop accepting: an open duplicate would keep the kernel completing handshakes."""
        self._closed = True
        self._late.set()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while not self._closed:
            self._late.wait()
            self._late.clear()
            with _shorter_turns():
                while not self._closed and (self._is_late or self._pending):
                    self._turn()
        for pending in self._pending.values():
            self._hand_over(pending.connection)
        self._listener.close()

    @property
    def _is_late(self) -> bool:
        return self._progress.lag_seconds >= LATE_SECONDS

    def _turn(self) -> None:
        poller = select.poll()
        if self._is_late and len(self._pending) < MOST_PENDING:
            poller.register(self._listener, select.POLLIN)
        for descriptor in self._pending:
            poller.register(descriptor, select.POLLIN)
        for descriptor, _ in poller.poll(POLL_MILLISECONDS):
            if descriptor == self._listener.fileno():
                self._accept()
            else:
                self._read(self._pending.pop(descriptor))
        now = time.monotonic()
        for descriptor, pending in tuple(self._pending.items()):
            if now > pending.until:
                del self._pending[descriptor]
                self._give_away(pending.connection)

    def _accept(self) -> None:
        while len(self._pending) < MOST_PENDING and not self._closed:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # nobody is left, or the loop was quicker
            self._read(Pending(connection, time.monotonic() + PEEK_SECONDS))

    def _read(self, pending: Pending) -> None:
        connection = pending.connection
        try:
            head = connection.recv(HEAD_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            self._pending[connection.fileno()] = pending
            return
        except OSError:
            connection.close()
            return
        if not head:
            connection.close()
            return
        question = asked(head)
        if question is None:
            self._give_away(connection)
        else:
            self._reply(connection, self._answer(question))

    def _give_away(self, connection: socket.socket) -> None:
        if self._is_broken():
            self._reply(connection, self._broken)
        else:
            self._hand_over(connection)

    def _reply(self, connection: socket.socket, answer: Answer) -> None:
        self._answered[answer.code] = self._answered.get(answer.code, 0) + 1
        lines = [f"HTTP/1.1 {answer.code} {_PHRASES.get(answer.code, '')}"]
        lines += [f"{name}: {value}" for name, value in (*answer.headers, ("Connection", "close"))]
        data = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + answer.body
        with contextlib.suppress(OSError):
            # What was sent must have been read: closing over unread bytes sends RST, and the client
            # sees a broken connection instead of the answer. Who was silent has sent nothing.
            with contextlib.suppress(BlockingIOError):
                connection.recv(65_536, socket.MSG_DONTWAIT)
            connection.send(data, socket.MSG_DONTWAIT)
            connection.shutdown(socket.SHUT_WR)
        connection.close()


@contextlib.contextmanager
def _shorter_turns() -> Iterator[None]:
    """Have the threads of this process take shorter turns with the GIL for a while."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(min(usual, SWITCH_SECONDS))
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def asked(head: bytes) -> Question | None:
    """Return the question in a request's head, or None if it is not about health."""
    line, _, rest = head.partition(b"\r\n")
    parts = line.decode("latin-1").split(" ")
    if len(parts) != 3:  # noqa: PLR2004 - method, target, version
        return None
    method, target, _ = parts
    path, _, query = target.partition("?")
    if not is_health_path(path):
        return None
    token = ""
    for header in rest.split(b"\r\n"):
        name, _, value = header.decode("latin-1").partition(":")
        if name.lower() == "authorization" and value.strip().lower().startswith("bearer "):
            token = value.strip()[len("bearer ") :]
    return Question(method, path, query, token, source="responder")
