"""Everything about the mocks that can be set from outside, read in one place."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal, Self, TypeVar

from downstream.people import CAST
from messenger.faults import Fault, FaultSyntaxError, parse_by_service

PREFIX = "DOWNSTREAM_"
"""What the name of each setting begins with in the environment."""

SERVICES = (
    "accounts",
    "contacts",
    "consent",
    "delivery",
    "profiles",
    "preferences",
    "templates",
    "presence",
    "translation",
    "spam",
    "links",
    "audit",
)
"""The twelve services that can be played."""

_T = TypeVar("_T")


class BadSettings(Exception):
    """Raised when the environment holds settings that cannot be obeyed.

    Attributes:
        lines: One sentence per problem, each naming its setting.
    """

    def __init__(self, lines: tuple[str, ...]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def _setting(default: _T, read: Callable[[str], _T], allowed: str) -> _T:
    """Declare a field with how it is read and, completing "is not …", what is allowed."""
    return dataclasses.field(default=default, metadata={"read": read, "allowed": allowed})


def _services(text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",")]
    if names == ["all"]:
        return SERVICES
    if not set(names) <= set(SERVICES):
        raise ValueError(text)
    return tuple(name for name in SERVICES if name in names)


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not low <= int(text) <= high:
            raise ValueError(text)
        return int(text)

    return read


def _seconds(text: str) -> float:
    if not (math.isfinite(float(text)) and float(text) >= 0):
        raise ValueError(text)
    return float(text)


def _log_format(text: str) -> Literal["json", "text"]:
    if text == "json":
        return "json"
    if text == "text":
        return "text"
    raise ValueError(text)


def _faults(text: str) -> str:
    parse_by_service(text, SERVICES)
    return text


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one process of mocks."""

    services: tuple[str, ...] = _setting(
        SERVICES, _services, f'"all" or a list of names from {", ".join(SERVICES)}'
    )
    """Which services are played; the others answer 404."""

    people: int = _setting(
        1000, _whole(len(CAST), 1_000_000), f"a whole number from {len(CAST)} to 1000000"
    )
    """How many people are known, the documented cast included."""

    host: str = _setting("127.0.0.1", str, "an address")
    """The address to listen on."""

    port: int = _setting(8080, _whole(0, 65535), "a whole number from 0 to 65535")
    """The port to listen on; 0 lets the system pick one, which the log line "listening" tells."""

    faults: str = _setting("", _faults, "a list of faults by service")
    """Faults by service, such as consent=error:15%,latency:200ms;links=hang:5%."""

    faults_seed: int | None = _setting(
        None, _whole(0, 2**63 - 1), "a whole number from 0 to 2**63-1"
    )
    """The seed of the faults' dice: the same seed gives the same faults. Random without it."""

    state_dir: Path | None = _setting(None, Path, "a directory")  # noqa: RUF009 - a field, not a value
    """Where deliveries are remembered beyond the end of the process; in memory without it."""

    log_format: Literal["json", "text"] = _setting("json", _log_format, "one of json, text")
    """How log lines look: one JSON object each, or text for people."""

    drain_min_seconds: float = _setting(5.0, _seconds, "a number of seconds")
    """How long after SIGTERM connections are accepted in any case, as in Messenger."""

    drain_max_seconds: float = _setting(15.0, _seconds, "a number of seconds")
    """How long after SIGTERM calls may go on before they are cancelled."""

    drain_cancel_seconds: float = _setting(5.0, _seconds, "a number of seconds")
    """How long cancelled calls may take to answer 503."""

    @property
    def faults_by_service(self) -> dict[str, tuple[Fault, ...]]:
        """The faults of each service that is played."""
        faults = parse_by_service(self.faults, SERVICES)
        return {name: faults[name] for name in self.services}

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings from `environ`; an empty value counts as absent.

        Raises:
            BadSettings: If a name is unknown or a value is not allowed.
        """
        given = {
            name: text.strip()
            for name, text in environ.items()
            if name.startswith(PREFIX) and text.strip()
        }
        read, problems = _read_all(given)
        problems += [f"{name}: there is no such setting" for name in sorted({*given} - {*NAMES})]
        settings = cls(**read)  # type: ignore[arg-type]
        problems += _contradictions(settings)
        if problems:
            raise BadSettings(tuple(problems))
        return settings


NAMES = {PREFIX + field.name.upper(): field for field in dataclasses.fields(Settings)}
"""The fields, by their names in the environment."""


def _read_all(given: Mapping[str, str]) -> tuple[dict[str, object], list[str]]:
    """Return the values of the settings in `given`, and a line for each that is not allowed."""
    read: dict[str, object] = {}
    problems = []
    for name, field in NAMES.items():
        if name not in given:
            continue
        try:
            read[field.name] = field.metadata["read"](given[name])
        except FaultSyntaxError as exc:
            problems.append(f"{name}: {exc}")
        except ValueError:
            problems.append(f"{name}: {given[name]!r} is not {field.metadata['allowed']}")
    return read, problems


def _contradictions(settings: Settings) -> Iterator[str]:
    """Yield a line for each pair of settings that cannot both be obeyed."""
    if settings.drain_min_seconds > settings.drain_max_seconds:
        yield f"{PREFIX}DRAIN_MIN_SECONDS is longer than {PREFIX}DRAIN_MAX_SECONDS"
