"""The listening socket of the real system."""

import pytest

from messenger.health.listener import bind


def test_a_port_that_somebody_has_cannot_be_bound() -> None:
    """The caller is told so before anything else has begun."""
    with bind("127.0.0.1", 0) as first:
        first.listen()

        with pytest.raises(OSError, match="in use"):
            bind("127.0.0.1", first.getsockname()[1])
