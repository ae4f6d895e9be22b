"""The responder: what it reads of a request, and what it writes back."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from messenger.health.probes import Answer, Question
from messenger.health.progress import Progress
from messenger.health.responder import BROKEN_BODY, LATE_SECONDS, MOST_PENDING, Responder, asked

from .clock import FakeClock


@given(head=st.binary(max_size=300))
@example(head=b"GET /health/ready HTTP/1.1\r\nAuthorization")
@example(head=b"GET /health/ready HTTP/1.1\nHost: x\n\n")
@example(head=b"\r\n\r\n")
def test_no_bytes_make_it_raise(head: bytes) -> None:
    """What is no question is None."""
    question = asked(head)

    assert question is None or question.path.startswith("/health")


HEADERS = st.lists(
    st.tuples(st.text("abcABC-", min_size=1), st.text(st.characters(codec="latin-1"))),
    max_size=5,
)


@given(
    method=st.sampled_from(["GET", "HEAD", "POST"]),
    path=st.sampled_from(["/health", "/health/ready", "/health/alive/lifecycle"]),
    query=st.text("abc=&%", max_size=20),
    headers=HEADERS,
)
def test_a_question_is_read_from_the_head(
    method: str, path: str, query: str, headers: list[tuple[str, str]]
) -> None:
    """With any headers around the token, and however much has arrived of them."""
    target = f"{path}?{query}" if query else path
    lines = [f"{method} {target} HTTP/1.1", "Authorization: Bearer abc"]
    lines += [f"{name}: {value}" for name, value in headers if "\r\n" not in value]
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"

    assert asked(head) == Question(method, path, query, "abc", "responder")


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GET",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET  /health HTTP/1.1\r\n",
    ],
)
def test_anything_else_is_not_about_health(head: bytes) -> None:
    """It is for the loop to answer."""
    assert asked(head) is None


@pytest.mark.parametrize("value", ["Basic abc", "abc", "", "Bearer"])
def test_only_a_bearer_has_a_token(value: str) -> None:
    """As on the loop."""
    question = asked(f"GET /health HTTP/1.1\r\nauthorization: {value}\r\n\r\n".encode())

    assert question is not None
    assert question.token == ""


class FakeListener:
    """A listening socket whose connections the test puts in; a pair of sockets is no network."""

    def __init__(self) -> None:
        self._wake_us, self._wake = socket.socketpair()
        self._waiting: list[socket.socket] = []
        self.closed = False

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - the socket's own signature
        """Make accepting wait, or not."""
        self._wake_us.setblocking(flag)

    def connect(self) -> socket.socket:
        """Return the client's end of a new connection."""
        client, server = socket.socketpair()
        client.settimeout(5)
        self.put(server)
        return client

    def put(self, server: socket.socket) -> None:
        """Have a connection wait to be accepted."""
        self._waiting.append(server)
        self._wake.send(b"x")

    def knock(self) -> None:
        """Wake the responder for a connection that the loop takes first."""
        self._wake.send(b"x")

    def fileno(self) -> int:
        """Return what can be polled."""
        return self._wake_us.fileno()

    def accept(self) -> tuple[socket.socket, None]:
        """Return the next connection."""
        self._wake_us.recv(1)
        if not self._waiting:
            raise BlockingIOError
        return self._waiting.pop(0), None

    def close(self) -> None:
        """Close it."""
        self.closed = True
        for connection in self._waiting:
            connection.close()
        self._wake_us.close()
        self._wake.close()


class Post:
    """A responder whose loop is late, and what it does with connections."""

    def __init__(self) -> None:
        self.listener = FakeListener()
        self.progress = Progress(FakeClock())
        self.is_broken = False
        self.handed: list[socket.socket] = []
        self.answered: dict[int, int] = {}
        self.questions: list[Question] = []
        self.responder = Responder(
            self.listener,  # type: ignore[arg-type]
            progress=self.progress,
            answer=self._answer,
            is_broken=lambda: self.is_broken,
            hand_over=self.handed.append,
            answered=self.answered,
            marks=((b"X-Pod", b"m-1"),),
        )
        self.responder.start()

    def _answer(self, question: Question) -> Answer:
        self.questions.append(question)
        return Answer(200, b"{}\n", (("Content-Length", "3"),))

    def late(self) -> None:
        """Have the loop be late."""
        self.progress.lag_seconds = LATE_SECONDS
        self.responder.wake()

    def in_time(self) -> None:
        """Have the loop be in time."""
        self.progress.lag_seconds = 0.0

    def close(self) -> None:
        """End it."""
        self.responder.close()
        for connection in self.handed:
            connection.close()


@pytest.fixture
def post() -> Iterator[Post]:
    """Run a responder."""
    post = Post()
    yield post
    if not post.listener.closed:
        post.close()


def everything(client: socket.socket) -> bytes:
    """Return all that the client receives until the end."""
    received = b""
    while data := client.recv(65_536):
        received += data
    client.close()
    return received


def wait(condition: object) -> None:
    """Wait until a callable holds."""
    assert callable(condition)
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


PROBE = b"GET /health/alive HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_probe_is_answered_while_the_loop_is_late(post: Post) -> None:
    """In full, and the connection is closed."""
    post.late()
    client = post.listener.connect()
    client.sendall(PROBE)

    assert everything(client) == (
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{}\n"
    )
    assert post.questions == [Question("GET", "/health/alive", source="responder")]
    assert post.answered == {200: 1}


