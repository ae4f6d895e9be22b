"""How soon an edit is served by the reloader of the dev image, the entry point of `skaffold dev`.

Skaffold copies what was edited into the pod by tar, within a second, and that is all that a cluster
would add: the reloader watches its own file system, here as there.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path

import httpx

from tests.integration import clients
from tests.integration.process import REPOSITORY, Process, free_port, is_listening
from tests.integration.service import until

from .row import Length, Row, spread
from .sides import BOOT_SECONDS, mocks

MOST_SECONDS = 5.0

SYNC_SECONDS = 1.0
"""What is kept for Skaffold, which looks every second which files have changed."""

EDITS = 7

DOCKERFILE = REPOSITORY / "messenger/Dockerfile"

EDITED = Path("messenger/app.py")
"""A file that shows in an answer what it says, when it is edited so."""

ANSWER = "msgspec.json.encode(Version(settings.version, settings.pod))"
"""The line that is edited: the version that `GET /version` tells."""

QUICK_DRAIN = {
    "MESSENGER_DRAIN_MIN_SECONDS": "0",
    "MESSENGER_DRAIN_MAX_SECONDS": "1",
    "MESSENGER_DRAIN_CANCEL_SECONDS": "1",
}
"""As the overlay dev has it."""


def rows(length: Length) -> list[Row]:
    """Edit a copy of the package, and wait for the answer that tells the edit."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        root = Path(folder)
        shutil.copytree(REPOSITORY / "messenger", root / "messenger")
        process = stack.enter_context(_reloading(root, mocks(stack).url))
        took = [_served(root, process, number) for number in range(length.of(quick=2, usual=EDITS))]
    most = MOST_SECONDS - SYNC_SECONDS
    return [
        Row(
            "edit to served by the dev image's reloader, s",
            "-",
            str(spread(took)),
            f"at most {most:g}, and {SYNC_SECONDS:g} for Skaffold's copy",
            max(took) <= most,
        )
    ]


@contextmanager
def _reloading(root: Path, downstreams: str) -> Iterator[Process]:
    """Run the entry point of the dev image over a copy of its folder, until the block ends."""
    popen = subprocess.Popen(  # noqa: S603 - our own image's entry point
        [argument.replace("/app", str(root)) for argument in _entry_point()],
        cwd=root,
        env={
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "MESSENGER_PORT": str(free_port()),
            "MESSENGER_DOWNSTREAM_URL": downstreams + "/{service}",
            **QUICK_DRAIN,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process = Process(popen)
    try:
        process.wait_for('"listening" line', is_listening, BOOT_SECONDS)
        yield process
    finally:
        process.end()


def _entry_point() -> list[str]:
    """Return what the dev image runs, by its last stage's words."""
    stage = DOCKERFILE.read_text("utf-8").partition(" AS dev\n")[2]
    found = re.search(r"^ENTRYPOINT (\[.+\])$", stage, re.MULTILINE)
    assert found, stage
    words: list[str] = json.loads(found[1])
    return words


def _served(root: Path, process: Process, number: int) -> float:
    """Edit the file, and return how long it takes until an answer tells it, in seconds."""
    text = (REPOSITORY / EDITED).read_text("utf-8")
    version = f"edit-{number}"
    edited = text.replace(ANSWER, ANSWER.replace("settings.version", f'"{version}"'))
    assert edited != text, f"{EDITED} has no line with {ANSWER}"
    began = time.monotonic()
    (root / EDITED).write_text(edited, encoding="utf-8")
    until(lambda: _version(process.url) == version, f"serves {version}", process, BOOT_SECONDS)
    return time.monotonic() - began


def _version(url: str) -> str | None:
    """Return the version that an instance tells, None if there is none, or one that ends."""
    try:
        answer = clients.get(f"{url}/version")
    except httpx.TransportError:
        return None
    return str(answer.json()["version"]) if answer.status_code == HTTPStatus.OK else None
