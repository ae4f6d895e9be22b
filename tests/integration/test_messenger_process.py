"""The process of the service starts, tells what is wrong, and ends with all that belongs to it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration import clients
from tests.integration.offspring import child_of, is_running, wait_until_gone
from tests.integration.process import REPOSITORY, ProcessError, run_to_end, running

ENV = {"MESSENGER_PORT": "0", "HOSTNAME": "pod-1"}
"""A free port, and embedded mocks."""

DRAFT = {"sender": "alice", "recipient": "bob", "channel": "push", "body": "Hello"}


def wait_until_ready(url: str, timeout: float = 10.0) -> None:
    """Wait until the service takes traffic.

    Raises:
        ProcessError: It did not in time; with the last answer.
    """
    deadline = time.monotonic() + timeout
    while (response := clients.get(f"{url}/health/ready")).status_code != 200:
        if time.monotonic() > deadline:
            raise ProcessError(f"not ready within {timeout} s: {response.text}")
        time.sleep(0.02)


def test_a_bare_start_serves_a_message_and_says_what_to_try() -> None:
    """The banner stands on standard output within 2 s, and its first steps work."""
    began = time.monotonic()
    with running("messenger", env=ENV) as service:
        service.wait_for("banner", lambda line: "messages go nowhere" in line, timeout=5)
        seconds = time.monotonic() - began
        wait_until_ready(service.url)
        response = clients.post(f"{service.url}/v1/messages", json=DRAFT)

    assert seconds < 5  # 2 s on a machine with nothing else to do
    assert response.status_code == 202
    assert response.headers["x-messenger-downstreams"] == "embedded"
    assert response.headers["x-messenger-pod"] == "pod-1"
    assert any("/v1/messages" in line for line in service.stdout)


def test_every_line_of_the_log_is_a_json_object() -> None:
    """From the first to the last: ours, uvicorn's, those of the embedded mocks, an uncaught one."""
    with running("messenger", env=ENV) as service:
        wait_until_ready(service.url)
        clients.post(f"{service.url}/v1/messages", json=DRAFT)
        service.signal(signal.SIGINT)
        status = service.wait()

    records = [json.loads(line) for line in service.stderr]
    assert status == 0
    assert all(isinstance(record, dict) and record["message"] for record in records)
    assert {"uvicorn.error", "messenger", "messenger.embedded"} <= {
        record["logger"] for record in records
    }


def test_ctrl_c_ends_both_within_two_seconds() -> None:
    """SIGINT skips the minimum drain, of the parent and of its mocks."""
    with running("messenger", env=ENV) as service:
        child = child_of(service)
        wait_until_ready(service.url)
        began = time.monotonic()
        service.signal(signal.SIGINT)
        status = service.wait()
        seconds = time.monotonic() - began

    assert (status, is_running(child)) == (0, False)
    assert seconds < 2


def test_sigkill_of_the_parent_ends_the_mocks() -> None:
    """Nothing of ours runs on when nobody is left who could end it."""
    with running("messenger", env=ENV) as service:
        child = child_of(service)
        os.kill(service.pid, signal.SIGKILL)
        service.wait()
        wait_until_gone(child)


def test_mocks_that_die_are_missed_in_one_line() -> None:
    """And the service goes on: that is what it is for."""
    with running("messenger", env=ENV) as service:
        wait_until_ready(service.url)
        os.kill(child_of(service), signal.SIGKILL)
        line = service.wait_for("an error", lambda line: "embedded downstreams ended" in line)
        alive = clients.get(f"{service.url}/health/alive").status_code

    assert json.loads(line)["level"] == "ERROR"
    assert json.loads(line)["exit_status"] == -signal.SIGKILL
    assert alive == 200


def test_faults_of_the_embedded_mocks_come_from_our_environment() -> None:
    """What acts on a process of mocks acts on embedded ones."""
    with running("messenger", env=ENV | {"DOWNSTREAM_FAULTS": "links=error:100%"}) as service:
        wait_until_ready(service.url)
        response = clients.post(f"{service.url}/v1/messages", json=DRAFT)

    assert response.json()["degraded"] == ["links"]


