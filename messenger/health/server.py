"""A uvicorn server that warms up in sight of the probes, is watched, and drains without a loss.

uvicorn closes its listener first on SIGTERM and runs the end of the lifespan last; a warm-up
awaited in the lifespan hides the port. Hence a subclass: the order of both ends is written down
here, step by step. One worker process per pod, always: with several, a dead one hides behind the
others.
"""

import asyncio
import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator
from functools import partial
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from .drain import SETTLE_SECONDS
from .health import Health
from .inflight import Headers, InFlight
from .lifecycle import State
from .limits import FLUSH_SECONDS
from .loop_door import LoopDoor
from .progress import BEAT_SECONDS
from .responder import LATE_SECONDS, Responder
from .routes import HealthApp, HealthFirst
from .signals import SignalThread

BACKLOG = 2_048
"""How many connections the kernel may keep for us: a burst must wait, not be refused."""

KEEP_ALIVE_SECONDS = 75.0
"""How long an idle connection stays open: longer than clients and proxies keep one (60 s), so that
it is they who close it and no request meets a connection that is just being closed."""

UNWIND_SECONDS = 0.5
"""What a cancelled request gets to write its 503 and to run its `finally`, of `drain_cancel`."""

SAMPLE_BEATS = 10
"""How many heartbeats lie between two samples of the application's checks: one second."""


