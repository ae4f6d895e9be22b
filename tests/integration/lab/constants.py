"""Sets constants of the health package to other values, in this process alone.

A constant is no setting: nobody should turn it. An experiment may: it shortens what would take
minutes, or it spoils a protection on purpose, to show that a test notices.
"""

import importlib
import pkgutil

import messenger.health

QUICK_GIL = {"SILENT_SECONDS": 0.5, "RUNNING_SECONDS": 1, "GIL_SECONDS": 1.5}
"""What brings the dump of a held GIL forward, from 15 s to 1.5 s."""


def put(values: dict[str, int | float | list[str]]) -> None:
    """Set each constant in every module of the package that has it; a list becomes a header.

    Raises:
        ValueError: No module has a constant of that name.
    """
    modules = [
        importlib.import_module(f"{messenger.health.__name__}.{module.name}")
        for module in pkgutil.iter_modules(messenger.health.__path__)
    ]
    for name, value in values.items():
        owners = [module for module in modules if hasattr(module, name)]
        if not owners:
            raise ValueError(f"no such constant: {name}")
        meant = tuple(map(str.encode, value)) if isinstance(value, list) else value
        for module in owners:
            setattr(module, name, meant)
