"""How does a hub show, before the night, that it can page?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from tocsin.core.model import Json

CREATED_WITHIN = timedelta(minutes=2)
_LATE = timedelta(hours=1)
"""A canary that was missed for longer waits for its next day: it must not go out at night."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The call that says to somebody outside: this hub is able to page. `url` and the values of `headers` are
    `{"$secret": name}`."""

    url: Json
    every: timedelta = timedelta(seconds=60)
    method: str = "GET"
    headers: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A page by schedule: every so many whole days `at` a wall time of `timezone`. `service` "" = none; it goes
    to all of `connectors`."""

    connectors: tuple[str, ...]
    every: timedelta = timedelta(days=1)
    at: time = time(10)
    timezone: str = "UTC"
    service: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sung:
    """How far a canary came at one connector."""

    connector: str
    asked_at: datetime | None = None
    created_at: datetime | None = None
    notified_at: datetime | None = None
    failed: bool = False
    fault: str = ""


def canary_due(schedule: Canary, last: datetime | None, now: datetime) -> bool:
    """True within an hour from its time, on a day when the last one was long enough ago."""
    here = now.astimezone(ZoneInfo(schedule.timezone))
    slot = here.replace(hour=schedule.at.hour, minute=schedule.at.minute, second=0, microsecond=0)
    if not slot <= here < slot + _LATE:
        return False
    return last is None or now - last >= schedule.every - _LATE


def canary_over(found: Mapping[str, Sung], started_at: datetime, now: datetime) -> bool:
    """Created, or refused, at every connector; or its time is up."""
    return now - started_at >= CREATED_WITHIN or all(one.created_at or one.failed for one in found.values())
