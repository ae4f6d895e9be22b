"""One process of the service: telemetry, health and application put together and served."""

import contextlib
import gc
import logging
import os
import random
import signal
from collections.abc import Mapping
from functools import partial

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from messenger import parser
from messenger.app import connect, create_app, request_seconds
from messenger.banner import banner
from messenger.embedded import Embedded
from messenger.health import Health, Limits, serve
from messenger.health.metrics import register
from messenger.metrics import Metrics
from messenger.settings import Settings
from messenger.telemetry import Telemetry
from messenger.tracing import Passing, Tracer, is_exported

logger = logging.getLogger("messenger")

_STDOUT = 1

YOUNG_OBJECTS = 50_000
"""How many more objects are made than freed before the garbage collector looks at the young ones.

The interpreter's own 700 (2,000 from 3.13 on) are those of a few messages in work, which are still
in use. With 1,024 clients it looked 3,782 times during 3,081 messages and freed nothing young, for
over a third of the CPU. Messages for each second of that, on one machine: 228 with 10,000, 253 with
this, 327 without a collector. Memory is no larger, since reference counts free all but 64 objects
of 3,194 messages; code that leaves cycles behind has some 10 MB of them at most."""


def run(settings: Settings, child: Embedded | None, environ: Mapping[str, str]) -> int:
    """Serve until a signal, and return the exit status.

    Args:
        settings: What was set.
        child: The embedded mocks, None where the settings name real downstreams.
        environ: The environment, for what is OpenTelemetry's to read.

    Raises:
        OSError: If the port cannot be had.
    """
    spare_collector()
    registry = CollectorRegistry()
    for collector in (GCCollector, PlatformCollector, ProcessCollector):
        collector(registry=registry)
    health = make_health(settings)
    register(health, registry)
    # Ids have to differ, not to be secret, and the system's own dice cost a system call each.
    dice = random.Random()  # noqa: S311 - see above
    telemetry = Telemetry(
        Metrics(registry, settings.version),
        _tracer(settings, health, environ, dice),
        bits=dice.getrandbits,
    )
    url = settings.downstream_url or (child.url if child else "")
    app = create_app(
        settings,
        health=health,
        telemetry=telemetry,
        downstreams=connect(settings, url, telemetry),
    )

    def announce(host: str, port: int) -> None:
        logger.info("listening", extra={"host": host, "port": port})
        if child is not None:
            # From here on a signal is heard; by SIGINT nobody waits for clients there cannot be.
            child.when_failed(partial(os.kill, os.getpid(), signal.SIGINT))
        _show(banner(host, port, settings))

    return serve(
        app,
        health,
        host=settings.host,
        port=settings.port,
        http=parser.PATH,
        ws="none",
        marks=app.marks,
        on_listening=announce,
    )


def _show(text: str) -> None:
    """Write to standard output, for people; whoever does not hear it misses nothing else."""
    # By its descriptor: what a full disk has not taken would wait in the stream's buffer, and make
    # a clean exit fail.
    with contextlib.suppress(OSError):
        os.write(_STDOUT, f"{text}\n".encode())


def spare_collector() -> None:
    """Have the garbage collector look at young objects less often than the interpreter would."""
    gc.set_threshold(YOUNG_OBJECTS)  # the other two thresholds stay as they are


def make_health(settings: Settings) -> Health:
    """Return the health of a process with these settings."""
    return Health(
        service="messenger",
        release=settings.version,
        instance=settings.pod,
        limits=Limits(
            stall_suspect_seconds=settings.stall_suspect_seconds,
            stall_unready_seconds=settings.stall_unready_seconds,
            stall_broken_seconds=settings.stall_broken_seconds,
            exit_after_broken_seconds=settings.exit_after_broken_seconds,
            request_deadline_seconds=request_seconds(settings),
            concurrency_limit=settings.concurrency_limit,
            warmup_budget_seconds=settings.warmup_budget_seconds,
            warmup_fail_closed=settings.warmup_fail == "closed",
            drain_min_seconds=settings.drain_min_seconds,
            drain_max_seconds=settings.drain_max_seconds,
            drain_cancel_seconds=settings.drain_cancel_seconds,
            drain_ready_status=settings.drain_ready,
        ),
        termination_log=settings.termination_log,
        debug_token=settings.debug_token,
    )


def _tracer(
    settings: Settings, health: Health, environ: Mapping[str, str], dice: random.Random
) -> Tracer:
    """Return the tracer that records spans if an exporter is named, else the one that passes on."""
    if not is_exported(environ):
        return Passing(dice.getrandbits)
    from messenger import spans  # noqa: PLC0415 - costs start-up time that few need to spend

    recording = spans.Recording(
        spans.otlp_processor(), version=settings.version, pod=settings.pod, bits=dice.getrandbits
    )
    health.on_flush(recording.flush)
    return recording
