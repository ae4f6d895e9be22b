"""The process of the mocks starts, tells, and ends as a good citizen."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import httpx
import pytest

from tests.integration import clients
from tests.integration.process import REPOSITORY, is_listening, run_to_end, running

ENV = {"DOWNSTREAM_PORT": "0", "DOWNSTREAM_DRAIN_MIN_SECONDS": "0"}
"""A free port, and no waiting for endpoints that do not exist."""


def test_every_line_of_the_log_is_a_json_object_and_nothing_else_is_printed() -> None:
    """From the first line to the last, also of uvicorn and of a reset."""
    with running("downstream", env=ENV | {"DOWNSTREAM_FAULTS": "spam=reset:100%"}) as mocks:
        with pytest.raises(httpx.TransportError):
            clients.post(f"{mocks.url}/spam/v1/scores", json={"text": ""})
        mocks.signal(signal.SIGTERM)
        status = mocks.wait()

    records = [json.loads(line) for line in mocks.stderr]
    assert status == 0
    assert mocks.stdout == []
    assert all(isinstance(record, dict) and record["message"] for record in records)


def test_probes_are_answered() -> None:
    """The mocks have the health of Messenger's package."""
    with running("downstream", env=ENV) as mocks:
        statuses = [
            clients.get(f"{mocks.url}/health/{probe}").status_code
            for probe in ("started", "ready", "alive")
        ]

    assert statuses == [200, 200, 200]


def test_first_call_after_the_listening_line_is_served() -> None:
    """Nobody has to wait for a warm-up that is none."""
    with running("downstream", env=ENV) as mocks:
        assert clients.get(f"{mocks.url}/accounts/v1/entries/alice").status_code == 200


def test_sigterm_lets_a_call_finish() -> None:
    """A call that takes a second is answered, although the signal came first."""
    env = ENV | {"DOWNSTREAM_FAULTS": "spam=latency:1s"}
    with running("downstream", env=env) as mocks:
        with socket.create_connection(("127.0.0.1", mocks.port), timeout=5) as connection:
            body = b'{"text":""}'
            connection.sendall(
                b"POST /spam/v1/scores HTTP/1.1\r\nHost: mocks\r\nContent-Length: %d\r\n\r\n%s"
                % (len(body), body)
            )
            deadline = time.monotonic() + 5
            seen = {"calls": 0}
            while seen["calls"] == 0 and time.monotonic() < deadline:
                seen = clients.get(f"{mocks.url}/debug/seen/spam").json()
            mocks.signal(signal.SIGTERM)
            answer = connection.recv(4096)
        status = mocks.wait()

    assert answer.startswith(b"HTTP/1.1 200 "), f"seen {seen}, answered {answer!r}"
    assert b"connection: close" in answer.lower()
    assert status == 0


def test_sigint_ends_idle_mocks_within_two_seconds() -> None:
    """Ctrl-C does not wait for the minimum drain."""
    with running("downstream", env={"DOWNSTREAM_PORT": "0"}) as mocks:
        mocks.signal(signal.SIGINT)
        assert mocks.wait(timeout=2) == 0


def test_signals_that_a_parent_had_blocked_are_heard() -> None:
    """A mask is inherited; the mocks do not keep it."""
    heard = {signal.SIGTERM, signal.SIGINT}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, heard)
    try:
        with running("downstream", env=ENV) as mocks:
            mocks.signal(signal.SIGTERM)
            assert mocks.wait(timeout=3) == 0
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_end_of_the_parent_pipe_ends_the_mocks_within_half_a_second() -> None:
    """Also while a call hangs that a drain would wait for."""
    read_end, write_end = os.pipe()
    env = {"DOWNSTREAM_PORT": "0", "DOWNSTREAM_FAULTS": "spam=hang:100%"}
    arguments = ["--parent-pipe", str(read_end)]
    with running("downstream", env=env, args=arguments, pass_fds=[read_end]) as mocks:
        os.close(read_end)
        with socket.create_connection(("127.0.0.1", mocks.port)) as connection:
            connection.sendall(
                b"POST /spam/v1/scores HTTP/1.1\r\nHost: mocks\r\nContent-Length: 0\r\n\r\n"
            )
            assert clients.get(f"{mocks.url}/health/alive").status_code == 200
            os.close(write_end)
            assert mocks.wait(timeout=0.5) == 0


def test_mocks_die_with_a_parent_that_is_killed() -> None:
    """SIGKILL leaves the parent no time to say goodbye, and the mocks end all the same."""
    script = textwrap.dedent("""
        import os, subprocess, sys, time
        read_end, write_end = os.pipe()
        command = [sys.executable, "-m", "downstream", "--parent-pipe", str(read_end)]
        subprocess.Popen(command, pass_fds=[read_end], start_new_session=True)
        time.sleep(60)
    """)
    parent = subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], **ENV},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert parent.stderr is not None
    try:
        port = next(json.loads(line)["port"] for line in parent.stderr if is_listening(line))
        assert clients.get(f"http://127.0.0.1:{port}/health/alive").status_code == 200
    finally:
        parent.kill()
        parent.wait()
        killed_at = time.monotonic()
        with parent.stderr as lines:
            lines.read()  # ends when the last process that can write has ended
        seconds = time.monotonic() - killed_at

    assert seconds < 0.5
    with pytest.raises(httpx.ConnectError):
        clients.get(f"http://127.0.0.1:{port}/health/alive")


def test_port_in_use_ends_start_up_with_one_clear_line() -> None:
    """The line names the address, and the status is not 0."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, mocks = run_to_end("downstream", env={"DOWNSTREAM_PORT": str(port)})

    assert status == 1
    assert [json.loads(line)["message"] for line in mocks.lines] == [
        f"cannot listen on 127.0.0.1:{port}: Address already in use"
    ]


def test_bad_settings_end_start_up_with_a_line_each() -> None:
    """Status 78: starting again will not help."""
    status, mocks = run_to_end(
        "downstream", env={"DOWNSTREAM_PORT": "x", "DOWNSTREAM_COLOUR": "blue"}
    )

    assert status == 78
    assert mocks.stderr == [
        "DOWNSTREAM_PORT: 'x' is not a whole number from 0 to 65535",
        "DOWNSTREAM_COLOUR: there is no such setting",
    ]


def test_state_directory_that_cannot_be_is_a_bad_setting(tmp_path: Path) -> None:
    """A file stands where the directory should: one line, status 78."""
    (tmp_path / "file").touch()
    status, mocks = run_to_end("downstream", env={"DOWNSTREAM_STATE_DIR": str(tmp_path / "file")})

    assert status == 78
    (line,) = mocks.stderr
    assert line.startswith("DOWNSTREAM_STATE_DIR: no ledger can be kept there: ")


def test_help_explains_itself_without_starting_anything() -> None:
    """Settings, an example of faults, and what to try."""
    status, mocks = run_to_end("downstream", args=["--help"])

    text = "\n".join(mocks.stdout)
    assert status == 0
    assert "DOWNSTREAM_STATE_DIR" in text
    assert "curl http://127.0.0.1:8080/accounts/v1/entries/alice" in text
    assert "consent=error:15%" in text
