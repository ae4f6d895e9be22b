"""What a probe is answered, over all that a process can be."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from messenger.health import Finding, Gate, Health, Limits, Status
from messenger.health.lifecycle import State
from messenger.health.probes import CONTENT_TYPE, Answer, Question
from messenger.health.verdict import Evidence, Level
from messenger.health.warmup import Outcome

from .clock import FakeClock, noon

SECRET = "hunter2"  # noqa: S105 - what must never be told
TOKEN = "open-sesame"  # noqa: S105 - the same

STEPS = {
    State.BOOTING: (),
    State.WARMING: (State.WARMING,),
    State.SERVING: (State.WARMING, State.SERVING),
    State.DRAINING: (State.WARMING, State.SERVING, State.DRAINING),
    State.STOPPING: (State.WARMING, State.SERVING, State.DRAINING, State.STOPPING),
}

CHECKS = {
    "eventloop:stall": "event-loop-stalled",
    "locks:waitcycle": "deadlock-threads",
    "pool:render": "pool-starved",
    "worker:refresh": "worker-hung",
    "requests:leaked": "requests-leaked",
}
"""Every check that the verdict feeds, with a cause."""


@dataclass(frozen=True)
class Case:
    """One thing that a process can be."""

    state: State = State.SERVING
    stall: float = 0.0
    lag: float = 0.0
    evidence: dict[str, Level] = field(default_factory=dict)
    gates: tuple[Outcome, ...] = ()
    own: tuple[Finding | None, ...] = ()
    """The application's own checks; None is one that crashes."""
    drain_ready_status: int = 503

    def build(self) -> Health:
        """Return the health of such a process; no thread runs."""
        health = Health(
            service="messenger",
            release="1.4.2",
            instance=f"pod-{SECRET}",
            limits=Limits(drain_ready_status=self.drain_ready_status),
            termination_log=None,
            debug_token=TOKEN,
            clock=FakeClock(),
            wall_clock=noon,
        )
        health.add_pool("render", 1)
        health.add_worker("refresh", _never)
        for step in STEPS[self.state]:
            assert health.lifecycle.move(step, "test")
        for number, outcome in enumerate(self.gates):
            health.add_gate(f"cache:{number}", _never)
            health.warm_up.gates[-1].outcome = outcome
        for number, finding in enumerate(self.own):
            health.add_check(f"downstream:{number}", _reading(finding))
        health.sample()
        health.progress.lag_seconds, health.progress.stall_seconds = self.lag, self.stall
        health.verdict.weigh(
            [
                Evidence(
                    check, CHECKS[check], level, "HEADLINE", f"why {SECRET}", (f"at {SECRET}",)
                )
                for check, level in self.evidence.items()
            ],
            1.0,
        )
        return health

    @property
    def is_broken(self) -> bool:
        """Whether any evidence says so."""
        return Level.BROKEN in self.evidence.values()


async def _never(_: object) -> None:
    raise AssertionError


def _reading(finding: Finding | None) -> Callable[[], Finding]:
    def read() -> Finding:
        if finding is None:
            raise LookupError(SECRET)
        return finding

    return read


FINDINGS = st.none() | st.builds(
    Finding, st.sampled_from(Status), st.sampled_from(["", "recent-calls-failing"])
)
CASES = st.builds(
    Case,
    state=st.sampled_from(State),
    stall=st.sampled_from([0.0, 0.9, 1.0, 2.9, 3.0, 9.0, 60.0]),
    lag=st.sampled_from([0.0, 0.9, 1.0, 60.0]),
    evidence=st.dictionaries(st.sampled_from(sorted(CHECKS)), st.sampled_from(Level)),
    gates=st.lists(st.sampled_from(Outcome), max_size=15).map(tuple),
    own=st.lists(FINDINGS, max_size=4).map(tuple),
    drain_ready_status=st.sampled_from([503, 200]),
)
PROBES = st.sampled_from(["ready", "alive", "started"])
TEXT = st.text(st.characters(codec="latin-1"), max_size=200)
QUERIES = st.one_of(
    st.just(""),
    st.lists(TEXT, max_size=15).map(lambda names: "&".join(f"exclude={name}" for name in names)),
    st.lists(st.text(max_size=80), min_size=10, max_size=15).map(
        lambda names: "&".join(f"exclude={name}" for name in names)
    ),
    TEXT,
)


