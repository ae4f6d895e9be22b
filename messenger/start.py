"""A start: settings and logs, the embedded mocks if there are to be any, and the process.

What is heavy to import is imported in `_run`, when the settings are known to be good and the mocks
are already starting: the two then load at the same time.
"""

import logging
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from messenger import embedded, logs
from messenger.embedded import Embedded, EmbeddedFailed
from messenger.settings import TERMINATION_LOG, BadSettings, Settings

logger = logging.getLogger("messenger")

CONFIG_STATUS = os.EX_CONFIG
"""Exit status for settings that cannot be obeyed: 78 in sysexits.h, which supervisors know."""

UNAVAILABLE_STATUS = os.EX_UNAVAILABLE
"""Exit status for a port, or embedded mocks, that could not be had."""


def run(environ: Mapping[str, str]) -> int:
    """Read the settings, start the embedded mocks if there are to be any, and serve.

    Returns:
        The exit status.
    """
    try:
        settings = Settings.from_env(environ, host_name=socket.gethostname())
    except BadSettings as error:
        _refuse(error, environ)
        return CONFIG_STATUS
    logs.configure(settings.log_format, settings.log_level, sys.stderr)
    for name in settings.unknown_names:
        logger.warning("unknown setting", extra={"setting": name})
    try:
        if settings.downstream_url is None:
            return _run_embedded(settings, environ)
        return _run(settings, None, environ)
    except EmbeddedFailed as error:
        sys.stderr.write(f"messenger: the embedded downstreams did not start: {error}\n")
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        sys.stderr.write(f"messenger: cannot listen on {where}: {error.strerror}\n")
    return UNAVAILABLE_STATUS


def _run_embedded(settings: Settings, environ: Mapping[str, str]) -> int:
    """Serve with mocks of our own, and return the exit status.

    Raises:
        EmbeddedFailed: If the mocks did not come up.
        OSError: If the port cannot be had.
    """
    _knock(settings)
    child = embedded.start(environ)
    try:
        status = _run(settings, child, environ)
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


def _run(settings: Settings, child: Embedded | None, environ: Mapping[str, str]) -> int:
    """Import what is heavy, and do as `process.run` says."""
    from messenger import process  # noqa: PLC0415 - see the module's docstring

    return process.run(settings, child, environ)


def _refuse(error: BadSettings, environ: Mapping[str, str]) -> None:
    """Say what is wrong with the settings, on standard error and where Kubernetes shows it."""
    text = "".join(f"messenger: {line}\n" for line in error.lines)
    sys.stderr.write(text)
    last_words = Path(environ.get("MESSENGER_TERMINATION_LOG", TERMINATION_LOG))
    # The kubelet creates the file; anywhere else there is none, and none is to appear.
    if last_words.is_file() and os.access(last_words, os.W_OK):
        last_words.write_text(text, encoding="utf-8")
