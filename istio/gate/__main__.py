"""The command: uv run python -m istio.gate run."""

import argparse
import contextlib
import random
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from istio.gate.api import Api, ClusterError, proxy
from istio.gate.judge import Judge, Verdict
from istio.gate.mesh import IstioMesh
from istio.gate.plan import ALL, Plan
from istio.gate.recording import RecordingJudge, replay
from istio.gate.rollout import Aborted, Rollout
from istio.gate.sources import CALLER_BOUNDS, POD_BOUNDS, Caller, Source, callers, pods
from istio.gate.weights import NEW, OLD, Refused

ABORTED = 1
WRONG = 2
REFUSED = 3
UNREACHED = 4

ENDS: dict[type[Exception], tuple[int, str]] = {
    Refused: (REFUSED, "refused"),
    ClusterError: (UNREACHED, "the cluster cannot be asked"),
    OSError: (WRONG, "the recording cannot be written"),
}
"""The exit status of each error, and what is said before its text."""

EPILOG = """exit status: 0 done, 1 aborted, 2 the command is wrong, 3 refused, since the mesh is in
another state than a roll-out can be in, 4 the cluster cannot be asked, 130 interrupted. The weight
is defined after each of them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit status."""
    args = parser().parse_args(arguments)
    if args.command == "replay":
        return _judge_again(args)
    try:
        with proxy(args.context) as address:
            _obey(args, Api(address, args.namespace))
    except Aborted:
        return 0 if args.command == "abort" else ABORTED
    except (Refused, ClusterError, OSError) as error:
        status, what = next(ends for kind, ends in ENDS.items() if isinstance(error, kind))
        print(f"{what}: {error}", file=sys.stderr)
        return status
    except KeyboardInterrupt:
        return 130
    return 0


def _obey(args: argparse.Namespace, api: Api) -> None:
    mesh = IstioMesh(api)
    plan = Plan(steps=args.steps, pause_seconds=args.pause_seconds, replicas=args.replicas)
    rollout = Rollout(mesh, plan, say=_say)
    match args.command:
        case "status":
            _tell_status(mesh)
        case "promote":
            rollout.promote()
        case "abort":
            rollout.abort("by hand")
        case _:
            _judge_and_move(args, api, mesh, rollout)


def _judge_and_move(args: argparse.Namespace, api: Api, mesh: IstioMesh, rollout: Rollout) -> None:
    """Make one step, or all of them."""
    sources = {
        "callers": Source(callers(api, args.callers)),
        "pods": Source(pods(api, mesh)),
    }
    with contextlib.ExitStack() as stack:
        judge = Judge(**_judging(args))
        if args.record is not None:
            file = stack.enter_context(args.record.open("w", encoding="utf-8"))
            judge = RecordingJudge(file, **_judging(args))
        _move(args, mesh.weight(), rollout, (judge, sources))


def _move(
    args: argparse.Namespace,
    weight: int,
    rollout: Rollout,
    evidence: tuple[Judge, dict[str, Source]],
) -> None:
    if args.command == "run":
        rollout.run(*evidence)
        return
    following = next((each for each in args.steps if each > weight), None)
    if following is None:
        raise Refused(f"the weight is {weight}, and no step comes after it; promote is next")
    rollout.step(following, *evidence)


def _judge_again(args: argparse.Namespace) -> int:
    judge = Judge(**_judging(args))
    try:
        with args.file.open(encoding="utf-8") as lines:
            verdict = replay(lines, judge)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{args.file} is no recording: {error!r}", file=sys.stderr)
        return WRONG
    _say(f"decision={verdict.replace(' ', '-')} {judge.numbers()}")
    return ABORTED if verdict is Verdict.ABORT else 0


def _judging(args: argparse.Namespace) -> dict[str, Any]:
    """Return what a judge is given."""
    return {
        "bounds": {"callers": CALLER_BOUNDS, "pods": POD_BOUNDS},
        "least": args.least,
        "is_blind": args.blind,
        "dice": random.SystemRandom(),
    }


def _tell_status(mesh: IstioMesh) -> None:
    weight = mesh.weight()
    for subset, share in ((OLD, ALL - weight), (NEW, weight)):
        crew = mesh.crew(subset)
        print(
            f"subset={subset} weight={share} ready={crew.ready} wanted={crew.wanted} "
            f"restarts={crew.restarts}"
        )


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    made = argparse.ArgumentParser("python -m istio.gate", epilog=EPILOG, description=__doc__)
    made.add_argument("--context", default="kind-messenger", help="of the kubeconfig")
    made.add_argument("--namespace", default="messenger-canary", help="where Messenger is")
    made.add_argument("--replicas", type=int, default=5, help="of a version with all the weight")
    made.set_defaults(steps=Plan.steps, pause_seconds=Plan.pause_seconds)
    commands = made.add_subparsers(dest="command", required=True)
    commands.add_parser("status", help="print weights and pods of both versions")
    commands.add_parser("promote", help="give version 2.0 everything, without judging it")
    commands.add_parser("abort", help="take all weight from version 2.0")
    for name, what in (("step", "the next weight"), ("run", "all weights to the end")):
        _add_judging(commands.add_parser(name, help=f"give version 2.0 {what}, and judge it"))
    again = commands.add_parser("replay", help="judge again what --record has kept")
    again.add_argument("file", type=Path)
    _add_opinion(again)
    return made


def _add_judging(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--steps", type=_steps, default=Plan.steps, help="weights, such as 10,25,50; none above 50"
    )
    command.add_argument("--pause-seconds", type=float, default=Plan.pause_seconds)
    command.add_argument("--record", type=Path, metavar="FILE", help="keep all that is seen")
    command.add_argument(
        "--callers",
        type=_caller,
        action="append",
        default=[Caller("istio-system", "istio=ingressgateway")],
        metavar="NAMESPACE/SELECTOR",
        help="pods with a proxy that call Messenger, beside the gateway",
    )
    _add_opinion(command)


def _add_opinion(command: argparse.ArgumentParser) -> None:
    command.add_argument("--least", type=int, default=60, help="answers of 2.0 that a step needs")
    command.add_argument(
        "--blind", action="store_true", help="see nothing: a control, which promotes the worst"
    )


def _steps(text: str) -> tuple[int, ...]:
    steps = tuple(int(part) for part in text.split(","))
    if list(steps) != sorted(set(steps)) or not 0 < steps[0] <= steps[-1] <= ALL // 2:
        raise argparse.ArgumentTypeError("weights have to rise, from 1 to 50")
    return steps


def _caller(text: str) -> Caller:
    namespace, slash, selector = text.partition("/")
    if not (namespace and slash and selector):
        raise argparse.ArgumentTypeError("NAMESPACE/SELECTOR, such as shop/app=cart")
    return Caller(namespace, selector)


def _say(line: str) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}", flush=True)


def _end(number: int, _: object) -> None:
    """End as for an exception, so that kubectl ends too; the status is a shell's for the signal."""
    sys.exit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    sys.exit(main())
