"""HTTP for those who operate the service: what Prometheus scrapes, and faults set at run time."""

from typing import Annotated, TypedDict

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from messenger.ailments import Ailments
from messenger.faults import Faults, FaultSyntaxError, split
from messenger.intake import explain, read_body
from messenger.problems import InputProblem, Kind

NO_FAULTS = Kind(422, "no-faults", "The body is no list of faults")

MAX_BODY_BYTES = 4096
"""Longest body of `PUT /debug/faults`: some fifty faults, more than the grammar knows."""


class OperatorState(TypedDict):
    """What the handlers here find in `request.state`."""

    registry: CollectorRegistry
    """The metrics of this process."""

    faults: Faults
    """The faults of calls in force; they act only where `faults_enabled` is set."""

    ailments: Ailments
    """The faults of the process itself."""


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `PUT /debug/faults`."""

    faults: str
    """A list of faults; see `messenger.faults`."""

    ttl_seconds: Annotated[float, msgspec.Meta(gt=0)] | None = None
    """After how long they pass by themselves; None keeps them."""


async def scrape(request: Request[OperatorState]) -> Response:
    """Answer `GET /metrics`: 200 with the metrics, in the format that the scraper prefers."""
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(request.state["registry"]), headers={"content-type": media_type})


class FaultControl(HTTPEndpoint):
    """Answers `/debug/faults`; a route only where faults are enabled."""

    async def get(self, request: Request[OperatorState]) -> Response:
        """Answer 200 with the faults in force, those of the process under `process`."""
        state = request.state
        return JSONResponse({**state["faults"].describe(), "process": state["ailments"].active})

    async def put(self, request: Request[OperatorState]) -> Response:
        """Put other faults in force and answer 200 with them, or 422 naming the bad part."""
        order = await _read_order(request)
        try:
            of_calls, of_process = split(order.faults)
            # An order for the process alone leaves the faults of calls as they are.
            if of_calls or not of_process:
                request.state["faults"].set(of_calls, order.ttl_seconds)
        except FaultSyntaxError as error:
            raise InputProblem(NO_FAULTS, str(error), field="faults") from error
        if any(fault.kind == "never-ready" for fault in of_process):
            why = "never-ready acts at the start only: set MESSENGER_FAULTS"
            raise InputProblem(NO_FAULTS, why, field="faults")
        for fault in of_process:
            request.state["ailments"].begin(fault, order.ttl_seconds)
        return await self.get(request)

    async def delete(self, request: Request[OperatorState]) -> Response:
        """Put no fault in force, undo what can be undone, and answer 200 with what is left."""
        request.state["faults"].clear()
        request.state["ailments"].end()
        return await self.get(request)


async def _read_order(request: Request[OperatorState]) -> Order:
    """Return the body as an order.

    Raises:
        InputProblem: It is too long, or something else.
    """
    body = await read_body(request, MAX_BODY_BYTES)
    try:
        return msgspec.json.decode(body, type=Order)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise explain(str(error), NO_FAULTS) from error
