"""The services without memory answer as documented."""

import httpx
import pytest


@pytest.mark.parametrize(("recipient", "is_allowed"), [("bob", True), ("frank", False)])
async def test_consent_is_refused_by_frank_alone(
    client: httpx.AsyncClient, recipient: str, *, is_allowed: bool
) -> None:
    """Everybody else may be sent messages."""
    asked = {"sender": "alice", "recipient": recipient, "channel": "push"}

    assert (await client.get("/consent/v1/consent", params=asked)).json() == {"allowed": is_allowed}


async def test_consent_names_what_was_not_asked(client: httpx.AsyncClient) -> None:
    """A question without recipient and channel is a problem."""
    answer = await client.get("/consent/v1/consent?sender=alice")

    assert (answer.status_code, answer.json()["detail"]) == (422, "missing: recipient, channel")


@pytest.mark.parametrize(
    ("person", "is_online"), [("alice", True), ("heidi", False), ("nobody", False)]
)
async def test_presence_tells_who_is_there(
    client: httpx.AsyncClient, person: str, *, is_online: bool
) -> None:
    """Heidi is away, and a stranger is not there either."""
    answer = await client.get(f"/presence/v1/presence/{person}")

    assert answer.json() == {"online": is_online}


@pytest.mark.parametrize(
    ("locale", "text"), [("fr", "[fr] hello"), ("en", "hello"), ("en-GB", "hello")]
)
async def test_translation_marks_what_it_translates(
    client: httpx.AsyncClient, locale: str, text: str
) -> None:
    """English stays as it is; anything else carries its language in front."""
    answer = await client.post("/translation/v1/translations", json={"text": "hello", "to": locale})

    assert answer.json() == {"text": text}


@pytest.mark.parametrize(("text", "is_spam"), [("Get FREE MONEY now", True), ("free money", False)])
async def test_spam_scores_high_with_the_mark_alone(
    client: httpx.AsyncClient, text: str, *, is_spam: bool
) -> None:
    """A score of 0.9 and more means spam."""
    score = (await client.post("/spam/v1/scores", json={"text": text})).json()["score"]

    assert (score >= 0.9) is is_spam


async def test_links_gives_each_long_link_a_short_one_and_always_the_same(
    client: httpx.AsyncClient,
) -> None:
    """Two links, one of them twice: two short ones, the same in a second answer."""
    asked = {"text": "see https://example.com/a?b=c, http://x.org and https://example.com/a?b=c"}

    first = (await client.post("/links/v1/links", json=asked)).json()["links"]

    assert set(first) >= {"http://x.org"}
    assert len(set(first.values())) == len(first)
    assert all(short.startswith("https://sho.rt/") for short in first.values())
    assert (await client.post("/links/v1/links", json=asked)).json()["links"] == first


async def test_audit_accepts_any_object(client: httpx.AsyncClient) -> None:
    """The record is taken: 201."""
    answer = await client.post("/audit/v1/records", json={"id": "1", "nested": {"x": [1]}})

    assert (answer.status_code, answer.json()) == (201, {})


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"\xff", 400), (b"[]", 422), (b'{"txt": ""}', 422)]
)
async def test_body_that_is_not_asked_for_is_a_problem(
    client: httpx.AsyncClient, body: bytes, status: int
) -> None:
    """No JSON is 400, another shape 422; never a 500."""
    answer = await client.post("/spam/v1/scores", content=body)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
