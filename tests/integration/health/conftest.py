"""Experiments that mostly wait run at the same time, in threads of one process.

A test marked `together` is an ordinary test without fixtures, `full` excepted, that leaves the
processors alone. When the first of them is due, all of them are started, each with processes of its
own, the longest first, and pytest then reads their outcomes one by one. They come before the others
of this folder, which keep a processor busy and run alone, but for those marked `at_once`: they run
at the same time as the others of their file that are marked so. With pytest-xdist the folder stays
in one worker (tests/scheduling.py): only that one may start them.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.scheduling import put_in_order

from .figures import FIGURES

AT_ONCE = 6
"""How many experiments run at the same time: they wait for most of their time, but for starting,
which takes half a second of a processor. With twelve, two processors were late for everybody."""

FOLDER = Path(__file__).parent

EXPERIMENTS = pytest.StashKey[dict[pytest.Item, Future[None]]]()
"""The experiments that have been started, by test."""

EXECUTORS = pytest.StashKey[list[ThreadPoolExecutor]]()


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks."""
    config.addinivalue_line(
        "markers",
        "together(seconds=...): runs at the same time as others of its kind, and takes so long if "
        "that is more than half a minute",
    )
    config.addinivalue_line(
        "markers", "at_once: runs at the same time as those of its file, and as no others"
    )
    config.stash[EXPERIMENTS] = {}
    config.stash[EXECUTORS] = []


def _runs_together(item: pytest.Item) -> bool:
    return item.get_closest_marker("together") is not None


def _runs_at_once(item: pytest.Item) -> bool:
    return item.get_closest_marker("at_once") is not None


def _rank(item: pytest.Item) -> int:
    """Return which third of the folder's tests one belongs to."""
    return 0 if _runs_together(item) else 1 if _runs_at_once(item) else 2


def _seconds(item: pytest.Item) -> float:
    mark = item.get_closest_marker("together")
    return float(mark.kwargs.get("seconds", 0.0)) if mark else 0.0


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of this folder that run together first, and last those that run alone.

    All but the one that shows how to lift the folder out are slow: each is short, but there are so
    many that two processors are busy for minutes.
    """
    put_in_order(items, FOLDER, _rank)
    for item in items:
        if item.path.parent == FOLDER and item.path.name != "test_lifting.py":
            item.add_marker(pytest.mark.slow)


def _start_others_of(first: pytest.Item) -> None:
    """Start a test and all that run at the same time."""
    items = [item for item in first.session.items if _rank(item) == _rank(first)]
    at_once = AT_ONCE
    if _runs_at_once(first):
        items = [item for item in items if item.path == first.path]
        at_once = len(items)
    executor = ThreadPoolExecutor(at_once, "experiment")
    first.config.stash[EXECUTORS].append(executor)
    # Who takes minutes and begins last would be waited for alone.
    for item in sorted(items, key=_seconds, reverse=True):
        assert isinstance(item, pytest.Function)
        first.config.stash[EXPERIMENTS][item] = executor.submit(_experience, item)


def _experience(item: pytest.Function) -> None:
    """Run a test in this thread, with its figures for properties."""
    FIGURES.set(item.user_properties)
    arguments = dict(item.callspec.params) if hasattr(item, "callspec") else {}
    if "full" in item.fixturenames:
        arguments["full"] = item.config.getoption("--full")
    assert set(item.fixturenames) <= {*arguments, "request"}, (
        "no fixtures for those that run at the same time"
    )
    item.obj(**arguments)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Start what runs at the same time as this test, once, and report the outcome of this one."""
    if not (_runs_together(pyfuncitem) or _runs_at_once(pyfuncitem)):
        FIGURES.set(pyfuncitem.user_properties)
        return None
    started = pyfuncitem.config.stash[EXPERIMENTS]
    if pyfuncitem not in started:
        _start_others_of(pyfuncitem)
    started[pyfuncitem].result()
    return True


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let what has been started end its processes; start nothing more."""
    for executor in session.config.stash[EXECUTORS]:
        executor.shutdown(cancel_futures=True)


@pytest.fixture
def full(request: pytest.FixtureRequest) -> bool:
    """Whether the long form of the experiments is asked for."""
    return bool(request.config.getoption("--full"))
