"""The downstreams over HTTP: puts a call through, watches it, and says plainly how it failed.

Only this file knows httpx and aiohttp. It uses httpx's transport interface without httpx's
client: redirects, cookies, proxies and authentication have no place between services, and leaving
them out halves the cost of a call. There is no retry and no circuit breaker: those belong to the
mesh, which sees all replicas.
"""

import asyncio
import functools
import ssl
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar, cast

import httpx
import msgspec

from messenger.calls import Call
from messenger.errors import MessengerError, Unavailable
from messenger.observation import CallObserver, Outcome, Unobserved
from messenger.outcomes import Outcomes
from messenger.twelve import TABLE

Answer = TypeVar("Answer")

KEEP_ALIVE_SECONDS = 4.0
"""How long an idle connection is kept: less than the five seconds after which uvicorn closes it,
and than Envoy's hour, since a request that meets a closing connection is lost."""

MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""Longest answer that is read, to bound memory: a page of 1,000 entries of 8 KB each."""

PROBLEM = "application/problem+json"
"""Media type of RFC 9457, by which a service's own refusal is told from a proxy's."""

_HEADERS = (("accept-encoding", "identity"),)
_POST_HEADERS = (*_HEADERS, ("content-type", "application/json"))


class Downstreams:
    """Puts calls through to the downstreams, each within a deadline of its own.

    Args:
        url_template: Address of a downstream with `{service}` for its name, without a final slash.
        transport: What carries requests; see `Transport`. Closed by `aclose`.
        observer: Told of each live call.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        url_template: str,
        transport: httpx.AsyncBaseTransport,
        *,
        observer: CallObserver | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.outcomes = {each.name: Outcomes(clock) for each in TABLE}
        """Recent calls to each downstream, for the health check `downstream:<name>`."""

        self._observer: CallObserver = observer or Unobserved()
        self._transport = transport
        self._urls = {each.name: url_template.format(service=each.name) for each in TABLE}
        self._headers = {"GET": httpx.Headers(_HEADERS), "POST": httpx.Headers(_POST_HEADERS)}
        self._encode = msgspec.json.Encoder().encode

    async def answer(self, call: Call[Answer], within_seconds: float) -> Answer:
        """Return the downstream's answer to a call.

        Args:
            call: What is asked of whom.
            within_seconds: Time for connecting, asking and reading the whole answer.

        Raises:
            MessengerError: Unavailable when there is no usable answer, or the error that the call
                names for the status of a problem+json answer.
        """
        observation = self._observer.start(call.downstream, call.method)
        outcome: Outcome = "cancelled"
        status = None
        try:
            async with asyncio.timeout(within_seconds):
                request = await self._request(call, observation.headers)
                response = await self._transport.handle_async_request(request)
                status = response.status_code
                body = await _read(response)
            outcome = "ok"
            return _judge(call, response, body)
        except MessengerError as error:
            outcome = error.reason if isinstance(error, Unavailable) else "refused"
            raise
        except TimeoutError as error:
            outcome = "timeout"
            raise Unavailable(call.downstream, outcome) from error
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            outcome = "garbage"
            raise Unavailable(call.downstream, outcome) from error
        except (httpx.HTTPError, OSError) as error:
            outcome = "connection"
            raise Unavailable(call.downstream, outcome) from error
        finally:
            # A caller who gave up says nothing about the downstream.
            if outcome != "cancelled":
                self.outcomes[call.downstream].record(has_failed=outcome not in {"ok", "refused"})
            observation.finish(outcome, status)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def _request(
        self, call: Call[Answer], headers: Sequence[tuple[str, str]]
    ) -> httpx.Request:
        """Return the request that carries a call."""
        # A stream, read at once, since content would have httpx work out the headers that aiohttp
        # works out again: that doubles what a request costs.
        stream = httpx.ByteStream(b"" if call.body is None else self._encode(call.body))
        url = _address(self._urls[call.downstream] + call.target)
        request = httpx.Request(call.method, url, headers=self._headers[call.method], stream=stream)
        for name, value in headers:
            request.headers[name] = value
        if call.key is not None:
            request.headers["idempotency-key"] = call.key
        await request.aread()
        return request


