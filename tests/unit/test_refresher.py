"""The refresher: loads in pages, goes on after whatever happens, and keeps its beat."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from messenger.calls import Call
from messenger.directory import Directory
from messenger.errors import Unavailable
from messenger.models import Account
from messenger.refresher import JITTER_SHARE, REFRESH_SECONDS, RETRY_SECONDS, Refresher
from tests.unit.fakes import Clock, FakeCaller, InlineThreads

NAMES = ("accounts", "contacts", "profiles", "preferences", "templates")
EMPTY = b'{"entries":[],"next":null,"total":0}'


class Pulse:
    """A beat, a gate and a pause in one, that keeps what it is told and ends after some pauses."""

    def __init__(self, clock: Clock, pauses: int) -> None:
        self.clock = clock
        self.left = pauses
        self.told: list[object] = []

    def __call__(self) -> None:
        """Beat."""
        self.told.append("beat")

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Wait."""
        self.told.append("wait")
        yield

    def progress(self, done: int, total: int) -> None:
        """Keep how far it came."""
        self.told.append((done, total))

    async def sleep(self, seconds: float) -> None:
        """Move the clock; after the last pause, end the worker as a cancellation does."""
        if not self.left:
            raise asyncio.CancelledError
        self.left -= 1
        self.clock.seconds += seconds
        self.told.append(seconds)


def two_pages(call: Call[bytes]) -> bytes:
    """Answer with alice, then with bob."""
    if "after=alice" in call.target:
        return b'{"entries":[{"id":"bob","enabled":false}],"next":null,"total":2}'
    return b'{"entries":[{"id":"alice","enabled":true}],"next":"alice","total":2}'


def build(
    caller: FakeCaller, *, pauses: int = 0, chance: float = 0.0
) -> tuple[Directory, Refresher, Pulse]:
    """Return a directory with its refresher, on a clock that only pauses move."""
    clock = Clock()
    pulse = Pulse(clock, pauses)
    directory = Directory(caller, clock=clock)
    refresher = Refresher(
        directory.snapshots,
        caller,
        InlineThreads(),
        deadline_seconds=1.0,
        clock=clock,
        sleep=pulse.sleep,
        chance=lambda: chance,
    )
    return directory, refresher, pulse


async def test_a_gate_loads_page_by_page_and_tells_its_progress() -> None:
    """A warm-up that moves on can be seen to do so."""
    directory, refresher, pulse = build(FakeCaller({"accounts": two_pages}))
    await refresher.gates()["accounts"](pulse)

    assert directory.snapshots["accounts"].get("bob") == Account("bob", enabled=False)
    assert not directory.snapshots["accounts"].is_stale
    assert pulse.told == [(1, 2), (2, 2)]


async def test_there_is_a_gate_for_each_snapshot() -> None:
    """The five are loaded independently of each other."""
    _, refresher, _ = build(FakeCaller({}))

    assert tuple(refresher.gates()) == NAMES


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Unavailable("accounts", "status"), id="down"),
        pytest.param(b"<html>", id="garbage"),
        pytest.param(b"\xff", id="no text"),
    ],
)
async def test_a_gate_that_fails_raises_for_the_warm_up_to_try_again(answer: object) -> None:
    """Whether and how often is the warm-up's to decide."""
    directory, refresher, pulse = build(FakeCaller({"accounts": answer}))
    with pytest.raises((Unavailable, msgspec.MsgspecError, UnicodeDecodeError)):
        await refresher.gates()["accounts"](pulse)

    assert directory.stats()["accounts"].failures_total == 1


async def test_what_the_warm_up_has_loaded_is_left_alone_and_what_it_gave_up_is_loaded_soon() -> (
    None
):
    """The first look comes after the short pause, and makes no work twice."""
    caller = FakeCaller(dict.fromkeys(NAMES, EMPTY))
    directory, refresher, pulse = build(caller, pauses=len(NAMES))
    for name in NAMES[1:]:
        await refresher.gates()[name](pulse)
    await run(refresher, pulse)

    assert {name: stats.loads_total for name, stats in directory.stats().items()} == dict.fromkeys(
        NAMES, 1
    )
    assert pulse.clock.seconds == RETRY_SECONDS


async def run(refresher: Refresher, pulse: Pulse) -> None:
    """Run the worker until its pauses are used up."""
    with pytest.raises(asyncio.CancelledError):
        await refresher.run(pulse)


async def test_each_snapshot_is_renewed_once_in_a_period() -> None:
    """Five loads, then the next period; every pause and call is a wait, every page a beat."""
    caller = FakeCaller(dict.fromkeys(NAMES, EMPTY))
    directory, refresher, pulse = build(caller, pauses=6)
    await run(refresher, pulse)

    assert sorted(call.downstream for call in caller.calls[:5]) == sorted(NAMES)
    assert [told for told in pulse.told if isinstance(told, float)] == [
        RETRY_SECONDS,
        0.0,
        0.0,
        0.0,
        0.0,
        REFRESH_SECONDS,
    ]
    assert pulse.told.count("beat") == 6
    assert directory.stats()["templates"].loads_total == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Unavailable("accounts", "timeout"), id="down"),
        pytest.param(b"<html>", id="garbage"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(RecursionError(), id="whatever else"),
    ],
)
async def test_a_failure_is_tried_again_sooner_and_is_no_death(
    answer: object, caplog: pytest.LogCaptureFixture
) -> None:
    """The others keep their period, the worker lives on, and the log says it once."""
    caller = FakeCaller({**dict.fromkeys(NAMES, EMPTY), "accounts": answer})
    directory, refresher, pulse = build(caller, pauses=7)
    with caplog.at_level(logging.INFO, "messenger.refresher"):
        await run(refresher, pulse)

    assert [told for told in pulse.told if isinstance(told, float)] == [
        RETRY_SECONDS,
        0.0,
        0.0,
        0.0,
        0.0,
        RETRY_SECONDS,
        RETRY_SECONDS,
    ]
    assert directory.snapshots["accounts"].is_stale
    assert [record.message for record in caplog.records] == ["snapshot stale"]


async def test_a_recovery_is_logged_and_makes_the_snapshot_fresh(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Stale is a state, not a scar."""
    caller = FakeCaller({"accounts": Unavailable("accounts", "status")})
    directory, refresher, pulse = build(caller)
    gate = refresher.gates()["accounts"]
    with caplog.at_level(logging.INFO, "messenger.refresher"):
        with pytest.raises(Unavailable):
            await gate(pulse)
        caller.answers["accounts"] = EMPTY
        await gate(pulse)

    assert not directory.snapshots["accounts"].is_stale
    assert [each.message for each in caplog.records] == ["snapshot stale", "snapshot renewed"]


async def test_chance_shortens_a_pause() -> None:
    """Replicas that were started together do not ask together for ever."""
    caller = FakeCaller(dict.fromkeys(NAMES, EMPTY))
    _, refresher, pulse = build(caller, pauses=6, chance=1.0)
    await run(refresher, pulse)

    pauses = [told for told in pulse.told if isinstance(told, float)]
    assert pauses[-1] == pytest.approx(REFRESH_SECONDS * (1 - JITTER_SHARE))
