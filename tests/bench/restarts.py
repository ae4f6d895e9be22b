"""From a fault to the end of the container, with a kubelet model and the article's probe."""

from concurrent.futures import ThreadPoolExecutor

from tests.integration.health.kubelet import Restart
from tests.integration.health.test_kubelet import CYCLE, EXIT, STALL, many

from .row import Length, Row

PHASES = 8
"""Containers of each kind, at once, their probes spread over the period."""


def _range(restarts: list[Restart]) -> tuple[str, float]:
    seconds = sorted(each.seconds for each in restarts)
    statuses = "/".join(str(status) for status in sorted({each.status for each in restarts}))
    return f"{seconds[0]:.1f} to {seconds[-1]:.1f}, exit {statuses}", seconds[-1]


def rows(_length: Length) -> list[Row]:
    """Measure all kinds at once: they wait."""
    with ThreadPoolExecutor(5) as pool:
        control = pool.submit(many, {"plain": True}, STALL, 4)
        kinds = {
            ("stall", 41.0): pool.submit(many, {}, STALL, PHASES),
            ("cycle of threads", 35.0): pool.submit(many, {}, CYCLE, PHASES),
            ("stall, exit on broken", 12.5): pool.submit(many, EXIT, STALL, 4),
            ("cycle, exit on broken", 5.0): pool.submit(many, EXIT, CYCLE, 4),
        }
        plain, _ = _range(control.result())
        result = []
        for (name, limit), future in kinds.items():
            text, slowest = _range(future.result())
            explained = all(each.message for each in future.result())
            result.append(
                Row(
                    f"fault to container gone, s: {name}",
                    plain if name.startswith("stall") else "never noticed",
                    f"{text}, {'all explained' if explained else 'not all explained'}",
                    f"at most {limit:g}, explained",
                    slowest <= limit and explained,
                )
            )
    return result
