"""What is one line of the hub's own log, and of which part of the hub does it speak?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from tocsin.core.model import Json

COMPONENTS: Mapping[str, str] = {
    "webhook": "webhooks of providers: each that came, what it was found to be, and what followed",
    "delivery": "what is told to providers: each attempt, breakers, leases",
    "sync": "reading providers back",
    "intake": "what senders sent and could not be taken as it was; the journal",
    "decision": "decisions that failed or were put off; storms",
    "config": "configurations, silences, credentials",
    "api": "tokens, and faults in answering",
    "database": "the database: away, back, migrated, kept in order",
    "hub": "everything else: starting, stopping, the watch, heartbeat, canary, clocks",
}

_OF_EVENT = {
    "webhook": "webhook_received webhook_refused webhook_followed webhook_failed webhooks_unproven",
    "delivery": (
        "delivery breaker provider_failed settle_failed message_failed outcome_not_wanted settled_late leases_taken_over"
        " blind_page_reached_nobody blind_record_not_written paged_without_database rejected alarm_told_directly alarm_reached_nobody direct_failed call call_not_told"
    ),
    "sync": "reconcile_failed rungs_not_read",
    "intake": (
        "unreadable_request intake_failed senders_refused journal_found journal_full journal_damaged"
        " journal_record_unreadable replay_failed record_not_replayed admission_failed"
    ),
    "decision": "decision_failed alert_not_decidable alert_put_off storm_over digest_written",
    "config": (
        "configuration configuration_applied configuration_refused secret_lost mute_made mute_ended mute_not_usable"
        " no_connectors snapshot_not_written snapshot_unreadable"
    ),
    "api": "token_made token_revoked request_failed stream_failed",
    "database": (
        "database_away database_lost database_back migrated later_version_here listen_failed partitions_failed"
        " forgetting_failed forgotten not_forgotten_yet started_without_database not_warm"
    ),
}
_COMPONENT = {event: component for component, events in _OF_EVENT.items() for event in events.split()}


class Level(IntEnum):
    """How much it matters; the numbers are those of Python's logging."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40

    @classmethod
    def named(cls, word: str) -> Level:
        """By its name in lower case, "critical" and "exception" as ERROR; INFO for what is none."""
        return _LEVELS.get(word.lower(), cls.INFO)


_LEVELS = {level.name.lower(): level for level in Level} | {
    "critical": Level.ERROR,
    "exception": Level.ERROR,
    "warn": Level.WARNING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """`seq` counts the lines of one node's run from 1. `text` is a sentence, or the event's own words; what it says in
    numbers and names is in `data`. No credential is in either."""

    at: datetime
    seq: int
    level: Level
    component: str
    event: str
    text: str
    connector: str = ""
    incident: str = ""
    data: Mapping[str, Json] = field(default_factory=dict)

    def has(self, word: str) -> bool:
        """True when the word stands anywhere in it, in whatever case."""
        where = (self.event, self.connector, self.incident, self.text, *map(str, self.data.values()))
        return word.lower() in " ".join(where).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines are asked for; "" and None = whatever."""

    component: str = ""
    word: str = ""
    connector: str = ""
    incident: str = ""
    least: Level = Level.DEBUG
    since: datetime | None = None
    until: datetime | None = None

    def fits(self, line: LogLine) -> bool:
        """True for a line that is asked for."""
        return (
            line.component in (self.component or line.component)
            and line.connector == (self.connector or line.connector)
            and line.incident == (self.incident or line.incident)
            and line.level >= self.least
            and (self.since is None or line.at >= self.since)
            and (self.until is None or line.at < self.until)
            and (not self.word or line.has(self.word))
        )


def component_of(event: str) -> str:
    """The part of the hub that says it; "hub" for what is of no other."""
    return _COMPONENT.get(event, "hub")


@dataclass(slots=True)
class Sieve:
    """What anybody can make us say is said at most `most` times a span, each kind for itself, and then counted: the
    log is not theirs to fill."""

    most: int = 30
    span: timedelta = timedelta(minutes=1)
    _kinds: dict[tuple[str, ...], tuple[datetime, int]] = field(default_factory=dict)

    def lets(self, kind: tuple[str, ...], now: datetime) -> tuple[bool, int]:
        """(whether it is to be said, how many of its kind were not since it was said last)."""
        began, count = self._kinds.get(kind, (now, 0))
        if now - began >= self.span:
            if len(self._kinds) > 1_000:
                self._kinds.clear()
            self._kinds[kind] = (now, 1)
            return True, max(count - self.most, 0)
        self._kinds[kind] = (began, count + 1)
        return count < self.most, 0
