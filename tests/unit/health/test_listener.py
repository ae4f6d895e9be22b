"""The listening socket's own rules, on one that is made of a list."""

import socket
from typing import cast

from messenger.health.listener import accept_all


class FakeListener:
    """Has some connections waiting, and is non-blocking.

    Args:
        waiting: Who waits.
    """

    def __init__(self, *waiting: str) -> None:
        self.waiting = list(waiting)

    def accept(self) -> tuple[str, None]:
        """Accept the next one.

        Raises:
            BlockingIOError: Nobody waits any more.
        """
        if not self.waiting:
            raise BlockingIOError
        return self.waiting.pop(0), None


def test_everybody_who_waits_is_taken_in() -> None:
    """In the order of their arrival; then it ends."""
    listener = cast("socket.socket", FakeListener("first", "second"))

    assert list(map(str, accept_all(listener))) == ["first", "second"]
