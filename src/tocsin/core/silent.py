"""Of which acknowledged incident has nothing been heard for a day, and when is its holder asked whether it is over? (S24)

Silent is what no alert has spoken of and nobody has acted on. Its holder is asked by digest, at the next beginning of
business hours and at each further one until somebody acts or an alert speaks; a page is never made of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from whenever import Instant

from tocsin.core.hours import BUSINESS, local_facts, office_of, opens
from tocsin.core.lapse import holder_of
from tocsin.core.model import Incident, IncidentStatus, Line
from tocsin.core.plan import Plan
from tocsin.core.policy import Policy, Team
from tocsin.core.values import replace

MOST_LISTED = 100
"""Incidents that one digest names; it counts them all."""


@dataclass(frozen=True, slots=True)
class Whom:
    """Whom a digest goes to: `shown` for people; `recipients` are addresses, () = the connector's own; `why` = the reason
    for asking somebody else than the holder."""

    shown: str
    recipients: tuple[str, ...] = ()
    why: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The plan after a look, when to look again (None = nobody has it any more), and whether its holder is asked now."""

    plan: Plan
    look_at: datetime | None
    lines: tuple[Line, ...] = ()
    ask: bool = False


@dataclass(frozen=True, slots=True)
class Silent:
    """An incident that stands in a digest. `heard_at` None = it has no alert."""

    incident: Incident
    heard_at: datetime | None
    url: str = ""


def is_held(incident: Incident) -> bool:
    """Does somebody have it, without an end? A snooze has its own, and is asked about then (S26)."""
    return incident.status is IncidentStatus.MITIGATED and incident.snoozed_until is None


def see(
    plan: Plan,
    incident: Incident,
    office: Team,
    *,
    after: timedelta,
    heard_at: datetime | None,
    muted_by: str,
    now: datetime,
) -> Seen:
    """An incident whose look is due at the aware instant `now`: nobody has acted on it for `after`.

    `office` = whose business hours count (one of `hours.office_of`). `heard_at` = when an alert of it spoke last.
    `muted_by` = what mutes every alert of it that fires, "" = nothing does.
    """
    if not is_held(incident):
        return Seen(plan=replace(plan, asks_at=None, asks_muted_by=""), look_at=None)
    if heard_at is not None and now < heard_at + after:
        if plan.asks_at is None:
            return Seen(plan=plan, look_at=heard_at + after)
        plan, line = withdrawn(plan, incident, f"it was heard of at {_at(heard_at)} UTC")
        return Seen(plan=plan, look_at=heard_at + after, lines=(line,))
    following = opens(office, now)
    if plan.asks_at is None:
        text = (
            f"Nothing has been heard of it and nobody has acted for {_told(after)}: {_holder(incident)} is asked by"
            f" digest whether it is over, {_on_the_wall(following, office)}, unless that changes"
        )
        line = Line(kind="silent", text=text, reason="silent", data={"asks_at": following.isoformat()})
        return Seen(plan=replace(plan, asks_at=following), look_at=following, lines=(line,))
    plan = replace(plan, asks_at=following)
    if local_facts(office, now).hours != BUSINESS:
        return Seen(
            plan=plan, look_at=following
        )  # the hub was down in the morning: the evening is for nobody
    if muted_by:
        lines: tuple[Line, ...] = ()
        if muted_by != plan.asks_muted_by:
            text = (
                f"{_holder(incident)} is not asked whether it is over while its alerts are muted: {muted_by}"
            )
            lines = (Line(kind="page_muted", text=text, reason="silent"),)
        return Seen(plan=replace(plan, asks_muted_by=muted_by), look_at=following, lines=lines)
    return Seen(plan=replace(plan, asks_muted_by=""), look_at=following, ask=True)


def withdrawn(plan: Plan, incident: Incident, why: str) -> tuple[Plan, Line]:
    """The asking that was announced is not made; `why` ends the sentence."""
    text = f"{_holder(incident)} is not asked by digest any more whether it is over: {why}"
    after = replace(plan, asks_at=None, asks_muted_by="")
    return after, Line(kind="asking_withdrawn", text=text, reason="silent")


def over_by(incident: Incident) -> str:
    """Why nobody is asked about an incident that nobody has any more."""
    if incident.snoozed_until is not None:
        return f"it is snoozed until {_at(incident.snoozed_until)} UTC"
    return f"it is {incident.status.value}{'' if incident.open else ' now'}"


