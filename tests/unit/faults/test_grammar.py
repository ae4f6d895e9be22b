"""The grammar reads what product and README promise, and refuses the rest with one clear line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.faults import Fault, FaultSyntaxError, parse, parse_by_service

RATES = st.decimals(min_value=0, max_value=100, places=2).map(lambda rate: f"{rate}%")
DURATIONS = st.builds(
    "{}{}".format, st.integers(min_value=1, max_value=9999), st.sampled_from(["ms", "s", "m"])
)
FAULTS = st.one_of(
    st.builds("error:{}".format, RATES),
    st.builds("error={}:{}".format, st.integers(min_value=400, max_value=599), RATES),
    st.builds("latency:{}".format, DURATIONS),
    st.builds("latency:{}@{}".format, DURATIONS, RATES),
    st.builds(
        "latency:lognormal({}ms,p99={}ms)".format,
        st.integers(min_value=1, max_value=99),
        st.integers(min_value=100, max_value=9999),
    ),
    st.builds("hang:{}".format, RATES),
    st.builds("reset:{}".format, RATES),
    st.builds("slow-body:{}".format, DURATIONS),
    st.builds("garbage:{}".format, RATES),
    st.builds("fail-next:{}".format, st.integers(min_value=0, max_value=10**6)),
)
"""Every form of the grammar, with any numbers."""


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("error:15%", Fault("error:15%", "error", 0.15), id="error"),
        pytest.param(
            "error=500:15%", Fault("error=500:15%", "error", 0.15, status=500), id="error-status"
        ),
        pytest.param(
            "latency:200ms", Fault("latency:200ms", "latency", seconds=0.2), id="latency-always"
        ),
        pytest.param(
            "latency:1.5s@10%", Fault("latency:1.5s@10%", "latency", 0.1, seconds=1.5), id="latency"
        ),
        pytest.param(
            "latency:lognormal(50ms,p99=4s)",
            Fault("latency:lognormal(50ms,p99=4s)", "latency", seconds=0.05, p99_seconds=4.0),
            id="lognormal",
        ),
        pytest.param("hang:5%", Fault("hang:5%", "hang", 0.05), id="hang"),
        pytest.param("reset:2%", Fault("reset:2%", "reset", 0.02), id="reset"),
        pytest.param("slow-body:1s", Fault("slow-body:1s", "slow-body", seconds=1.0), id="slow"),
        pytest.param("garbage:0.5%", Fault("garbage:0.5%", "garbage", 0.005), id="garbage"),
        pytest.param("fail-next:3", Fault("fail-next:3", "fail-next", count=3), id="fail-next"),
    ],
)
def test_each_form_means_what_is_promised(text: str, fault: Fault) -> None:
    """A form of the grammar is read into kind, rate and numbers."""
    assert parse(text) == (fault,)


@given(texts=st.lists(FAULTS, max_size=5))
def test_any_list_of_faults_is_read_in_its_order(texts: list[str]) -> None:
    """Commas join faults, also where one has a comma of its own."""
    assert [fault.text for fault in parse(", ".join(texts))] == texts


@given(text=st.text() | st.builds(str.__add__, FAULTS, st.text(min_size=1)))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    """Nothing but FaultSyntaxError is raised, and its message fits on one line."""
    refusal = ""
    try:
        parse(text)
    except FaultSyntaxError as exc:
        refusal = str(exc)

    assert len(refusal.splitlines()) <= 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("error:150%", "'error:150%' has a rate above 100 %", id="rate"),
        pytest.param(
            "error=200:5%",
            "'error=200:5%' is no fault; allowed: error:15%, error=500:15%",
            id="status-that-is-no-error",
        ),
        pytest.param("hang:1s", "'hang:1s' is no fault; allowed: hang:5%", id="no-rate"),
        pytest.param(
            "latency:lognormal(50ms,p99=50ms)",
            "'latency:lognormal(50ms,p99=50ms)' needs a median above zero and a p99 above the"
            " median",
            id="p99-not-above-median",
        ),
        pytest.param(
            "error:5%,,hang:5%",
            "'' is no fault; allowed: error:15%, error=500:15%, latency:200ms, latency:200ms@10%,"
            " latency:lognormal(50ms,p99=400ms), hang:5%, reset:2%, slow-body:1s, garbage:5%,"
            " fail-next:3",
            id="empty-part",
        ),
    ],
)
def test_refusal_names_the_part_and_what_is_allowed(text: str, message: str) -> None:
    """The user can put the text right from the message alone."""
    with pytest.raises(FaultSyntaxError) as refusal:
        parse(text)

    assert str(refusal.value) == message


def test_lists_by_service_give_each_service_its_own() -> None:
    """Semicolons separate services, and `all` adds to every one of them."""
    found = parse_by_service(
        "accounts=error=500:15%,latency:200ms; all=latency:1s ;presence=hang:5%",
        ["accounts", "presence", "other"],
    )

    assert {name: [fault.text for fault in faults] for name, faults in found.items()} == {
        "accounts": ["error=500:15%", "latency:200ms", "latency:1s"],
        "presence": ["latency:1s", "hang:5%"],
        "other": ["latency:1s"],
    }


@pytest.mark.parametrize("text", ["", " ", ";", " ; "])
def test_empty_list_by_service_is_no_fault(text: str) -> None:
    """An empty setting leaves every service sound."""
    assert parse_by_service(text, ["other"]) == {"other": ()}


@pytest.mark.parametrize("text", ["acounts=error:15%", "error:15%", "accounts", "=error:15%"])
def test_list_by_service_without_a_known_service_is_refused(text: str) -> None:
    """The message names the services that are known."""
    with pytest.raises(FaultSyntaxError, match="allowed: all, accounts, presence"):
        parse_by_service(text, ["accounts", "presence"])
