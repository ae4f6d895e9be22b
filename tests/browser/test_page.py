"""The live page shows what happens, soon, and to everybody."""

import re
import signal
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.window import MOST_BYTES, SOON_SECONDS
from tests.integration import clients
from tests.integration.process import Process, running
from tests.integration.service import Pair, code, in_front_of, mocks, until, until_ready

WITH_FAULTS = {"MESSENGER_FAULTS_ENABLED": "true"}


@pytest.fixture(scope="module")
def behind() -> Iterator[Process]:
    """The mocks, shared by the tests of this module: none of them spoils one for good."""
    with mocks() as process:
        yield process


@pytest.fixture
def service(behind: Process) -> Iterator[Pair]:
    """A Messenger of one's own that takes orders of faults."""
    with in_front_of(behind, WITH_FAULTS) as pair:
        until_ready(pair)
        yield pair


def put(service: Pair, faults: str, ttl_seconds: float) -> None:
    """Order a fault, as somebody else than the page."""
    answer = clients.put(
        f"{service.messenger.url}/debug/faults",
        json={"faults": faults, "ttl_seconds": ttl_seconds},
        timeout=5,
    )
    assert answer.status_code == 200, answer.text


def test_embedded_as_a_user_starts_it_the_page_has_no_complaint(open_page: OpenPage) -> None:
    """`uv run messenger`: messages flow, twelve downstreams answer, the console stays empty."""
    with running("messenger", env={"MESSENGER_PORT": "0"}) as process:
        # A console complains of each 503, and readiness answers so while it warms up.
        until(lambda: code(f"{process.url}/health/ready") == 200, "ready", process)
        window = open_page(process.url)
        window.sees("#pill-lifecycle", "serving")
        window.sees("#pill-ready", "yes")
        window.sees("#pill-alive", "yes")
        window.has('#stream .mark[data-version="1.0"]:not(.error)')
        window.has('#versions tr[data-version="1.0"]')
        window.sees("#downstreams", "answering")
        expect(window.page.locator("#downstreams li")).to_have_count(12)
        window.sees('#downstreams li[data-name="accounts"]', "fresh")
        window.sees("#probes", "/health/ready")

        expect(window.page.locator("#faults")).to_be_hidden()
        assert window.complaints == []
        assert window.crashes == []
        assert 0 < window.bytes <= MOST_BYTES


AT_LEAST_FOUR = re.compile(r"^([4-9]|\d{2,})$")
"""A count that may have gone on when it is looked at: on a busy machine nobody sees each number."""


def test_dots_are_told_apart_by_version_and_weighed_against_the_intended_share(
    open_page: OpenPage, service: Pair, behind: Process
) -> None:
    """One address, two releases behind it, as a mesh has it: every tenth request meets the new one.

    The split is made in the browser, which hands every tenth question to the other process.
    """
    with in_front_of(behind, {"MESSENGER_VERSION": "2.0"}) as other:
        until_ready(other)
        window = open_page("about:blank")
        asked = 0

        def split(route: object) -> None:
            nonlocal asked
            asked += 1
            pair = other if asked % 10 == 0 else service
            route.fulfill(  # type: ignore[attr-defined]
                response=route.fetch(url=f"{pair.messenger.url}/version")  # type: ignore[attr-defined]
            )

        window.page.route("**/version", split)
        window.page.goto(f"{service.messenger.url}/?ask=version&rate=20&weight=10")
        expect(window.page.locator('#versions tr[data-version="2.0"] td').first).to_have_text(
            AT_LEAST_FOUR, timeout=30_000
        )

        for version in ("1.0", "2.0"):
            window.has(f'#stream .mark[data-version="{version}"]')
            window.sees(f'#versions tr[data-version="{version}"]', "✓ within")
        shapes = [
            window.page.locator(f'#stream .mark[data-version="{version}"]').get_attribute("class")
            for version in ("1.0", "2.0")
        ]
        assert shapes == ["mark v-0", "mark v-1"]
        # The control: a weight that was not kept to is seen as such.
        window.page.locator("#weight").fill("90")
        window.sees('#versions tr[data-version="2.0"]', "✕ outside")


def test_a_fault_shows_within_two_seconds_and_reverts(open_page: OpenPage, service: Pair) -> None:
    """Whoever ordered it: in force, counting down, errors in the stream, and gone."""
    window = open_page(f"{service.messenger.url}/?ask=messages&rate=10")
    window.sees("#in-force", "No fault is in force.")
    window.has('#stream .mark[data-version="1.0"]:not(.error)')
    assert window.page.locator("#stream .mark.error").count() == 0  # the control
    put(service, "error:60%", 4)
    window.sees("#in-force", "In force: error:60%", seconds=SOON_SECONDS)
    window.sees("#in-force", "s more")
    window.has('#stream .mark.error[data-version="1.0"]', seconds=SOON_SECONDS)
    stroke = "node => getComputedStyle(node).stroke"
    assert window.page.locator("#stream .mark.error").evaluate(stroke) != "none"  # it is drawn
    window.sees("#in-force", "No fault is in force.", seconds=4 + SOON_SECONDS)


