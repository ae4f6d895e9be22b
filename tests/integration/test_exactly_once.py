"""What was promised is in `delivery` exactly once, whatever fails while it is sent.

Each message has a key of its own. One half of the senders gives up after the first try, the other
tries again with the same key until it is promised delivery.
"""

import asyncio
import random
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest

from tests.integration import clients
from tests.integration.relay import Relay
from tests.integration.stand import Delivered, Role, Stand

SENDERS = 8
SECONDS = 8.0
"""How long messages are sent."""

TRY_SECONDS = 6.0
"""How long a sender waits: longer than Messenger's own deadline, so that most get an answer."""

PATIENCE_SECONDS = 40.0
"""How long those who do not give up try, behind the end: processes have to come back first."""

CUT_RATE = 0.05
NO_ANSWER = 0


class Sent(NamedTuple):
    """One message, and what its sender heard."""

    key: str
    is_persistent: bool
    statuses: list[int]
    ids: list[str]


class Senders:
    """Send messages until it is time to stop.

    Args:
        url: Where Messenger is.
        has_keys: Whether a try has the key of the message, or, for a control, one of its own.
    """

    def __init__(self, url: str, *, has_keys: bool = True) -> None:
        self._url = f"{url}/v1/messages"
        self._has_keys = has_keys
        self.sent: list[Sent] = []

    async def run(self) -> None:
        """Send, and see those through that do not give up."""
        timeout = aiohttp.ClientTimeout(total=TRY_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as client:
            await asyncio.gather(*(self._send_on(client, number) for number in range(SENDERS)))

    async def _send_on(self, client: aiohttp.ClientSession, number: int) -> None:
        ends_at = time.monotonic() + SECONDS
        while time.monotonic() < ends_at:
            message = Sent(uuid.uuid4().hex, number % 2 == 0, [], [])
            self.sent.append(message)
            await self._try(client, message)
            while (
                message.is_persistent
                and message.statuses[-1] != 202
                and time.monotonic() < ends_at + PATIENCE_SECONDS
            ):
                await asyncio.sleep(0.1)
                await self._try(client, message)

    async def _try(self, client: aiohttp.ClientSession, message: Sent) -> None:
        draft = {"sender": "alice", "recipient": "bob", "channel": "push", "body": message.key}
        headers = {"Idempotency-Key": message.key if self._has_keys else uuid.uuid4().hex}
        try:
            async with client.post(self._url, json=draft, headers=headers) as answer:
                body = await answer.json(content_type=None)
                message.statuses.append(answer.status)
                message.ids.extend([body["id"]] if answer.status == 202 else [])
        except (aiohttp.ClientError, TimeoutError):
            message.statuses.append(NO_ANSWER)
            await asyncio.sleep(0.05)  # a refused connection costs nothing, and is not to be a loop


def check(sent: list[Sent], delivered: Delivered) -> None:
    """Assert that all promises are kept once, and that nothing else was said."""
    promised = {each.key: set(each.ids) for each in sent if 202 in each.statuses}

    assert promised == {key: {delivered.ids.get(key, "nowhere")} for key in promised}
    assert delivered.duplicates == 0
    assert set(delivered.ids) <= {each.key for each in sent}
    assert {status for each in sent for status in each.statuses} <= {202, 503, NO_ANSWER}
    assert not [each for each in sent if each.is_persistent and each.key not in promised]
    assert len(promised) > SENDERS


Havoc = Callable[[Stand], Awaitable[None]]


async def nothing(stand: Stand) -> None:
    """Let it be."""
    del stand


def killed(role: Role) -> Havoc:
    """Return what kills a process again and again, and starts it at once."""

    async def kill(stand: Stand) -> None:
        for _ in range(3):
            await asyncio.sleep(SECONDS / 4)
            stand.kill(role)
            stand.start(role)

    return kill


def frozen(role: Role) -> Havoc:
    """Return what stops a process, for longer than the deadline of a message."""

    async def freeze(stand: Stand) -> None:
        await asyncio.sleep(1)
        stand.signal(role, signal.SIGSTOP)
        await asyncio.sleep(4)
        stand.signal(role, signal.SIGCONT)

    return freeze


def disturbed(stand: Stand, havoc: Havoc, senders: Senders) -> None:
    """Send messages while something happens."""

    async def both() -> None:
        await asyncio.gather(senders.run(), havoc(stand))

    asyncio.run(both())


@pytest.mark.slow
@pytest.mark.parametrize(
    "havoc",
    [
        pytest.param(killed("messenger"), id="Messenger is killed"),
        pytest.param(killed("downstream"), id="the mocks are killed"),
        pytest.param(frozen("messenger"), id="Messenger is stopped"),
        pytest.param(frozen("downstream"), id="the mocks are stopped"),
    ],
)
def test_no_promise_is_broken_by_a_process_that_fails(tmp_path: Path, havoc: Havoc) -> None:
    """Some senders notice, and every message that was promised is there, once."""
    with Stand(tmp_path) as stand:
        senders = Senders(stand.url)
        disturbed(stand, havoc, senders)
        delivered = stand.delivered()

    check(senders.sent, delivered)
    assert any(status != 202 for each in senders.sent for status in each.statuses)


class Cut:
    """A stand with connections that are reset, on both sides of Messenger."""

    def __init__(self, directory: Path) -> None:
        self._dice = random.Random(8)
        self._behind: Relay
        self.stand = Stand(directory, behind=self._relay_to)

    def _relay_to(self, port: int) -> int:
        self._behind = Relay(port, CUT_RATE, self._dice)
        return self._behind.port

    def send(self, *, has_keys: bool) -> tuple[list[Sent], Delivered, int]:
        """Return what was sent, what is delivered, and how many connections were cut."""
        return asyncio.run(self._send(has_keys=has_keys))

    async def _send(self, *, has_keys: bool) -> tuple[list[Sent], Delivered, int]:
        before = Relay(self.stand.ports["messenger"], CUT_RATE, self._dice)
        await before.open()
        await self._behind.open()
        await asyncio.to_thread(self.stand.__enter__)
        try:
            senders = Senders(f"http://127.0.0.1:{before.port}", has_keys=has_keys)
            await senders.run()
            cuts = before.cuts + self._behind.cuts
            return senders.sent, self.stand.delivered(), cuts
        finally:
            self.stand.__exit__(None, None, None)
            await before.close()
            await self._behind.close()


@pytest.mark.slow
def test_no_promise_is_broken_by_connections_that_are_reset(tmp_path: Path) -> None:
    """Whether a request or its answer was on its way: the same key finds out."""
    sent, delivered, cuts = Cut(tmp_path).send(has_keys=True)

    check(sent, delivered)
    assert cuts > SENDERS


@pytest.mark.slow
def test_without_its_key_a_second_try_delivers_twice(tmp_path: Path) -> None:
    """The control: with resets and no keys the same check finds duplicates."""
    _, delivered, cuts = Cut(tmp_path).send(has_keys=False)

    assert cuts > SENDERS
    assert delivered.duplicates > 0


STREAMS = {"on a full disk": ">/dev/full 2>/dev/full", "closed": "<&- >&- 2>&-"}


@pytest.mark.parametrize("streams", STREAMS)
def test_streams_that_take_nothing_keep_nobody_from_serving(tmp_path: Path, streams: str) -> None:
    """The banner and the log are lost; the embedded mocks are not, nor is the exit status."""
    draft = {"sender": "alice", "recipient": "bob", "channel": "push", "body": "Hello"}
    with Stand(tmp_path, redirection=STREAMS[streams], is_embedded=True) as stand:
        accepted = clients.post(f"{stand.url}/v1/messages", json=draft).status_code
        status = stand.end("messenger")

    assert (accepted, status) == (202, 0)


@pytest.mark.slow
@pytest.mark.parametrize("streams", STREAMS)
def test_no_promise_is_broken_by_streams_that_take_nothing(tmp_path: Path, streams: str) -> None:
    """Nobody notices: every message is accepted at the first try, and the exit is a clean one."""
    with Stand(tmp_path, redirection=STREAMS[streams]) as stand:
        senders = Senders(stand.url)
        disturbed(stand, nothing, senders)
        status = stand.end("messenger")
        delivered = stand.delivered()

    check(senders.sent, delivered)
    assert {tuple(each.statuses) for each in senders.sent} == {(202,)}
    assert status == 0


CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int status = real(clock, now);
  if (clock == CLOCK_REALTIME) {
    FILE *file = fopen(getenv("CLOCK_OFFSET"), "r");
    long seconds = 0;
    if (file) { if (fscanf(file, "%ld", &seconds) != 1) seconds = 0; fclose(file); }
    now->tv_sec += seconds;
  }
  return status;
}
"""
"""A library that is loaded first and moves the time of day; the monotonic clock stays what it is,
as when somebody sets a real clock."""

JUMPS = (86_400, -86_400, 0, 3_600 * 24 * 365)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler, to move a clock")
def test_no_promise_is_broken_by_a_clock_that_jumps(tmp_path: Path) -> None:
    """A day ahead, two days back, and a year ahead: nobody notices, and the jumps are recorded."""
    (tmp_path / "clock.c").write_text(CLOCK, encoding="ascii")
    offset = tmp_path / "offset"
    offset.write_text("0", encoding="ascii")
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-o", "clock.so", "clock.c", "-ldl"],  # noqa: S607 - as installed
        cwd=tmp_path,
        check=True,
    )
    env = {"LD_PRELOAD": str(tmp_path / "clock.so"), "CLOCK_OFFSET": str(offset)}

    async def jump(stand: Stand) -> None:
        del stand
        for seconds in JUMPS:
            await asyncio.sleep(SECONDS / (len(JUMPS) + 1))
            offset.write_text(str(seconds), encoding="ascii")

    with Stand(tmp_path, env=env) as stand:
        senders = Senders(stand.url)
        disturbed(stand, jump, senders)
        delivered = stand.delivered()
        years = stand.years()

    check(senders.sent, delivered)
    assert {tuple(each.statuses) for each in senders.sent} == {(202,)}
    assert len(years) == 2