class Server(uvicorn.Server):
    """Serves one application with one `Health`.

    Args:
        app: The application.
        health: Its health.
        listener: The bound socket.
        loop: The kind of event loop: `auto`, `uvloop` or `asyncio`.
        http: The HTTP parser: `auto`, `httptools` or `h11`.
        ws: The WebSocket protocol as uvicorn names it; `none` spares an import.
        marks: Returns, for a request's headers, those of an answer in the application's place.
        on_listening: Called with host and port as soon as probes can be answered.
    """

    def __init__(
        self,
        app: ASGIApp,
        health: Health,
        listener: socket.socket,
        *,
        loop: str = "auto",
        http: str = "auto",
        ws: str = "auto",
        marks: Callable[[Headers], Headers] = lambda _: (),
        on_listening: Callable[[str, int], None] = lambda _host, _port: None,
    ) -> None:
        self._health = health
        self._listener = listener
        self._on_listening = on_listening
        self._in_flight = InFlight(
            app,
            lifecycle=health.lifecycle,
            progress=health.progress,
            now=lambda: health.ticks.now,
            marks=marks,
        )
        self._marks = marks
        super().__init__(
            uvicorn.Config(
                HealthFirst(HealthApp(health.probes.answer), self._in_flight),
                interface="asgi3",  # a guess would take HealthFirst for ASGI 2
                loop=loop,
                http=http,
                ws=ws,
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,  # type: ignore[arg-type]
                access_log=False,
                log_config=None,
                server_header=False,
            )
        )
        self._spare: socket.socket  # both are there when the port is bound
        self._door: LoopDoor
        self._responder: Responder | None = None
        self._signals: SignalThread | None = None
        self._warm_up: asyncio.Task[None] | None = None

    # The beginning: bind, watch, answer, warm.

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, start the threads, and warm up in the background."""
        del sockets
        self._spare = self._listener.dup()
        self._spare.setblocking(False)
        await super().startup(sockets=[self._listener])
        loop = asyncio.get_running_loop()
        self._door = LoopDoor(loop, self._make_protocol)
        # Not at once: the loop itself is quicker at it, where one connection waits.
        loop.add_reader(self._spare, loop.call_soon, self._door.admit_all, self._spare)
        if self._health.uses_responder:
            self._responder = self._make_responder(self._door)
            self._responder.start()
        self._install_signals()
        self._health.departure.when_leaving(partial(self._door.call, self._begin_drain))
        self._health.start(self._in_flight, self._after_look)
        self._health.lifecycle.move(State.WARMING, "port bound")
        if self._health.warm_up.gates:
            self._warm_up = asyncio.create_task(self._health.warm(), name="warm-up")
        else:
            # Whoever reads "listening" and asks at once must not find a pod that has yet to warm.
            self._health.lifecycle.move(State.SERVING, "no gates")
        host, port = self._listener.getsockname()[:2]
        self._on_listening(host, port)

    def _make_protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )

    def _make_responder(self, door: LoopDoor) -> Responder:
        return Responder(
            self._listener.dup(),
            progress=self._health.progress,
            answer=self._health.probes.answer,
            is_broken=lambda: self._health.departure.is_wedged,
            hand_over=door.bring,
            answered=self._health.responder_answers,
            marks=self._marks(()),
        )

    def _install_signals(self) -> None:
        if not self._health.uses_signal_thread:
            return
        if threading.current_thread() is threading.main_thread():
            self._signals = SignalThread(self._health.departure.on_signal)
            self._signals.install()

    # The middle: one heartbeat every 100 ms.

    async def on_tick(self, counter: int) -> bool:
        """Beat, sample the checks once a second, and see whether the drain is over."""
        self._health.progress.beat()
        if counter % SAMPLE_BEATS == 0:
            self._health.sample()
        self._health.drain.hear(self._in_flight.arrived)
        if self._health.drain.is_over(self._in_flight.count):
            self.should_exit = True
        return await super().on_tick(counter)

    def _after_look(self) -> None:
        """Wake the responder if the loop is late; in the watchdog's thread."""
        if self._responder is not None and self._health.progress.lag_seconds >= LATE_SECONDS:
            self._responder.wake()

    def _begin_drain(self) -> None:
        """Tell everybody that the drain has begun; on the loop."""
        self._health.tell_draining()
        for connection in list(self.server_state.connections):
            if not isinstance(connection, self.config.http_protocol_class):
                connection.shutdown()  # a WebSocket: 1012, service restart

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to the thread; without it, to uvicorn's way of hearing them."""
        if self._health.uses_signal_thread:
            yield
        else:
            with super().capture_signals():
                yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Have the loop act on a signal, as a handler may take no lock; without the thread only."""
        del frame
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(self._health.departure.on_signal, signal.Signals(sig))

    # The end: accept the last, finish, flush, leave.

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End in the order that loses nothing; every step is bounded."""
        del sockets
        health = self._health
        health.lifecycle.move(State.STOPPING, "nothing more is accepted")
        stopped_at = time.monotonic()
        # uvicorn's ticks have ended, the watchdog still looks: waiting for the last is no stall.
        heart = asyncio.create_task(self._beat_on(), name="heartbeat")
        await self._stop_accepting()
        await self._finish(until=stopped_at + health.limits.drain_cancel_seconds - UNWIND_SECONDS)
        self._in_flight.cancel_all()
        await self._finish(until=stopped_at + health.limits.drain_cancel_seconds)
        if self._warm_up is not None:
            self._warm_up.cancel()
        await health.workers.stop()
        await health.flushes.run(FLUSH_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(UNWIND_SECONDS):
                await self.lifespan.shutdown()
        if self._signals is not None:
            self._signals.restore()
        heart.cancel()
        health.stop()
        if health.departure.exit_status:
            os._exit(health.departure.exit_status)

    async def _beat_on(self) -> None:
        while True:
            self._health.progress.beat()
            await asyncio.sleep(BEAT_SECONDS)

    async def _stop_accepting(self) -> None:
        """Accept whoever has knocked, then close the door, then whoever has nothing to say."""
        if self._responder is not None:
            self._responder.close()
        for server in self.servers:
            server.close()
        self._listener.close()
        # Closing a listener resets what still waits in it: take them in first.
        self._door.admit_all(self._spare)
        asyncio.get_running_loop().remove_reader(self._spare)
        self._spare.close()
        await asyncio.sleep(SETTLE_SECONDS)
        for open_connection in list(self.server_state.connections):
            open_connection.shutdown()

    async def _finish(self, *, until: float) -> None:
        """Wait for requests and for the last bytes of their answers."""
        connections = self.server_state.connections
        while time.monotonic() < until and (self._in_flight.count or connections):  # noqa: ASYNC110 - no event tells of the last byte
            await asyncio.sleep(0.02)  # adds at most this much to the end
