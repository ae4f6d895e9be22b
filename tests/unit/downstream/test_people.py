"""The invented people are the documented cast and as many plain others as are wanted."""

from downstream.people import Person, invent


def by_id(count: int) -> dict[str, Person]:
    """Invent people, and find them by id."""
    return {person.id: person for person in invent(count)}


def test_each_of_the_cast_plays_the_documented_part() -> None:
    """Tests and README count on who is who."""
    cast = by_id(8)

    assert cast["alice"] == Person(
        id="alice",
        name="Alice",
        push="device-alice",
        email="alice@example.com",
        sms=cast["alice"].sms,
    )
    assert [person.id for person in cast.values() if not person.is_enabled] == ["carol"]
    assert [person.id for person in cast.values() if person.sms is None] == ["dave"]
    assert [person.id for person in cast.values() if person.quiet_from] == ["erin"]
    assert (cast["erin"].quiet_from, cast["erin"].quiet_until) == ("00:00", "23:59")
    assert [person.id for person in cast.values() if not person.accepts_messages] == ["frank"]
    assert {person.id: person.locale for person in cast.values() if person.locale != "en"} == {
        "grace": "fr"
    }


def test_those_beyond_the_cast_can_all_be_sent_messages_at_any_time() -> None:
    """A load test may choose any of them."""
    others = [person for person in invent(300) if person.id.startswith("p0")]

    assert len(others) == 292
    assert others[0].id == "p00008"
    assert all(p.is_enabled and p.push and p.email and p.sms for p in others)
    assert not any(p.quiet_from or p.quiet_until for p in others)


def test_same_seed_invents_the_same_people_in_the_order_of_their_ids() -> None:
    """Pages of two processes fit together."""
    people = invent(2000)

    assert people == invent(2000)
    assert people != invent(2000, seed=1)
    assert [p.id for p in people] == sorted(p.id for p in people)


def test_everybody_has_a_telephone_number_of_their_own() -> None:
    """A message cannot reach the wrong one by a shared number."""
    numbers = [person.sms for person in invent(2000) if person.sms]

    assert len(set(numbers)) == len(numbers) == 1999
