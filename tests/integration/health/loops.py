"""The two ways to serve: on each of them every promise has to hold."""

import pytest

UVLOOP = {"loop": "uvloop", "http": "httptools"}
ASYNCIO = {"loop": "asyncio", "http": "h11"}

BOTH_LOOPS = pytest.mark.parametrize("stack", [UVLOOP, ASYNCIO], ids=["uvloop", "asyncio"])
"""Runs a test once on each."""
