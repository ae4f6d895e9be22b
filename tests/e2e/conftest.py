"""The cluster of the session, and who may run beside whom on it."""

import contextlib
import faulthandler
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e import images, outage, sickness, warming
from tests.e2e.cluster import Cluster, NoCluster, find_context, open_cluster
from tests.e2e.outage import Outage
from tests.e2e.sickness import Sickness
from tests.e2e.space import READY_SECONDS, Space, wait_until_gone
from tests.e2e.warming import Warming

EXPERIMENTS: dict[str, Callable[[Cluster, Callable[[], None]], Any]] = {
    "sickness": sickness.run,
    "outage": outage.run,
    "warming": warming.run,
}
"""What mostly waits, and therefore runs at the same time, each in a namespace of its own."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Let a test wait for longer than a minute without all stacks being printed."""
    faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell how the namespace of a failed test looks; where required, fail instead of skip."""
    report = yield
    space = getattr(item, "funcargs", {}).get("space")
    if report.when == "call" and report.failed and isinstance(space, Space):
        report.sections.append((f"the namespace {space.name}", space.story()))
    if report.skipped and item.config.getoption("--require-cluster"):
        report.outcome = "failed"
        report.longrepr = f"skipped in spite of --require-cluster: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Yield the cluster, with the images in it; skip without one, or without being asked for it.

    Nodes are drained and paused: who runs every test there is has not asked for that.
    """
    is_asked = any("e2e" in argument for argument in request.config.args)
    if not is_asked and not request.config.getoption("--require-cluster"):
        pytest.skip("it drains a cluster's nodes: ask for it by `pytest tests/e2e`")
    try:
        context = find_context()
    except NoCluster as error:
        pytest.skip(f"no cluster: {error}")
    with open_cluster(context) as cluster:
        if request.config.getoption("--build-images"):
            images.build()
            images.load(cluster)
        yield cluster


class Experiments:
    """The experiments that run beside each other, from the first time that one is asked for.

    Args:
        futures: What will be known.
    """

    def __init__(self, futures: dict[str, Future[Any]]) -> None:
        self._futures = futures

    def result(self, name: str) -> Any:  # noqa: ANN401 - each its own
        """Return what an experiment found, when it is over."""
        return self._futures[name].result()

    def finish(self) -> None:
        """Wait until none runs any more."""
        for future in self._futures.values():
            with contextlib.suppress(Exception):
                future.result()


@pytest.fixture(scope="session")
def experiments(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[Experiments]:
    """Start the experiments that tests of this session ask for, all at once."""
    names = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    wanted = {name: run for name, run in EXPERIMENTS.items() if name in names}
    settled = threading.Barrier(max(1, len(wanted)), timeout=READY_SECONDS)

    def all_settled() -> None:
        # Who failed to settle does not come: the others then begin when they have waited enough.
        with contextlib.suppress(threading.BrokenBarrierError):
            settled.wait()

    with ThreadPoolExecutor(len(EXPERIMENTS)) as threads:
        yield Experiments(
            {name: threads.submit(run, cluster, all_settled) for name, run in wanted.items()}
        )


@pytest.fixture(scope="session", name="sickness")
def find_sickness(experiments: Experiments) -> Sickness:
    """Return what became of sick pods."""
    found: Sickness = experiments.result("sickness")
    return found


@pytest.fixture(scope="session", name="outage")
def find_outage(experiments: Experiments) -> Outage:
    """Return what two minutes without downstreams did."""
    found: Outage = experiments.result("outage")
    return found


@pytest.fixture(scope="session", name="warming")
def find_warming(experiments: Experiments) -> Warming:
    """Return what clients met with while pods warmed up."""
    found: Warming = experiments.result("warming")
    return found


@pytest.fixture(scope="module")
def alone(cluster: Cluster, experiments: Experiments) -> Cluster:
    """Return the cluster when nothing of ours is left on it: for what measures under load."""
    experiments.finish()
    wait_until_gone(cluster)
    return cluster