@pytest.mark.parametrize(
    "env", [{}, {"MESSENGER_DOWNSTREAM_URL": "http://{service}"}], ids=["embedded", "real"]
)
def test_a_port_in_use_is_one_clear_line(env: dict[str, str]) -> None:
    """It names the address, and neither a traceback nor the mocks' log hides it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, service = run_to_end("messenger", env={**env, "MESSENGER_PORT": str(port)})

    assert status == os.EX_UNAVAILABLE
    (line,) = service.lines
    assert line == f"messenger: cannot listen on 127.0.0.1:{port}: Address already in use"


def test_nothing_is_imported_before_it_is_needed() -> None:
    """The process listens before the HTTP client is there, which takes as long as all the rest."""
    heavy = ("aiohttp", "httpx_aiohttp", "opentelemetry", "wsproto", "downstream")
    code = f"import sys, messenger.process; print([m for m in {heavy} if m in sys.modules])"
    loaded = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout

    assert loaded == "[]\n"


def test_mocks_that_do_not_start_are_a_clear_line() -> None:
    """The mocks' own words are there too, and the service does not go on without them."""
    status, service = run_to_end("messenger", env=ENV | {"DOWNSTREAM_FAULTS": "links=errr:1%"})

    assert status == os.EX_UNAVAILABLE
    assert any("DOWNSTREAM_FAULTS" in line for line in service.stderr)
    assert service.stderr[-1].startswith("messenger: the embedded downstreams did not start:")


@pytest.mark.parametrize("is_there", [True, False], ids=["in a pod", "elsewhere"])
def test_wrong_settings_end_the_start_with_a_line_each(tmp_path: Path, *, is_there: bool) -> None:
    """Exit status 78; Kubernetes shows the same text, and no file appears where there was none."""
    last_words = tmp_path / "termination-log"
    if is_there:
        last_words.touch()
    status, service = run_to_end(
        "messenger",
        env={
            "MESSENGER_PORT": "tcp://10.0.0.1:80",
            "MESSENGER_SHINY": "1",
            "MESSENGER_TERMINATION_LOG": str(last_words),
        },
    )

    assert status == 78
    assert len(service.lines) == 2
    assert re.match(r"messenger: MESSENGER_PORT: .* enableServiceLinks: false", service.lines[0])
    assert service.lines[1].startswith("messenger: MESSENGER_SHINY: there is no such setting")
    if is_there:
        assert last_words.read_text().splitlines() == service.lines
    assert last_words.exists() is is_there


def test_a_roll_back_meets_a_newer_setting_with_a_warning() -> None:
    """The service starts, and says what it does not know."""
    env = ENV | {"MESSENGER_SHINY": "1", "MESSENGER_UNKNOWN_SETTINGS": "warn"}
    with running("messenger", env=env) as service:
        line = service.wait_for("a warning", lambda line: "unknown setting" in line)

    assert json.loads(line)["setting"] == "MESSENGER_SHINY"


@pytest.mark.parametrize(
    ("argument", "status", "expected"),
    [
        pytest.param("--help", 0, "MESSENGER_CONCURRENCY_LIMIT", id="help"),
        pytest.param("--version", 0, "messenger 1.", id="version"),
        pytest.param("--port", os.EX_USAGE, "unknown argument: --port", id="a wish"),
    ],
)
def test_arguments_are_answered_without_starting(argument: str, status: int, expected: str) -> None:
    """Help, version, and one line for what does not exist."""
    actual, service = run_to_end("messenger", args=[argument])

    assert actual == status
    assert any(expected in line for line in service.lines)


def test_version_is_the_release_that_the_image_was_built_as() -> None:
    """An image holds no installed distribution; its environment says what it is."""
    actual, service = run_to_end("messenger", args=["--version"], env={"MESSENGER_VERSION": "2.0"})

    assert actual == 0
    assert service.lines == ["messenger 2.0"]


def test_an_exporter_that_nobody_answers_does_not_hold_up_the_end() -> None:
    """Spans are recorded, their collector is a black hole, and the process ends in time."""
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen()
        collector = f"http://127.0.0.1:{hole.getsockname()[1]}"
        with running("messenger", env=ENV | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector}) as service:
            wait_until_ready(service.url)
            status = clients.post(f"{service.url}/v1/messages", json=DRAFT).status_code
            began = time.monotonic()
            service.signal(signal.SIGINT)
            exit_status = service.wait()
            seconds = time.monotonic() - began

    assert (status, exit_status) == (202, 0)
    assert seconds < 8  # 2.5 s for the spans, and an end; the exporter's own patience is 10 s
