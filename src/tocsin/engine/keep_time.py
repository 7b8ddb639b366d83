"""The database's clock was looked at: is ours off, was it set, and what follows? (S49)"""

from __future__ import annotations

from datetime import timedelta

from tocsin.core.alarm import Alarm
from tocsin.core.severity import Severity
from tocsin.engine import alarm
from tocsin.engine.clock import SKEW, HubClock, Seen, moved_by
from tocsin.engine.hub import Hub, log
from tocsin.store import anchors


async def follow(hub: Hub, clock: HubClock, seen: Seen, since_last: timedelta) -> None:
    """Move what is due when the database's clock was set; tell of a node whose own clock is off.

    What is due and the time it is due by are never apart in the direction that makes an hour pass: ahead, the
    time follows after what is due was moved (at a node that moves nothing, at its next look); back, before.
    """
    set_by = seen.jump or timedelta(0)
    by = (moved_by(seen, since_last) or timedelta(0)) + (clock.owing or timedelta(0))
    if set_by < timedelta(0):
        clock.adopt()
    if by:
        clock.owing = by  # kept when the database goes just now
        now = hub.now() + max(by, timedelta(0))  # as it was set
        await hub.database.transact(lambda c: anchors.move(c, by, now))
        clock.owing = None
        log.error("clock_set", by_seconds=round(by.total_seconds()), did="what is due was moved with it")
    if set_by > timedelta(0) and (by or seen.again):
        clock.adopt()
    if by:
        hub.awake_since = hub.now()
    off = abs(seen.skew) > SKEW
    was, hub.skew = hub.skew, seen.skew if off else timedelta(0)
    key = f"clock-skew/{hub.name}"
    if off and not was:
        text = told(hub.skew)
        log.warning("clock_skew", seconds=round(seen.skew.total_seconds(), 1))
        more = f"{hub.name}: {text}. Timers run by the database's clock; run NTP or chrony on both machines."
        await alarm.sound(
            hub, Alarm(key=key, title=f"The clock of {hub.name} is off", text=more, severity=Severity.MEDIUM)
        )
    elif was and not off:
        await alarm.clear(hub, key)


def told(skew: timedelta) -> str:
    """ "this node's clock is 3600 s ahead of the database's"."""
    seconds = skew.total_seconds()
    return (
        f"this node's clock is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} the database's"
    )