def ask(health: Health, path: str, query: str = "", **more: str) -> Answer:
    """Ask a question."""
    return health.probes.answer(Question(more.pop("method", "GET"), path, query, **more))


def code(health: Health, probe: str) -> int:
    """Return the code of a probe."""
    return ask(health, f"/health/{probe}").code


def body(answer: Answer) -> dict[str, Any]:
    """Return the body of an answer."""
    found: dict[str, Any] = json.loads(answer.body)
    return found


@given(case=CASES, probe=PROBES, query=QUERIES)
def test_a_known_probe_is_answered_200_or_503_in_a_small_body(
    case: Case, probe: str, query: str
) -> None:
    """Whatever the state and whatever is excluded: complete, uncached, and free of secrets."""
    assume("verbose" not in query)
    answer = ask(case.build(), f"/health/{probe}", query)
    headers = dict(answer.headers)

    assert answer.code in {200, 503}
    assert len(answer.body) < 4_096
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Type"] == CONTENT_TYPE
    assert headers["Content-Length"] == str(len(answer.body))
    assert headers["X-Health-Source"] == "loop"
    assert ("Retry-After" in headers) is (answer.code == 503)
    assert (body(answer)["status"] == "fail") is (answer.code == 503)
    assert body(answer)["serviceId"] == "messenger"
    assert SECRET.encode() not in answer.body


@given(case=CASES)
def test_a_process_that_is_not_alive_is_not_ready(case: Case) -> None:
    """And it is not alive only if the evidence is broken: nothing else turns liveness red."""
    health = case.build()

    assert (code(health, "alive") == 503) is case.is_broken
    if code(health, "alive") == 503:
        assert code(health, "ready") == 503


@given(case=CASES)
def test_a_process_is_ready_if_it_serves_moves_and_is_whole(case: Case) -> None:
    """Only the state, the stall and the verdict decide: no gate, no downstream, no lag."""
    takes_traffic = case.state is State.SERVING or (
        case.state is State.DRAINING and case.drain_ready_status == 200
    )

    assert (code(case.build(), "ready") == 200) is (
        takes_traffic and case.stall < 3 and not case.is_broken
    )


@given(case=CASES)
def test_a_started_process_stays_started(case: Case) -> None:
    """In every state: a start-up probe must not turn a long warm-up into a restart loop."""
    assert code(case.build(), "started") == 200


@given(case=CASES, query=QUERIES)
def test_exclusions_do_not_turn_the_relation_around(case: Case, query: str) -> None:
    """Excluding the same from both, what is not alive is still not ready."""
    health = case.build()
    if ask(health, "/health/alive", query).code == 503:
        assert ask(health, "/health/ready", query).code == 503


@given(case=CASES, path=PROBES.map(lambda probe: f"/health/{probe}") | st.just("/health"))
def test_nothing_secret_is_ever_told_without_the_token(case: Case, path: str) -> None:
    """Not in the details either, and not to the holder of a wrong token."""
    health = case.build()
    for token in ("", TOKEN[:-1], TOKEN + "x", "é"):
        answer = ask(health, path, "verbose", token=token)

        assert answer.code in {200, 503}
        assert SECRET not in answer.body.decode()
        assert "debug" not in body(answer)


@given(case=CASES, probe=PROBES, verbose=st.booleans())
def test_head_is_get_without_the_body(case: Case, probe: str, verbose: bool) -> None:  # noqa: FBT001 - a parameter
    """Code and headers are the same, the length included."""
    health = case.build()
    query = "verbose" if verbose else ""
    # The first answers change the history, which is part of the details.
    for _ in range(2):
        got = ask(health, f"/health/{probe}", query)
    headed = ask(health, f"/health/{probe}", query, method="HEAD")

    assert headed.body == b""
    assert headed.code == got.code
    if not verbose:
        assert headed.headers == got.headers


@given(case=CASES, method=st.sampled_from(["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get", ""]))
def test_other_methods_are_not_allowed(case: Case, method: str) -> None:
    """405, with the two that are."""
    answer = ask(case.build(), "/health/ready", method=method)

    assert answer.code == 405
    assert dict(answer.headers)["Allow"] == "GET, HEAD"


