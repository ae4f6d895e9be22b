"""The pool: what it runs, who runs it, and when its standstill is hopeless."""

import asyncio
import concurrent.futures
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import partial
from pathlib import Path

import pytest

from messenger.health import Limits, Lock
from messenger.health.pool import Pool, PoolDetector, PoolsDetector, pursuit
from messenger.health.verdict import Verdict
from messenger.health.waits import deadline, is_under_deadline

from .parties import kinds, thread, until, until_in, until_waiting


@pytest.fixture
def pool() -> Iterator[Pool]:
    """Return a pool of two threads."""
    pool = Pool("render", 2)
    yield pool
    pool.close()


async def test_a_pool_returns_what_the_function_returns(pool: Pool) -> None:
    """With its arguments passed on, in a thread named after the pool."""

    def describe(name: str, *, times: int) -> str:
        return f"{threading.current_thread().name} {name * times}"

    result = await pool.run(describe, "ab", times=2)

    assert result.endswith(" abab")
    assert result.startswith("render_")


async def test_a_job_sees_the_variables_of_its_caller_but_not_its_deadline(pool: Pool) -> None:
    """A trace goes on in the thread; a deadline leaves it behind, so its waits are not timed."""
    trace = ContextVar("trace", default="none")
    trace.set("a1")
    async with deadline(5):
        seen = await pool.run(lambda: (trace.get(), is_under_deadline()))
        here = is_under_deadline()

    assert seen == ("a1", False)
    assert here


async def test_a_pool_raises_what_the_function_raises(pool: Pool) -> None:
    """And counts that as completed: it did not get stuck."""

    def fail() -> None:
        raise LookupError("nothing")

    with pytest.raises(LookupError, match="nothing"):
        await pool.run(fail)

    until(lambda: pool.completed == 1, "the completion")
    assert pool.submitted == 1


def test_jobs_beyond_the_threads_are_the_backlog(pool: Pool) -> None:
    """Until threads are free again."""
    go = threading.Event()
    futures = [pool.submit(go.wait, 5) for _ in range(5)]
    assert pool.backlog == 3
    go.set()
    concurrent.futures.wait(futures, 5)

    until(lambda: pool.completed == 5, "the completions")
    assert pool.backlog == 0
    assert len(pool.threads) <= 2


async def test_a_job_that_is_cancelled_before_it_begins_leaves_the_backlog(pool: Pool) -> None:
    """Whoever waited for it has gone."""
    go = threading.Event()
    busy = [pool.submit(go.wait, 5) for _ in range(2)]
    waiting = asyncio.create_task(pool.run(int))
    await asyncio.sleep(0)
    assert pool.backlog == 1
    waiting.cancel()
    await asyncio.wait({waiting})

    assert pool.backlog == 0
    go.set()
    concurrent.futures.wait(busy, 5)


def test_the_thread_that_runs_a_job_must_deliver_it(pool: Pool) -> None:
    """That one, and nobody once it is done."""
    go, where = threading.Event(), list[threading.Thread]()

    def job() -> None:
        where.append(threading.current_thread())
        go.wait(5)

    future = pool.submit(job)
    until(lambda: where, "the job")
    assert pool.deliverers(future) == (where[0],)
    go.set()
    future.result(5)

    until(lambda: pool.deliverers(future) == (), "the end")


def test_any_thread_of_a_full_pool_may_deliver_a_queued_job(pool: Pool) -> None:
    """Before that it is not known who will: a thread may still be started."""
    go = threading.Event()
    first = pool.submit(go.wait, 5)
    until(lambda: len(pool.threads) == 1, "the first thread")
    second = pool.submit(go.wait, 5)
    until(lambda: len(pool.threads) == 2, "the second thread")
    queued = pool.submit(int)

    assert set(pool.deliverers(queued)) == set(pool.threads)
    assert pool.deliverers(concurrent.futures.Future()) == ()
    go.set()
    concurrent.futures.wait([first, second], 5)
    queued.result(5)


def test_a_job_of_a_pool_that_is_not_full_has_no_known_deliverer() -> None:
    """Only what is certain may be taken for a wait."""
    pool, go = Pool("wide", 8), threading.Event()
    futures = [pool.submit(go.wait, 5)]
    until(lambda: pool.threads, "the thread")
    pool._running[futures[0]] = None  # noqa: SLF001 - as in the instant before it is known

    assert pool.deliverers(futures[0]) == ()
    go.set()
    concurrent.futures.wait(futures, 5)
    pool.close()


