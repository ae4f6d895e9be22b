"""A 202 is a promise: what was promised is delivered once, whoever retries, and nothing else is."""

import asyncio

import aiohttp
import httpx

from tests.integration.service import pair, until_ready

MESSAGES = 1_000
AT_ONCE = 10
"""Messages in flight at a time: both copies of each are on their way together."""

PATIENT = {"MESSENGER_DOWNSTREAM_DEADLINE_SECONDS": "30"}
"""A deadline that no load of the machine meets: what is shown is that nothing is sent twice, and a
503 of an overloaded moment, which promises nothing, would only stand in the way."""


async def send_twice(client: aiohttp.ClientSession, url: str, number: int) -> tuple[object, object]:
    """Send one message twice at the same time, with one key, and return both answers' ids."""
    draft = {"sender": "alice", "recipient": "bob", "channel": "push", "body": f"number {number}"}

    async def send() -> object:
        headers = {"Idempotency-Key": f"key-{number}"}
        async with client.post(f"{url}/v1/messages", json=draft, headers=headers) as response:
            body = await response.json()
            assert response.status == 202, body
            return body["id"]

    first, second = await asyncio.gather(send(), send())
    return first, second


async def send_all(url: str) -> list[tuple[object, object]]:
    """Send every message twice, a few of them at a time."""
    slots = asyncio.Semaphore(AT_ONCE)
    connector = aiohttp.TCPConnector(limit=2 * AT_ONCE)
    async with aiohttp.ClientSession(connector=connector) as client:

        async def send(number: int) -> tuple[object, object]:
            async with slots:
                return await send_twice(client, url, number)

        return await asyncio.gather(*(send(number) for number in range(MESSAGES)))


def test_a_thousand_messages_sent_twice_at_once_are_delivered_once() -> None:
    """1,000 keys, each sent twice concurrently: 1,000 deliveries, no duplicate, one id a key."""
    with pair(messenger=PATIENT) as service:
        until_ready(service)
        ids = asyncio.run(send_all(service.messenger.url))
        stats = service.stats()

    assert all(first == second for first, second in ids)
    assert len({first for first, _ in ids}) == MESSAGES
    assert (stats["deliveries"], stats["duplicates"]) == (MESSAGES, 0)
    assert stats["replays"] == MESSAGES


def test_without_a_key_a_second_try_is_a_second_message() -> None:
    """The control: what makes it once is the key, and the duplicates are counted."""
    with pair() as service, httpx.Client() as client:
        until_ready(service)
        ids = {service.send(client).json()["id"] for _ in range(3)}
        stats = service.stats()

    assert len(ids) == 3
    assert (stats["deliveries"], stats["duplicates"]) == (3, 2)


def test_a_key_used_for_another_message_is_refused() -> None:
    """The same key with another body is 422, and hands nothing over."""
    with pair() as service, httpx.Client() as client:
        until_ready(service)
        first = service.send(client, key="one", body="Hello")
        second = service.send(client, key="one", body="Something else")
        stats = service.stats()

    assert (first.status_code, second.status_code) == (202, 422)
    assert second.headers["content-type"] == "application/problem+json"
    assert stats["deliveries"] == 1
