"""The use case: what is asked, what is refused, what is handed over and what is promised."""

import logging
from datetime import UTC, datetime

import pytest
from msgspec import UNSET, structs

from messenger import calls
from messenger.errors import (
    ConsentRefused,
    KeyReused,
    LooksLikeSpam,
    MessageUnknown,
    MessengerError,
    NoAddress,
    RecipientUnknown,
    SenderDisabled,
    SenderUnknown,
    Unavailable,
)
from messenger.models import Account, Contact, Message, Preference, Profile
from messenger.parties import Parties
from messenger.rendering import Renderer
from messenger.service import MessageService
from tests.unit.fakes import DRAFT, GOOD_DAY, PARTIES, FakeCaller, FakeDirectory, InlineThreads

NOW = datetime(2026, 11, 10, 23, 0, tzinfo=UTC)


def build(
    answers: dict[str, object] | None = None, parties: Parties = PARTIES, version: str = "1.0"
) -> tuple[MessageService, FakeCaller]:
    """Return a service on a good day, but for what is given, and the caller it uses."""
    caller = FakeCaller({**GOOD_DAY, **(answers or {})})
    service = MessageService(
        directory=FakeDirectory(parties),
        downstreams=caller,
        renderer=Renderer(InlineThreads()),
        version=version,
        deadline_seconds=3.0,
        now=lambda: NOW,
        new_id=lambda: "new-id",
    )
    return service, caller


def asked(caller: FakeCaller) -> list[str]:
    """Return who was called, in order."""
    return [call.downstream for call in caller.calls]


async def test_a_message_is_handed_over_with_all_that_was_learnt() -> None:
    """Translated, with short links, in the template's words, under the client's key."""
    service, caller = build()
    receipt = await service.send(DRAFT, "key-1")
    [delivery] = [call for call in caller.calls if call.downstream == "delivery"]

    assert delivery.key == "key-1"
    assert delivery.body == calls.Handover(
        id="new-id",
        sender="alice",
        recipient="bob",
        channel="push",
        address="device-b",
        body=DRAFT.body,
        text="Alice: Voir https://sho.rt/1",
        locale=None,
        status="accepted",
        not_before=None,
    )
    assert (receipt.id, receipt.status, receipt.degraded) == ("first-id", "accepted", ())


async def test_every_message_makes_the_same_seven_calls_in_three_steps() -> None:
    """Five at once, then the hand-over, then the record."""
    service, caller = build()
    await service.send(DRAFT, "key-1")

    assert asked(caller) == [
        "consent",
        "presence",
        "translation",
        "spam",
        "links",
        "delivery",
        "audit",
    ]


@pytest.mark.parametrize(
    ("locale", "profile", "to"),
    [
        pytest.param("pt-BR", "fr", "pt-BR", id="the sender's choice"),
        pytest.param(None, "fr", "fr", id="the recipient's own"),
        pytest.param(None, "en", "en", id="English, also when nothing is to be done"),
    ],
)
async def test_the_text_is_asked_for_in_the_right_language(
    locale: str | None, profile: str, to: str
) -> None:
    """The draft's locale comes first; `delivery` is told only what the client wrote."""
    parties = PARTIES._replace(recipient=Profile("bob", "Bob", profile))
    service, caller = build(parties=parties)
    await service.send(structs.replace(DRAFT, locale=locale), "key-1")
    bodies = {call.downstream: call.body for call in caller.calls}

    assert bodies["translation"] == calls.translation(DRAFT.body, to).body
    assert isinstance(bodies["delivery"], calls.Handover)
    assert bodies["delivery"].locale == locale


@pytest.mark.parametrize(
    ("parties", "error"),
    [
        pytest.param(PARTIES._replace(account=None), SenderUnknown, id="no sender"),
        pytest.param(
            PARTIES._replace(account=Account("alice", enabled=False)), SenderDisabled, id="disabled"
        ),
        pytest.param(PARTIES._replace(contact=None), RecipientUnknown, id="no recipient"),
        pytest.param(PARTIES._replace(contact=Contact("bob")), NoAddress, id="no address"),
    ],
)
async def test_who_cannot_send_or_be_reached_is_refused_before_any_call(
    parties: Parties, error: type[MessengerError]
) -> None:
    """What memory can answer costs no downstream anything."""
    service, caller = build(parties=parties)
    with pytest.raises(error):
        await service.send(DRAFT, "key-1")

    assert asked(caller) == []


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        pytest.param({"consent": calls.Consent(allowed=False)}, ConsentRefused, id="no consent"),
        pytest.param({"consent": Unavailable("consent", "status")}, Unavailable, id="unknown"),
        pytest.param({"spam": calls.Score(0.9)}, LooksLikeSpam, id="spam"),
    ],
)
async def test_nothing_is_handed_over_without_consent_or_as_spam(
    answers: dict[str, object], error: type[MessengerError]
) -> None:
    """All five are asked all the same, and after them nobody."""
    service, caller = build(answers)
    with pytest.raises(error):
        await service.send(DRAFT, "key-1")

    assert asked(caller) == ["consent", "presence", "translation", "spam", "links"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(Unavailable("delivery", "timeout"), Unavailable, id="down"),
        pytest.param(KeyReused(), KeyReused, id="key of another message"),
    ],
)
async def test_a_failed_hand_over_is_neither_promised_nor_recorded(
    answer: Exception, error: type[MessengerError]
) -> None:
    """Audit hears only of what was taken over."""
    service, caller = build({"delivery": answer})
    with pytest.raises(error):
        await service.send(DRAFT, "key-1")

    assert asked(caller)[-1] == "delivery"


