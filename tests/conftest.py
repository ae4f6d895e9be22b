"""What all tiers share: slow tests run on demand, and asyncio is the loop that tests run on."""

from typing import Any

import pytest

from .scheduling import Scheduling

SLOW_NAMES = pytest.StashKey[list[str]]()
"""The slow tests that were left out, to be named at the end: what was not run is no secret."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the slow tests, and of those that need a cluster."""
    parser.addoption("--slow", action="store_true", help="also run the tests that take minutes")
    parser.addoption("--full", action="store_true", help="let slow tests run at their full length")
    parser.addoption("--require-cluster", action="store_true", help="fail instead of skip in e2e")
    parser.addoption("--build-images", action="store_true", help="build and load e2e's images")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave slow tests out, unless they are asked for."""
    if config.getoption("--slow"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    items[:] = [item for item in items if not item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    config.stash[SLOW_NAMES] = [item.nodeid for item in slow]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:  # noqa: ANN401 - xdist's own
    """Deal the tests out to the workers."""
    return Scheduling(config, log)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the names from a worker of pytest-xdist to the process that prints the summary."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["slow"] = session.config.stash.get(SLOW_NAMES, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:  # noqa: ANN401 - xdist has no types
    """Take the names over from a worker; every worker has the same."""
    del error
    node.config.stash[SLOW_NAMES] = getattr(node, "workeroutput", {}).get("slow", [])


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print what the tests measured, and name the slow ones that were left out."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    figures = {str(name): value for report in reports for name, value in report.user_properties}
    if figures:
        terminalreporter.section("measured")
        for name, value in sorted(figures.items()):
            terminalreporter.write_line(f"{name}: {value}")
    names = config.stash.get(SLOW_NAMES, [])
    if names:
        terminalreporter.section("left out as slow; --slow runs them")
        for name in names:
            terminalreporter.write_line(name)


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio: the locks and waits under test are asyncio's."""
    return "asyncio"
