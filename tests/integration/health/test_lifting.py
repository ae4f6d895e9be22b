"""The folder can be lifted out: its README's example runs elsewhere, on a copy of the folder."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.commands import run_by
from tests.integration.process import REPOSITORY, free_port

HEALTH = REPOSITORY / "messenger" / "health"
DEADLOCK = """
import asyncio, threading, time
from health import Lock
first, second = Lock("first"), Lock("second")
def grab(a, b):
    with a:
        time.sleep(0.2)
        with b:
            pass
def deadlock(request):
    for pair in ((first, second), (second, first)):
        threading.Thread(target=grab, args=pair, daemon=True).start()
    return PlainTextResponse("stuck")
async def slow(request):
    await asyncio.sleep(3)
    return PlainTextResponse("slow")
app.router.routes.append(Route("/deadlock", deadlock))
app.router.routes.append(Route("/slow", slow))
"""
SLOW_CLIENT = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1])"


def example() -> str:
    """Return the application in the folder's README."""
    return blocks()[1]


def blocks() -> list[str]:
    """Return what the folder's README tells to write: additions, and what they are added to."""
    return [block.text for block in run_by(__file__)]


def test_the_readme_example_has_ten_lines() -> None:
    """The example is as short as README says that using the folder is."""
    lines = [
        line for line in example().splitlines() if line and not line.startswith(("import", "from"))
    ]

    assert len(lines) <= 10


def test_a_copied_folder_finds_a_deadlock_and_drains_without_loss(tmp_path: Path) -> None:
    """In a ten-line application elsewhere the copy proves a deadlock, and before that drains."""
    shutil.copytree(HEALTH, tmp_path / "health", ignore=shutil.ignore_patterns("__pycache__"))
    port = free_port()
    code = example().replace("port=8080", f"port={port}").replace('"0.0.0.0"', '"127.0.0.1"')
    head, serve_line = code.rstrip().rsplit("\n", 1)
    (tmp_path / "orders.py").write_text(head + DEADLOCK + serve_line + "\n")

    seen = run(tmp_path, port)

    assert seen == {"broken": "deadlock-threads", "drained": ["hello"] * 20, "exit": 71}


def test_what_the_readme_adds_is_watched(tmp_path: Path) -> None:
    """The application with its additions is ready when they are, and shows each of them."""
    shutil.copytree(HEALTH, tmp_path / "health", ignore=shutil.ignore_patterns("__pycache__"))
    additions, application = blocks()
    port = free_port()
    code = application.replace("port=8080", f"port={port}").replace('"0.0.0.0"', '"127.0.0.1"')
    head, serve_line = code.rstrip().rsplit("\n", 1)
    (tmp_path / "orders.py").write_text(f"{head}\n{additions}\n{serve_line}\n")

    process = subprocess.Popen([sys.executable, "orders.py"], cwd=tmp_path)
    try:
        wait_for(f"http://127.0.0.1:{port}/health/ready", 200)
        shown = httpx.get(f"http://127.0.0.1:{port}/health?verbose", trust_env=False).text
    finally:
        process.kill()
        process.wait()

    missing = [
        name for name in ("cache:prices", "price-refresh", "stock", "decoding") if name not in shown
    ]
    assert missing == [], shown


def run(folder: Path, port: int) -> dict[str, object]:
    """Run the copied application: deadlock it, then have it drain under requests."""
    process = subprocess.Popen([sys.executable, "orders.py"], cwd=folder)
    url = f"http://127.0.0.1:{port}"
    seen: dict[str, object] = {}
    try:
        wait_for(url + "/health/ready", 200)
        httpx.get(url + "/deadlock", trust_env=False)
        seen["broken"] = wait_for(url + "/health/alive", 503).json()["output"]
        with httpx.Client(trust_env=False) as client:
            # One request is in flight all the time, so that the short drain of a broken process,
            # which waits for nothing else, does not end between two.
            slow = subprocess.Popen(  # noqa: S603 - our own
                [sys.executable, "-c", SLOW_CLIENT, url + "/slow"]
            )
            time.sleep(1)
            process.send_signal(signal.SIGTERM)
            seen["drained"] = [client.get(url).text for _ in range(20)]
            assert slow.wait(10) == 0
        seen["exit"] = process.wait(15)
    finally:
        process.kill()
        process.wait()
    return seen


def wait_for(url: str, code: int) -> httpx.Response:
    """Ask until the answer has `code`, for ten seconds at most."""
    deadline = time.monotonic() + 10
    while True:
        try:
            response = httpx.get(url, trust_env=False)
        except httpx.TransportError:
            response = httpx.Response(0)
        if response.status_code == code:
            return response
        assert time.monotonic() < deadline, f"{url}: last {response.status_code}"
        time.sleep(0.05)
