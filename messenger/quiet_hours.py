"""When a person wants to be left alone, and when that ends."""

from datetime import datetime, time, timedelta

from messenger.models import Preference


def end_of_quiet(preference: Preference, now: datetime) -> datetime | None:
    """Return when the present quiet hours end, or None when there are none now.

    Quiet hours begin with their first minute and end before their last; they may span midnight.
    Equal times are no quiet hours at all.

    Args:
        preference: What the person wishes; times of day in UTC.
        now: The time, with time zone.
    """
    if preference.quiet_from is None or preference.quiet_until is None:
        return None
    begin = time.fromisoformat(preference.quiet_from)
    end = time.fromisoformat(preference.quiet_until)
    clock = now.time()
    is_quiet = begin <= clock < end if begin <= end else clock >= begin or clock < end
    if not is_quiet:
        return None
    ends_at = datetime.combine(now.date(), end, tzinfo=now.tzinfo)
    return ends_at if ends_at > now else ends_at + timedelta(days=1)
