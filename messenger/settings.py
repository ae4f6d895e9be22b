"""Everything that can be set from outside, read in one place and refused at once when wrong.

A wrong setting ends start-up before a port is bound: a pod that starts with half of its
configuration is found later, by its users. All problems are reported together, one line each.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, Self, TypeVar

from messenger import mistakes, values

PREFIX = "MESSENGER_"
"""What the name of each setting begins with in the environment."""

BACKSTOP_IN_POD_SECONDS = 45.0
"""Default of `exit_after_broken_seconds` in a pod: three failed liveness probes of the article
(10 s apart) take at most 41 s to a kill, so this acts only where no probe does."""

TERMINATION_LOG = Path("/dev/termination-log")
"""Where Kubernetes looks for a container's last words unless its pod says otherwise."""

_IN_POD = "KUBERNETES_SERVICE_HOST"
"""The name that the kubelet puts into the environment of every container."""

_ASCENDING = (
    ("drain_min_seconds", "drain_max_seconds"),
    ("stall_suspect_seconds", "stall_unready_seconds"),
    ("stall_unready_seconds", "stall_broken_seconds"),
)
"""Pairs of fields of which the first must not be longer than the second."""

_T = TypeVar("_T")


class BadSettings(Exception):
    """Raised when the environment holds settings that cannot be obeyed.

    Attributes:
        lines: One sentence per problem, each naming its setting.
    """

    def __init__(self, lines: tuple[str, ...]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def _setting(default: _T, kind: values.Kind) -> _T:
    """Declare a field that the environment may set, with what it allows."""
    return dataclasses.field(default=default, repr=not kind.is_secret, metadata={"kind": kind})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one Messenger process; the default of each is right for a laptop."""

    host: str = _setting("127.0.0.1", values.visible_ascii())
    """The address to listen on. Loopback unless told, since the embedded mocks are a toy."""

    port: int = _setting(8080, values.whole(0, 65535))
    """The port to listen on; 0 lets the system pick one, which the log line "listening" tells."""

    version: str = _setting("1.0", values.release())
    """What this release calls itself, in headers, answers and metrics, and in the pod's label."""

    downstream_url: str | None = _setting(None, values.service_url())
    """Where a downstream is, with {service} for its name; without it the mocks are embedded."""

    downstream_deadline_seconds: float = _setting(3.0, values.seconds(0.1, 60))
    """How long all calls for one message may take together, after which it is refused or degraded.

    3 s: a person still waits for it, and it leaves the mesh time for one more try in 10 s."""

    concurrency_limit: int = _setting(512, values.whole(1, 100_000))
    """How many requests may be in work at once; the next one gets 503 and Retry-After.

    512: at the deadline of 3 s that is 170 messages a second which all take the longest time, and
    bodies of 64 KiB then hold at most 32 MiB."""

    pool_size: int = _setting(4, values.whole(1, 64))
    """How many threads decode snapshots and render long texts.

    4: the interpreter runs one at a time, so more gain nothing; fewer let one snapshot of five
    hold up a message's text."""

    directory_refresh_seconds: float = _setting(30.0, values.seconds(0.1, 86_400))
    """How long after one refresh of a snapshot the next begins.

    30 s: a disabled account stops sending within a minute, and five services are asked twice a
    minute by each pod."""

    log_format: Literal["json", "text"] = _setting("json", values.choice("json", "text"))
    """How log lines look on standard error: one JSON object each, or text for people."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = _setting(
        "INFO", values.choice("DEBUG", "INFO", "WARNING", "ERROR")
    )
    """The least severe level that is logged."""

    termination_log: Path = _setting(TERMINATION_LOG, values.path())  # noqa: RUF009 - a field, not a value
    """The file whose text `kubectl describe pod` shows after an exit; skipped where absent."""

    warmup_budget_seconds: float = _setting(20.0, values.seconds(0, 3600))
    """How long a warm-up gate may go without progress before it is settled without it.

    20 s: longer than any one page of a snapshot takes, shorter than a roll-out's patience."""

    warmup_fail: Literal["open", "closed"] = _setting("open", values.choice("open", "closed"))
    """What an expired budget leads to: ready with a warning (open), or not ready (closed)."""

    drain_min_seconds: float = _setting(5.0, values.seconds(0, 3600))
    """How long after SIGTERM connections are accepted in any case.

    5 s: the time in which the removal of an endpoint reaches every node."""

    drain_max_seconds: float = _setting(15.0, values.seconds(0, 3600))
    """How long after SIGTERM requests in work may go on before they are cancelled.

    15 s: five times the deadline of a request, within the grace period of 30 s."""

    drain_cancel_seconds: float = _setting(5.0, values.seconds(0, 3600))
    """How long cancelled requests may take to answer 503.

    5 s: with drain_max and 3 s to flush it ends before the grace period of 30 s."""

    drain_ready: int = _setting(503, values.status(503, 200))
    """What the readiness probe answers while draining.

    503: Kubernetes then never falls back to this pod as "terminating but ready" (KEP-1669)."""

    stall_suspect_seconds: float = _setting(1.0, values.seconds(0.1, 3600))
    """How long the event loop may make no progress before the stacks are recorded."""

    stall_unready_seconds: float = _setting(3.0, values.seconds(0.1, 3600))
    """How long the event loop may make no progress before readiness is lost."""

    stall_broken_seconds: float | None = _setting(10.0, values.or_never(values.seconds(0.1, 3600)))
    """How long the event loop may make no progress before liveness is lost.

    10 s: a pause of 9 s by a neighbour or a swap must not cost a pod."""

    exit_after_broken_seconds: float | None = _setting(
        None, values.or_never(values.seconds(0, 3600))
    )
    """How long after liveness is lost the process ends itself; 45 in a pod, else never."""

    faults: str | None = _setting(None, values.faults())
    """Faults in the way of business requests, such as error:15%,latency:200ms@10%."""

    faults_enabled: bool = _setting(False, values.flag())
    """Whether faults may be set at all, here or by /debug/faults, which then exists."""

    faults_seed: int | None = _setting(None, values.whole(0, 2**63 - 1))
    """The seed of the faults' dice; the same seed gives the same faults. Random without it."""

    debug_token: str | None = _setting(None, values.visible_ascii(is_secret=True))
    """The secret that opens stacks and host names in verbose health answers; none, none are."""

    page: bool = _setting(True, values.flag())
    """Whether GET / answers with the live page."""

    unknown_settings: Literal["error", "warn"] = _setting("error", values.choice("error", "warn"))
    """What an unknown MESSENGER_ name leads to; warn suits a roll-back to an older release."""

    pod: str
    """The name of this instance: POD_NAME (downward API), else HOSTNAME, else the host's name."""

    unknown_names: tuple[str, ...] = ()
    """The unknown MESSENGER_ names that `unknown_settings` let pass, to be warned of."""

    @property
    def is_embedded(self) -> bool:
        """Whether the twelve downstreams are mocks in a child process of this one."""
        return self.downstream_url is None

    @classmethod
    def from_env(cls, environ: Mapping[str, str], *, host_name: str) -> Self:
        """Read the settings from `environ`.

        White space around a value is ignored and an empty value counts as absent, since both are
        what a ConfigMap or a shell's `NAME=` easily leaves behind.

        Args:
            environ: The environment; names that do not begin with `PREFIX` are ignored, but for
                POD_NAME, HOSTNAME and KUBERNETES_SERVICE_HOST.
            host_name: The name of this host, for an environment that has no better one.

        Raises:
            BadSettings: If a name is unknown or a value is not allowed.
        """
        given = {name: text.strip() for name, text in environ.items() if text.strip()}
        read, problems = _read_all(given)
        unknown = tuple(
            sorted(name for name in given if name.startswith(PREFIX) and name not in NAMES)
        )
        if read.get("unknown_settings") != "warn":
            problems += [mistakes.unknown(name, given[name], NAMES) for name in unknown]
            unknown = ()
        if _IN_POD in given:
            read.setdefault("exit_after_broken_seconds", BACKSTOP_IN_POD_SECONDS)
        pod = given.get("POD_NAME") or given.get("HOSTNAME") or host_name
        settings = cls(**{**read, "pod": pod, "unknown_names": unknown})  # type: ignore[arg-type]
        problems += _contradictions(settings, given)
        if problems:
            raise BadSettings(tuple(problems))
        return settings


def fields() -> dict[str, dataclasses.Field[object]]:
    """Return the fields that the environment may set, by their names there."""
    return {
        PREFIX + field.name.upper(): field
        for field in dataclasses.fields(Settings)
        if "kind" in field.metadata
    }


NAMES = frozenset(fields())
"""The names that the environment may hold."""


def _read_all(given: Mapping[str, str]) -> tuple[dict[str, object], list[str]]:
    """Return the values of the settings in `given`, and a line for each that is not allowed."""
    read: dict[str, object] = {}
    problems = []
    for name, field in fields().items():
        kind: values.Kind = field.metadata["kind"]
        if name in given:
            try:
                read[field.name] = kind.read(given[name])
            except ValueError as error:
                problems.append(mistakes.bad_value(name, given[name], kind, error))
    return read, problems


def _contradictions(settings: Settings, given: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each pair of settings that cannot both be obeyed."""
    if "MESSENGER_FAULTS" in given and not settings.faults_enabled:
        yield "MESSENGER_FAULTS is set, but faults act only with MESSENGER_FAULTS_ENABLED=true"
    if _IN_POD in given and "MESSENGER_DOWNSTREAM_URL" not in given:
        yield (
            "MESSENGER_DOWNSTREAM_URL is not set, and in a cluster embedded mocks would promise "
            "what nobody delivers; set it to something like http://{service}:8080"
        )
    for shorter, longer in _ASCENDING:
        low, high = getattr(settings, shorter), getattr(settings, longer)
        if high is not None and low > high:
            yield f"{PREFIX}{shorter.upper()} is longer than {PREFIX}{longer.upper()}"
