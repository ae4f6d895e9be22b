"""Deadlocks of threads: found, proven, explained, and nothing else taken for one."""

import concurrent.futures
import itertools
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from messenger.health import Lock, RLock
from messenger.health.pool import Pool
from messenger.health.verdict import Verdict

from .parties import Looker, kinds, line, thread, until, until_in, until_waiting


def take(first: Lock, second: Lock, both: threading.Barrier) -> Callable[[], None]:
    """Return what takes two locks, the second when everybody has the first."""

    def run() -> None:
        with first:
            both.wait(5)
            second.acquire()
            second.release()

    return run


@contextmanager
def ring(size: int) -> Iterator[tuple[list[threading.Thread], list[Lock]]]:
    """Run as many threads as there are locks, each holding one and waiting for the next."""
    locks = [Lock(f"lock-{number}") for number in range(size)]
    both = threading.Barrier(size)
    threads = [
        thread(take(first, second, both), f"worker-{number}")
        for number, (first, second) in enumerate(zip(locks, locks[1:] + locks[:1], strict=True))
    ]
    until_waiting(size)
    try:
        yield threads, locks
    finally:
        locks[0].release()
        for each in threads:
            each.join(5)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_a_ring_of_threads_is_proven_within_four_seconds(size: int) -> None:
    """However many take part, all of them and their locks are named."""
    with ring(size) as (threads, locks):
        proof = Looker().proof()

    assert proof.cause == "deadlock-threads"
    assert proof.check == "locks:waitcycle"
    assert proof.headline.startswith("DEADLOCK after 3.")
    assert proof.explanation.startswith("cycle: worker-")
    for each in threads:
        assert each.name in proof.explanation
        assert any(f'"{each.name}"' in stack for stack in proof.stacks)
    for lock in locks:
        assert proof.explanation.count(f"holds {lock.name} ") == 1
        assert proof.explanation.count(f"waits {lock.name} ") == 1


def test_suspicion_comes_before_proof_and_nothing_before_two_seconds() -> None:
    """Two seconds of waiting are believed, one more second proves it."""
    with ring(2):
        looker = Looker()
        early = looker.after(1.9)
        suspected = looker.after(0.8)
        proven = looker.after(1.0)

    assert early == []
    assert kinds(suspected) == [("deadlock-threads", "SUSPECT")]
    assert kinds(proven) == [("deadlock-threads", "BROKEN")]


def test_a_deadlock_that_goes_on_is_told_once() -> None:
    """The key of a cycle is the same in every look."""
    with ring(3):
        looker, verdict = Looker(), Verdict()
        changes = [verdict.weigh(looker.after(0.05), looker.now) for _ in range(200)]

    assert sum(len(change.broken) for change in changes) == 1
    assert sum(len(change.suspected) for change in changes) == 1


def test_the_explanation_names_who_holds_and_waits_for_what_and_where() -> None:
    """Each line is the real one, in the order in which they wait for one another."""
    cache, store = Lock("cache.lock"), Lock("store.lock")
    both = threading.Barrier(2)

    def put() -> None:
        with cache:  # holds cache
            both.wait(5)
            with store:  # waits store
                pass

    def flush() -> None:
        with store:  # holds store
            both.wait(5)
            store_then(cache)

    def store_then(other: Lock) -> None:
        other.acquire()  # waits cache
        other.release()

    threads = [thread(put, "worker-1"), thread(flush, "worker-2")]
    until_waiting(2)
    proof = Looker().proof()
    cache.release()
    for each in threads:
        each.join(5)

    chain = re.sub(r" \(3\.\ds\)", "", proof.explanation.removeprefix("cycle: "))
    one = (
        f"worker-1 -[holds cache.lock @{line('holds cache', __file__)}]->"
        f" waits store.lock @{line('waits store', __file__)}"
    )
    two = (
        f"worker-2 -[holds store.lock @{line('holds store', __file__)}]->"
        f" waits cache.lock @{line('waits cache', __file__)}"
    )
    assert chain in {
        f"{one} -> {two} -> worker-1",
        f"{two} -> {one} -> worker-2",
    }
    assert any("in test_the_explanation" in stack for stack in proof.stacks)
    assert any("with store:  # waits store" in stack for stack in proof.stacks)
    # The frames of the locks themselves are everybody's, and left out.
    assert not any("/locks.py" in stack.split(" in ")[0] for stack in proof.stacks)


