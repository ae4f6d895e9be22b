"""What each alert is for, and what it must not be troubled by, as series that Prometheus reads.

Values are in promtool's notation, one for each scrape: `0+9x40` grows by 9 at each of 40, `_` is a
scrape that nobody answered.
"""

from typing import NamedTuple

SCRAPE_SECONDS = 15
"""What `prometheus.yaml` says."""

SCRAPES = 120
"""Half an hour, the longest time that an alert looks back."""

Series = dict[str, str]
"""Values, by the metric with its labels."""

POD = 'job="messenger", pod="m-1", version="1.0"'
ACCOUNTS = f'{{{POD}, snapshot="accounts"}}'


class Case(NamedTuple):
    """An alert that fires, and what looks like it and is none."""

    fires: Series
    labels: dict[str, str]
    """What the alert says of where it is, beside its severity."""

    quiet: Series


def answered(route: str, code: int, values: str) -> Series:
    """Return the count of requests."""
    return {f'messenger_requests_total{{{POD}, route="{route}", code="{code}"}}': values}


def took(within_3: str, within_5: str) -> Series:
    """Return the histogram of the latency, as far as the 3 s matter."""
    name = f'messenger_request_seconds_bucket{{{POD}, route="/v1/messages", le='
    return {
        f'{name}"3.0"}}': within_3,
        f'{name}"5.0"}}': within_5,
        f'{name}"+Inf"}}': within_5,
    }


def stalling(stall_seconds: int, every_seconds: int, stalls: int) -> str:
    """Return what is scraped of the time in which a loop stood still.

    It counts what is beyond the first second of each stall, and no scrape is answered in one.
    """
    values = []
    for second in range(0, SCRAPES * SCRAPE_SECONDS, SCRAPE_SECONDS):
        nth, phase = divmod(second, every_seconds)
        is_stalled = nth < stalls and phase < stall_seconds
        values.append("_" if is_stalled else str(min(nth + 1, stalls) * (stall_seconds - 1)))
    return f"0 {' '.join(values)}"


CASES = {
    "MessengerFails": Case(
        # Whoever looks at the page all the time does not make the failures fewer.
        answered("/v1/messages", 202, "0+90x120")
        | answered("/v1/messages", 503, "0+10x120")
        | answered("/version", 200, "0+9000x120"),
        {"version": "1.0"},
        answered("/v1/messages", 202, "0+97x120") | answered("/v1/messages", 503, "0+3x120"),
    ),
    "MessengerFails, for a minute": Case(
        answered("/v1/messages", 503, "0+10x120"),
        {"version": "1.0"},
        answered("/v1/messages", 202, "0+10x120")
        | answered("/v1/messages", 503, "0x40 9 18 27 36x80"),
    ),
    "MessengerIsSlow": Case(
        took("0+97x120", "0+100x120"), {"version": "1.0"}, took("0+100x120", "0+100x120")
    ),
    "MessengerIsBroken": Case(
        {f'health_broken{{{POD}, cause="deadlock-tasks"}}': "0x4 1x120"},
        {"pod": "m-1", "cause": "deadlock-tasks"},
        {f'health_broken{{{POD}, cause="deadlock-tasks"}}': "0x4 1 1 1 0x120"},
    ),
    "MessengerStallsAgainAndAgain": Case(
        {f"event_loop_stalled_seconds_total{{{POD}}}": stalling(25, 35, stalls=50)},
        {"job": "messenger", "pod": "m-1", "version": "1.0"},
        {f"event_loop_stalled_seconds_total{{{POD}}}": stalling(25, 900, stalls=2)},
    ),
    "MessengerIsSilent": Case(
        {f"up{{{POD}}}": "1x4 0x120"},
        {"job": "messenger", "pod": "m-1", "version": "1.0"},
        {f"up{{{POD}}}": "1x4 0x4 1x120"},
    ),
    "MessengerIsGone": Case({}, {"job": "messenger"}, {f"up{{{POD}}}": "0x120"}),
    "MessengerRestartsAgainAndAgain": Case(
        {f"process_start_time_seconds{{{POD}}}": "100x20 200x20 300x20 400x60"},
        {"job": "messenger", "pod": "m-1", "version": "1.0"},
        {f"process_start_time_seconds{{{POD}}}": "100x20 200x20 300x80"},
    ),
    "MessengerServesOldData": Case(
        {f"messenger_directory_age_seconds{ACCOUNTS}": "0+15x120"},
        {"snapshot": "accounts"},
        {
            f"messenger_directory_age_seconds{ACCOUNTS}": "0 15 " * 20 + "0+15x7 0 15 0",
            f"messenger_directory_stale{ACCOUNTS}": "0x40 1x4 0x20",
        },
    ),
    "MessengerServesOldData, never loaded": Case(
        {f"messenger_directory_stale{ACCOUNTS}": "1x120"},
        {"snapshot": "accounts"},
        {f"messenger_directory_stale{ACCOUNTS}": "1x8 0x120"},
    ),
    "MessengerSheds": Case(
        {f"messenger_shed_total{{{POD}}}": "0+5x120"},
        {"job": "messenger", "pod": "m-1", "version": "1.0"},
        {f"messenger_shed_total{{{POD}}}": "0 0 5x120"},
    ),
}
"""By the alert, with a word on the case where there are several."""
