"""What goes into a decision about one alert, what it is understood to be, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from tocsin.core.classify import Classified
from tocsin.core.dedup import Reading
from tocsin.core.digest import Collected
from tocsin.core.flap import Life
from tocsin.core.lifecycle import Ruling
from tocsin.core.model import Alert, Event, Incident, IncidentId, Json, Line
from tocsin.core.plan import Plan
from tocsin.core.policy import Integration, TimedMute
from tocsin.core.route import Route
from tocsin.core.severity import Severity


class Heard(msgspec.Struct, frozen=True):
    """One event not decided yet, with the reading it got at the door."""

    event: Event
    reading: Reading
    reason: str
    received_at: datetime


class Parent(msgspec.Struct, frozen=True, kw_only=True):
    """The part of an incident that a service has which others depend on (S16). `created` = its page is confirmed
    at a provider. `ended_at` None = it is open; else it ended then, and had muted this alert before."""

    service: str
    incident_id: UUID
    name: str
    severity: Severity
    created: bool
    ended_at: datetime | None = None


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the decision may look at.

    `alert` is as admission left it (its `severity` that of the last decision, None for a new one).
    `incident` is the one it belongs to; `other_live` counts that incident's other live alerts.
    `previous` is the latest incident of an earlier alert with this key and `interval` how often its
    sender repeated (None = unknown). `mailer` names the connector that mails people.
    `paged_blind` = somebody was paged for it while the database was away: it opens an incident, whatever else.
    `mutes` are the silences and maintenance windows there are, whatever they cover; `parents` what is down of
    what the alert's service depends on. `muted_since` = when the alert was first kept quiet without a break.
    `lives` are the latest lives of its key, this one included, in the order of their beginnings.
    `asked_again` = when the holder of an incident that it may join was last asked again (S21).
    """

    alert: Alert
    heard: tuple[Heard, ...]
    integration: Integration | None
    incident: Incident | None = None
    other_live: int = 0
    previous: Incident | None = None
    interval: timedelta | None = None
    mailer: str = ""
    paged_blind: bool = False
    mutes: tuple[TimedMute, ...] = ()
    parents: tuple[Parent, ...] = ()
    muted_since: datetime | None = None
    lives: tuple[Life, ...] = ()
    asked_again: Mapping[IncidentId, datetime] = {}


class Understood(msgspec.Struct, frozen=True, kw_only=True):
    """What `understand` made of it. `alert` has the severity, services and team that were found; `severity` is the
    worst so far in this life (S6). `acknowledged` = the sender said so, and nothing worse came after it."""

    alert: Alert
    classified: Classified
    severity: Severity
    rose: bool
    route: Route
    group_key: str
    lines: tuple[Line, ...]
    acknowledged: bool = False


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of the alert. `incident` is the incident afterwards (its `number` is 0 when it is
    `opened`: the engine gives the next). `ruling` = an act on the incident that follows. `plan` = a page
    to begin (replaces the one under way); `page_again` = the one under way starts from its first step, for parts
    that nobody has. `tell_update` = the providers that hold it are told the text. `look_again_at` = decide this
    alert again then, whether or not anything is heard of it: a mute ends, a time of quiet is over. It stands until
    the next decision, which sets its own. `collected` = it goes into that digest. `asks_later` = the
    holder is to be asked about this alert when the last asking is old enough (S21)."""

    alert: Alert
    incident: Incident | None = None
    opened: bool = False
    joined: bool = False
    ruling: Ruling | None = None
    plan: Plan | None = None
    page_again: bool = False
    tell_update: bool = False
    lines: tuple[Line, ...] = ()
    record: Mapping[str, Json] | None = None
    look_again_at: datetime | None = None
    collected: Collected | None = None
    asks_later: bool = False