def test_the_buttons_put_faults_in_force_and_take_them_back(
    open_page: OpenPage, service: Pair
) -> None:
    """By the page's own buttons and form, with what is wrong said in words."""
    window = open_page(service.messenger.url)
    page = window.page
    page.get_by_role("button", name="latency:200ms@50%").click()
    window.sees("#in-force", "latency:200ms@50%", seconds=SOON_SECONDS)
    expect(page.get_by_role("button", name="latency:200ms@50%")).to_have_attribute(
        "aria-pressed", "true"
    )
    page.get_by_role("button", name="Revert all").click()
    window.sees("#in-force", "No fault is in force.", seconds=SOON_SECONDS)
    page.get_by_label("Any list").fill("nonsense")
    page.get_by_role("button", name="Put in force").click()
    window.sees("#fault-answer", "nonsense")


CUT_OFF = """() => {
    const picture = document.querySelector("#waits svg").getBoundingClientRect();
    const { top, bottom, left, right } = picture;
    return [...document.querySelectorAll("#waits svg text")].filter(text => {
        const box = text.getBoundingClientRect();
        return box.top < top || box.bottom > bottom || box.left < left || box.right > right;
    }).map(text => text.textContent);
}"""
"""Which texts of the picture lie beside it."""


def test_a_deadlock_of_tasks_draws_its_cycle(open_page: OpenPage, service: Pair) -> None:
    """Both parties, both locks, as a picture and as text; liveness is lost and says why."""
    window = open_page(service.messenger.url)
    window.sees("#cause", "Nobody waits")
    assert window.page.locator("#waits svg").count() == 0  # the control
    window.page.get_by_role("button", name="deadlock=tasks").click()
    window.sees("#cause", "deadlock-tasks")
    expect(window.page.locator("#waits .edge.closed")).to_have_count(2)
    window.sees("#waits-list", "deadlock-1")
    window.sees("#waits-list", "held by deadlock-2")
    window.sees("#pill-alive", "no: deadlock-tasks")
    window.sees("#probes", "deadlock-tasks")
    window.sees("#announcer", "not alive (deadlock-tasks)")

    assert window.page.evaluate(CUT_OFF) == []
    assert window.crashes == []


@pytest.mark.slow
def test_the_page_goes_on_while_the_loop_stands_still(open_page: OpenPage, service: Pair) -> None:
    """A thread answers the probes then, and the page says that it does."""
    window = open_page(service.messenger.url)
    window.sees("#pill-ready", "yes")
    window.page.get_by_label("Any list").fill("stall=sleep:20s")
    window.page.get_by_role("button", name="Put in force").click()
    window.sees("#pill-ready", "no: event-loop-stalled")
    window.sees("#probes", "responder")

    assert window.crashes == []


def test_a_downstream_that_fails_is_shown_as_degraded(open_page: OpenPage, service: Pair) -> None:
    """Messages go on without it, and the process stays ready."""
    window = open_page(f"{service.messenger.url}/?ask=messages&rate=10")
    window.sees("#degraded", "Nothing is degraded.")
    service.spoil("links", "error:100%")
    try:
        window.sees("#degraded", "links (failing)")
        window.sees('#downstreams li[data-name="links"]', "done without")
        expect(window.page.locator("#pill-ready")).to_contain_text("yes")
    finally:
        service.spoil("links", "")


def test_a_drain_shows(open_page: OpenPage, behind: Process) -> None:
    """After SIGTERM the page sees it drain, then go."""
    with in_front_of(behind, {"MESSENGER_DRAIN_MIN_SECONDS": "4"}) as service:
        until_ready(service)
        window = open_page(service.messenger.url)
        window.sees("#stages [aria-current]", "serving")
        service.messenger.signal(signal.SIGTERM)
        window.sees("#stages [aria-current]", "draining", seconds=SOON_SECONDS)
        window.sees("#pill-ready", "no: draining", seconds=SOON_SECONDS)
        window.sees("#announcer", "draining")
        service.messenger.wait()
        window.sees("#pill-lifecycle", "no answer")

    assert window.crashes == []


