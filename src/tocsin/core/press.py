"""Somebody opened the ack link of a mail: what may its button do now, and what is told instead? (S52)"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tocsin.core.ack_link import AckLink
from tocsin.core.model import Actor, ActorKind, Incident, IncidentStatus

VIA = "mail link"
"""Where an act by a link comes from, as the timeline tells it."""


class Standing(StrEnum):
    """How a link stands. With the first two there is a button, with the others a sentence."""

    OPEN = "open"  # nobody has it
    YOURS = "yours"  # they have it: pressing again says that they are still on it
    TAKEN = "taken"  # somebody else has it
    OVER = "over"
    OVER_SINCE = "over_since"  # it was over after the mail was sent, and is open again in a new life
    TOO_OLD = "too_old"
    NOBODY = "nobody"  # the address it was sent to is nobody's here any more
    NO_INCIDENT = "no_incident"
    NOT_OURS = "not_ours"

    @property
    def acts(self) -> bool:
        """True when its page has the button."""
        return self in (Standing.OPEN, Standing.YOURS)

    @property
    def tells(self) -> bool:
        """True when its page may tell of the incident."""
        return self in (Standing.OPEN, Standing.YOURS, Standing.TAKEN, Standing.OVER, Standing.OVER_SINCE)


@dataclass(frozen=True, slots=True)
class Presser:
    """Whom a link was sent to. `names` = every name by which an incident may say that they have it. `shared` = a
    mailbox of several people: `name` is its address."""

    name: str
    names: frozenset[str]
    shared: bool = False

    @property
    def actor(self) -> Actor:
        """Who acts when the button is pressed."""
        return Actor(ActorKind.PERSON, self.name, VIA)


def stands(
    link: AckLink | None, presser: Presser | None, incident: Incident | None, over_in: int | None, now: datetime
) -> Standing:  # fmt: skip
    """How a link stands at `now`. `over_in` = the last life of the incident that is over, None = none was yet.

    Not the life alone ends a link: it rises too when an acknowledgement lapses and it rings again, and whoever opens
    the first mail then is as welcome.
    """
    if link is None:
        return Standing.NOT_OURS
    if now >= link.ends_at:
        return Standing.TOO_OLD
    if presser is None:
        return Standing.NOBODY
    if incident is None:
        return Standing.NO_INCIDENT
    if not incident.open:
        return Standing.OVER
    if over_in is not None and link.life <= over_in:
        return Standing.OVER_SINCE
    if incident.status is IncidentStatus.OPEN:
        return Standing.OPEN
    return Standing.YOURS if holder(incident) in presser.names else Standing.TAKEN


def holder(incident: Incident) -> str:
    """Who has it, by the name they acted under; "" = nobody is named."""
    return incident.assignee or incident.acknowledged_by


def ended(incident: Incident) -> tuple[str, datetime | None]:
    """(who ended an incident that is over, when). "" = its last alert resolved."""
    last = max(incident.parts, key=lambda part: part.changed_at)
    name = "" if incident.resolved_by is ActorKind.SENDER else last.changed_by
    return name, incident.resolved_at or incident.closed_at
