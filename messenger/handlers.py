"""HTTP in, HTTP out: each handler reads a request, calls one method and renders its result."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from messenger.errors import MessengerError
from messenger.intake import read_draft, read_key
from messenger.problems import answer_domain
from messenger.state import State

JSON = "application/json"

_encode = msgspec.json.Encoder().encode


async def send_message(request: Request[State]) -> Response:
    """Answer `POST /v1/messages`: 202 with the receipt."""
    service = request.state["service"]
    key = read_key(request)
    draft = await read_draft(request)
    if key is None:
        key = service.new_id()
    # Told in a refusal as well: only with this key is trying again after a 503 safe.
    headers = {"idempotency-key": key}
    try:
        receipt = await service.send(draft, key)
    except MessengerError as error:
        return answer_domain(error, headers)
    request.state["count_degraded"](receipt.degraded)
    headers["location"] = f"/v1/messages/{receipt.id}"
    return Response(_encode(receipt), 202, headers, JSON)


async def find_message(request: Request[State]) -> Response:
    """Answer `GET /v1/messages/{id}`: 200 with what became of the message."""
    message = await request.state["service"].find(request.path_params["id"])
    return Response(_encode(message), media_type=JSON)
