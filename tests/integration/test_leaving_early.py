"""A process that is asked to leave before it serves leaves at once, and without a word."""

import signal

import pytest

from tests.integration.offspring import child_of, wait_until_gone
from tests.integration.process import starting

IMPORTING_SECONDS = 20.0
"""The mocks may first have to come so far that they notice our end; on a busy machine that is
long."""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda sent: sent.name)
def test_a_start_that_is_called_off_says_nothing(number: signal.Signals) -> None:
    """While both still import: exit status 0 as ever, no traceback of either, and the mocks end."""
    with starting("messenger", env={"MESSENGER_PORT": "0"}) as service:
        mocks = child_of(service)
        service.signal(number)
        status = service.wait()
        wait_until_gone(mocks, IMPORTING_SECONDS)

    assert (status, service.lines) == (0, [])
