"""Logs: one JSON object per line, whoever speaks."""

import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from messenger import logs
from messenger.context import CURRENT, RequestContext, TraceContext

REQUEST = RequestContext("req-1", TraceContext("a" * 32, "b" * 16))


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Log to a string as the process would to standard error, and put all back afterwards."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, warnings.formatwarning)
    hooks = (sys.excepthook, threading.excepthook)
    for handler in before[0]:
        root.removeHandler(handler)  # so that force=True does not close pytest's own
    stream = io.StringIO()
    logs.configure("json", "INFO", stream)
    yield stream
    logging.captureWarnings(capture=False)
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    warnings.formatwarning = before[2]
    sys.excepthook, threading.excepthook = hooks


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """Return what was logged; fails where a line is no JSON object."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_time_level_logger_message_and_extras(stream: io.StringIO) -> None:
    """The fields that a collector indexes are always there, by short names."""
    logging.getLogger("messenger.x").info("listening", extra={"port": 8080})

    (line,) = lines(stream)
    assert set(line) == {"time", "level", "logger", "message", "port"}
    assert (line["level"], line["logger"], line["message"]) == ("INFO", "messenger.x", "listening")
    assert line["port"] == 8080


def test_a_line_within_a_request_carries_its_ids(stream: io.StringIO) -> None:
    """Whoever logs need not know the request."""
    token = CURRENT.set(REQUEST)
    try:
        logging.getLogger("library").warning("odd")
    finally:
        CURRENT.reset(token)

    (line,) = lines(stream)
    assert (line["request_id"], line["trace_id"], line["span_id"]) == ("req-1", "a" * 32, "b" * 16)


def test_a_traceback_stays_on_its_line(stream: io.StringIO) -> None:
    """Half a traceback is no JSON object."""
    error = ValueError("first\nsecond")
    logging.getLogger("messenger.x").error("failed", exc_info=error)

    (line,) = lines(stream)
    assert "ValueError: first\nsecond" in line["exc_info"]


def test_uvicorn_speaks_through_the_root(stream: io.StringIO) -> None:
    """Its own handlers, if any, are gone, and its coloured copy of the message is no field."""
    logging.getLogger("uvicorn.error").info("Started", extra={"color_message": "\x1b[1m"})

    (line,) = lines(stream)
    assert line["logger"] == "uvicorn.error"
    assert "color_message" not in line


def test_a_warning_is_one_line(stream: io.StringIO) -> None:
    """The standard text quotes the source on a second line; this one does not."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)  # catch_warnings has undone it
        warnings.warn("old ways", DeprecationWarning, stacklevel=1)

    (line,) = lines(stream)
    assert line["logger"] == "py.warnings"
    assert line["message"].startswith("DeprecationWarning: old ways (")


def test_what_nobody_caught_is_logged(stream: io.StringIO) -> None:
    """The end of the process, and of a thread, is a line like any other."""
    error = ValueError("lost")
    sys.excepthook(ValueError, error, None)
    args = threading.ExceptHookArgs((ValueError, error, None, threading.current_thread()))
    threading.excepthook(args)

    assert [line["message"] for line in lines(stream)] == [
        "uncaught exception",
        "uncaught exception in thread",
    ]


def test_what_is_no_error_is_not_logged_as_one(stream: io.StringIO) -> None:
    """Ctrl-C and a thread's own exit are wishes."""
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    threading.excepthook(threading.ExceptHookArgs((SystemExit, SystemExit(), None, None)))

    assert not stream.getvalue()


def test_the_level_is_a_floor(stream: io.StringIO) -> None:
    """What is less severe costs nothing and is not written."""
    logging.getLogger("messenger.x").debug("detail")

    assert not stream.getvalue()


def test_text_is_for_people_and_keeps_the_extras(stream: io.StringIO) -> None:
    """The same facts in a form that reads well in a terminal."""
    logs.configure("text", "INFO", stream)
    logging.getLogger("messenger.x").info("listening", extra={"port": 8080})

    assert stream.getvalue().endswith("INFO    messenger.x: listening port=8080\n")
