"""How much memory a process holds."""

import re
from pathlib import Path


def resident_megabytes(pid: int) -> float:
    """Return how much of a process is in memory, in MB of a million bytes."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    assert found, status
    return int(found[1]) * 1024 / 1_000_000
