"""How tests are dealt out to the workers of pytest-xdist."""

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

EXPERIMENTS = "tests/integration/health/"


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Keeps the experiments with the health package in one worker; deals out all others singly.

    Most experiments run at the same time in threads of their worker: another worker would start all
    of them once more. The mark `xdist_group` is meant for that; xdist 3.8 sets it where pytest 9.2
    does not look.
    """

    def _split_scope(self, nodeid: str) -> str:
        return EXPERIMENTS if nodeid.startswith(EXPERIMENTS) else nodeid
