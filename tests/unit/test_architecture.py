"""The architecture: who may import whom, what files are called, and how long they may be.

Each rule is a function from one module to what is wrong with it. It is applied to every module of
the packages, and, as a control, to a line that breaks it: a rule that finds nothing there would
find nothing anywhere.
"""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]

LAYERS = (
    {"app", "process", "start", "__main__"},
    {"handlers", "intake", "openapi", "operations", "problems", "state"},
    {"directory", "flights", "opinions", "refresher", "rendering", "service", "snapshot"},
    {"downstreams"},
    {
        "calls",
        "deadline",
        "errors",
        "models",
        "observation",
        "outcomes",
        "parties",
        "ports",
        "quiet_hours",
        "twelve",
    },
)
"""The flow of a message: wiring, HTTP, the use case, the edge, and the words all of them use."""

PARTS = ("handlers", "service", "directory", "refresher", "downstreams")
"""What `app` alone puts together: any other file knows one of them at most."""

FRAMEWORKS = ("starlette", "uvicorn", "opentelemetry", "prometheus_client", "anyio")
CLIENTS = ("httpx", "httpx_aiohttp", "aiohttp")

VAGUE = {"utils", "util", "helpers", "helper", "common", "core", "base", "manager", "misc"}
"""Names that say nothing about what a file is for, and so end up holding everything."""

MOST_LINES = 250
"""The house style's limit. Nine in ten files of Starlette, the model for size, stay below 300; a
file of this length is read in one go."""

LONGER = {"messenger/health/health.py": 280}
"""The one exception: the facade of the health package, half of it signatures and what they mean,
which a reader wants to see in one place."""


class Module(NamedTuple):
    """One file of Python."""

    path: PurePosixPath
    """Relative to the root."""

    source: str

    @property
    def layer(self) -> int | None:
        """The number of its layer, None for what stands beside the flow."""
        if self.path.parent != PurePosixPath("messenger"):
            return None
        return next((n for n, names in enumerate(LAYERS) if self.path.stem in names), None)

    @property
    def imports(self) -> set[str]:
        """Everything it imports, anywhere in it: modules, and names in them, in full."""
        return set(imported(ast.parse(self.source), self.path.parent))

    def touches(self, *names: str) -> list[str]:
        """Return what it imports of these modules or from inside them."""
        return sorted(
            each for each in self.imports if any(f"{each}.".startswith(f"{n}.") for n in names)
        )


def imported(tree: ast.AST, folder: PurePosixPath) -> Iterator[str]:
    """Yield what is imported in a tree, relative imports made absolute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = folder.parts[: len(folder.parts) + 1 - node.level] if node.level else ()
            whole = ".".join((*base, *filter(None, [node.module])))
            yield whole
            yield from (f"{whole}.{alias.name}" for alias in node.names)


def flow_is_one_way(module: Module) -> list[str]:
    """Handlers call the service, the service calls downstreams; nobody calls back."""
    if module.layer is None:
        return []
    above = {f"messenger.{name}" for names in LAYERS[: module.layer] for name in names}
    return module.touches(*above) if above else []


def downstreams_are_known_by_protocol(module: Module) -> list[str]:
    """Handlers and service use ports; what is behind them is the wiring's choice."""
    return module.touches("messenger.downstreams") if module.layer in {1, 2} else []


def handlers_know_one_method_each(module: Module) -> list[str]:
    """Handlers reach what is known through the service alone."""
    inner = ("directory", "refresher", "snapshot", "opinions", "rendering", "calls", "ports")
    names = [f"messenger.{name}" for name in inner]
    return module.touches(*names) if module.path.name == "handlers.py" else []


def only_app_knows_everybody(module: Module) -> list[str]:
    """All but the wiring know one of the parts at most."""
    known = [part for part in PARTS if module.touches(f"messenger.{part}")]
    is_wiring = module.path == PurePosixPath("messenger/app.py")
    return known if len(known) > 1 and not is_wiring else []


def domain_knows_no_framework(module: Module) -> list[str]:
    """The use case can be read, and tested, without HTTP."""
    if module.layer not in {2, 4}:
        return []
    return module.touches(*FRAMEWORKS, *CLIENTS)


def only_downstreams_speaks_http(module: Module) -> list[str]:
    """The client can be changed in one file."""
    is_edge = module.path == PurePosixPath("messenger/downstreams.py")
    return [] if is_edge else module.touches(*CLIENTS)


def health_stands_alone(module: Module) -> list[str]:
    """The health folder can be lifted out whole."""
    if module.path.parts[:2] != ("messenger", "health"):
        return []
    inside = module.touches("messenger.health")
    return [each for each in module.touches("messenger", "downstream") if each not in inside]


def faults_stand_alone(module: Module) -> list[str]:
    """The mocks need the fault grammar and nothing that comes with it."""
    if module.path.parts[:2] != ("messenger", "faults"):
        return []
    inside = module.touches("messenger.faults")
    return [each for each in module.touches("messenger", "downstream") if each not in inside]


def mocks_need_two_folders(module: Module) -> list[str]:
    """The mocks share the fault grammar and the health package, and nothing else."""
    if module.path.parts[0] != "downstream":
        return []
    allowed = module.touches("messenger.faults", "messenger.health")
    return [each for each in module.touches("messenger") if each not in {*allowed, "messenger"}]


