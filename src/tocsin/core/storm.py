"""Do so many new keys come from one integration that they are one incident? (S17, IN-16)

A token bucket per integration holds the incidents that its new keys may still open. Past it they collapse into one
storm incident, each with its own key and status, until the bucket is full again. Repeats cost nothing.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from tocsin.core.alarm import INTEGRATION
from tocsin.core.bucket import Rate, tokens_now
from tocsin.core.model import AlertStatus, Incident, IncidentStatus, Line, Part
from tocsin.core.policy import Policy
from tocsin.core.rise import asked_again, worsened
from tocsin.core.severity import Severity
from tocsin.core.situation import Decision, Situation, Understood
from tocsin.core.values import replace

MOST_LEAVE = 20
"""So many alerts of a storm get incidents of their own afterwards, the worst and oldest first: more would be the next."""
_NAMED = 10
MARK, UNDER_WAY, OVER = "storm", "under way", "over"


class Storm(msgspec.Struct, frozen=True, kw_only=True):
    """An integration's bucket. `since` None = no storm; `keys` = new keys that this storm took so far."""

    integration: str
    rate: Rate
    tokens: float
    at: datetime
    since: datetime | None = None
    keys: int = 0


def rate_of(integration: str, policy: Policy) -> Rate:
    """What an integration may open; without a limit for the hub's own alarms."""
    if integration == INTEGRATION:
        return Rate()
    known = policy.integrations.get(integration)
    return known.rate if known and known.rate is not None else policy.defaults.rate


def arrive(storm: Storm, now: datetime) -> tuple[Storm, bool]:
    """One more new key would open an incident at `now`: the bucket afterwards, and whether the storm takes it."""
    tokens = tokens_now(storm.rate, storm.tokens, storm.at, now)
    past = storm.since is not None or tokens < 1
    since = (storm.since or now) if past else None
    keys = storm.keys + 1 if past else 0
    return replace(storm, tokens=max(tokens - 1, 0.0), at=now, since=since, keys=keys), past


def over(storm: Storm, now: datetime) -> bool:
    """True when a whole burst could come again: nearly nothing came for as long as it takes to fill the bucket."""
    full = tokens_now(storm.rate, storm.tokens, storm.at, now) >= max(storm.rate.burst, 1.0)
    return storm.since is not None and (full or not storm.rate.per_minute)


def key_of(integration: str) -> str:
    """The grouping key of its storm incident."""
    return f"storm/{integration}"


def is_storm(incident: Incident | None) -> bool:
    """True for a storm incident, under way or over."""
    return incident is not None and MARK in incident.details


def leaves(situation: Situation) -> bool:
    """True when an alert of a storm that is over gets an incident of its own: high or critical, looked at by the hub
    itself, and nobody has responded to the storm."""
    incident, severity = situation.incident, situation.alert.severity
    return (
        incident is not None
        and incident.details.get(MARK) == OVER
        and incident.status is IncidentStatus.OPEN
        and not situation.heard
        and situation.alert.live
        and severity is not None
        and severity.rank >= Severity.HIGH.rank
    )


def collapse(
    decision: Decision, u: Understood, home: Incident | None, storm: Storm, policy: Policy
) -> Decision:
    """The decision of an alert that would open an incident, but the storm takes it. `home` = the open storm incident,
    None = this one opens it."""
    assert decision.incident is not None
    now, title = storm.at, decision.alert.title
    if home is None:
        text = f"More new alerts than {_told(storm.rate)} came from {storm.integration}: from now on they are this one incident"
        return replace(
            decision, incident=_begun(decision.incident, storm, title),
            lines=(*decision.lines, Line(kind="storm_began", text=text, reason="rate_limit")),
        )  # fmt: skip
    after, plan, ruling = _counted(home, storm, title), None, None
    told = tuple(line for line in decision.lines if line.kind != "incident_opened")
    text = f"Joins {home.name}, the storm of {storm.integration}"
    told = (*told, Line(kind="alert_joined", text=text, reason="storm"))
    if u.severity.rank > home.severity.rank:
        after, rose = worsened(after, u.severity, u.route, policy)
        plan, told = decision.plan, (*told, rose)
        ruling = asked_again(after, now)
        after = ruling.incident if ruling else after
    status = AlertStatus.ACKNOWLEDGED if after.status is IncidentStatus.MITIGATED else AlertStatus.OPEN
    return replace(
        decision, alert=replace(decision.alert, incident_id=home.id, status=status), incident=after, opened=False,
        joined=True, plan=plan, ruling=ruling, tell_update=True, lines=told,
    )  # fmt: skip


def ended(incident: Incident, keys: int, looked_at: int) -> tuple[Incident, Line]:
    """The storm incident once its storm is over, and the line that says what becomes of its alerts."""
    what = (
        f"{looked_at} of its alerts, high or worse, are looked at again"
        if looked_at
        else "nothing in it is looked at again"
    )
    why = (
        ""
        if looked_at
        else f": {'somebody has it' if incident.status is not IncidentStatus.OPEN else 'nothing else high or worse still fires'}"
    )
    line = Line(
        kind="storm_over", text=f"The storm is over after {keys} new alerts; {what}{why}", reason="quiet"
    )
    return replace(incident, group_key="", details={**incident.details, MARK: OVER}), line


def _begun(alone: Incident, storm: Storm, title: str) -> Incident:
    part = Part(service="", status=IncidentStatus.OPEN, changed_at=storm.at)
    bare = replace(
        alone, title=f"Alert storm from {storm.integration}", status=IncidentStatus.OPEN, parts=(part,), team="",
        group_key=key_of(storm.integration), links=(), fields={}, recurrence_of=None, acknowledged_at=None,
        acknowledged_by="", details={MARK: UNDER_WAY, "integration": storm.integration},
    )  # fmt: skip
    return _counted(bare, storm, title)


def _counted(incident: Incident, storm: Storm, title: str) -> Incident:
    first = [*incident.details.get("first", ())]
    first += [title] if len(first) < _NAMED and title not in first else []
    details = {**incident.details, "alerts": storm.keys, "first": first}
    text = (
        f"{storm.integration} sent more new alerts than {_told(storm.rate)}. {storm.keys} of them are this incident;"
        f" each is kept with its own key and status.\n\nThe first ones: {'; '.join(first)}"
    )
    described = incident.description if "description" in incident.by_hand else text
    return replace(incident, details=details, description=described)


def _told(rate: Rate) -> str:
    return f"{rate.per_minute:g} a minute, {max(rate.burst, 1):g} at once"
