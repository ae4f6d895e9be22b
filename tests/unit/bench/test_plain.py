"""The plain lines do what Messenger does where that is what makes them comparable."""

from messenger.downstreams import KEEP_ALIVE_SECONDS
from tests.bench import plain


def test_the_plain_lines_keep_a_connection_as_long_as_messenger_does() -> None:
    """Neither side opens connections more often than the other."""
    assert plain.KEEP_ALIVE_SECONDS == KEEP_ALIVE_SECONDS
