"""Plays the downstream services of Messenger: settings, logs, health, application, server."""

import argparse
import gc
import logging
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Mapping, Sequence

from downstream import logs, parent
from downstream.app import create_app
from downstream.delivery import Deliveries
from downstream.ledger import Ledger
from downstream.people import invent
from downstream.settings import BadSettings, Settings
from messenger.faults import Faults
from messenger.health import Health, Limits, serve

EXIT_BAD_SETTINGS = 78
"""EX_CONFIG of sysexits.h: starting again will not help."""

EXIT_NOT_LISTENING = 1
"""The address could not be bound; starting again may help."""

USAGE = """\
settings, read from the environment:
  DOWNSTREAM_SERVICES              which services to play: "all" or a list of names      all
  DOWNSTREAM_PEOPLE                how many people are known                             1000
  DOWNSTREAM_HOST                  the address to listen on                              127.0.0.1
  DOWNSTREAM_PORT                  the port to listen on; 0 picks one                    8080
  DOWNSTREAM_FAULTS                consent=error:15%,latency:200ms;links=hang:5%         none
  DOWNSTREAM_FAULTS_SEED           the same seed gives the same faults                   random
  DOWNSTREAM_STATE_DIR             where deliveries outlive the process                  in memory
  DOWNSTREAM_LOG_FORMAT            json or text                                          json
  DOWNSTREAM_DRAIN_MIN_SECONDS     after SIGTERM, accept at least so long                5
  DOWNSTREAM_DRAIN_MAX_SECONDS     ... and finish calls for so long                      15
  DOWNSTREAM_DRAIN_CANCEL_SECONDS  ... and give cancelled ones so long                   5

try:
  curl http://127.0.0.1:8080/
  curl http://127.0.0.1:8080/accounts/v1/entries/alice
  curl http://127.0.0.1:8080/delivery/stats
  curl -X PUT -d '{"faults": "error:15%", "ttl_seconds": 60}' \\
      http://127.0.0.1:8080/debug/faults/consent

faults: error:15%  error=500:15%  latency:200ms  latency:200ms@10%
        latency:lognormal(50ms,p99=400ms)  hang:5%  reset:2%  slow-body:1s  garbage:5%  fail-next:3
"""

_log = logging.getLogger("downstream")


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Run the mocks until a signal ends them.

    Returns:
        The exit status.
    """
    options = _parser().parse_args(argv)
    # A parent may have blocked them for a thread of its own, and a mask is inherited.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
    if options.parent_pipe is not None:
        parent.end_with_parent(options.parent_pipe)
    try:
        settings = Settings.from_env(environ)
        ledger = _open_ledger(settings)
    except BadSettings as exc:
        sys.stderr.writelines(f"{line}\n" for line in exc.lines)
        return EXIT_BAD_SETTINGS
    logs.configure(settings.log_format, sys.stderr)
    return _serve(settings, ledger, options.listener)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="downstream",
        description="Plays any or all of the twelve services that Messenger needs.",
        epilog=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--parent-pipe",
        type=int,
        metavar="FD",
        help="end as soon as this inherited read end of a pipe is at its end",
    )
    parser.add_argument(
        "--listener",
        type=_inherited,
        metavar="FD",
        help="serve on this inherited socket, which is bound already",
    )
    return parser


def _inherited(text: str) -> socket.socket:
    """Return the socket of an inherited descriptor."""
    try:
        return socket.socket(fileno=int(text))
    except OSError as exc:
        raise argparse.ArgumentTypeError(f"{text} is no socket") from exc


def _open_ledger(settings: Settings) -> Ledger:
    """Open the ledger where the settings want it.

    Raises:
        BadSettings: If there can be none.
    """
    try:
        if settings.state_dir is not None:
            settings.state_dir.mkdir(parents=True, exist_ok=True)
        return Ledger(settings.state_dir)
    except (OSError, sqlite3.Error) as exc:
        raise BadSettings((f"DOWNSTREAM_STATE_DIR: no ledger can be kept there: {exc}",)) from exc


def _serve(settings: Settings, ledger: Ledger, listener: socket.socket | None) -> int:
    """Serve until a signal, and return the exit status."""
    health = Health(
        service="downstream",
        instance=socket.gethostname(),
        limits=Limits(
            drain_min_seconds=settings.drain_min_seconds,
            drain_max_seconds=settings.drain_max_seconds,
            drain_cancel_seconds=settings.drain_cancel_seconds,
        ),
        # A mock that hangs on purpose holds requests without having lost them.
        detectors={"deadlocks", "pools", "stall", "workers"},
    )
    app = create_app(
        people=invent(settings.people),
        deliveries=Deliveries(ledger),
        faults=_faults(settings),
    )
    try:
        return serve(
            app,
            health,
            host=settings.host,
            port=settings.port,
            listener=listener,
            on_listening=_say_listening,
        )
    except OSError as exc:
        _log.error("cannot listen on %s:%s: %s", settings.host, settings.port, exc.strerror)
        return EXIT_NOT_LISTENING
    finally:
        ledger.close()
        gc.freeze()  # else the interpreter's end looks through every object of every library: 0.1 s


def _faults(settings: Settings) -> dict[str, Faults]:
    """Give each service its faults, with dice that are independent of the others'."""
    seed = settings.faults_seed
    return {
        name: Faults(faults, seed=None if seed is None else f"{seed}/{name}")
        for name, faults in settings.faults_by_service.items()
    }


def _say_listening(host: str, port: int) -> None:
    _log.info("listening", extra={"host": host, "port": port})


if __name__ == "__main__":
    sys.exit(main())
