"""The wiring: which part is given which others, in plain calls and tables.

This is the only file that knows everybody. Nothing here waits for anything: the lifespan opens and
closes, and what takes time is a gate of the warm-up, which begins when the port is bound.
"""

import contextlib
import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route

from messenger import faults, handlers, operations, page, selfcheck, vitals
from messenger.ailments import Ailments, LeakMiddleware
from messenger.directory import Directory
from messenger.directory_metrics import DirectoryCollector
from messenger.downstreams import Downstreams, Transport
from messenger.faults import FaultMiddleware, Faults
from messenger.health import Health
from messenger.models import Version
from messenger.openapi import document
from messenger.operations import OperatorState
from messenger.problems import ERRORS
from messenger.refresher import Refresher
from messenger.rendering import Renderer
from messenger.service import MessageService
from messenger.settings import Settings
from messenger.shedding import Capacity, SheddingMiddleware
from messenger.state import State
from messenger.telemetry import Telemetry, TelemetryMiddleware
from messenger.time_limit import BODY_SECONDS, TimeLimitMiddleware

CONNECTIONS_PER_REQUEST = 5
"""Connections to one address for each request in work: `consent` and the four optional calls run at
the same time, in embedded mode all to one address, and none of them is to wait for a connection."""


class Row(NamedTuple):
    """One row of the table of routes."""

    template: str
    endpoint: Callable[..., object]
    methods: tuple[str, ...]
    is_business: bool = False
    """Whether the route does what the service is for: such requests are shed and spoiled."""


class AppState(State, OperatorState):
    """What all handlers together find in `request.state`."""


def routes(settings: Settings) -> tuple[Row, ...]:
    """Return every route, but for `/health/*`, which the server answers in front of all this."""
    version = msgspec.json.encode(Version(settings.version, settings.pod))
    description = msgspec.json.encode(document(settings.version))
    rows: tuple[Row, ...] = (
        # First what costs little: each route that is passed over costs 2 us, a hundredth of that
        # of a message. What never changes is an answer made once, and no handler.
        Row("/version", Response(version, media_type=handlers.JSON), ("GET",)),
        Row("/openapi.json", Response(description, media_type=handlers.JSON), ("GET",)),
        Row("/metrics", operations.scrape, ("GET",)),
        Row("/v1/messages", handlers.send_message, ("POST",), is_business=True),
        Row("/v1/messages/{id}", handlers.find_message, ("GET",), is_business=True),
    )
    if settings.faults_enabled:
        rows += (Row("/debug/faults", operations.FaultControl, ("GET", "PUT", "DELETE")),)
    if settings.page:
        rows += tuple(Row(path, answer, ("GET",)) for path, answer in page.answers(settings))
    return rows


