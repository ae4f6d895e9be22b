"""How much an image weighs over its base; `docker build` has made it, as README says."""

import json
import shutil
import subprocess
from typing import Any

from tests.manifests.test_images import MOST_OVER_BASE

from .row import Length, Row

BASE = "python:3.13-slim"

IMAGES = ("messenger-v1:1.0", "messenger-v2:2.0", "messenger-downstream:1.0")
"""By the names that `k8s/` has for them."""


def rows(_length: Length) -> list[Row]:
    """Read the sizes of the images that are there."""
    base = _megabytes(BASE)
    return [_row(image, base) for image in IMAGES]


def _row(image: str, base: float | None) -> Row:
    size = _megabytes(image)
    what, most = f"image {image}, MB uncompressed, over its base", MOST_OVER_BASE / 1e6
    if base is None or size is None:
        return Row(what, "-", "not here: not measured", f"at most {most:g}", None)
    over = size - base
    return Row(what, f"{base:.1f}", f"{over:.1f}", f"at most {most:g}", over <= most)


def _megabytes(image: str) -> float | None:
    """Return the size of an image, None where it, or docker, is not there."""
    if shutil.which("docker") is None:
        return None
    done = subprocess.run(  # noqa: S603 - docker, with arguments of our own
        ["docker", "image", "inspect", image],  # noqa: S607 - the one on PATH is the user's
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout) if done.returncode == 0 else []
    return found[0]["Size"] / 1e6 if found else None
