"""Messenger and its mocks where they can be killed: each comes back at the same address.

The mocks keep their deliveries on disk, so that what was delivered can be read when all is over.
"""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, Self

from tests.integration.process import REPOSITORY, free_port
from tests.integration.service import code

Role = Literal["messenger", "downstream"]

READY_SECONDS = 20.0
"""How long one may take to come back."""


class Delivered(NamedTuple):
    """What is in `delivery`."""

    ids: Mapping[str, str]
    """The id of each key."""

    duplicates: int
    """How many were delivered of what had been delivered under another key."""


class Stand:
    """The two processes.

    Args:
        directory: Where their files go.
        redirection: Where their standard output and error go, as a shell has it; by default to a
            file in the directory.
        env: Settings of both.
        behind: The port of the mocks as Messenger sees it, given their own; for a relay.
        is_embedded: Whether Messenger is to bring its own mocks, and to be alone.
    """

    def __init__(
        self,
        directory: Path,
        *,
        redirection: str = ">>$0.log 2>&1",
        env: Mapping[str, str] | None = None,
        behind: Callable[[int], int] = lambda port: port,
        is_embedded: bool = False,
    ) -> None:
        self.ports: dict[Role, int] = {"messenger": free_port(), "downstream": free_port()}
        self._directory = directory
        self._redirection = redirection
        self._processes: dict[Role, subprocess.Popen[bytes]] = {}
        self._env = {
            **{name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ},
            "MESSENGER_PORT": str(self.ports["messenger"]),
            "MESSENGER_DRAIN_MIN_SECONDS": "0",
            "MESSENGER_TERMINATION_LOG": str(directory / "termination"),
            "DOWNSTREAM_PORT": str(self.ports["downstream"]),
            "DOWNSTREAM_STATE_DIR": str(directory / "state"),
            "DOWNSTREAM_DRAIN_MIN_SECONDS": "0",
            "PYTHONPATH": str(REPOSITORY),
            **(env or {}),
        }
        self._is_embedded = is_embedded
        if not is_embedded:
            url = f"http://127.0.0.1:{behind(self.ports['downstream'])}/{{service}}"
            self._env["MESSENGER_DOWNSTREAM_URL"] = url

    @property
    def url(self) -> str:
        """Where Messenger is."""
        port = self.ports["messenger"]
        return f"http://127.0.0.1:{port}"

    def start(self, role: Role) -> None:
        """Start one of them; it may take a while until it answers."""
        self._processes[role] = subprocess.Popen(  # noqa: S603 - our own modules
            ["/bin/sh", "-c", f'exec "$@" {self._redirection}', role, sys.executable, "-m", role],
            cwd=self._directory,
            env=self._env,
            stdin=subprocess.DEVNULL,
        )

    def signal(self, role: Role, number: signal.Signals) -> None:
        """Send one of them a signal."""
        self._processes[role].send_signal(number)

    def kill(self, role: Role) -> None:
        """End one of them at once, as a node that fails does."""
        self._processes[role].kill()
        self._processes[role].wait()

    def end(self, role: Role) -> int:
        """Ask one of them to leave, and return its exit status."""
        self._processes[role].terminate()
        return self._processes[role].wait(READY_SECONDS)

    def until_ready(self) -> None:
        """Wait until Messenger takes traffic.

        Raises:
            AssertionError: It was not in time.
        """
        deadline = time.monotonic() + READY_SECONDS
        while code(f"{self.url}/health/ready") != 200:
            assert time.monotonic() < deadline, self._printed()
            time.sleep(0.1)

    def delivered(self) -> Delivered:
        """Read what is in `delivery`."""
        rows = self._rows("SELECT key, id, content FROM deliveries")
        contents = {content for _, _, content in rows}
        return Delivered({key: name for key, name, _ in rows}, len(rows) - len(contents))

    def years(self) -> set[str]:
        """Return the years in which something was delivered, by the clock of the mocks."""
        return {y for (y,) in self._rows("SELECT substr(delivered_at, 1, 4) FROM deliveries")}

    def _rows(self, query: str) -> list[tuple[str, ...]]:
        with contextlib.closing(sqlite3.connect(self._directory / "state/delivery.sqlite")) as db:
            return db.execute(query).fetchall()

    def _printed(self) -> str:
        logs = sorted(self._directory.glob("*.log"))
        return "\n".join(path.read_text(errors="replace")[-2_000:] for path in logs)

    def __enter__(self) -> Self:
        """Start both, and wait until they serve."""
        with ExitStack() as undo:
            undo.callback(self._end_all)
            if not self._is_embedded:
                self.start("downstream")
            self.start("messenger")
            self.until_ready()
            undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End both."""
        self._end_all()

    def _end_all(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()
