"""Every kind of fault is what its name says, seen from the other end of a connection."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from messenger.faults.dice import GARBAGE
from tests.integration import clients
from tests.integration.process import Process, running

ASK = b"GET /presence/v1/presence/alice HTTP/1.1\r\nHost: mocks\r\n\r\n"
"""A business call, as its bytes."""

TIMER_SECONDS = 0.002
"""How much too early a timer may fire: uvloop counts in whole milliseconds."""


@pytest.fixture(scope="module")
def mocks() -> Iterator[Process]:
    """All twelve services in one process."""
    with running(
        "downstream", env={"DOWNSTREAM_PORT": "0", "DOWNSTREAM_FAULTS_SEED": "1"}
    ) as mocks:
        yield mocks


@pytest.fixture
def client(mocks: Process) -> Iterator[httpx.Client]:
    """A client of the mocks, which leaves them sound."""
    with clients.client(base_url=mocks.url, timeout=5) as client:
        yield client
        client.delete("/debug/faults/presence").raise_for_status()


def put(client: httpx.Client, faults: str, ttl_seconds: float | None = None) -> None:
    """Put faults in force for presence."""
    body = {"faults": faults, "ttl_seconds": ttl_seconds}
    client.put("/debug/faults/presence", json=body).raise_for_status()


def ask(client: httpx.Client) -> httpx.Response:
    """Make a business call."""
    return client.get("/presence/v1/presence/alice")


@contextmanager
def asked(mocks: Process) -> Iterator[socket.socket]:
    """Make a business call on a bare socket, to watch the bytes that come back."""
    with socket.create_connection(("127.0.0.1", mocks.port), timeout=5) as connection:
        connection.sendall(ASK)
        yield connection


def read_head(connection: socket.socket) -> bytes:
    """Read until the end of the headers, and return all that came."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(4096)
        assert chunk, f"the connection ended after {received!r}"
        received += chunk
    return received


def test_error_is_a_problem_with_the_status_asked_for(client: httpx.Client) -> None:
    """The answer comes at once and says that it was made on purpose."""
    put(client, "error=502:100%")
    answer = ask(client)

    assert answer.status_code == 502
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-fault"] == "error"


def test_latency_delays_the_answer(client: httpx.Client) -> None:
    """The answer is right, and late."""
    put(client, "latency:300ms")
    began = time.monotonic()
    answer = ask(client)
    seconds = time.monotonic() - began

    assert answer.json() == {"online": True}
    assert 0.3 - TIMER_SECONDS <= seconds < 2


def test_hang_gives_no_byte_and_ends_when_the_client_leaves(
    mocks: Process, client: httpx.Client
) -> None:
    """The connection stays open and silent; after the client has left the service is sound."""
    put(client, "hang:100%")
    with asked(mocks) as connection:
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    client.delete("/debug/faults/presence")

    assert ask(client).json() == {"online": True}


def test_reset_closes_the_connection_without_an_answer(
    mocks: Process, client: httpx.Client
) -> None:
    """The end comes before the first byte."""
    put(client, "reset:100%")
    with asked(mocks) as connection:
        try:
            received = connection.recv(1)
        except ConnectionResetError:
            received = b""

    assert received == b""


def test_slow_body_sends_its_first_byte_at_once_and_the_rest_late(
    mocks: Process, client: httpx.Client
) -> None:
    """Headers and one byte come at once; the rest of the right answer after the time named."""
    put(client, "slow-body:500ms")
    began = time.monotonic()
    with asked(mocks) as connection:
        received = read_head(connection)
        while not received.partition(b"\r\n\r\n")[2]:
            received += connection.recv(1)
        first_seconds = time.monotonic() - began
        first = received.partition(b"\r\n\r\n")[2]
        rest = b""
        while not rest.endswith(b"}"):
            rest += connection.recv(4096)
        all_seconds = time.monotonic() - began

    assert (first, rest) == (b"{", b'"online":true}')
    assert first_seconds < 0.45
    assert 0.5 - TIMER_SECONDS <= all_seconds < 2


def test_garbage_is_a_good_answer_with_a_wrong_body(client: httpx.Client) -> None:
    """Twenty calls show every kind of it, all as status 200 and JSON."""
    put(client, "garbage:100%")
    answers = [ask(client) for _ in range(20)]

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}
    assert {answer.content for answer in answers} == set(GARBAGE)


def test_fail_next_fails_exactly_the_next_three_calls(client: httpx.Client) -> None:
    """Three failures, then none."""
    put(client, "fail-next:3")

    assert [ask(client).status_code for _ in range(6)] == [503, 503, 503, 200, 200, 200]


def test_faults_with_a_ttl_revert_by_themselves(client: httpx.Client) -> None:
    """The service becomes sound without anybody's doing, and not before its time."""
    put(client, "error:100%", ttl_seconds=0.5)
    began = time.monotonic()
    statuses = [ask(client).status_code]
    while statuses[-1] == 503 and time.monotonic() < began + 5:
        time.sleep(0.02)
        statuses.append(ask(client).status_code)
    seconds = time.monotonic() - began

    assert statuses[0] == 503
    assert statuses[-1] == 200, f"still {statuses[-1]} after {seconds:.1f} s"
    assert seconds > 0.4


def test_probes_and_controls_stay_sound_whatever_the_faults(client: httpx.Client) -> None:
    """No fault applies to what shows and ends it."""
    put(client, "error:100%,latency:3s")
    paths = ["/health/ready", "/health/alive", "/", "/debug/faults/presence"]

    assert [client.get(path).status_code for path in paths] == [200] * 4


def test_same_seed_strikes_the_same_calls_in_another_process(
    mocks: Process, client: httpx.Client
) -> None:
    """A run against mocks can be repeated."""
    with (
        running(
            "downstream",
            env={
                "DOWNSTREAM_PORT": "0",
                "DOWNSTREAM_FAULTS_SEED": "1",
                "DOWNSTREAM_FAULTS": "presence=error:50%",
            },
        ) as twins,
        clients.client(base_url=twins.url, timeout=5) as twin,
    ):
        expected = [ask(twin).status_code for _ in range(60)]
    put(client, "error:50%")
    statuses = [ask(client).status_code for _ in range(60)]

    assert mocks.is_running
    assert statuses == expected
    assert set(statuses) == {200, 503}
