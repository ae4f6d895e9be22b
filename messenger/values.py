"""How the text of one setting becomes a value, and what to say when it cannot.

Each function here returns a :class:`Kind`; `settings.py` puts one beside each of its fields. The
sentence "is not <what is allowed>" and the words in `--help` come from the same place, so that
the refusal and the manual cannot disagree.
"""

import dataclasses
import math
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from messenger.faults import FaultSyntaxError, parse, split

_TRUE_AND_FALSE = {"true": True, "false": False}

_PLACE = "{service}"


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value: how it is read, and what is allowed, in words."""

    read: Callable[[str], object]
    """From stripped, non-empty text to the value; raises ValueError for text not allowed."""

    allowed: str
    """Completes the sentence "is not …"."""

    is_secret: bool = False
    """A secret's text is never repeated in a message or by `repr`."""

    explains: tuple[type[ValueError], ...] = ()
    """Errors of `read` whose own text tells the reader more than `allowed` does."""


def whole(low: int, high: int) -> Kind:
    """Describe a whole number from `low` to `high`, both included."""

    def read(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise ValueError(text)
        return number

    return Kind(read, f"a whole number from {low} to {high}")


def seconds(low: float, high: float) -> Kind:
    """Describe a finite number of seconds from `low` to `high`, both included."""

    def read(text: str) -> float:
        number = float(text)
        if not (math.isfinite(number) and low <= number <= high):
            raise ValueError(text)
        return number

    return Kind(read, f"a number of seconds from {low:g} to {high:g}")


def or_never(kind: Kind) -> Kind:
    """Describe what `kind` allows, and the word "never", which is read as None."""

    def read(text: str) -> object:
        return None if text == "never" else kind.read(text)

    return Kind(read, f'{kind.allowed}, or "never"')


def choice(*names: str) -> Kind:
    """Describe one of `names`, spelled exactly so."""

    def read(text: str) -> str:
        if text not in names:
            raise ValueError(text)
        return text

    return Kind(read, f"one of {', '.join(names)}")


def status(*codes: int) -> Kind:
    """Describe one of the HTTP status `codes`."""
    names = [str(code) for code in codes]

    def read(text: str) -> int:
        return codes[names.index(text)]

    return Kind(read, f"one of {', '.join(names)}")


def flag() -> Kind:
    """Describe true or false, in lower case as YAML and JSON write them."""

    def read(text: str) -> bool:
        if text not in _TRUE_AND_FALSE:
            raise ValueError(text)
        return _TRUE_AND_FALSE[text]

    return Kind(read, "one of true, false")


def matching(pattern: str, allowed: str, *, is_secret: bool = False) -> Kind:
    """Describe text that the whole of `pattern` matches, called `allowed` in words."""
    compiled = re.compile(pattern)

    def read(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(text)
        return text

    return Kind(read, allowed, is_secret=is_secret)


def release() -> Kind:
    """Describe a version that begins with a number and may be the value of a Kubernetes label.

    The pod's label carries the same text, hence at most 63 characters, the last no punctuation.
    """
    pattern = r"(?=.{1,63}$)[0-9]+([._-][A-Za-z0-9]+)*"
    return matching(pattern, "a version such as 1.0 or 2.0-rc1, of at most 63 characters")


def visible_ascii(*, is_secret: bool = False) -> Kind:
    """Describe text that may stand in an HTTP header without quoting (RFC 9110, field-vchar)."""
    return matching(r"[!-~]+", "visible ASCII characters", is_secret=is_secret)


def path() -> Kind:
    """Describe an absolute path, of a file that need not exist."""

    def read(text: str) -> Path:
        found = Path(text)
        if not found.is_absolute():
            raise ValueError(text)
        return found

    return Kind(read, "an absolute path")


def service_url() -> Kind:
    """Describe an http(s) address with "{service}" where a downstream's name belongs."""

    def read(text: str) -> str:
        parts = urlsplit(text)
        if _PLACE not in text or parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(text)
        if "{" in text.replace(_PLACE, "") or parts.query or parts.fragment:
            raise ValueError(text)
        return text.rstrip("/")

    return Kind(read, f"an http or https address that holds {_PLACE}")


def faults() -> Kind:
    """Describe a list of faults in the grammar of `messenger.faults`."""

    def read(text: str) -> str:
        of_calls, _of_process = split(text)
        parse(of_calls)
        return text

    return Kind(read, "a list of faults", explains=(FaultSyntaxError,))
