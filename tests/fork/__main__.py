"""Makes a service of one's own out of this repository: the same tree under another name.

    uv run python -m tests.fork ../orders --name orders
    uv run python -m tests.fork ../orders --minimal

The folder gets the files that git tracks here, as they are in the work tree, with the new name in
place of the old one, and one commit; with `--minimal` one example route and two downstreams in
place of what this service is for. On any refusal the exit status is 1, and nothing is left.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from . import tidying
from .copying import fork
from .naming import Refused

ROOT = Path(__file__).parents[2]


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Fork, say what came out of it, and return the exit status."""
    args = _parser().parse_args(arguments)
    target = args.target.absolute()
    name = args.name or target.name
    ruff = tidying.ruff()
    try:
        count = fork(root, target, name, is_minimal=args.minimal, ruff=ruff)
    except Refused as reason:
        sys.stderr.write(f"fork: {reason}\n")
        return 1
    sys.stdout.write(f"{name}: {count} files in {args.target}, and one commit\n")
    if ruff is None:
        sys.stdout.write("There is no ruff, which would wrap lines and sort imports.\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        "python -m tests.fork", description=(__doc__ or "").split("\n")[0]
    )
    made.add_argument("target", type=Path, help="a folder that is empty, or not there")
    made.add_argument("--name", help="of the service, such as order-items; the folder's without it")
    made.add_argument(
        "--minimal", action="store_true", help="with one example route and two downstreams"
    )
    return made


if __name__ == "__main__":
    sys.exit(main())
