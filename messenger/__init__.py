"""Messenger: a reference microservice whose health endpoints tell the truth.

The flow of one message, `POST /v1/messages`:

1. `handlers` reads the request, refuses what is no draft, and calls one method of the service.
2. `service` looks up sender, recipient and template in the `directory`'s snapshots.
3. It asks `consent` (required) and, at the same time, four optional downstreams.
4. `rendering` turns body, translation, short links and template into the text to be sent.
5. `delivery` takes the message over; only then is anything promised, and only then is it audited.
6. `handlers` answers 202 with the receipt, or `problems` says in RFC 9457's format why not.
"""
