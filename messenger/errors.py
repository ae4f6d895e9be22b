"""What can keep a message from being sent, as one tree without status codes.

    MessengerError
      Refusal                 the answer is no, and asking again will not change it
        SenderUnknown
        SenderDisabled
        RecipientUnknown
        NoAddress
        ConsentRefused
        LooksLikeSpam
        KeyReused
        MessageUnknown
      Absent                  a downstream has no such entry
      Unavailable             a required downstream gave no usable answer
      Overloaded              this process has no room for the request now

The domain raises these; what each means in HTTP stands in `problems` alone.
"""

from typing import ClassVar, Literal

Reason = Literal["timeout", "connection", "status", "garbage"]
"""Why a downstream gave no usable answer: too late; no connection, or one that broke; a status
that says so; or a body that is not what was asked for. A closed set, for it labels metrics."""


class MessengerError(Exception):
    """The root of all that Messenger raises on purpose."""


class Refusal(MessengerError):
    """Raised when a message is understood and will not be sent, whoever asks again."""

    field: ClassVar[str | None] = None
    """The part of the request that is at fault, as its author spelt it."""


class SenderUnknown(Refusal):
    """Raised when no account has the sender's id."""

    field = "sender"


class SenderDisabled(Refusal):
    """Raised when the sender's account exists and is not enabled."""

    field = "sender"


class RecipientUnknown(Refusal):
    """Raised when no contact has the recipient's id."""

    field = "recipient"


class NoAddress(Refusal):
    """Raised when the recipient cannot be reached over the channel."""

    field = "channel"


class ConsentRefused(Refusal):
    """Raised when the recipient does not want messages from this sender over this channel."""

    field = "recipient"


class LooksLikeSpam(Refusal):
    """Raised when the body's spam score is at or above the limit."""

    field = "body"


class KeyReused(Refusal):
    """Raised when an idempotency key comes back with another message."""

    field = "Idempotency-Key"


class MessageUnknown(Refusal):
    """Raised when `delivery` knows no message of this id."""

    field = "id"


class Absent(MessengerError):
    """Raised when a downstream answers that it has no entry of this id."""


class Unavailable(MessengerError):
    """Raised when a downstream gave no usable answer within its deadline.

    Args:
        downstream: Name of the downstream, one of the twelve.
        reason: What went wrong, as a reason code.
    """

    def __init__(self, downstream: str, reason: Reason) -> None:
        super().__init__(f"downstream={downstream} reason={reason}")
        self.downstream = downstream
        self.reason = reason


class Overloaded(MessengerError):
    """Raised when this process has too much to do to take the request on."""
