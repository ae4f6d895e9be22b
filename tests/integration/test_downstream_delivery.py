"""Delivery keeps its promise under concurrency, and when its process is killed."""

import asyncio
import signal
from pathlib import Path

import aiohttp
import pytest

from tests.integration import clients
from tests.integration.process import Process, running

MESSAGE = {
    "sender": "alice",
    "recipient": "bob",
    "channel": "push",
    "address": "device-bob",
    "body": "hello",
    "text": "alice: hello",
    "status": "accepted",
}


async def deliver(
    session: aiohttp.ClientSession, mocks: Process, key: str, delivery_id: str, body: str = "hello"
) -> tuple[int, str]:
    """Hand a message over, and return the status and the id in the answer."""
    async with session.post(
        f"{mocks.url}/delivery/v1/deliveries",
        json={**MESSAGE, "id": delivery_id, "body": body},
        headers={"Idempotency-Key": key},
    ) as answer:
        return answer.status, (await answer.json())["id"]


def stats(mocks: Process) -> dict[str, int]:
    """Ask for the counts."""
    counts: dict[str, int] = clients.get(f"{mocks.url}/delivery/stats").json()
    return counts


@pytest.mark.parametrize("is_on_disk", [False, True], ids=["memory", "disk"])
async def test_fifty_concurrent_calls_with_one_key_deliver_once(
    tmp_path: Path, *, is_on_disk: bool
) -> None:
    """One is told 201, forty-nine 200, and all of them the same id."""
    env = {"DOWNSTREAM_PORT": "0"} | ({"DOWNSTREAM_STATE_DIR": str(tmp_path)} if is_on_disk else {})
    with running("downstream", env=env) as mocks:
        async with aiohttp.ClientSession() as session:
            answers = await asyncio.gather(
                *(deliver(session, mocks, "key", f"id-{number}") for number in range(50))
            )
        counts = stats(mocks)

    assert sorted(status for status, _ in answers) == [200] * 49 + [201]
    assert len({delivery_id for _, delivery_id in answers}) == 1
    assert counts == {"deliveries": 1, "replays": 49, "duplicates": 0}


async def test_mock_that_is_killed_has_forgotten_nothing(tmp_path: Path) -> None:
    """Every delivery that was answered before SIGKILL is there after the restart, under its key."""
    env = {"DOWNSTREAM_PORT": "0", "DOWNSTREAM_STATE_DIR": str(tmp_path / "new")}
    answered: dict[str, str] = {}

    async def deliver_until_killed(
        session: aiohttp.ClientSession, mocks: Process, worker: int
    ) -> None:
        for number in range(10_000):
            key = f"{worker}-{number}"
            try:
                _, answered[key] = await deliver(session, mocks, key, f"id-{key}", body=key)
            except aiohttp.ClientError:
                return
            if len(answered) == 200:
                mocks.signal(signal.SIGKILL)

    async with aiohttp.ClientSession() as session:
        with running("downstream", env=env) as mocks:
            async with asyncio.timeout(30):
                await asyncio.gather(*(deliver_until_killed(session, mocks, n) for n in range(4)))
            assert mocks.wait() == -signal.SIGKILL
        with running("downstream", env=env) as mocks:
            counts = stats(mocks)
            again = {
                key: await deliver(session, mocks, key, f"other-{key}", body=key)
                for key in answered
            }

    assert len(answered) >= 200
    assert again == {key: (200, delivery_id) for key, delivery_id in answered.items()}
    # One call of each worker may have been entered and not answered.
    assert len(answered) <= counts["deliveries"] <= len(answered) + 4
    assert counts["duplicates"] == 0
