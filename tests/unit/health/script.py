"""A script in a process of its own, which may freeze or crash as this one must not."""

import os
import subprocess
import sys


def end_of(source: str) -> subprocess.CompletedProcess[str]:
    """Run Python code, and return how it ended.

    Coverage stays out of it: it asks for frames as well, and makes objects between two lines.
    """
    environ = {name: text for name, text in os.environ.items() if "COVERAGE" not in name}
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", source], env=environ, capture_output=True, text=True, check=False
    )
