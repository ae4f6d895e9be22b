"""What the package offers: all of it, sorted, and described."""

import ast
import inspect
import sys
from pathlib import Path

import pytest

import messenger.health as package

MODULES = sorted(Path(package.__file__).parent.glob("*.py"))


def test_all_is_sorted_and_complete() -> None:
    """Every name that the package imports from its modules is exported, and nothing else."""
    imported = {
        name
        for name, item in vars(package).items()
        if not name.startswith("_") and not inspect.ismodule(item)
    }

    assert package.__all__ == sorted(package.__all__)
    assert set(package.__all__) == imported


@pytest.mark.parametrize("name", package.__all__)
def test_every_public_name_is_described(name: str) -> None:
    """In one full sentence at least."""
    described = inspect.getdoc(getattr(package, name)) or ""

    assert described.splitlines()[0].endswith(".")


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_the_package_imports_nothing_of_the_application(module: Path) -> None:
    """Only itself, relatively, and what its description names: so it can be lifted out."""
    allowed = {"starlette", "uvicorn", "prometheus_client", *sys.stdlib_module_names}
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= allowed
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            assert (node.module or "").split(".")[0] in allowed
        if isinstance(node, ast.ImportFrom):
            assert node.level <= 1
