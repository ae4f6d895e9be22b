"""What handlers find in `request.state`: put there by the lifespan of `app`."""

from collections.abc import Callable, Iterable
from typing import TypedDict

from messenger.service import MessageService


class State(TypedDict):
    """The state that the lifespan yields; `app` may add to it what its own routes need."""

    service: MessageService
    """The use case behind `/v1/messages`."""

    count_degraded: Callable[[Iterable[str]], object]
    """Counts a message that was sent without these downstreams."""
