"""The snapshot services serve each entry exactly once, in pages, and each by its id."""

import httpx
import pytest


@pytest.mark.parametrize(
    ("service", "entry"),
    [
        ("accounts", {"id": "carol", "enabled": False}),
        (
            "contacts",
            {"id": "dave", "push": "device-dave", "email": "dave@example.com", "sms": None},
        ),
        ("profiles", {"id": "grace", "name": "Grace", "locale": "fr"}),
        ("preferences", {"id": "erin", "quiet_from": "00:00", "quiet_until": "23:59"}),
        ("templates", {"id": "sms", "text": "$sender: $body"}),
    ],
)
async def test_entry_is_served_by_its_id(
    client: httpx.AsyncClient, service: str, entry: dict[str, object]
) -> None:
    """Each service tells of a person, or of a channel, what it is there for."""
    answer = await client.get(f"/{service}/v1/entries/{entry['id']}")

    assert (answer.status_code, answer.json()) == (200, entry)


@pytest.mark.parametrize("limit", [1, 5, 6, 11, 12, 500])
async def test_pages_hold_every_entry_exactly_once(client: httpx.AsyncClient, limit: int) -> None:
    """Following `next` to its end yields all entries, in order, none twice."""
    ids: list[str] = []
    after: str | None = ""
    while after is not None:
        answer = await client.get(
            "/accounts/v1/entries", params={"after": after, "limit": str(limit)}
        )
        page = answer.json()
        ids += [entry["id"] for entry in page["entries"]]
        after = page["next"]

        assert len(page["entries"]) <= limit
        assert page["total"] == 12

    assert ids == sorted(set(ids))
    assert len(ids) == 12


async def test_page_without_a_limit_holds_up_to_five_hundred(client: httpx.AsyncClient) -> None:
    """The default is large enough for all entries of this test."""
    page = (await client.get("/accounts/v1/entries")).json()

    assert (len(page["entries"]), page["next"]) == (12, None)


async def test_page_after_the_last_id_is_empty(client: httpx.AsyncClient) -> None:
    """Nothing comes after the end, and that is no error."""
    page = (await client.get("/accounts/v1/entries?after=zzz")).json()

    assert page == {"entries": [], "next": None, "total": 12}


@pytest.mark.parametrize("limit", ["0", "-1", "10001", "ten", "", "²", "9" * 5000])
async def test_limit_out_of_range_is_a_problem(client: httpx.AsyncClient, limit: str) -> None:
    """The answer names the parameter and its range."""
    answer = await client.get("/accounts/v1/entries", params={"limit": limit})

    assert answer.status_code == 422
    assert answer.json()["detail"] == "limit: a whole number from 1 to 10000"


async def test_unknown_entry_is_a_problem(client: httpx.AsyncClient) -> None:
    """Nobody by that name: 404, in RFC 9457's format."""
    answer = await client.get("/accounts/v1/entries/nobody")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
