"""The control: what most services are, uvicorn with an application that always says it is well.

Mounted into a pod from a ConfigMap and run by the `uvicorn` of Messenger's image, so that only this
file is other. It answers a message without asking anybody, and a share of them late; two routes do
to it what Messenger's faults do to Messenger.
"""

import asyncio
import json
import os
import random
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

LONG_SHARE = float(os.environ.get("PLAIN_LONG_SHARE", "0"))
"""The share of the messages that take long."""

LONG_SECONDS = 8.0
"""How long those take."""

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer one request."""
    while (await receive()).get("more_body", False):
        pass
    path = scope["path"]
    if path == "/v1/messages" and random.random() < LONG_SHARE:
        await asyncio.sleep(LONG_SECONDS)
    if path == "/debug/stall":
        time.sleep(3600)  # noqa: ASYNC251 - stops the loop, as a wrong call does
    if path == "/debug/deadlock":
        _deadlock()
    status = 202 if path == "/v1/messages" else 200
    pod = os.environ.get("HOSTNAME", "").encode()
    headers = [(b"content-type", b"application/json"), (b"x-messenger-pod", pod)]
    body = json.dumps({"id": "plain", "degraded": []}).encode()
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _deadlock() -> None:
    """Have two threads wait for each other."""
    locks = (threading.Lock(), threading.Lock())
    for first, second in (locks, locks[::-1]):
        threading.Thread(target=_take_both, args=(first, second), daemon=True).start()


def _take_both(first: threading.Lock, second: threading.Lock) -> None:
    with first:
        time.sleep(0.2)
        with second:
            pass
