"""Experiments that mostly wait run at the same time, in threads of one process.

A test marked `together` is an ordinary test without fixtures, `full` excepted, that leaves the
processors alone. When the first of them is due, all of them are started, each with processes of its
own, the longest first, and pytest then reads their outcomes one by one. They come before the others
of this folder, which keep a processor busy and run alone. With pytest-xdist the folder stays in one
worker (tests/scheduling.py): only that one may start them.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from .figures import FIGURES

AT_ONCE = 6
"""How many experiments run at the same time: they wait for most of their time, but for starting,
which takes half a second of a processor. With twelve, two processors were late for everybody."""

FOLDER = Path(__file__).parent

EXPERIMENTS = pytest.StashKey[dict[pytest.Item, Future[None]]]()
"""The experiments that have been started, by test."""

EXECUTOR = pytest.StashKey[ThreadPoolExecutor]()


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark."""
    config.addinivalue_line(
        "markers",
        "together(seconds=...): runs at the same time as others of its kind, and takes so long if "
        "that is more than half a minute",
    )


def _runs_together(item: pytest.Item) -> bool:
    return item.get_closest_marker("together") is not None


def _seconds(item: pytest.Item) -> float:
    mark = item.get_closest_marker("together")
    return float(mark.kwargs.get("seconds", 0.0)) if mark else 0.0


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of this folder that run together first.

    All but the one that shows how to lift the folder out are slow: each is short, but there are so
    many that two processors are busy for minutes.
    """
    places = [place for place, item in enumerate(items) if item.path.parent == FOLDER]
    ordered = sorted((items[place] for place in places), key=lambda item: not _runs_together(item))
    for place, item in zip(places, ordered, strict=True):
        if item.path.name != "test_lifting.py":
            item.add_marker(pytest.mark.slow)
        items[place] = item


def _start_all(session: pytest.Session) -> dict[pytest.Item, Future[None]]:
    executor = session.config.stash[EXECUTOR] = ThreadPoolExecutor(AT_ONCE, "experiment")
    # Who takes minutes and begins last would be waited for alone.
    items = sorted(session.items, key=_seconds, reverse=True)
    return {
        item: executor.submit(_experience, item)
        for item in items
        if isinstance(item, pytest.Function) and _runs_together(item)
    }


def _experience(item: pytest.Function) -> None:
    """Run a test in this thread, with its figures for properties."""
    FIGURES.set(item.user_properties)
    arguments = dict(item.callspec.params) if hasattr(item, "callspec") else {}
    if "full" in item.fixturenames:
        arguments["full"] = item.config.getoption("--full")
    assert set(item.fixturenames) <= {*arguments, "request"}, "together: no fixtures"
    item.obj(**arguments)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Start all experiments, once, and report the outcome of this one."""
    if not _runs_together(pyfuncitem):
        FIGURES.set(pyfuncitem.user_properties)
        return None
    stash = pyfuncitem.config.stash
    if EXPERIMENTS not in stash:
        stash[EXPERIMENTS] = _start_all(pyfuncitem.session)
    stash[EXPERIMENTS][pyfuncitem].result()
    return True


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let what has been started end its processes; start nothing more."""
    if EXECUTOR in session.config.stash:
        session.config.stash[EXECUTOR].shutdown(cancel_futures=True)


@pytest.fixture
def full(request: pytest.FixtureRequest) -> bool:
    """Whether the long form of the experiments is asked for."""
    return bool(request.config.getoption("--full"))