@given(case=CASES, path=TEXT, query=TEXT, method=TEXT, token=TEXT)
def test_no_question_makes_it_raise(
    case: Case, path: str, query: str, method: str, token: str
) -> None:
    """Codes are 200, 404, 405 and 503, whatever is asked."""
    answer = case.build().probes.answer(Question(method, f"/health{path}", query, token))

    assert answer.code in {200, 404, 405, 503}


@pytest.mark.parametrize(
    "path",
    ["/health/nope", "/health/ready/nope", "/health/ready/lifecycle/more", "/health/ready/a/b"],
)
def test_what_is_not_known_is_not_found(path: str) -> None:
    """404, not a verdict."""
    assert ask(Case().build(), path).code == 404


@pytest.mark.parametrize("path", ["/health/ready/", "/health//ready", "/health/ready"])
def test_slashes_do_not_matter(path: str) -> None:
    """A probe with one too many still probes."""
    assert ask(Case(State.WARMING).build(), path).code == 503


def test_one_check_can_be_asked_for() -> None:
    """It answers for itself alone, and is not part of the history."""
    health = Case(State.DRAINING, own=(Finding(Status.WARN, "recent-calls-failing"),)).build()

    assert ask(health, "/health/ready/lifecycle").code == 503
    assert ask(health, "/health/ready/eventloop:lag").code == 200
    answer = ask(health, "/health/ready/downstream:0")
    assert (answer.code, body(answer)["output"]) == (200, "recent-calls-failing")
    assert health.history.asked == {}


@pytest.mark.parametrize("state", [State.WARMING, State.DRAINING, State.STOPPING])
def test_readiness_says_in_which_state_it_is_red(state: State) -> None:
    """With the state's own word."""
    assert body(ask(Case(state).build(), "/health/ready"))["output"] == state.lower()


def test_readiness_lists_the_open_gates_while_warming() -> None:
    """With the progress they have made; settled ones are not listed."""
    health = Case(State.WARMING, gates=(Outcome.OPEN, Outcome.PASSED, Outcome.BLOCKED)).build()
    gate: Gate = health.warm_up.gates[0]
    gate.progress(500, 1000)

    assert body(ask(health, "/health/ready"))["notes"] == [
        "waiting for cache:0 500/1000",
        "waiting for cache:2",
    ]
    assert "notes" not in body(ask(health, "/health/alive"))


def test_a_gate_that_gave_up_is_a_warning_for_ever() -> None:
    """The pod is ready all the same."""
    answer = ask(Case(gates=(Outcome.GAVE_UP,)).build(), "/health/ready")

    assert (answer.code, body(answer)["status"]) == (200, "warn")
    assert body(answer)["output"] == "gave-up"


def test_a_failing_downstream_is_a_warning_on_readiness_only() -> None:
    """Even if its own check fails outright: other replicas would be as bad off."""
    health = Case(own=(Finding(Status.FAIL, "recent-calls-failing"),)).build()
    ready, alive = ask(health, "/health/ready"), ask(health, "/health/alive")

    assert (ready.code, body(ready)["status"]) == (200, "warn")
    assert body(ready)["output"] == "recent-calls-failing"
    assert (alive.code, body(alive)["status"]) == (200, "pass")


def test_the_sum_for_people_shows_what_no_probe_acts_on() -> None:
    """`/health` is everything, downstreams included: that is why it is not for probes."""
    health = Case(own=(Finding(Status.FAIL, "recent-calls-failing"),)).build()

    assert ask(health, "/health").code == 503
    assert "not for probes" in body(ask(health, "/health", "verbose"))["description"]


def test_a_late_loop_that_works_is_a_warning_on_both_probes() -> None:
    """Overloaded is neither dead nor unready: requests are shed, not replicas."""
    health = Case(lag=5.0).build()

    for probe in ("ready", "alive"):
        answer = ask(health, f"/health/{probe}")
        assert (answer.code, body(answer)["status"]) == (200, "warn")
        assert body(answer)["output"] == "late"


