"""The grammar of faults: text in, facts out, and a refusal that says what would have been right."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

FaultKind = Literal["error", "latency", "hang", "reset", "slow-body", "garbage", "fail-next"]
"""The word that a fault begins with."""

DEFAULT_STATUS = 503
"""What a failing call is answered unless told: the status that callers are meant to retry."""

EVERY_SERVICE = "all"
"""The name that stands for every service in a list by service."""

_DURATION = r"[0-9]{1,9}(?:\.[0-9]{1,9})?(?:ms|s|m)"
_RATE = r"(?P<rate>[0-9]{1,3}(?:\.[0-9]{1,9})?)%"
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}
COMMA_OUTSIDE_PARENTHESES = re.compile(r",(?![^(]*\))")


class FaultSyntaxError(ValueError):
    """Raised when a text is not of the grammar; its message is one line fit for the user."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, and how often."""

    text: str
    """The fault as it was written."""

    kind: FaultKind
    """What goes wrong."""

    rate: float = 1.0
    """The share of calls that it strikes, from 0 to 1."""

    status: int = DEFAULT_STATUS
    """The HTTP status of an `error` or of a `fail-next`."""

    seconds: float = 0.0
    """How late the answer (`latency`: the median) or its rest (`slow-body`) comes."""

    p99_seconds: float | None = None
    """The delay that one call in a hundred exceeds, for a log-normal `latency`; else None."""

    count: int = 0
    """How many calls a `fail-next` strikes."""


class _Form(NamedTuple):
    """One way to write a fault."""

    kind: FaultKind
    example: str
    pattern: re.Pattern[str]


_FORMS = (
    _Form("error", "error:15%", re.compile(rf"error:{_RATE}")),
    _Form("error", "error=500:15%", re.compile(rf"error=(?P<status>[45][0-9][0-9]):{_RATE}")),
    _Form("latency", "latency:200ms", re.compile(rf"latency:(?P<seconds>{_DURATION})")),
    _Form(
        "latency",
        "latency:200ms@10%",
        re.compile(rf"latency:(?P<seconds>{_DURATION})@{_RATE}"),
    ),
    _Form(
        "latency",
        "latency:lognormal(50ms,p99=400ms)",
        re.compile(
            rf"latency:lognormal\((?P<seconds>{_DURATION}), *p99=(?P<p99_seconds>{_DURATION})\)"
        ),
    ),
    _Form("hang", "hang:5%", re.compile(rf"hang:{_RATE}")),
    _Form("reset", "reset:2%", re.compile(rf"reset:{_RATE}")),
    _Form("slow-body", "slow-body:1s", re.compile(rf"slow-body:(?P<seconds>{_DURATION})")),
    _Form("garbage", "garbage:5%", re.compile(rf"garbage:{_RATE}")),
    _Form("fail-next", "fail-next:3", re.compile(r"fail-next:(?P<count>[0-9]{1,9})")),
)


def parse(text: str) -> tuple[Fault, ...]:
    """Read a list of faults such as `error:15%,latency:200ms`.

    Returns:
        The faults in the order of the text; none for a text without any.

    Raises:
        FaultSyntaxError: if a part is no fault; it names the part and what is allowed.
    """
    if not text.strip():
        return ()
    return tuple(_parse_one(part.strip()) for part in COMMA_OUTSIDE_PARENTHESES.split(text))


def parse_by_service(text: str, services: Collection[str]) -> dict[str, tuple[Fault, ...]]:
    """Read lists by service such as `consent=error:15%,latency:200ms;links=hang:5%`.

    Args:
        text: The lists, joined by semicolons; the name `all` adds its list to every service.
        services: The names that are known.

    Returns:
        The faults of every known service, most of them none.

    Raises:
        FaultSyntaxError: if a part is no fault or names no known service.
    """
    faults: dict[str, tuple[Fault, ...]] = dict.fromkeys(services, ())
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, equals, listed = part.partition("=")
        name = name.strip()
        if not equals or name not in {*faults, EVERY_SERVICE}:
            allowed = ", ".join([EVERY_SERVICE, *faults])
            raise FaultSyntaxError(f"{part!r} begins with no service and '='; allowed: {allowed}")
        for service in faults if name == EVERY_SERVICE else (name,):
            faults[service] += parse(listed)
    return faults


def parse_seconds(text: str) -> float:
    """Read a duration such as `200ms`, `1.5s` or `2m`, in seconds.

    Raises:
        FaultSyntaxError: if it is none.
    """
    if not re.fullmatch(_DURATION, text):
        raise FaultSyntaxError(f"{text!r} is no duration; allowed: 200ms, 1.5s, 2m")
    unit = text.lstrip("0123456789.")
    return float(text.removesuffix(unit)) * _UNIT_SECONDS[unit]


def _parse_one(text: str) -> Fault:
    """Read one fault."""
    for form in _FORMS:
        if match := form.pattern.fullmatch(text):
            return _fault(text, form.kind, match.groupdict())
    kind = re.split("[:=]", text, maxsplit=1)[0]
    examples = [form.example for form in _FORMS if form.kind == kind or kind not in _KINDS]
    raise FaultSyntaxError(f"{text!r} is no fault; allowed: {', '.join(examples)}")


def _fault(text: str, kind: FaultKind, found: dict[str, str]) -> Fault:
    """Build the fault of one matched form, and check what a pattern cannot."""
    fault = Fault(
        text=text,
        kind=kind,
        rate=float(found.get("rate", "100")) / 100,
        status=int(found.get("status", DEFAULT_STATUS)),
        seconds=parse_seconds(found.get("seconds", "0s")),
        p99_seconds=parse_seconds(found["p99_seconds"]) if "p99_seconds" in found else None,
        count=int(found.get("count", "0")),
    )
    if fault.rate > 1:
        raise FaultSyntaxError(f"{text!r} has a rate above 100 %")
    if fault.p99_seconds is not None and not 0 < fault.seconds < fault.p99_seconds:
        raise FaultSyntaxError(f"{text!r} needs a median above zero and a p99 above the median")
    return fault


_KINDS = frozenset(get_args(FaultKind))
