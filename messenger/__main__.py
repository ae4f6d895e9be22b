"""The command: standard streams, signals, arguments; then `start`.

This is the only file that reads the environment and the arguments. It imports nothing of ours at
first: an import is where a Ctrl-C would otherwise meet the process, as a traceback.
"""

import gc
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

USAGE_STATUS = os.EX_USAGE
"""Exit status for arguments that do not exist (sysexits.h)."""

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
        gc.freeze()  # else the interpreter's end looks through every object of every library: 0.1 s


def _obey(arguments: Sequence[str]) -> int:
    """Do what the arguments say, and return the exit status."""
    match list(arguments):
        case []:
            _heed_signals()
            from messenger import start  # noqa: PLC0415 - see the module's docstring

            return start.run(os.environ)
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
    from messenger.settings import Settings  # noqa: PLC0415 - see the module's docstring

    release = os.environ.get("MESSENGER_VERSION") or Settings(pod="").version
    sys.stdout.write(f"messenger {release}\n")
    return os.EX_OK


def _heed_signals() -> None:
    """Have a signal end the start, until the server hears signals itself.

    Process 1 of a container would not be ended by SIGTERM otherwise: it has no default.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)


def _leave(number: int, frame: FrameType | None) -> None:
    """End the process as it would end later; nobody has been promised anything yet."""
    del number, frame
    raise SystemExit(os.EX_OK)


if __name__ == "__main__":
    sys.exit(main())
