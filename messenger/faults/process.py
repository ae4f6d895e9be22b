"""Faults of the process itself: read here, so that there is one grammar, and carried out elsewhere.

They are genuine: a deadlock is made of the service's own locks, a stall stops its own loop. See
`messenger.ailments`.
"""

import re
from dataclasses import dataclass

from messenger.faults.grammar import COMMA_OUTSIDE_PARENTHESES, FaultSyntaxError, parse_seconds

_VARIANTS: dict[str, tuple[str, ...]] = {
    "deadlock": ("threads", "tasks", "mixed"),
    "lock-orphan": (),
    "stall": ("sleep", "cpu", "gil"),
    "pool": ("starve",),
    "worker": ("crash", "hang"),
    "never-ready": (),
    "leak": (),
}
"""The kinds, each with the variants of which one must be named."""

_TIMED = "stall"
"""The one kind that ends by itself, and therefore says after how long."""

ALLOWED = tuple(
    f"{kind}={variant}:15s" if kind == _TIMED else f"{kind}={variant}" if variant else kind
    for kind, variants in _VARIANTS.items()
    for variant in variants or ("",)
)
"""Every form, as an example that could be used as it stands."""

_FORM = re.compile(r"(?P<kind>[a-z-]+)(?:=(?P<variant>[a-z]+))?(?::(?P<duration>\S+))?")


@dataclass(frozen=True, slots=True)
class ProcessFault:
    """One thing that goes wrong with the process."""

    text: str
    """The fault as it was written."""

    kind: str
    """What goes wrong, such as `deadlock`."""

    variant: str | None = None
    """In which way, such as `threads`; None for a kind that has but one."""

    seconds: float | None = None
    """After how long it ends by itself; None if it does not."""


def parse_process(text: str) -> ProcessFault:
    """Read one fault of the process such as `deadlock=threads` or `stall=gil:15s`.

    Raises:
        FaultSyntaxError: if it is none; it names the text and what is allowed.
    """
    text = text.strip()
    if match := _FORM.fullmatch(text):
        kind, variant, duration = match["kind"], match["variant"], match["duration"]
        is_known = kind in _VARIANTS and (variant or "") in (_VARIANTS[kind] or ("",))
        if is_known and (duration is not None) == (kind == _TIMED):
            seconds = parse_seconds(duration) if duration else None
            return ProcessFault(text, kind, variant, seconds)
    raise FaultSyntaxError(f"{text!r} is no fault of the process; allowed: {', '.join(ALLOWED)}")


def split(text: str) -> tuple[str, tuple[ProcessFault, ...]]:
    """Part a list such as `error:15%,deadlock=threads` into faults of calls and of the process.

    Returns:
        The faults of calls as text, for `parse` and `Faults`, and those of the process.

    Raises:
        FaultSyntaxError: if a part begins like a fault of the process and is none.
    """
    of_calls: list[str] = []
    of_process: list[ProcessFault] = []
    for part in filter(None, map(str.strip, COMMA_OUTSIDE_PARENTHESES.split(text))):
        if re.split("[=:]", part, maxsplit=1)[0] in _VARIANTS:
            of_process.append(parse_process(part))
        else:
            of_calls.append(part)
    return ",".join(of_calls), tuple(of_process)
