"""What handlers find in `request.state`: put there by the lifespan of `app`."""

from typing import TypedDict

from messenger.service import MessageService


class State(TypedDict):
    """The state that the lifespan yields; `app` may add to it what its own routes need."""

    service: MessageService
    """The use case behind `/v1/messages`."""

    version: bytes
    """Body of `GET /version`, made once since it never changes."""

    document: bytes
    """Body of `GET /openapi.json`, made once for the same reason."""
