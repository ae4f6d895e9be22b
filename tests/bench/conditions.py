"""When, where and with what a run was made: a figure without that says nothing."""

import os
import platform
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Self

PACKAGES = ("starlette", "uvicorn", "uvloop", "httpx", "httpx-aiohttp", "aiohttp", "msgspec")
"""Those whose speed is measured as well."""

BUSY = 0.5
"""Processes that wanted a core in the minute before the run, from which on the machine counts as
one that others use: alone it stays under a tenth."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is said above the table."""

    date: str
    length: str
    machine: str
    versions: str
    load: float
    """Processes that wanted a core in the minute before the run began."""

    @classmethod
    def now(cls, length: str) -> Self:
        """Return those of a run of such a length that begins now."""
        names = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
        python = f"{platform.python_implementation()} {platform.python_version()}"
        return cls(
            date=datetime.now(UTC).date().isoformat(),
            length=length,
            machine=f"{os.cpu_count()} cores of {_processor()}, {sys.platform}",
            versions=f"{python}, {names}",
            load=os.getloadavg()[0],
        )

    def __str__(self) -> str:
        """Return them as a paragraph."""
        state = "which others used as well" if self.load > BUSY else "otherwise idle"
        return (
            f"`uv run python -m tests.bench --length {self.length}`, {self.date}, on {self.machine}"
            f" ({state}: load {self.load:.1f} before it began); {self.versions}."
        )


def _processor() -> str:
    """Return what the kernel calls the processor, else its architecture."""
    about = Path("/proc/cpuinfo")
    text = about.read_text("utf-8") if about.is_file() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return f"{found[1].strip()} ({platform.machine()})" if found else platform.machine()
