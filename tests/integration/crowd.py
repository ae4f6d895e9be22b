"""Many connections at once that behave badly for as long as they are let."""

import asyncio
import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.integration.abuse import Heard, statuses_in

DRIP_SECONDS = 0.5
"""Pause between two bytes of a slow sender: far less than any limit on how long nothing may come,
so that it is the limit on the whole that ends it."""

SPARE_DESCRIPTORS = 500
"""What a process needs beside the connections that it is given."""

_OPEN = ("01", "08")
"""ESTABLISHED, and CLOSE_WAIT where only the client has hung up."""


class Dripper(NamedTuple):
    """Sends a beginning, and then one byte after the other for as long as it can."""

    beginning: bytes
    drop: bytes = b"x"

    async def sit(self, port: int, patience: float) -> Heard:
        """Return what was heard until the connection ended, or until patience did."""
        began = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(self.beginning)
        heard = asyncio.ensure_future(_all_of(reader))
        while not heard.done() and time.monotonic() - began < patience:
            await asyncio.wait([heard], timeout=DRIP_SECONDS)
            if self.drop and not heard.done():
                writer.write(self.drop)
        writer.transport.abort()
        data = await heard
        seconds = time.monotonic() - began
        return Heard(statuses_in(data), data, seconds < patience, seconds)


async def _all_of(reader: asyncio.StreamReader) -> bytes:
    received = b""
    try:
        while piece := await reader.read(65_536):
            received += piece
    except ConnectionError:
        pass  # a reset, behind the answer
    return received


def sit(port: int, drippers: Sequence[Dripper], patience: float) -> list[Heard]:
    """Have all of them sit at once, and return what each heard."""

    async def all_sit() -> list[Heard]:
        return await asyncio.gather(*(each.sit(port, patience) for each in drippers))

    return asyncio.run(all_sit())


def many(number: int) -> int:
    """Return how many connections may be held here, and by a process started from here.

    The soft limit is raised as far as the hard one lets it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number + SPARE_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return number if soft == resource.RLIM_INFINITY else min(number, soft - SPARE_DESCRIPTORS)


def resident_mebibytes(pid: int) -> float:
    """Return how much memory a process has, as the kernel counts it."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    (kibibytes,) = (line.split()[1] for line in lines if line.startswith("VmRSS:"))
    return int(kibibytes) / 1024


def connections(port: int) -> int:
    """Return how many connections to a port its process holds, as the kernel counts them."""
    rows = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    cells = [row.split() for row in rows]
    local = f":{port:04X}"
    return sum(cell[1].endswith(local) and cell[3] in _OPEN for cell in cells)