def test_ten_thousand_short_jobs_leave_nothing_behind() -> None:
    """Whichever of the two threads is quicker each time: counts agree, no job is remembered."""
    pool = Pool("quick", 4)
    futures = [pool.submit(int) for _ in range(10_000)]
    concurrent.futures.wait(futures, 10)
    until(lambda: pool.completed == pool.submitted, "the completions")
    pool.close()

    assert pool.submitted == 10_000
    assert not any(pool.deliverers(future) for future in futures)


def test_a_closed_pool_takes_nothing_and_counts_nothing(pool: Pool) -> None:
    """A refused job is no backlog."""
    pool.close()
    with pytest.raises(RuntimeError):
        pool.submit(int)

    assert pool.submitted == 0
    assert pool.backlog == 0


def pursuit_of(target: Callable[[], object], function: str, release: Callable[[], object]) -> str:
    """Return what a thread is about once it is in `function`."""
    busy = thread(target)
    until_in(busy, function)
    found = pursuit(sys._current_frames()[busy.ident or 0])  # noqa: SLF001 - documented
    release()
    busy.join(5)
    return found


def test_a_thread_in_one_of_our_locks_is_about_a_lock() -> None:
    """By the frame of the lock."""
    lock = Lock()
    lock.acquire()

    assert pursuit_of(lock.acquire, "_wait", lock.release) == "lock"


def test_a_thread_in_a_plain_lock_is_about_a_lock() -> None:
    """By the words of its line, as the lock itself has no frame."""
    lock = threading.Lock()
    lock.acquire()

    def explicit() -> None:
        lock.acquire()
        lock.release()

    def implicit() -> None:
        with lock:
            pass

    def release() -> None:
        time.sleep(0)
        lock.release()

    for way in (explicit, implicit):
        assert pursuit_of(way, way.__name__, release) == "lock"
        until(lambda: lock.acquire(timeout=5), "the lock")


def test_a_thread_in_an_event_is_about_a_lock() -> None:
    """An event is made of one."""
    event = threading.Event()

    assert pursuit_of(lambda: event.wait(5), "wait", event.set) == "lock"


def test_a_thread_in_a_result_is_about_a_future() -> None:
    """Whoever delivers it."""
    future: concurrent.futures.Future[None] = concurrent.futures.Future()

    assert pursuit_of(future.result, "result", lambda: future.set_result(None)) == "future"


def test_a_thread_that_reads_is_about_the_outside_world() -> None:
    """Here from a pipe, elsewhere from a socket."""
    read_end, write_end = os.pipe()

    def read() -> None:
        os.read(read_end, 1)

    try:
        assert pursuit_of(read, "read", lambda: os.write(write_end, b"x")) == "io"
    finally:
        os.close(read_end)
        os.close(write_end)


def test_a_thread_that_computes_runs() -> None:
    """So does one that sleeps."""
    done = False

    def compute() -> None:
        while not done:
            time.sleep(0.001)

    def finish() -> None:
        nonlocal done
        done = True

    assert pursuit_of(compute, "compute", finish) == "run"