def test_a_thread_that_waits_for_its_own_lock_is_a_cycle_of_one() -> None:
    """The simplest deadlock of all."""
    lock = Lock("own")

    def run() -> None:
        with lock:
            lock.acquire()
            # The test released it once to end this.

    stuck = thread(run, "narcissus")
    until_waiting(1)
    proof = Looker().proof()
    lock.release()
    stuck.join(5)

    assert proof.cause == "deadlock-threads"
    assert proof.explanation.count("narcissus") == 2


def test_a_re_entrant_lock_takes_part_in_a_cycle() -> None:
    """Not with itself, but with others."""
    own, other = RLock("own"), Lock("other")
    both = threading.Barrier(2)

    def one() -> None:
        with own, own:
            both.wait(5)
            with other:
                pass

    def two() -> None:
        with other:
            both.wait(5)
            with own:
                pass

    threads = [thread(one), thread(two)]
    until_waiting(2)
    proof = Looker().proof()
    other.release()
    for each in threads:
        each.join(5)

    assert proof.cause == "deadlock-threads"


@contextmanager
def orphaned(lock: Lock, waiters: int) -> Iterator[None]:
    """Let a thread end while it holds `lock`, and others wait for it."""
    thread(lock.acquire, "owner").join(5)
    waiting = [thread(take_and_give_back(lock), f"waiter-{n}") for n in range(waiters)]
    until_waiting(waiters)
    try:
        yield
    finally:
        lock.release()
        for each in waiting:
            each.join(5)


def take_and_give_back(lock: Lock) -> Callable[[], None]:
    """Return what waits for a lock and gives it back."""

    def run() -> None:
        lock.acquire()  # waits orphan
        lock.release()

    return run


def test_a_lock_whose_owner_has_ended_is_an_orphan() -> None:
    """The waiter, the lock, the owner and both lines are named."""
    with orphaned(Lock("store"), 1):
        proof = Looker().proof()

    assert proof.cause == "lock-orphaned"
    assert proof.headline.startswith("ORPHANED LOCK after 3.")
    assert proof.explanation.startswith("orphan: waiter-0 -> waits store @")
    assert line("waits orphan", __file__) in proof.explanation
    assert "-> owner [holds store @" in proof.explanation
    assert proof.explanation.endswith("and has ended")


def test_an_orphan_is_one_piece_of_evidence_however_many_wait() -> None:
    """Those who come later are no news either."""
    lock = Lock("store")
    with orphaned(lock, 5):
        looker, verdict = Looker(), Verdict()
        told = [verdict.weigh(looker.after(0.05), looker.now).broken for _ in range(80)]
        late = thread(take_and_give_back(lock), "late")
        until_waiting(6)
        told += [verdict.weigh(looker.after(0.05), looker.now).broken for _ in range(80)]
    late.join(5)

    assert sum(map(len, told)) == 1
    assert len(verdict.evidence) == 1


def test_a_thread_with_the_number_of_the_ended_owner_is_not_taken_for_it() -> None:
    """Numbers of threads are used again at once; the objects are not."""
    lock = Lock()
    owner = thread(lock.acquire, "owner")
    owner.join(5)
    go = threading.Event()
    others = []
    for number in itertools.count():
        others.append(thread(lambda: go.wait(5), f"other-{number}"))
        if others[-1].ident == owner.ident or number == 50:
            break
    waiter = thread(take_and_give_back(lock), "waiter")
    until_waiting(1)
    proof = Looker().proof()
    go.set()
    lock.release()
    for each in (*others, waiter):
        each.join(5)

    assert others[-1].ident == owner.ident
    assert proof.cause == "lock-orphaned"


