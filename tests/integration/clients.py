"""HTTP clients that cost next to nothing to make.

httpx loads all certificate authorities for each client, which takes some 40 ms of CPU: as much as
ten requests, and in a loop that waits for a process, time that this process then lacks. Nothing
here speaks TLS.
"""

import ssl

import httpx

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody."""

PATIENCE_SECONDS = 5.0
"""How long an answer may take, unless a test says otherwise."""


def client(
    base_url: str = "", *, timeout: float = PATIENCE_SECONDS, headers: dict[str, str] | None = None
) -> httpx.Client:
    """Return a client that keeps its connections."""
    return httpx.Client(base_url=base_url, timeout=timeout, headers=headers, verify=PLAIN)


def get(
    url: str, *, timeout: float = PATIENCE_SECONDS, headers: dict[str, str] | None = None
) -> httpx.Response:
    """Ask once."""
    return httpx.get(url, timeout=timeout, headers=headers, verify=PLAIN)


def post(url: str, json: object, *, timeout: float = PATIENCE_SECONDS) -> httpx.Response:
    """Send JSON once."""
    return httpx.post(url, json=json, timeout=timeout, verify=PLAIN)


def put(url: str, json: object, *, timeout: float = PATIENCE_SECONDS) -> httpx.Response:
    """Put JSON in its place once."""
    return httpx.put(url, json=json, timeout=timeout, verify=PLAIN)