def test_the_warm_up_shows_how_far_it_is(open_page: OpenPage, behind: Process) -> None:
    """A gate that is open is named, and the process is not ready."""
    env = {**WITH_FAULTS, "MESSENGER_FAULTS": "never-ready"}
    with in_front_of(behind, env) as service:
        window = open_page(service.messenger.url)
        window.sees("#stages [aria-current]", "warming")
        window.sees("#gates", "never-ready")
        window.sees("#gates", "open")
        window.sees("#pill-ready", "no: warming")


def test_a_message_is_sent_by_hand(open_page: OpenPage, service: Pair) -> None:
    """With a key that can be used again, and what is wrong in words."""
    window = open_page(f"{service.messenger.url}/?ask=version")
    page = window.page
    page.get_by_role("button", name="Send", exact=True).click()
    window.sees("#send-answer", "202 accepted")
    first = page.locator("#send-answer").inner_text()
    page.locator("#send-answer").evaluate("node => { node.textContent = '' }")
    page.get_by_role("button", name="Send", exact=True).click()
    window.sees("#send-answer", "202 accepted")
    assert page.locator("#send-answer").inner_text() == first
    page.get_by_role("button", name="New key").click()
    page.get_by_label("From").fill("carol")
    page.get_by_role("button", name="Send", exact=True).click()
    window.sees("#send-answer", "422")


WIDER = "document.documentElement.scrollWidth - innerWidth"
"""How many pixels of the page lie beside the window."""

LONG_WORDS = """document.querySelectorAll(".state").forEach(state => {
    if (!state.closest(".scroll")) state.textContent = "no: event-loop-stalled";
})"""
"""Puts the longest reason there is wherever a state is told, as a slow machine may."""


@pytest.mark.parametrize(
    ("release", "scheme"),
    [
        ("1.0", "light"),
        pytest.param("2.0", "dark", marks=pytest.mark.slow),
        pytest.param("1.0", "dark", marks=pytest.mark.slow),
        pytest.param("2.0", "light", marks=pytest.mark.slow),
    ],
)
def test_the_page_can_be_used_by_everybody(
    open_page: OpenPage, behind: Process, scheme: str, release: str
) -> None:
    """axe-core finds nothing, with figures, a fault and a deadlock on the page, and on a phone."""
    with in_front_of(behind, {**WITH_FAULTS, "MESSENGER_VERSION": release}) as service:
        until_ready(service)
        window = open_page(
            f"{service.messenger.url}/?ask=messages&weight=10",
            color_scheme=scheme,
            reduced_motion="reduce",
            viewport={"width": 360, "height": 740},
        )
        window.has("#versions tr[data-version]")
        window.sees("#downstreams", "answering")
        quiet = window.violations()
        put(service, "error:50%", 60)
        put(service, "deadlock=tasks", 60)
        window.has("#waits .edge.closed")
        window.sees("#pill-alive", "no")
        window.sees("#in-force", "error:50%")
        time.sleep(0.5)  # a colour that is on its way is none to measure
        loud = window.violations()
        wider = [window.page.evaluate(WIDER), window.page.evaluate(f"{LONG_WORDS}; {WIDER}")]

    assert (quiet, loud) == ([], [])
    assert max(wider) <= 0


def test_a_page_that_cannot_be_used_by_everybody_is_seen(
    open_page: OpenPage, service: Pair
) -> None:
    """The control: a field without a label and grey on grey are violations."""
    window = open_page(service.messenger.url)
    window.page.evaluate(
        """() => {
            document.querySelector("h1").style.color = "#ccc";
            document.querySelector("main").append(document.createElement("input"));
        }"""
    )
    found = {each.partition(":")[0] for each in window.violations()}

    assert {"color-contrast", "label"} <= found


def test_everything_is_reached_by_the_keyboard(open_page: OpenPage, service: Pair) -> None:
    """Tab begins at a link past the header, then goes through every control in their order."""
    window = open_page(service.messenger.url)
    window.page.keyboard.press("Tab")
    first = window.page.evaluate("document.activeElement.textContent")
    seen = set()
    for _ in range(60):
        window.page.keyboard.press("Tab")
        seen.add(window.page.evaluate("document.activeElement.id || document.activeElement.name"))

    assert first == "Skip to the page"
    assert {"ask", "rate", "weight", "pause", "reset", "ttl", "clear", "list", "key"} <= seen


def test_no_page_is_there_where_it_is_switched_off(open_page: OpenPage, behind: Process) -> None:
    """A browser is told 404 and nothing else."""
    with in_front_of(behind, {"MESSENGER_PAGE": "false"}) as service:
        window = open_page(service.messenger.url)

        assert "Messenger" not in window.page.title()
        assert window.bytes == 0