async def test_a_repeated_key_has_the_first_answer() -> None:
    """Id, status and time are what `delivery` says, not what this attempt would have said."""
    first = calls.Delivery("first-id", "deferred", "2026-11-11T07:00:00Z")
    service, _ = build({"delivery": first})
    receipt = await service.send(DRAFT, "key-1")

    assert (receipt.id, receipt.status) == ("first-id", "deferred")
    assert receipt.not_before == "2026-11-11T07:00:00Z"


async def test_in_quiet_hours_a_message_is_deferred() -> None:
    """It is handed over at once, not to be delivered before their end."""
    parties = PARTIES._replace(preference=Preference("bob", "22:00", "07:00"))
    service, caller = build(parties=parties)
    await service.send(DRAFT, "key-1")
    [handover] = [call.body for call in caller.calls if call.downstream == "delivery"]

    assert isinstance(handover, calls.Handover)
    assert (handover.status, handover.not_before) == ("deferred", "2026-11-11T07:00:00Z")


async def test_degraded_names_all_that_was_done_without_in_the_tables_order() -> None:
    """Stale snapshots, missing opinions and audit, each once."""
    failing = ("links", "spam", "translation", "presence", "audit")
    parties = PARTIES._replace(stale=frozenset({"templates", "accounts"}))
    service, _ = build({name: Unavailable(name, "status") for name in failing}, parties)
    receipt = await service.send(DRAFT, "key-1")

    assert receipt.degraded == (
        "accounts",
        "templates",
        "presence",
        "translation",
        "spam",
        "links",
        "audit",
    )


async def test_without_opinions_the_text_is_as_written() -> None:
    """Neither translated nor shortened, and taken for no spam."""
    failing = ("links", "spam", "translation", "presence")
    service, caller = build({name: Unavailable(name, "timeout") for name in failing})
    await service.send(DRAFT, "key-1")
    bodies = {call.downstream: call.body for call in caller.calls}

    assert isinstance(bodies["delivery"], calls.Handover)
    assert bodies["delivery"].text == f"Alice: {DRAFT.body}"
    assert isinstance(bodies["audit"], calls.Record)
    assert bodies["audit"].online is None


async def test_what_audit_does_not_take_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The record is kept here, without the body."""
    service, _ = build({"audit": Unavailable("audit", "connection")})
    with caplog.at_level(logging.WARNING, "messenger.service"):
        await service.send(DRAFT, "key-1")
    [line] = caplog.records
    record = vars(line)["record"]

    assert (record["id"], record["sender"], record["recipient"]) == ("first-id", "alice", "bob")
    assert DRAFT.body not in str(record)


@pytest.mark.parametrize("name", ["presence", "translation", "spam", "links"])
async def test_a_defect_of_ours_is_no_degradation(name: str) -> None:
    """What is not a downstream's failure is not hidden as one."""
    service, _ = build({name: ZeroDivisionError()})
    with pytest.raises(ZeroDivisionError):
        await service.send(DRAFT, "key-1")


@pytest.mark.parametrize(
    ("version", "links"),
    [
        pytest.param("1.0", UNSET, id="not in 1.0"),
        pytest.param("1.9", UNSET, id="not in 1.9"),
        pytest.param("2.0", 1, id="from 2.0"),
        pytest.param("2-rc1", 1, id="also before its release"),
        pytest.param("10.1", 1, id="and for ever"),
        pytest.param("next", UNSET, id="not where there is no number"),
    ],
)
async def test_version_two_counts_links_in_its_receipt(version: str, links: object) -> None:
    """The one visible difference between the releases of a canary."""
    service, _ = build(version=version)
    receipt = await service.send(DRAFT, "key-1")

    assert (receipt.version, receipt.links) == (version, links)


async def test_a_message_is_found_where_it_was_handed_over() -> None:
    """The service itself remembers nothing."""
    message = Message("m1", "delivered", "alice", "bob", "push")
    service, caller = build({"delivery": message})

    assert await service.find("m1") == message
    assert [call.target for call in caller.calls] == ["/v1/deliveries/m1"]


@pytest.mark.parametrize("message_id", ["", "a/b", "../x", "m1\n", "é", "m" * 65])
async def test_what_can_be_no_id_is_not_asked_for(message_id: str) -> None:
    """An id that no message can have never reaches another service's address."""
    service, caller = build()
    with pytest.raises(MessageUnknown):
        await service.find(message_id)

    assert caller.calls == []
