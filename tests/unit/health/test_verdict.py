"""The verdict: what was proven stays, what was observed can pass."""

from messenger.health.verdict import Evidence, Level, Verdict


def evidence(
    level: Level,
    *,
    cause: str = "event-loop-stalled",
    latched: bool = False,
    key: tuple[object, ...] = (),
) -> Evidence:
    """Return evidence of some weight."""
    return Evidence("a:check", cause, level, "HEADLINE", "because", latched=latched, key=key)


def test_without_evidence_a_process_is_correct() -> None:
    """Nothing found is nothing new and nothing wrong."""
    verdict = Verdict()
    change = verdict.weigh([], 1.0)

    assert change.broken == change.suspected == change.recovered == ()
    assert verdict.level is Level.NOTICE
    assert not verdict.is_broken
    assert verdict.broken_since is None


def test_suspicion_is_told_once() -> None:
    """The second look at the same evidence is no news."""
    verdict = Verdict()
    first = verdict.weigh([evidence(Level.SUSPECT)], 1.0)
    second = verdict.weigh([evidence(Level.SUSPECT)], 1.1)

    assert len(first.suspected) == 1
    assert second.suspected == ()
    assert not verdict.is_broken


def test_breaking_is_told_and_counted_once_per_cause() -> None:
    """However many looks see it."""
    verdict = Verdict()
    changes = [verdict.weigh([evidence(Level.BROKEN)], now) for now in (10.0, 10.1, 10.2)]

    assert [len(change.broken) for change in changes] == [1, 0, 0]
    assert verdict.broken_total == {"event-loop-stalled": 1}
    assert verdict.broken_since == 10.0


def test_a_second_cause_is_told_too() -> None:
    """It breaks nothing that was whole, but it has to be known."""
    verdict = Verdict()
    verdict.weigh([evidence(Level.BROKEN)], 10.0)
    change = verdict.weigh(
        [evidence(Level.BROKEN), evidence(Level.BROKEN, cause="pool-starved")], 11.0
    )

    assert [item.cause for item in change.broken] == ["pool-starved"]
    assert verdict.broken_since == 10.0


def test_an_observation_is_taken_back_when_it_passes() -> None:
    """A stall that ends leaves a correct process, and its end is told."""
    verdict = Verdict()
    verdict.weigh([evidence(Level.BROKEN)], 10.0)
    change = verdict.weigh([], 12.0)

    assert [item.cause for item in change.recovered] == ["event-loop-stalled"]
    assert not verdict.is_broken
    assert verdict.broken_since is None
    assert verdict.evidence == ()


def test_falling_back_to_suspicion_is_a_recovery_and_no_new_suspicion() -> None:
    """The way down is told once."""
    verdict = Verdict()
    verdict.weigh([evidence(Level.BROKEN)], 10.0)
    change = verdict.weigh([evidence(Level.SUSPECT)], 12.0)

    assert len(change.recovered) == 1
    assert change.suspected == ()
    assert verdict.level is Level.SUSPECT


def test_a_proof_is_latched() -> None:
    """A cycle of waits is not healed by a detector that does not see it any more."""
    verdict = Verdict()
    proof = evidence(Level.BROKEN, cause="deadlock-threads", latched=True)
    verdict.weigh([proof], 3.0)
    change = verdict.weigh([], 60.0)

    assert change.recovered == ()
    assert verdict.is_broken
    assert verdict.broken_since == 3.0
    assert verdict.evidence == (proof,)


def test_the_same_without_the_latch_would_heal() -> None:
    """The control: only `latched` keeps it."""
    verdict = Verdict()
    verdict.weigh([evidence(Level.BROKEN, cause="deadlock-threads")], 3.0)
    verdict.weigh([], 60.0)

    assert not verdict.is_broken


def test_a_latched_kind_of_evidence_is_no_proof_below_broken() -> None:
    """A suspected cycle may still break up."""
    verdict = Verdict()
    verdict.weigh([evidence(Level.SUSPECT, latched=True)], 3.0)
    verdict.weigh([], 4.0)

    assert not verdict.is_broken
    assert verdict.evidence == ()


def test_the_first_words_of_a_proof_are_kept() -> None:
    """Later looks say the same of an older cycle; the message must not change."""
    verdict = Verdict()
    first = evidence(Level.BROKEN, latched=True)
    later = Evidence("a:check", first.cause, Level.BROKEN, "OLDER", "because", latched=True)
    verdict.weigh([first], 3.0)
    verdict.weigh([later], 4.0)

    assert verdict.evidence == (first,)


def test_two_cycles_of_one_cause_are_two() -> None:
    """The key tells them apart, and both are counted."""
    verdict = Verdict()
    change = verdict.weigh([evidence(Level.BROKEN, key=(n,)) for n in (1, 2)], 3.0)

    assert len(change.broken) == 2
    assert verdict.broken_total == {"event-loop-stalled": 2}


def test_proofs_come_first_and_notices_last() -> None:
    """Whoever reads only one line reads the root."""
    notice = evidence(Level.NOTICE, cause="timed-waitcycle")
    stall = evidence(Level.BROKEN)
    proof = evidence(Level.BROKEN, cause="deadlock-tasks", latched=True)
    verdict = Verdict()
    verdict.weigh([notice, stall, proof], 1.0)

    assert verdict.evidence == (proof, stall, notice)
