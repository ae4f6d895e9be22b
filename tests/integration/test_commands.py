"""What the documents tell to type on any machine does what they say."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import ADDRESS, Block, run_by
from tests.integration.process import Process, running
from tests.integration.service import code, until
from tests.integration.shell import SECONDS, type_in

ENV = {
    "MESSENGER_PORT": "0",
    "MESSENGER_DRAIN_MIN_SECONDS": "0",
    # What is told is what a machine prints that is not busy.
    "MESSENGER_DOWNSTREAM_DEADLINE_SECONDS": "20",
}

KEPT = {"UV_NO_SYNC": "1", "UV_OFFLINE": "1"}
"""Keeps uv from changing the environment that these tests run in."""

BLOCKS = run_by(__file__)


@pytest.fixture(scope="module")
def service() -> Iterator[Process]:
    """A Messenger with its mocks, in which faults can be ordered."""
    env = {**ENV, "MESSENGER_FAULTS_ENABLED": "true"}
    with running("messenger", env=env, timeout=SECONDS) as service:
        until(lambda: code(f"{service.url}/health/ready") == 200, "ready", service, SECONDS)
        yield service


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with settings for curl, by which an answer that is an error is one to the shell."""
    folder = tmp_path_factory.mktemp("home")
    (folder / ".curlrc").write_text("fail-with-body\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_what_is_told_can_be_done(block: Block, service: Process, home: Path) -> None:
    """Each command ends well, and prints what the document says."""
    missing = [each for each in ("bash", "curl", "uv") if shutil.which(each) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} is not installed")
    for command in block.commands:
        line = command.line.replace(ADDRESS, service.url)
        done = type_in(line, env={**ENV, **KEPT, "CURL_HOME": str(home)})

        assert done.status == 0, f"{line}\n{done.text}\n{done.log}"
        assert command.prints(done.text), f"{line}\n{done.text}"
