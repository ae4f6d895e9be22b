"""Logs of the mocks: one line per event on one stream, whoever speaks."""

import logging
from typing import Literal, TextIO

from pythonjsonlogger.json import JsonFormatter


def configure(log_format: Literal["json", "text"], stream: TextIO) -> None:
    """Send everything that is logged or warned of to `stream`.

    Args:
        log_format: One JSON object per line ("json") or text for people ("text").
        stream: Where lines go; standard error in a real process.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        _json_formatter()
        if log_format == "json"
        else logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(capture=True)


def _json_formatter() -> JsonFormatter:
    return JsonFormatter(
        "{levelname}{name}{message}",
        style="{",
        rename_fields={"levelname": "level", "name": "logger"},
        # uvicorn adds a coloured copy of each message, which only terminals can read.
        reserved_attrs=[*vars(logging.makeLogRecord({})), "message", "asctime", "color_message"],
        timestamp="time",
    )