def test_a_thread_that_opens_a_file_in_a_with_is_not_about_a_lock(
    tmp_path: Path,
) -> None:
    """A file that does not open is slow storage, and no deadlock."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    fifo_open = partial(open, fifo)

    def open_() -> None:
        with fifo_open("rb"):
            pass

    def let_go() -> None:
        os.close(os.open(fifo, os.O_WRONLY))

    assert pursuit_of(open_, "open_", let_go) == "run"


class Starved:
    """A pool of two threads that are both stuck in `job`, with one job behind them.

    Args:
        pool: The pool.
        job: What its threads are stuck in.
        function: The name of a function in which they then are.
    """

    def __init__(self, pool: Pool, job: Callable[[], object], function: str) -> None:
        self.pool = pool
        self.detector = PoolDetector(pool, Limits())
        self.futures = [pool.submit(job) for _ in range(2)]
        until(lambda: len(pool.threads) == 2, "both threads")
        for each in pool.threads:
            until_in(each, function)
        self.futures.append(pool.submit(int))

    def at(self, now: float) -> list[tuple[str, str]]:
        """Return what is found at `now`, after a first look at 0."""
        assert list(self.detector.look(0)) == []
        return kinds(self.detector.look(now))

    def end(self) -> None:
        """Wait for the jobs."""
        concurrent.futures.wait(self.futures, 5)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (4.9, []),
        (5.0, [("pool-starved", "SUSPECT")]),
        (29.9, [("pool-starved", "SUSPECT")]),
        (30.0, [("pool-starved", "BROKEN")]),
    ],
)
def test_a_pool_whose_threads_all_wait_for_locks_is_starved(
    pool: Pool, seconds: float, expected: list[tuple[str, str]]
) -> None:
    """Suspected after five seconds and broken after thirty."""
    lock = Lock()
    lock.acquire()

    def job() -> None:
        with lock:
            pass

    starved = Starved(pool, job, "_wait")
    found = starved.at(seconds)
    lock.release()
    starved.end()

    assert found == expected


def test_a_pool_whose_threads_all_wait_for_its_own_results_is_starved(pool: Pool) -> None:
    """The classic: jobs that submit jobs and wait for them. It is explained."""
    go, both = threading.Event(), threading.Barrier(2)

    def job() -> None:
        both.wait(5)
        inner = pool.submit(go.wait, 5)
        inner_results.append(inner)
        inner.result()

    inner_results: list[concurrent.futures.Future[bool]] = []
    starved = Starved(pool, job, "result")
    assert list(starved.detector.look(0)) == []
    (found,) = starved.detector.look(31)
    for inner in inner_results:
        inner.cancel()
    go.set()
    starved.end()

    assert kinds([found]) == [("pool-starved", "BROKEN")]
    assert found.headline == "POOL render without a completion for 31s"
    assert found.explanation == "pool render: 3 jobs wait behind 2 threads (2 in future)"
    assert sum("inner.result()" in line for line in found.stacks) == 2


def test_a_starved_pool_that_goes_on_after_all_is_broken_no_longer(pool: Pool) -> None:
    """It is no proof: whoever held what its threads waited for may have let go."""
    event, verdict = threading.Event(), Verdict()
    starved = Starved(pool, lambda: event.wait(5), "wait")
    for now in (0.0, 31.0):
        verdict.weigh(starved.detector.look(now), now)
    assert verdict.is_broken
    event.set()
    starved.end()
    until(lambda: pool.completed == 3, "the completions")
    change = verdict.weigh(starved.detector.look(32), 32)

    assert kinds(list(change.recovered)) == [("pool-starved", "BROKEN")]
    assert not verdict.is_broken


def test_a_pool_that_is_added_later_is_looked_after_too(pool: Pool) -> None:
    """From its first look on: what went before is not held against it."""
    event, pools = threading.Event(), list[Pool]()
    detector = PoolsDetector(pools, Limits())
    assert list(detector.look(1000)) == []
    starved = Starved(pool, lambda: event.wait(5), "wait")
    pools.append(pool)

    assert list(detector.look(1001)) == []
    assert kinds(detector.look(1032)) == [("pool-starved", "BROKEN")]
    event.set()
    starved.end()


def test_a_pool_in_slow_io_is_only_noted(pool: Pool) -> None:
    """One thread in I/O is enough: it may come back and go on."""
    read_end, write_end = os.pipe()
    starved = Starved(pool, lambda: os.read(read_end, 1), "<lambda>")
    found = starved.at(3600)
    os.write(write_end, b"xx")
    starved.end()
    os.close(read_end)
    os.close(write_end)

    assert found == [("pool-saturated", "NOTICE")]


def test_a_pool_that_completes_something_is_not_stuck(pool: Pool) -> None:
    """Each completion begins the count anew."""
    event = threading.Event()
    starved = Starved(pool, lambda: event.wait(5), "wait")
    assert starved.at(29) == [("pool-starved", "SUSPECT")]
    pool.completed += 1
    pool.submitted += 1

    assert list(starved.detector.look(31)) == []
    assert list(starved.detector.look(35)) == []
    event.set()
    starved.end()


def test_a_pool_without_a_backlog_is_never_stuck(pool: Pool) -> None:
    """Busy threads alone keep nobody waiting."""
    event = threading.Event()
    future = pool.submit(event.wait, 5)
    detector = PoolDetector(pool, Limits())

    assert list(detector.look(1)) == []
    assert list(detector.look(3600)) == []
    event.set()
    future.result(5)


def test_the_detector_s_own_race_with_a_thread_that_begins_is_no_finding() -> None:
    """A backlog with no thread to be seen is saturated at most."""
    pool = Pool("young", 1)
    pool.submitted = 2
    detector = PoolDetector(pool, Limits())

    assert list(detector.look(1)) == []
    assert kinds(detector.look(60)) == [("pool-saturated", "NOTICE")]
    until_waiting(0)
    pool.close()