def create_app(
    settings: Settings,
    *,
    health: Health,
    telemetry: Telemetry,
    downstreams: Downstreams,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    clock: Callable[[], float] = time.monotonic,
    chance: Callable[[], float] = random.random,
) -> TelemetryMiddleware:
    """Build the application and add to `health` what has to be warmed, watched and checked.

    Args:
        settings: What was set.
        health: The health of the process; not yet serving.
        telemetry: Where observations go.
        downstreams: What puts calls through; see `connect`. Closed with the application.
        now: The time of day, with time zone.
        clock: Seconds, monotonic.
        chance: Returns a random number from 0 to 1, for jitter.
    """
    pool = health.add_pool("pool", settings.pool_size)
    directory = Directory(downstreams, clock=clock)
    fresh = Refresher(
        directory.snapshots,
        downstreams,
        pool,
        deadline_seconds=settings.downstream_deadline_seconds,
        refresh_seconds=settings.directory_refresh_seconds,
        clock=clock,
        chance=chance,
    )
    service = MessageService(
        directory=directory,
        downstreams=downstreams,
        renderer=Renderer(pool),
        version=settings.version,
        deadline_seconds=settings.downstream_deadline_seconds,
        now=now,
        clock=clock,
    )
    of_calls, of_process = faults.split(settings.faults or "")
    ailments = Ailments(
        (directory.snapshots["accounts"].lock, directory.snapshots["contacts"].lock),
        (
            directory.snapshots["accounts"].refresh_lock,
            directory.snapshots["contacts"].refresh_lock,
        ),
        pool,
    )
    if settings.page:
        health.lifecycle.early_paths = page.PATHS
    metrics = telemetry.metrics
    metrics.registry.register(DirectoryCollector(directory.stats))
    state = AppState(
        service=service,
        count_degraded=metrics.count_degraded,
        registry=metrics.registry,
        faults=Faults(faults.parse(of_calls), seed=settings.faults_seed),
        ailments=ailments,
    )
    capacity = Capacity(settings.concurrency_limit, metrics.shed.inc)
    metrics.watch_in_flight(lambda: capacity.in_flight)
    table = routes(settings)
    app = TelemetryMiddleware(
        _application(
            table,
            _business_layers(settings, capacity, state),
            state,
            on_start=partial(vitals.fall_ill, health, ailments, of_process),
            on_end=downstreams.aclose,
        ),
        telemetry=telemetry,
        routes={row.endpoint: row.template for row in table},
        marks=_marks(settings),
    )
    vitals.add(
        health,
        check_self=partial(selfcheck.check, app, state),
        fresh=fresh,
        outcomes=downstreams.outcomes,
        ailments=ailments,
        ordered=of_process,
    )
    return app


def connect(settings: Settings, downstream_url: str, telemetry: Telemetry) -> Downstreams:
    """Return what puts calls through to real downstreams; it connects at the first call.

    Args:
        settings: What was set.
        downstream_url: Where they are, with {service} for a name.
        telemetry: What observes each call.
    """
    connections = CONNECTIONS_PER_REQUEST * settings.concurrency_limit
    transport = Transport(downstream_url, connections)
    return Downstreams(downstream_url, transport, observer=telemetry)


def _application(
    table: tuple[Row, ...],
    layers: list[Middleware],
    state: AppState,
    *,
    on_start: Callable[[], object],
    on_end: Callable[[], Awaitable[object]],
) -> Starlette:
    """Build the Starlette application of a table of routes."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[AppState]:
        on_start()
        yield state
        await on_end()

    router = [
        Route(
            row.template,
            row.endpoint,
            methods=list(row.methods),
            middleware=layers if row.is_business else None,
        )
        for row in table
    ]
    for route in router:
        # Starlette's pattern ends with `$`, which matches in front of a final newline as well.
        route.path_regex = re.compile(route.path_regex.pattern.removesuffix("$") + r"\Z")
    app = Starlette(routes=router, exception_handlers=dict(ERRORS), lifespan=lifespan)
    # A path with one slash too many is unknown, as the table of endpoints says.
    app.router.redirect_slashes = False
    return app


def _business_layers(settings: Settings, capacity: Capacity, state: AppState) -> list[Middleware]:
    """Return what stands in front of the business routes, outermost first."""
    layers = [Middleware(SheddingMiddleware, capacity=capacity)]
    if settings.faults_enabled:
        layers.append(Middleware(LeakMiddleware, ailments=state["ailments"]))
        layers.append(Middleware(FaultMiddleware, faults=state["faults"]))
    # Innermost: a fault may take its time, as "hang" does on purpose.
    layers.append(Middleware(TimeLimitMiddleware, seconds=request_seconds(settings)))
    return layers


def request_seconds(settings: Settings) -> float:
    """Return how long one request may be in work at most."""
    return settings.downstream_deadline_seconds + BODY_SECONDS


def _marks(settings: Settings) -> list[tuple[bytes, bytes]]:
    """Return the headers of every answer."""
    marks = [
        (b"x-messenger-version", settings.version.encode()),
        (b"x-messenger-pod", settings.pod.encode("ascii", "replace")),
    ]
    if settings.is_embedded:
        marks.append((b"x-messenger-downstreams", b"embedded"))
    return marks