def test_waiting_behind_a_cycle_is_no_second_cycle() -> None:
    """Whoever waits for one of its members is a victim, not a cause."""
    with ring(2) as (_, locks):
        victims = [thread(take_and_give_back(lock)) for lock in locks]
        until_waiting(4)
        proof = Looker().proof()
    for each in victims:
        each.join(5)

    assert proof.explanation.count("waits") == 2


def test_two_deadlocks_are_two() -> None:
    """Each with its own message."""
    with ring(2), orphaned_later() as orphan:
        found = Looker().after(4)

    assert orphan.locked() is False
    assert sorted(item.cause for item in found) == ["deadlock-threads", "lock-orphaned"]


@contextmanager
def orphaned_later() -> Iterator[Lock]:
    """Orphan a lock while others wait elsewhere."""
    lock = Lock("second")
    thread(lock.acquire, "owner").join(5)
    waiter = thread(take_and_give_back(lock))
    until_waiting(3)
    try:
        yield lock
    finally:
        lock.release()
        waiter.join(5)


@pytest.mark.parametrize("timed", [0, 1])
def test_a_cycle_with_a_timed_wait_is_shown_and_breaks_nothing(timed: int) -> None:
    """Whichever of the two has the time-out: it will break the cycle up."""
    first, second = Lock("first"), Lock("second")
    both = threading.Barrier(2)

    def run(mine: Lock, other: Lock, timeout: float) -> None:
        with mine:
            both.wait(5)
            if other.acquire(timeout=timeout):
                other.release()

    threads = [
        thread(lambda: run(first, second, 60 if timed == 0 else -1)),
        thread(lambda: run(second, first, 60 if timed == 1 else -1)),
    ]
    until_waiting(2)
    found = Looker().after(10)
    first.release()
    for each in threads:
        each.join(5)

    assert kinds(found) == [("timed-waitcycle", "NOTICE")]
    assert found[0].explanation.startswith("cycle: ")
    assert not found[0].latched


def test_an_orphan_with_timed_waiters_only_is_nothing() -> None:
    """Spec: an untimed waiter is what makes it hopeless."""
    lock = Lock()
    thread(lock.acquire).join(5)

    def wait() -> None:
        lock.acquire(timeout=60)
        lock.release()

    waiter = thread(wait)
    until_waiting(1)
    found = Looker().after(10)
    lock.release()
    waiter.join(5)

    assert not any(item.is_broken for item in found)


def test_a_wait_for_somebody_who_works_is_nothing() -> None:
    """A lock held for a minute is slow, not dead."""
    lock, done = Lock(), threading.Event()

    def work() -> None:
        with lock:
            done.wait(5)

    worker = thread(work)
    until(lock.locked, "the lock")
    waiters = [thread(take_and_give_back(lock)) for _ in range(3)]
    until_waiting(3)
    found = Looker().after(60)
    done.set()
    for each in (worker, *waiters):
        each.join(5)

    assert found == []


def test_a_chain_whose_last_member_began_to_wait_just_now_is_alive() -> None:
    """A wait that is too young to be believed counts as none."""
    with ring(2):
        looker = Looker()
        looker.after(1.5)
    with ring(2):
        assert looker.after(1.9) == []
        assert kinds(looker.after(0.5)) == [("deadlock-threads", "SUSPECT")]


def test_a_cycle_that_forms_anew_is_not_the_same_cycle() -> None:
    """Contention that looks like a cycle in two scans is none if the waits are others."""
    looker = Looker()
    for _ in range(4):
        with ring(2):
            found = looker.after(2.5)

            assert kinds(found) == [("deadlock-threads", "SUSPECT")]
    assert looker.after(1) == []


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "noticed"])
def test_a_handoff_lock_is_no_finding(declared: bool) -> None:  # noqa: FBT001 - a parameter
    """One thread takes it, another releases it: its taker's end means nothing."""
    lock = Lock("signal", handoff=declared)
    thread(lock.acquire).join(5)
    if not declared:
        lock.release()
        thread(lock.acquire).join(5)
    waiter = thread(take_and_give_back(lock))
    until_waiting(1)
    found = Looker().after(10)
    lock.release()
    waiter.join(5)

    assert found == []


