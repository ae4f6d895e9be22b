"""Logs: one line per event on one stream, whoever speaks, and each line knows its request.

Everything goes through the root logger: uvicorn's loggers, `warnings`, and what nobody caught in
any thread. A collector that reads JSON lines therefore never meets half a traceback.
"""

import logging
import sys
import threading
import warnings
from types import TracebackType
from typing import Literal, TextIO

from pythonjsonlogger.json import JsonFormatter

from messenger.context import CURRENT

_OWN_HANDLERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio")
"""Loggers that may have been given handlers of their own; their lines go to the root's instead."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "color_message",
}
"""Attributes that every record has, and uvicorn's coloured copy: all but what `extra` added."""

_TEXT_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s%(extra_text)s"

_uncaught = logging.getLogger("messenger.uncaught")


def add_identity(record: logging.LogRecord) -> bool:
    """Add the ids of the request in work to a record that is logged in its task.

    Returns:
        True: a filter says by it that the record is to be written.
    """
    request = CURRENT.get()
    if request is not None:
        record.request_id = request.request_id
        record.trace_id = request.trace.trace_id
        record.span_id = request.trace.span_id
    return True


def add_extra_text(record: logging.LogRecord) -> bool:
    """Add `extra_text`: all that the record has beyond the standard, as " key=value …".

    Returns:
        True: a filter says by it that the record is to be written.
    """
    pairs = [f" {name}={value}" for name, value in vars(record).items() if name not in _STANDARD]
    record.extra_text = "".join(pairs)
    return True


def configure(log_format: Literal["json", "text"], level: str, stream: TextIO) -> None:
    """Send everything that is logged, warned of or raised uncaught to `stream`.

    Args:
        log_format: One JSON object per line ("json") or text for people ("text").
        level: The name of the least severe level that is written.
        stream: Where lines go; standard error in a real process.
    """
    handler = logging.StreamHandler(stream)
    handler.addFilter(add_identity)
    if log_format == "json":
        handler.setFormatter(_json_formatter())
    else:
        handler.addFilter(add_extra_text)
        handler.setFormatter(logging.Formatter(_TEXT_FORMAT))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _OWN_HANDLERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    warnings.formatwarning = _format_warning
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def _json_formatter() -> JsonFormatter:
    """Build the formatter of JSON lines, with short names for the fields that all lines have."""
    return JsonFormatter(
        "{levelname}{name}{message}",
        style="{",
        rename_fields={"levelname": "level", "name": "logger"},
        reserved_attrs=[*_STANDARD],
        timestamp="time",
    )


def _format_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    line: str | None = None,
) -> str:
    """Put a warning on one line: the standard text quotes the source on a second one."""
    del line
    return f"{category.__name__}: {message} ({filename}:{lineno})"


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Log what ends the process, but for Ctrl-C, which is a wish and no error."""
    if not issubclass(kind, KeyboardInterrupt):
        _uncaught.critical("uncaught exception", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    """Log what ended a thread, but for SystemExit, which is how one asks for that."""
    if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
        _uncaught.error(
            "uncaught exception in thread",
            exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
            extra={"thread_name": args.thread.name if args.thread else None},
        )