def the_service_does_without_the_mocks(module: Module) -> list[str]:
    """A fork may drop them."""
    return module.touches("downstream") if module.path.parts[0] == "messenger" else []


def the_gate_stands_alone(module: Module) -> list[str]:
    """It judges a service by what can be seen of it, and is in no image."""
    if module.path.parts[0] == "istio":
        return module.touches("messenger", "downstream")
    return module.touches("istio")


def files_are_named_for_a_noun(module: Module) -> list[str]:
    """No file or folder has a name that fits everything."""
    return sorted(VAGUE & {PurePosixPath(part).stem for part in module.path.parts})


def files_are_read_in_one_go(module: Module) -> list[str]:
    """No file of the service, or of the gate, is longer than the limit."""
    lines = len(module.source.splitlines())
    is_bound = module.path.parts[0] in {"istio", "messenger"} and "page" not in module.path.parts
    most = LONGER.get(str(module.path), MOST_LINES)
    return [f"{lines} lines"] if is_bound and lines > most else []


def environment_is_read_in_one_place(module: Module) -> list[str]:
    """Only `__main__` reads the environment, so that settings are arguments everywhere else."""
    if module.path.name == "__main__.py":
        return []
    uses = [
        f"line {node.lineno}"
        for node in ast.walk(ast.parse(module.source))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"}
    ]
    return uses + module.touches("os.environ", "os.environb", "os.getenv")


def frames_are_asked_for_in_one_place(module: Module) -> list[str]:
    """The interpreter's own call can freeze the process; `health/frames.py` takes care of that."""
    if module.path == PurePosixPath("messenger/health/frames.py"):
        return []
    return [
        f"line {node.lineno}"
        for node in ast.walk(ast.parse(module.source))
        if isinstance(node, ast.Attribute) and node.attr == "_current_frames"
    ]


Rule = Callable[[Module], list[str]]

OFFENCES: list[tuple[Rule, str, str]] = [
    (flow_is_one_way, "messenger/service.py", "from messenger.handlers import send_message"),
    (flow_is_one_way, "messenger/downstreams.py", "import messenger.service"),
    (flow_is_one_way, "messenger/models.py", "def f():\n    from messenger import downstreams"),
    (downstreams_are_known_by_protocol, "messenger/service.py", "from .downstreams import TABLE"),
    (downstreams_are_known_by_protocol, "messenger/handlers.py", "import messenger.downstreams"),
    (handlers_know_one_method_each, "messenger/handlers.py", "from messenger import directory"),
    (only_app_knows_everybody, "messenger/process.py", "from messenger import handlers, service"),
    (domain_knows_no_framework, "messenger/service.py", "from starlette.requests import Request"),
    (domain_knows_no_framework, "messenger/errors.py", "import httpx"),
    (only_downstreams_speaks_http, "messenger/selfcheck.py", "import httpx"),
    (only_downstreams_speaks_http, "downstream/app.py", "from aiohttp import web"),
    (health_stands_alone, "messenger/health/locks.py", "from messenger.errors import Absent"),
    (health_stands_alone, "messenger/health/locks.py", "from .. import errors"),
    (faults_stand_alone, "messenger/faults/dice.py", "from messenger.health import Lock"),
    (mocks_need_two_folders, "downstream/app.py", "from messenger.models import Draft"),
    (mocks_need_two_folders, "downstream/app.py", "from messenger import problems"),
    (the_service_does_without_the_mocks, "messenger/embedded.py", "from downstream import app"),
    (the_gate_stands_alone, "istio/gate/judge.py", "from messenger.models import Draft"),
    (the_gate_stands_alone, "messenger/vitals.py", "from istio.gate import judge"),
    (files_are_named_for_a_noun, "messenger/utils.py", ""),
    (files_are_named_for_a_noun, "downstream/common/people.py", ""),
    (files_are_read_in_one_go, "istio/gate/judge.py", "\n" * (MOST_LINES + 1)),
    (files_are_read_in_one_go, "messenger/service.py", "\n" * (MOST_LINES + 1)),
    (environment_is_read_in_one_place, "messenger/settings.py", "import os\nos.environ['A']"),
    (environment_is_read_in_one_place, "messenger/logs.py", "from os import getenv"),
    (frames_are_asked_for_in_one_place, "messenger/health/pool.py", "sys._current_frames()"),
]

RULES = list(dict.fromkeys(rule for rule, _, _ in OFFENCES))

MODULES = [
    Module(PurePosixPath(path.relative_to(ROOT).as_posix()), path.read_text("utf-8"))
    for package in ("messenger", "downstream", "istio")
    for path in sorted((ROOT / package).rglob("*.py"))
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_module_keeps_the_rule(rule: Rule) -> None:
    """Nothing is found in any file of the packages."""
    found = {str(module.path): rule(module) for module in MODULES}

    assert {path: wrong for path, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [pytest.param(*each, id=f"{each[0].__name__}-{n}") for n, each in enumerate(OFFENCES)],
)
def test_the_rule_finds_what_breaks_it(rule: Rule, path: str, source: str) -> None:
    """The control: a line that breaks the rule is found by it."""
    assert rule(Module(PurePosixPath(path), source)) != []


def test_every_module_of_a_layer_exists() -> None:
    """A file that is renamed does not slip out of the rules."""
    stems = {module.path.stem for module in MODULES if len(module.path.parts) == 2}

    assert {name for names in LAYERS for name in names} <= stems