def test_a_condition_and_an_event_are_no_finding() -> None:
    """Anybody may notify or set: nobody owns what is waited for."""
    lock, event = RLock(), threading.Event()
    condition = threading.Condition(lock)  # type: ignore[arg-type]

    def wait() -> None:
        with condition:
            condition.wait(5)
            event.wait(5)

    waiter = thread(wait)
    until(lambda: condition._waiters, "a waiter")  # type: ignore[attr-defined]  # noqa: SLF001
    found = Looker().after(10)
    with condition:
        condition.notify()
    event.set()
    waiter.join(5)

    assert found == []


def test_a_thread_that_joins_whoever_waits_for_its_lock_is_dead() -> None:
    """`Thread.join` is a wait like any other."""
    lock = Lock("shared")
    child = threading.Thread(target=take_and_give_back(lock), name="child", daemon=True)

    def parent() -> None:
        with lock:
            child.start()
            child.join()  # joins child

    stuck = thread(parent, "parent")
    until_waiting(1)
    until_in(stuck, "join")
    proof = Looker().proof()
    lock.release()
    stuck.join(5)

    assert proof.cause == "deadlock-threads"
    assert f"joins child @{line('joins child', __file__)}" in proof.explanation


def test_a_thread_that_joins_with_a_time_out_is_not_dead() -> None:
    """The control."""
    lock = Lock()
    child = threading.Thread(target=take_and_give_back(lock), daemon=True)

    def parent() -> None:
        with lock:
            child.start()
            child.join(60)

    stuck = thread(parent)
    until_waiting(1)
    until_in(stuck, "join")
    found = Looker().after(10)
    lock.release()
    stuck.join(5)

    assert kinds(found) == [("timed-waitcycle", "NOTICE")]


def test_a_thread_that_waits_for_a_pool_s_result_that_waits_for_its_lock_is_dead() -> None:
    """The pool knows which of its threads has to deliver."""
    lock, pool = Lock("shared"), Pool("render", 2)

    def parent() -> None:
        with lock:
            pool.submit(take_and_give_back(lock)).result()  # awaits job

    stuck = thread(parent, "parent")
    until_waiting(1)
    until_in(stuck, "result")
    looker = Looker(None, pool)
    proof = looker.proof()
    lock.release()
    stuck.join(5)
    pool.close()

    assert proof.cause == "deadlock-threads"
    assert f"awaits render_0 @{line('awaits job', __file__)}" in proof.explanation


def test_a_job_that_waits_behind_a_full_pool_of_dead_threads_is_dead() -> None:
    """It was never begun: any of the pool's threads could deliver it, and none ever will."""
    lock, pool = Lock("shared"), Pool("render", 1)

    def parent() -> None:
        with lock:
            pool.submit(take_and_give_back(lock))
            until_waiting(1)
            pool.submit(int).result()

    stuck = thread(parent, "parent")
    until_waiting(1)
    until_in(stuck, "result")
    proof = Looker(None, pool).proof()
    lock.release()
    stuck.join(5)
    pool.close()

    assert proof.cause == "deadlock-threads"


def test_a_result_that_nobody_is_known_to_deliver_is_no_finding() -> None:
    """A future of somebody else's pool may come at any time."""
    lock = Lock()
    future: concurrent.futures.Future[None] = concurrent.futures.Future()

    def parent() -> None:
        with lock:
            future.result()

    stuck = thread(parent)
    until(lock.locked, "the lock")
    waiter = thread(take_and_give_back(lock))
    until_waiting(1)
    found = Looker().after(10)
    future.set_result(None)
    for each in (stuck, waiter):
        each.join(5)

    assert found == []


def test_the_ages_of_waits_are_counted_in_ticks() -> None:
    """From the scan that first saw them."""
    with ring(2):
        looker = Looker()
        looker.after(3)
        ages = looker.detector.ages(looker.now)

    assert sorted(wait.lock.name for wait in ages) == ["lock-0", "lock-1"]
    assert all(2.7 <= age <= 3 for age in ages.values())