def test_a_suspect_is_a_warning_on_both_probes() -> None:
    """Below its limit nothing turns red."""
    health = Case(evidence={"locks:waitcycle": Level.SUSPECT}).build()

    for probe in ("ready", "alive"):
        assert body(ask(health, f"/health/{probe}"))["status"] == "warn"


def test_the_reason_of_what_is_broken_comes_before_any_other() -> None:
    """A draining process that is broken says that it is broken."""
    health = Case(State.DRAINING, evidence={"locks:waitcycle": Level.BROKEN}).build()

    assert body(ask(health, "/health/ready"))["output"] == "deadlock-threads"


def test_an_excluded_check_does_not_count_and_an_unknown_one_is_noted() -> None:
    """As the API server of Kubernetes does it."""
    health = Case(State.DRAINING).build()
    answer = ask(health, "/health/ready", "exclude=lifecycle&exclude=nope")

    assert answer.code == 200
    assert body(answer)["notes"] == ["unknown check excluded: nope"]


@pytest.mark.parametrize("letter", ["\x1f", "é", "語", "😀", '"', "\\"], ids=ascii)
def test_names_that_grow_in_json_do_not_make_a_body_long(letter: str) -> None:
    """Twenty unknown names of a hundred letters, each of which JSON may write as twelve."""
    query = "&".join(f"exclude={number}{letter * 100}" for number in range(20))
    answer = ask(Case(State.WARMING, gates=(Outcome.OPEN,) * 20).build(), "/health/ready", query)

    assert len(answer.body) < 4_096
    assert len(body(answer)["notes"]) == 10


def test_the_details_show_every_check_the_life_and_the_history() -> None:
    """With `?verbose`."""
    health = Case(own=(Finding(Status.WARN, "recent-calls-failing", 3, "calls"),)).build()
    ask(health, "/health/ready", source="responder")
    details = body(ask(health, "/health/ready", "verbose"))

    assert details["lifecycle"] == "SERVING"
    assert details["since"] == "2026-11-23T12:00:00Z"
    assert [step["to"] for step in details["transitions"]] == ["WARMING", "SERVING"]
    assert set(CHECKS) < set(details["checks"])
    assert details["checks"]["downstream:0"] == [
        {
            "componentType": "component",
            "status": "warn",
            "affectsReadiness": False,
            "time": "2026-11-23T12:00:00Z",
            "output": "recent-calls-failing",
            "observedValue": 3,
            "observedUnit": "calls",
        }
    ]
    (change,) = details["history"]
    assert (change["probe"], change["code"], change["source"]) == ("ready", 200, "responder")
    assert details["asked"] == {"ready": 2}
    assert details["waits"] == []


def test_each_detail_shows_the_time_at_which_it_was_seen() -> None:
    """A sample is of the past, and so is what the watchdog saw; the life is of now."""
    health = Case(own=(Finding(),)).build()
    health.ticks.now += 4
    checks = body(ask(health, "/health/ready", "verbose"))["checks"]

    assert checks["downstream:0"][0]["time"] == "2026-11-23T11:59:56Z"
    assert checks["lifecycle"][0]["time"] == "2026-11-23T12:00:00Z"


def test_the_token_opens_evidence_stacks_and_the_pod_s_name() -> None:
    """To nobody else."""
    health = Case(evidence={"locks:waitcycle": Level.BROKEN}).build()
    details = body(ask(health, "/health/alive", "verbose", token=TOKEN))

    assert details["serviceId"] == f"pod-{SECRET}"
    assert details["debug"]["evidence"][0]["explanation"] == f"why {SECRET}"
    assert any("MainThread" in line for line in details["debug"]["stacks"])
    assert "debug" not in body(ask(health, "/health/alive", token=TOKEN))


def test_without_a_token_configured_nothing_opens() -> None:
    """An empty one is none."""
    health = Health(termination_log=None, debug_token="")

    assert "debug" not in body(ask(health, "/health/alive", "verbose"))


def test_the_control_finds_the_secret() -> None:
    """The property above would see one if it were told."""
    health = Case(evidence={"locks:waitcycle": Level.BROKEN}).build()
    answer = ask(health, "/health/alive", "verbose", token=TOKEN)

    assert SECRET in answer.body.decode()
