"""Experiments that mostly wait run at the same time; what they measured is printed at the end.

A test marked `together` is an ordinary test without fixtures. When the first of them is due, all of
them are started in threads, each with processes of its own, and pytest then reads their outcomes
one by one. They come before the others of this folder, which measure times and want the machine to
themselves.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from .figures import FIGURES

AT_ONCE = 24
"""How many experiments run at the same time: they wait for most of their time."""

FOLDER = Path(__file__).parent

EXPERIMENTS = pytest.StashKey[dict[str, Future[object]]]()
"""The outcomes of the experiments that have been started, by test."""

EXECUTOR = pytest.StashKey[ThreadPoolExecutor]()


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark."""
    config.addinivalue_line("markers", "together: runs at the same time as others of its kind")


def _runs_together(item: pytest.Item) -> bool:
    return item.get_closest_marker("together") is not None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of this folder that run together before those that do not."""
    places = [place for place, item in enumerate(items) if item.path.parent == FOLDER]
    ordered = sorted((items[place] for place in places), key=lambda item: not _runs_together(item))
    for place, item in zip(places, ordered, strict=True):
        items[place] = item


def _start_all(session: pytest.Session) -> dict[str, Future[object]]:
    executor = session.config.stash[EXECUTOR] = ThreadPoolExecutor(AT_ONCE, "experiment")
    started = {}
    for item in session.items:
        if isinstance(item, pytest.Function) and _runs_together(item):
            arguments = item.callspec.params if hasattr(item, "callspec") else {}
            assert set(item.fixturenames) <= {*arguments, "request"}, "together: no fixtures"
            started[item.nodeid] = executor.submit(item.obj, **arguments)
    return started


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Start all experiments, once, and report the outcome of this one."""
    if not _runs_together(pyfuncitem):
        return None
    stash = pyfuncitem.session.config.stash
    if EXPERIMENTS not in stash:
        stash[EXPERIMENTS] = _start_all(pyfuncitem.session)
    stash[EXPERIMENTS][pyfuncitem.nodeid].result()
    return True


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let what has been started end its processes; start nothing more."""
    if EXECUTOR in session.config.stash:
        session.config.stash[EXECUTOR].shutdown(cancel_futures=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    if FIGURES:
        terminalreporter.section("figures of the health experiments")
        for name, value in sorted(FIGURES):
            terminalreporter.write_line(f"{name}: {value}")


@pytest.fixture
def full(pytestconfig: pytest.Config) -> bool:
    """Whether the long form of the experiments is asked for."""
    return bool(pytestconfig.getoption("--full"))
