"""Whatever state the process is in, an answer to a probe keeps to the specification.

A property over all combinations; nothing is started: the very objects that answer are asked.
"""

import json
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from messenger.health import Finding, Health, Limits, Status
from messenger.health.checks import Probe
from messenger.health.lifecycle import State
from messenger.health.probes import Answer, Question
from messenger.health.verdict import Evidence, Level
from messenger.health.warmup import Outcome

SECRET = "secret-of-an-exception"  # noqa: S105 - what nobody may be shown

PATHS_TO_STATE: dict[State, list[State]] = {
    State.BOOTING: [],
    State.WARMING: [State.WARMING],
    State.SERVING: [State.WARMING, State.SERVING],
    State.DRAINING: [State.WARMING, State.SERVING, State.DRAINING],
    State.STOPPING: [State.WARMING, State.SERVING, State.DRAINING, State.STOPPING],
}


@dataclass(frozen=True, slots=True)
class Situation:
    """One combination of everything that an answer depends on."""

    state: State
    level: Level | None
    latched: bool
    stalled: float
    gates: tuple[Outcome, ...]
    downstream: Status
    raises: bool
    drain_ready_status: int


SITUATIONS = st.builds(
    Situation,
    state=st.sampled_from(State),
    level=st.sampled_from([None, *Level]),
    latched=st.booleans(),
    stalled=st.sampled_from([0.0, 0.5, 2.0, 5.0, 60.0]),
    gates=st.lists(st.sampled_from(Outcome), max_size=40).map(tuple),
    downstream=st.sampled_from(Status),
    raises=st.booleans(),
    drain_ready_status=st.sampled_from([200, 503]),
)

QUERIES = st.lists(
    st.sampled_from(["verbose", "exclude=lifecycle", "exclude=" + "n" * 500, "x=%00", "exclude="])
).map("&".join)


def health_in(situation: Situation) -> Health:
    """Return a health that is in a situation."""
    limits = Limits(drain_ready_status=situation.drain_ready_status)
    health = Health(termination_log=None, limits=limits)
    for number, outcome in enumerate(situation.gates):
        health.add_gate(f"cache:{number}-{'n' * 60}", _never, required=False)
        health.warm_up.gates[-1].outcome = outcome

    def read() -> Finding:
        if situation.raises:
            raise RuntimeError(SECRET)
        return Finding(situation.downstream, "recent-calls-failing")

    health.add_check("downstream:presence", read)
    health.sample()
    for state in PATHS_TO_STATE[situation.state]:
        health.lifecycle.move(state, "test")
    health.progress.stall_seconds = health.progress.lag_seconds = situation.stalled
    if situation.level is not None:
        evidence = Evidence(
            check="locks:waitcycle",
            cause="deadlock-threads",
            level=situation.level,
            headline="DEADLOCK",
            explanation=f"cycle: {SECRET}",
            stacks=(SECRET,) * 100,
            latched=situation.latched,
        )
        health.verdict.weigh([evidence], 1.0)
    return health


async def _never(gate: object) -> None:
    del gate


def ask(health: Health, probe: str, query: str = "") -> Answer:
    """Ask one probe."""
    return health.probes.answer(Question("GET", f"/health/{probe}", query))


@settings(deadline=None)
@given(SITUATIONS, st.sampled_from(["ready", "alive", "started"]), QUERIES)
def test_answer_keeps_to_the_format_in_every_state(
    situation: Situation, probe: str, query: str
) -> None:
    """200 or 503 and nothing else, no-store, below 4 KiB unless verbose, and no exception text."""
    answer = ask(health_in(situation), probe, query)
    headers = dict(answer.headers)
    body = json.loads(answer.body)

    assert answer.code in {200, 503}
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Type"] == "application/health+json"
    assert ("Retry-After" in headers) == (answer.code == 503)
    assert len(answer.body) < 4_096 or "verbose" in query
    assert SECRET not in answer.body.decode()
    assert body["status"] in {"pass", "warn", "fail"}
    assert (body["status"] == "fail") == (answer.code == 503)


@settings(deadline=None)
@given(SITUATIONS)
def test_invariants_between_the_probes_hold_in_every_state(situation: Situation) -> None:
    """Red liveness implies red readiness; neither a drain nor a downstream turns liveness red."""
    health = health_in(situation)
    alive, ready = ask(health, Probe.ALIVE), ask(health, Probe.READY)
    is_broken = situation.level is Level.BROKEN

    assert (alive.code == 503) == is_broken
    assert ready.code == 503 or alive.code == 200
    assert ask(health, Probe.STARTED).code == 200
    serves = situation.state is State.SERVING or (
        situation.state is State.DRAINING and situation.drain_ready_status == 200
    )
    is_ready = serves and not is_broken and situation.stalled < 3.0
    assert (ready.code == 200) == is_ready


@settings(deadline=None)
@given(SITUATIONS, st.sampled_from(list(Status)))
def test_readiness_depends_on_nothing_that_replicas_share(
    situation: Situation, downstream: Status
) -> None:
    """Whatever a downstream does, the code is the one without it."""
    before = ask(health_in(situation), Probe.READY).code
    shared = Situation(
        situation.state,
        situation.level,
        situation.latched,
        situation.stalled,
        situation.gates,
        downstream,
        not situation.raises,
        situation.drain_ready_status,
    )

    assert ask(health_in(shared), Probe.READY).code == before
