"""Every line of the log is one JSON object, whoever speaks."""

import io
import json
import logging
import warnings
from collections.abc import Iterator

import pytest

from downstream import logs


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Leave logging as pytest had set it up."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def test_event_error_and_warning_are_one_json_object_each() -> None:
    """A traceback and uvicorn's own lines are no exception."""
    stream = io.StringIO()
    logs.configure("json", stream)

    logging.getLogger("downstream").info("listening", extra={"host": "::1", "port": 8080})
    logging.getLogger("uvicorn.error").info("started [%d]", 7, extra={"color_message": "x"})
    try:
        int("first\nsecond")
    except ValueError:
        logging.getLogger("downstream").exception("failed")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("look\nhere", UserWarning, stacklevel=1)

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["message"] for line in lines[:3]] == ["listening", "started [7]", "failed"]
    assert lines[0] | {"time": ""} == {
        "level": "INFO",
        "logger": "downstream",
        "message": "listening",
        "host": "::1",
        "port": 8080,
        "time": "",
    }
    assert "color_message" not in lines[1]
    assert "ValueError: invalid literal" in lines[2]["exc_info"]
    assert "look\nhere" in lines[3]["message"]


def test_text_is_for_people() -> None:
    """The text format names level and logger before the message."""
    stream = io.StringIO()
    logs.configure("text", stream)

    logging.getLogger("downstream").warning("careful")

    assert "WARNING downstream: careful" in stream.getvalue()