@functools.lru_cache(maxsize=4096)
def _address(url: str) -> httpx.URL:
    """Return a parsed address; those who write to each other once do so again."""
    return httpx.URL(url)


class Transport(httpx.AsyncBaseTransport):
    """A pool of kept connections to the downstreams, carried by aiohttp.

    Importing aiohttp takes as long as the rest of the start together, and loading the certificate
    authorities some 20 ms more. Both are done in a thread for the first request, when the process
    listens already and answers its probes.

    Args:
        url_template: What `Downstreams` is given: whether it is https decides about certificates.
        connections_per_host: Most connections to one address. Choose at least five times the
            number of requests served at once: that is what a message calls at the same time, in
            embedded mode all at one address, and a call that waits for a connection here would be
            a queue that nobody sees.
    """

    def __init__(self, url_template: str, connections_per_host: int) -> None:
        self._prepare = functools.partial(
            _prepare, connections_per_host, has_tls=url_template.startswith("https:")
        )
        self._preparing: asyncio.Future[_Carrier] | None = None
        self._carrier: _Carrier | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry one request; the first ones wait for the preparations.

        Raises:
            httpx.HTTPError: There is no response.
        """
        if self._carrier is None:
            if self._preparing is None:
                self._preparing = asyncio.ensure_future(asyncio.to_thread(self._prepare))
            # The deadline of one call must not undo what all others wait for.
            self._carrier = await asyncio.shield(self._preparing)
        transport, client_error = self._carrier
        try:
            return await transport.handle_async_request(request)
        except client_error as error:
            # One of those that httpx_aiohttp has no word for, such as a response that is no HTTP.
            raise httpx.TransportError(str(error)) from error

    async def aclose(self) -> None:
        """Close all connections."""
        if self._carrier is not None:
            await self._carrier.transport.aclose()


class _Carrier(NamedTuple):
    """What carries requests, once it is imported."""

    transport: httpx.AsyncBaseTransport
    client_error: type[Exception]
    """The root of aiohttp's errors."""


def _prepare(connections_per_host: int, *, has_tls: bool) -> _Carrier:
    """Import what carries requests, and return it; it opens its session at the first of them."""
    import aiohttp  # noqa: PLC0415 - see Transport
    from httpx_aiohttp import AiohttpTransport  # noqa: PLC0415 - see Transport

    # A context without authorities trusts nobody, should a request go to https after all.
    tls = ssl.create_default_context() if has_tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def open_session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=tls,
                limit=0,
                limit_per_host=connections_per_host,
                keepalive_timeout=KEEP_ALIVE_SECONDS,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            # The only deadline is that of `answer`.
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
        )

    return _Carrier(AiohttpTransport(verify=tls, client=open_session), aiohttp.ClientError)


async def _read(response: httpx.Response) -> bytes:
    """Return a body as it came, and give its connection back.

    Raises:
        msgspec.DecodeError: The body is longer than any answer can be.
    """
    stream = cast("httpx.AsyncByteStream", response.stream)
    body = b""
    try:
        async for chunk in stream:
            body = body + chunk if body else chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise msgspec.DecodeError(f"bytes={len(body)} limit={MAX_ANSWER_BYTES}")
    finally:
        await stream.aclose()
    return body


def _judge(call: Call[Answer], response: httpx.Response, body: bytes) -> Answer:
    """Return the answer that a response holds, or raise what it means instead."""
    status = response.status_code
    if status in (200, 201):
        return call.read(body)
    # Without the media type a 404 may be a proxy's that found no such service.
    if status in call.refusals and response.headers.get("content-type", "").startswith(PROBLEM):
        raise call.refusals[status](f"downstream={call.downstream} status={status}")
    raise Unavailable(call.downstream, "status")
