"""README and code agree: every table, in both directions, each with a control.

A comparison that finds nothing in a README without its table would find nothing anywhere, hence
the controls: each takes the last row of its table away and has to see that.
"""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from messenger import settings, twelve
from messenger.app import routes
from messenger.directory_metrics import DirectoryCollector
from messenger.health.checks import Probe
from messenger.health.metrics import register
from messenger.metrics import Metrics
from messenger.process import make_health
from messenger.settings import Settings
from messenger.usage import default_text
from tests.integration import abuse

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

LOCK = re.compile(r'\b(Async|R|)Lock\(\s*f?"([^"]+)"')
FLIGHTS = re.compile(r'\bFlights\[\w+\]\("([^"]+)"\)')


def rows(readme: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without its head."""
    section = readme.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def without_last_row(readme: str, heading: str) -> str:
    """Return README with the last row of a table taken away."""
    before, mark, after = readme.partition(f"\n## {heading}\n")
    section, next_mark, rest = after.partition("\n## ")
    lines = section.splitlines()
    last = max(number for number, line in enumerate(lines) if line.startswith("|"))
    return before + mark + "\n".join(lines[:last] + lines[last + 1 :]) + next_mark + rest


def endpoints_in(readme: str) -> object:
    """Return the endpoints that README lists."""
    return {cells[0].strip("`") for cells in rows(readme, "Endpoints")}


def endpoints() -> object:
    """Return the endpoints that are served."""
    table = routes(Settings(pod="p", faults_enabled=True))
    probes = {f"GET /health/{probe}" for probe in Probe}
    return (
        {f"{verb} {row.template}" for row in table for verb in row.methods}
        | probes
        | {"GET /health"}
    )


def settings_in(readme: str) -> object:
    """Return the settings that README lists, with their defaults."""
    return {cells[0].strip("`"): cells[1].strip("`") for cells in rows(readme, "Settings")}


def all_settings() -> object:
    """Return the settings that are read, with their defaults."""
    return {name: default_text(field.default) for name, field in settings.fields().items()}


def downstreams_in(readme: str) -> object:
    """Return what README says of each downstream."""
    return [(cells[0], cells[1], cells[3]) for cells in rows(readme, "Downstreams")]


def downstreams() -> object:
    """Return what the code says of each downstream."""
    return [(each.name, each.needed, each.fallback) for each in twelve.TABLE]


def dependencies_in(readme: str) -> object:
    """Return the packages that README justifies."""
    return [cells[0] for cells in rows(readme, "Dependencies")]


def dependencies() -> object:
    """Return the packages that the distribution depends on."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [re.split(r"[^\w-]", line, maxsplit=1)[0] for line in project["dependencies"]]


def locks_in(readme: str) -> object:
    """Return the locks that README lists."""
    return {(cells[0].strip("`"), cells[1]) for cells in rows(readme, "Locks")}


def locks() -> object:
    """Return the locks that the service makes, beside those inside the health package."""
    found = set()
    for path in (ROOT / "messenger").glob("*.py"):
        source = path.read_text(encoding="utf-8")
        found |= {(name, "async" if kind else "thread") for kind, name in LOCK.findall(source)}
        found |= {
            (re.sub(r"\.\w+\.", ".{name}.", name), "async") for name in FLIGHTS.findall(source)
        }
    return found


def abuse_in(readme: str) -> object:
    """Return what README says that abuse gets."""
    return {cells[0]: cells[1] for cells in rows(readme, "Security")}


def abuse_shown() -> object:
    """Return what tests show that abuse gets."""
    return {sent: row.answer for sent, row in abuse.TABLE.items()} | abuse.LASTING


TABLES: dict[str, tuple[Callable[[str], object], Callable[[], object]]] = {
    "Endpoints": (endpoints_in, endpoints),
    "Settings": (settings_in, all_settings),
    "Downstreams": (downstreams_in, downstreams),
    "Dependencies": (dependencies_in, dependencies),
    "Locks": (locks_in, locks),
    "Security": (abuse_in, abuse_shown),
}


@pytest.mark.parametrize("heading", TABLES)
def test_a_table_and_the_code_agree(heading: str) -> None:
    """What is listed exists, and what exists is listed."""
    listed, existing = TABLES[heading]

    assert listed(README) == existing()


@pytest.mark.parametrize("heading", TABLES)
def test_a_row_that_is_missing_is_seen(heading: str) -> None:
    """The control: the comparison fails where it should."""
    listed, existing = TABLES[heading]

    assert listed(without_last_row(README, heading)) != existing()


def files_in(readme: str) -> set[str]:
    """Return the modules and folders of `messenger/` that the tree lists."""
    tree = readme.partition("\n## The tree\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^ {6}(\S+(?:\.py|/)) ", tree, flags=re.MULTILINE))


def files() -> set[str]:
    """Return the modules and folders of `messenger/`."""
    return {
        f"{path.name}/" if path.is_dir() else path.name
        for path in (ROOT / "messenger").iterdir()
        if path.suffix == ".py" or path.is_dir()
        if path.name not in {"__init__.py", "__pycache__"}
    }


def test_the_tree_lists_every_module_of_the_service() -> None:
    """Each with one line, and no line without a file."""
    assert files_in(README) == files()
    assert files_in(README.replace("      app.py ", "      apps.py ")) != files()


def metrics_in(readme: str) -> set[str]:
    """Return the metrics that README names where it says what can be seen."""
    section = readme.partition("\n## Seeing it\n")[2].partition("**Traces**")[0]
    return set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", section))


def metrics() -> set[str]:
    """Return the metrics that a process exports."""
    registry = CollectorRegistry()
    Metrics(registry, "1.0")
    registry.register(DirectoryCollector(dict))
    register(make_health(Settings(pod="p")), registry)
    return {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in registry.collect()
    }


def test_every_metric_that_is_named_is_exported() -> None:
    """README leads nobody to a metric that is not there; the control is one that is not."""
    assert len(metrics_in(README)) > 5
    assert metrics_in(README) <= metrics()
    assert not metrics_in(README.replace("`health_broken`", "`health_ill`")) <= metrics()
