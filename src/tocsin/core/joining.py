"""A later alert joins an open incident: is its holder asked again, now or when the last asking is five minutes old? (S21)

What waits is no mute: the alert is told in the timeline and at the providers as any other that joins, and the asking is
owed, for all that joined meanwhile together, unless somebody acts or none of them fires any more.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.core.lifecycle import Act, Ruling
from tocsin.core.model import Actor, Alert, AlertStatus, Incident, IncidentStatus, Line
from tocsin.core.parts import grown, with_parts
from tocsin.core.plan import Join, Plan
from tocsin.core.planned import planned
from tocsin.core.policy import Policy
from tocsin.core.record import record_of
from tocsin.core.rise import asked_again, worsened
from tocsin.core.severity import Severity
from tocsin.core.situation import Decision, Situation, Understood
from tocsin.core.values import replace

ASKED_EVERY = timedelta(minutes=5)
"""The holder of an incident is asked again for what joins it at most so often; for what is worse, always."""

MOST_OWED = 50
"""So many are kept by name, since the page is written whole with each; beyond them whatever fires there is asked about."""

_NAMED = 5


def joined(
    situation: Situation,
    home: Incident,
    u: Understood,
    alert: Alert,
    told: tuple[Line, ...],
    policy: Policy,
    now: datetime,
) -> Decision:
    """The alert becomes one of `home`, an open incident."""
    known = situation.previous is not None and situation.previous.id == home.id
    line = Line(
        kind="alert_joined", text=f"Joins {home.name}: {alert.title}", reason="same_key" if known else "grouped",
        data={"correlation_id": alert.correlation_id},
    )  # fmt: skip
    told, after, plan = (*told, line), home, None
    worse_now = u.severity.rank > home.severity.rank
    if worse_now:
        after, rose = worsened(home, u.severity, u.route, policy)
        plan, more = planned(situation, u, policy, now)
        told = (*told, rose, *more)
    # never a silent join: what is worse, or high and new, is for the holder to know (S21); a snooze ends with any (S26)
    at_once = worse_now or home.snoozed_until is not None
    loud = at_once or u.severity.rank >= Severity.HIGH.rank
    ruling = asked_again(after, now) if loud else None
    widened = with_parts(after, alert.services, now)[1]
    lately = situation.asked_again.get(home.id)
    # a part that nobody was asked for yet is paged whatever was asked of the others
    held = (
        ruling is not None
        and not at_once
        and not widened
        and lately is not None
        and now < lately + ASKED_EVERY
    )
    if held and lately is not None:
        ruling, told = None, (*told, _put_off(home, lately))
    after, ruling, further = grown(ruling.incident if ruling else after, ruling, alert, now)
    again = bool(further) and ruling is None and home.status is IncidentStatus.MITIGATED
    status = AlertStatus.ACKNOWLEDGED if after.status is IncidentStatus.MITIGATED else AlertStatus.OPEN
    return Decision(
        alert=replace(alert, status=status, incident_id=home.id, muted_by=""), incident=after, joined=True,
        ruling=ruling, plan=plan, page_again=again, tell_update=worse_now or ruling is not None or held, asks_later=held, lines=(*told, *further),
        record=record_of(u.severity, u.classified, u.route, policy, ""),
    )  # fmt: skip


def _put_off(home: Incident, lately: datetime) -> Line:
    due = lately + ASKED_EVERY
    text = (
        f"{home.acknowledged_by or 'The holder'} is not asked again yet: asked at {lately:%H:%M:%S} UTC, and will be at"
        f" {due:%H:%M:%S} UTC if it still fires and nobody has acted by then"
    )
    return Line(kind="asked_later", text=text, reason="asked_lately", data={"until": due.isoformat()})


def owes(plan: Plan, alert: Alert) -> Plan:
    """The page, which has this alert to ask the holder about later."""
    if len(plan.joins) >= MOST_OWED:
        return plan
    return replace(plan, joins=(*plan.joins, Join(alert.id, alert.title)))


def owed_at(plan: Plan) -> datetime | None:
    """When the holder is to be asked about what joined; None = nothing is owed."""
    return plan.asked_again_at + ASKED_EVERY if plan.joins and plan.asked_again_at else None


def owed(plan: Plan, incident: Incident, fires: Collection[UUID], now: datetime) -> Ruling | None:
    """The incident asked about again, for every alert that is owed and still fires; None = nobody is to be asked now."""
    due = owed_at(plan)
    titles = [join.title for join in plan.joins if join.alert in fires]
    # which of those beyond the last name still fire, nobody knows: in doubt the holder is asked
    beyond = len(plan.joins) >= MOST_OWED and bool(fires)
    if due is None or now < due or not (titles or beyond):
        return None
    ruling = asked_again(incident, now)
    if ruling is None:
        return None
    more = len(titles) - _NAMED
    named = ", ".join(titles[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    if beyond:
        named = f"some of more than {MOST_OWED}, {named}" if named else f"some of more than {MOST_OWED}"
    text = f"{incident.acknowledged_by or 'The holder'} is asked again: joined meanwhile and still firing: {named}"
    return replace(ruling, lines=(Line(kind="reopened", text=text, reason="joined"),))


def acted(act: Act, actor: Actor) -> bool:
    """Does this act show that somebody has looked since? Then nothing that joined before is owed any more."""
    return actor.person and act in (Act.ACKNOWLEDGE, Act.SNOOZE, Act.NOTE, Act.ASSIGN)