def was_asked(to: Whom, by: str, after: timedelta) -> Line:
    """`by` = the connector that carries the digest, "" = there is none: a note went to each side that has it."""
    way = f"by {by}" if by else "by a note at each side that has it, since no connector mails people"
    text = (
        f"{to.shown}{f', since {to.why},' if to.why else ''} is asked {way} whether it is over: nothing has been heard of it and nobody has acted for"
        f" more than {_told(after)}"
    )
    return Line(kind="holder_asked", text=text, reason="silent")


def whom(incident: Incident, policy: Policy) -> Whom:
    """The holder; where they have no address here the lead of the incident's team, then its members, then whoever
    reads the connector's own box: a question that reaches nobody is none."""
    if user := holder_of(incident, policy):
        return Whom(user.name, (user.email,))
    team = policy.teams.get(incident.team)
    names = (team.lead, *team.members) if team else ()
    known = [policy.users[name] for name in names if name in policy.users and policy.users[name].email]
    who = f"{_holder(incident)} has no address here"
    if known and team is not None:
        asked = known[:1] if known[0].id == team.lead else list(dict.fromkeys(known))
        shown = ", ".join(user.name for user in asked)
        return Whom(f"{shown} of team {team.name}", tuple(user.email for user in asked), who)
    return Whom("whoever reads its own box", (), who)


def office_for(incident: Incident, policy: Policy) -> Team:
    """Whose business hours count: those of the incident's team where its holder belongs to it or is unknown, else of
    the first team that the holder belongs to."""
    user, own = holder_of(incident, policy), policy.teams.get(incident.team)
    theirs = [team for team in policy.teams.values() if user and user.id in team.members]
    if own is None or (theirs and own not in theirs):
        own = theirs[0] if theirs else own
    return office_of(own)


# ---- the digest --------------------------------------------------------------------------------------------


def name_of(to: Whom) -> str:
    """The digest's name, as `im digest show` takes it."""
    return f"silent: {to.shown}"


def subject_of(found: Sequence[Silent]) -> str:
    """ "Is it over? INC-7 has been silent for a day", or how many have."""
    if len(found) == 1:
        return f"Is it over? {found[0].incident.name} is acknowledged and silent: {found[0].incident.title}"
    return f"Is it over? {len(found)} incidents are acknowledged and silent"


def text_of(found: Sequence[Silent], after: timedelta) -> str:
    """The whole digest as plain text, the worst first."""
    head = (
        f"Somebody has acknowledged what stands here, and for {_told(after)} nothing has been heard of it and nobody has"
        " acted on it. Nobody was paged for this."
    )
    how = (
        "Resolve what is over (`im resolve INC-1`). Leave a note (`im note`) or acknowledge again (`im ack`) what is not,"
        " or snooze it until you want to look at it (`im snooze`). What stays silent is asked about again at the next"
        " beginning of business hours."
    )
    rows = [text for one in listed(found) for text in _entry(one)]
    more = len(found) - MOST_LISTED
    rows += [f"  and {more} more"] if more > 0 else []
    return "\n".join([head, "", *rows, "", how]) + "\n"


def listed(found: Sequence[Silent]) -> list[Silent]:
    """Those that stand in the digest by name, in its order: the worst first."""
    return sorted(found, key=lambda s: (-s.incident.severity.rank, s.incident.number))[:MOST_LISTED]


def _entry(one: Silent) -> list[str]:
    incident = one.incident
    since = f" since {_at(incident.acknowledged_at)} UTC" if incident.acknowledged_at else ""
    heard = f"last heard of {_at(one.heard_at)} UTC" if one.heard_at else "it has no alert"
    services = f" ({', '.join(incident.services)})" if incident.services else ""
    rows = [
        f"{incident.name}  {incident.severity.value}{services}: {incident.title}",
        f"    Acknowledged by {_holder(incident)}{since}; {heard}",
    ]
    return [*rows, f"    {one.url}"] if one.url else rows


def _holder(incident: Incident) -> str:
    return incident.assignee or incident.acknowledged_by or "the holder"


def _at(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def _on_the_wall(at: datetime, office: Team) -> str:
    local = Instant(at).to_tz(office.timezone).to_stdlib()
    return f"{local:%a %d %b %H:%M} {office.timezone}"


def _told(span: timedelta) -> str:
    hours = int(span.total_seconds()) // 3600
    return f"{hours} h" if span == timedelta(hours=hours) else f"{int(span.total_seconds()) // 60} min"