def test_while_the_loop_is_in_time_nothing_is_accepted(post: Post) -> None:
    """The loop is quicker, and it is its work."""
    post.responder.wake()
    client = post.listener.connect()
    client.sendall(PROBE)
    client.settimeout(0.1)

    with pytest.raises(TimeoutError):
        client.recv(1)
    client.close()
    assert post.questions == []


def test_a_crowd_of_silent_connections_is_taken_in_by_and_by(post: Post) -> None:
    """No more than a number of them are held at once; each comes to the loop in the end."""
    clients = [post.listener.connect() for _ in range(MOST_PENDING + 1)]
    post.late()
    wait(lambda: len(post.handed) == len(clients))
    for client in clients:
        client.close()


def test_an_ordinary_request_is_handed_to_the_loop_unread(post: Post) -> None:
    """It finds all the bytes still there."""
    post.late()
    client = post.listener.connect()
    client.sendall(b"GET / HTTP/1.1\r\n\r\n")
    wait(lambda: post.handed)

    assert post.handed[0].recv(100) == b"GET / HTTP/1.1\r\n\r\n"
    assert post.answered == {}
    client.close()


def test_an_ordinary_request_to_a_broken_process_is_turned_away(post: Post) -> None:
    """At once, instead of waiting for ever."""
    post.is_broken = True
    post.late()
    client = post.listener.connect()
    client.sendall(b"GET / HTTP/1.1\r\n\r\n")
    received = everything(client)

    assert received.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    head, _, body = received.partition(b"\r\n\r\n")
    assert body == BROKEN_BODY
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"Retry-After: 1" in head
    assert b"X-Pod: m-1" in head
    assert b"Connection: close" in head
    assert post.answered == {503: 1}


def test_a_silent_connection_is_handed_to_the_loop_after_a_moment(post: Post) -> None:
    """Slow senders must not keep probes out; one that comes meanwhile is answered."""
    post.late()
    silent, probe = post.listener.connect(), post.listener.connect()
    probe.sendall(PROBE)

    assert everything(probe).startswith(b"HTTP/1.1 200 ")
    wait(lambda: post.handed)
    silent.close()


def test_a_silent_connection_to_a_broken_process_gets_its_answer_too(post: Post) -> None:
    """Although there is nothing of its request to be read."""
    post.is_broken = True
    post.late()
    client = post.listener.connect()

    assert everything(client).startswith(b"HTTP/1.1 503 ")


def test_a_connection_that_is_closed_without_a_word_is_closed(post: Post) -> None:
    """A port scanner is no request."""
    post.late()
    post.listener.connect().close()
    client = post.listener.connect()
    client.sendall(PROBE)

    assert everything(client)
    assert post.handed == []


def test_a_connection_that_the_loop_takes_first_is_no_error(post: Post) -> None:
    """Both accept from the same socket."""
    post.late()
    post.listener.knock()
    client = post.listener.connect()
    client.sendall(PROBE)

    assert everything(client).startswith(b"HTTP/1.1 200 ")


def test_a_head_in_which_the_client_gave_up_is_no_error(post: Post) -> None:
    """It is gone before the answer can be sent."""
    post.late()
    gone = post.listener.connect()
    gone.sendall(PROBE)
    gone.close()
    client = post.listener.connect()
    client.sendall(PROBE)

    assert everything(client).startswith(b"HTTP/1.1 200 ")


class OddConnection(socket.socket):
    """A connection whose first `recv` fails as it is told to."""

    first: type[OSError] | None = None

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Fail, or receive."""
        if self.first is not None:
            error, self.first = self.first, None
            raise error
        return super().recv(bufsize, flags)


def odd_connection(post: Post, error: type[OSError]) -> socket.socket:
    """Return the client's end of a connection whose first `recv` fails."""
    client, server = socket.socketpair()
    odd = OddConnection(fileno=server.detach())
    odd.first = error
    client.settimeout(5)
    client.sendall(PROBE)
    post.listener.put(odd)
    return client


def test_a_connection_that_turns_out_to_have_nothing_yet_is_asked_again(post: Post) -> None:
    """The kernel may wake us for nothing."""
    post.late()

    assert everything(odd_connection(post, BlockingIOError)).startswith(b"HTTP/1.1 200 ")


def test_a_connection_that_was_reset_is_closed(post: Post) -> None:
    """Nobody is there to be answered."""
    post.late()

    # Closing over unread bytes is a reset here too, or an end: an answer it is not.
    client = odd_connection(post, ConnectionResetError)
    with client, contextlib.suppress(ConnectionResetError):
        assert client.recv(1) == b""
    assert post.answered == {}


def test_closing_hands_over_who_has_not_spoken_and_closes_the_listener(post: Post) -> None:
    """An open duplicate would keep the kernel completing handshakes."""
    post.late()
    silent = post.listener.connect()
    wait(lambda: not post.listener._waiting)  # noqa: SLF001 - it has been accepted
    post.responder.close()

    assert post.listener.closed
    assert len(post.handed) == 1
    assert "health-responder" not in {thread.name for thread in threading.enumerate()}
    post.handed.pop().close()
    silent.close()


def test_when_the_loop_is_back_those_who_were_accepted_are_still_seen_to(post: Post) -> None:
    """Nobody is forgotten between the two."""
    post.late()
    client = post.listener.connect()
    wait(lambda: not post.listener._waiting)  # noqa: SLF001 - it has been accepted
    post.in_time()
    time.sleep(0.05)  # a look or two
    client.sendall(PROBE)
    wait(lambda: post.answered or post.handed)

    client.close()
