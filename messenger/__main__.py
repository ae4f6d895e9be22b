"""The process: settings, logs, telemetry, health, application, server, in this order.

This is the only file that reads the environment and the arguments. What is heavy to import is
imported in `_run`, when the settings are known to be good and the embedded mocks, if any, are
already starting: the two then load at the same time.
"""

import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from messenger import embedded, logs
from messenger.embedded import Embedded, EmbeddedFailed
from messenger.settings import TERMINATION_LOG, BadSettings, Settings

logger = logging.getLogger("messenger")

USAGE_STATUS = os.EX_USAGE
"""Exit status for arguments that do not exist (sysexits.h)."""

CONFIG_STATUS = os.EX_CONFIG
"""Exit status for settings that cannot be obeyed: 78 in sysexits.h, which supervisors know."""

UNAVAILABLE_STATUS = os.EX_UNAVAILABLE
"""Exit status for a port, or embedded mocks, that could not be had."""

_STDOUT = 1
_STDERR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run Messenger until a signal ends it, and return the exit status.

    Args:
        arguments: What stands behind the program's name; those of the process by default.
    """
    _hold_standard_streams()
    try:
        return _obey(list(sys.argv[1:] if arguments is None else arguments))
    finally:
        _drop_untaken_output()


def _obey(arguments: Sequence[str]) -> int:
    """Do what the arguments say, and return the exit status."""
    match list(arguments):
        case []:
            return _start()
        case ["--help" | "-h"]:
            return _tell_usage()
        case ["--version"]:
            return _tell_version()
        case unknown:
            sys.stderr.write(f"messenger: unknown argument: {unknown[0]}; try --help\n")
            return USAGE_STATUS


def _hold_standard_streams() -> None:
    """Put the null device where a standard stream is closed.

    Otherwise the next thing that is opened would take its place: a child would have our pipe to it
    for its standard output, and be without it.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdout = sys.stdout or os.fdopen(_STDOUT, "w")
    sys.stderr = sys.stderr or os.fdopen(_STDERR, "w")


def _drop_untaken_output() -> None:
    """Let go of what a full disk has not taken: a clean exit would fail for it, with status 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())


def _tell_usage() -> int:
    """Print every setting, and return the exit status."""
    from messenger import usage  # noqa: PLC0415 - not needed to serve

    sys.stdout.write(usage.render())
    return os.EX_OK


def _tell_version() -> int:
    """Print the release, which an image has in its environment, and return the exit status."""
    release = os.environ.get("MESSENGER_VERSION") or Settings(pod="").version
    sys.stdout.write(f"messenger {release}\n")
    return os.EX_OK


def _start() -> int:
    """Read the settings, start the embedded mocks if there are to be any, and run."""
    # Until the server hears signals: Ctrl-C would be a traceback out of an import, and process 1 of
    # a container would not hear SIGTERM at all.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    try:
        settings = Settings.from_env(os.environ, host_name=socket.gethostname())
    except BadSettings as error:
        _refuse(error)
        return CONFIG_STATUS
    logs.configure(settings.log_format, settings.log_level, sys.stderr)
    for name in settings.unknown_names:
        logger.warning("unknown setting", extra={"setting": name})
    try:
        if settings.downstream_url is None:
            return _run_embedded(settings)
        return _run(settings, None)
    except EmbeddedFailed as error:
        sys.stderr.write(f"messenger: the embedded downstreams did not start: {error}\n")
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        sys.stderr.write(f"messenger: cannot listen on {where}: {error.strerror}\n")
    return UNAVAILABLE_STATUS


def _leave(number: int, frame: FrameType | None) -> None:
    """End the process as it would end later; nobody has been promised anything yet."""
    del number, frame
    raise SystemExit(os.EX_OK)


def _run_embedded(settings: Settings) -> int:
    """Serve with mocks of our own, and return the exit status.

    Raises:
        EmbeddedFailed: If the mocks did not come up.
        OSError: If the port cannot be had.
    """
    _knock(settings)
    child = embedded.start(os.environ)
    try:
        status = _run(settings, child)
        child.check()
    finally:
        child.stop()
    return status


def _knock(settings: Settings) -> None:
    """See whether the port can be had, before the mocks' log would hide the line that says no.

    Raises:
        OSError: If it cannot.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trial.bind((settings.host, settings.port))


def _run(settings: Settings, child: Embedded | None) -> int:
    """Serve, and return the exit status.

    Args:
        settings: What was set.
        child: The embedded mocks, None where the settings name real downstreams.

    Raises:
        OSError: If the port cannot be had.
    """
    from messenger import process  # noqa: PLC0415 - see the module's docstring

    return process.run(settings, child, os.environ)


def _refuse(error: BadSettings) -> None:
    """Say what is wrong with the settings, on standard error and where Kubernetes shows it."""
    text = "".join(f"messenger: {line}\n" for line in error.lines)
    sys.stderr.write(text)
    last_words = Path(os.environ.get("MESSENGER_TERMINATION_LOG", TERMINATION_LOG))
    # The kubelet creates the file; anywhere else there is none, and none is to appear.
    if last_words.is_file() and os.access(last_words, os.W_OK):
        last_words.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
