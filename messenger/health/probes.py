"""What a probe is answered: from checks to a code and a small body, without I/O or locks.

The event loop and the responder thread use the same function, so that it does not matter to a
caller who answers. Codes on a known path are 200 and 503 and nothing else: the kubelet takes 3xx
for success, and a 500 or 429 would say something about us that is not meant. The body follows
draft-inadarei-api-health-check-06. It names checks and fixed reason codes only; stacks and host
names need `?verbose` and the debug token.
"""

import hmac
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qs

from .checks import Check, Finding, Probe, Status
from .history import History
from .lifecycle import Lifecycle

CONTENT_TYPE = "application/health+json"
NOTES_IN_BODY = 10
"""How many notes a short body may carry, each at most 100 characters: it stays below 4 KiB, as the
kubelet and pilot-agent read no more than 10 KiB."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answers."""

    service: str
    release: str
    instance: str


@dataclass(frozen=True, slots=True)
class Question:
    """A request to a health path, reduced to what matters."""

    method: str
    path: str
    query: str = ""
    token: str = ""
    source: str = "loop"


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer."""

    code: int
    body: bytes
    headers: tuple[tuple[str, str], ...]


class Probes:
    """Answers everything below /health.

    Args:
        identity: Who answers.
        lifecycle: Where the process is in its life.
        checks: Returns the checks in the order in which their reasons count.
        notes: Returns what a reader should know, such as the open gates.
        waits: Returns the long waits for locks, by names that the code gave.
        debug: Returns what only the holder of the token may see.
        history: Remembers changes.
        debug_token: The token; None shows nobody anything.
        wall_clock: The time of day.
    """

    def __init__(
        self,
        identity: Identity,
        *,
        lifecycle: Lifecycle,
        checks: Callable[[], Iterable[Check]],
        notes: Callable[[], Sequence[str]],
        waits: Callable[[], Sequence[dict[str, object]]],
        debug: Callable[[], dict[str, object]],
        history: History,
        debug_token: str | None,
        wall_clock: Callable[[], datetime],
    ) -> None:
        self._identity = identity
        self._lifecycle = lifecycle
        self._checks = checks
        self._notes = notes
        self._waits = waits
        self._debug = debug
        self._history = history
        self._debug_token = debug_token
        self._wall_clock = wall_clock

    def answer(self, question: Question) -> Answer:
        """Answer a question; never raises, never waits."""
        if question.method not in {"GET", "HEAD"}:
            return self._plain(405, "method not allowed", question, ("Allow", "GET, HEAD"))
        parts = [part for part in question.path.split("/") if part][1:]
        probe = self._probe(parts)
        known = {check.name: check for check in self._checks()}
        if (probe is None and parts) or len(parts) > 2:  # noqa: PLR2004 - /health/<probe>/<check>
            return self._plain(404, "no such probe", question)
        if len(parts) == 2:  # noqa: PLR2004 - the same
            if parts[1] not in known:
                return self._plain(404, "no such check", question)
            known = {parts[1]: known[parts[1]]}
        return self._weigh(question, probe, known, is_single=len(parts) > 1)

    @staticmethod
    def _probe(parts: list[str]) -> Probe | None:
        try:
            return Probe(parts[0]) if parts else None
        except ValueError:
            return None

    def _weigh(
        self, question: Question, probe: Probe | None, known: dict[str, Check], *, is_single: bool
    ) -> Answer:
        query = parse_qs(question.query, keep_blank_values=True)
        excluded = set(query.get("exclude", ()))
        notes = [
            f"unknown check excluded: {_ascii(name)}" for name in sorted(excluded - set(known))
        ]
        findings = {name: check.read() for name, check in known.items() if name not in excluded}
        status, output = Status.PASS, ""
        for name, finding in findings.items():
            weight = self._weight(known[name], finding, probe, is_single=is_single)
            if _RANK[weight] > _RANK[status]:
                status, output = weight, finding.output
        code = 503 if status is Status.FAIL else 200
        if not is_single:
            self._history.note(probe.value if probe else "health", code, output, question.source)
        body: dict[str, object] = {"status": status}
        if output:
            body["output"] = output
        body |= {"serviceId": self._identity.service, "releaseId": self._identity.release}
        notes = [*notes, *self._notes()]
        if "verbose" in query:
            body |= self._details(probe, known, findings, notes, question)
        elif notes and (code == 503 or excluded):  # noqa: PLR2004 - the code
            body["notes"] = [_ascii(note) for note in notes[:NOTES_IN_BODY]]
        return self._reply(code, body, question)

    @staticmethod
    def _weight(check: Check, finding: Finding, probe: Probe | None, *, is_single: bool) -> Status:
        if probe is None or is_single or probe in check.gates:
            return finding.status
        # A check that does not gate this probe can be worth a look, never a failure. Liveness keeps
        # to its own checks: what a shared downstream does is no business of the kubelet's.
        if probe is Probe.READY and finding.status is not Status.PASS:
            return Status.WARN
        return Status.PASS

    def _details(
        self,
        probe: Probe | None,
        known: dict[str, Check],
        findings: dict[str, Finding],
        notes: list[str],
        question: Question,
    ) -> dict[str, object]:
        now = self._wall_clock()
        details: dict[str, object] = {
            "version": "1",
            "description": probe or "everything, for people; not for probes",
            "notes": notes,
            "lifecycle": self._lifecycle.state,
            "since": _time(self._lifecycle.since),
            "checks": {
                name: [_component(known[name], finding, now)] for name, finding in findings.items()
            },
            "transitions": [
                {"from": step.before, "to": step.after, "cause": step.cause, "time": _time(step.at)}
                for step in tuple(self._lifecycle.history)
            ],
            "history": [
                {
                    "time": _time(change.at),
                    "probe": change.probe,
                    "code": change.code,
                    "output": change.output,
                    "source": change.source,
                }
                for change in tuple(self._history.changes)
            ],
            "asked": dict(self._history.asked),
            "waits": self._waits(),
        }
        if self._may_debug(question.token):
            details |= {"serviceId": self._identity.instance, "debug": self._debug()}
        return details

    def _may_debug(self, token: str) -> bool:
        if not self._debug_token:
            return False
        return hmac.compare_digest(token.encode(), self._debug_token.encode())

    def _plain(self, code: int, title: str, question: Question, *extra: tuple[str, str]) -> Answer:
        return self._reply(code, {"status": "fail", "output": title}, question, *extra)

    @staticmethod
    def _reply(
        code: int, body: dict[str, object], question: Question, *extra: tuple[str, str]
    ) -> Answer:
        data = json.dumps(body).encode() + b"\n"
        headers = [
            ("Content-Type", CONTENT_TYPE),
            ("Content-Length", str(len(data))),
            # The draft's max-age would have a proxy serve a verdict of yesterday.
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Health-Source", question.source),
            *extra,
        ]
        if code == 503:  # noqa: PLR2004 - the code
            headers.append(("Retry-After", "1"))
        return Answer(code, b"" if question.method == "HEAD" else data, tuple(headers))


_RANK = {Status.PASS: 0, Status.WARN: 1, Status.FAIL: 2}


def _component(check: Check, finding: Finding, now: datetime) -> dict[str, object]:
    component: dict[str, object] = {
        "componentType": check.component_type,
        "status": finding.status,
        "affectsReadiness": Probe.READY in check.gates,
        "time": _time(now - timedelta(seconds=check.age_seconds())),
    }
    if finding.output:
        component["output"] = finding.output
    if finding.observed is not None:
        component["observedValue"] = finding.observed
    if finding.unit is not None:
        component["observedUnit"] = finding.unit
    return component


def _ascii(text: str) -> str:
    """Return at most 100 characters of `text`, none of which grows sixfold in JSON."""
    return "".join(char if char.isascii() and char.isprintable() else "?" for char in text[:100])


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
