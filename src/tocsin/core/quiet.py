"""Why does this alert page nobody now, and when is it looked at again? (S5, S7, S10, S23)

In this order: the time after a person's resolve, the sender's own word, the rule that took it, and beside each the
mutes that hold (`core/mute.py`). Every answer names all that keeps the alert quiet; one that has an end says when,
and the alert is decided again then. What it would have paged stands in its record.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.core.digest import Collected, period_end
from tocsin.core.lifecycle import stopped_early
from tocsin.core.model import ActorKind, Alert, AlertStatus, Incident, Json, Line
from tocsin.core.mute import NOTHING, Muting
from tocsin.core.plan import with_channels
from tocsin.core.policy import Policy, RouteKind
from tocsin.core.promote import old_enough_at
from tocsin.core.route import Route, route
from tocsin.core.severity import Severity
from tocsin.core.situation import Situation, Understood
from tocsin.core.values import replace

SILENT_AFTER = 2
"""A sender that repeated is taken to have stopped when it stays away for so many of its own intervals (S10)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """`by` names what keeps it quiet, for people; `reason` is the stable word; `verb` begins the timeline's line.
    `look_again_at` None = only what is heard of it can change that. `why` says it with its end and its owner."""

    by: str
    reason: str
    verb: str = "Not paged now"
    look_again_at: datetime | None = None
    why: str = ""
    muting: Muting = NOTHING


def quiet(
    situation: Situation, u: Understood, alert: Alert, held: Muting, policy: Policy, now: datetime
) -> Quiet | None:
    """What keeps an alert without an incident from paging at `now`; None = it pages. `held` = what mutes it."""
    found = _grace(situation, policy, now) or _ruled(u, alert)
    if not held.mutes:
        return found
    if found is None:
        return muted(held)
    looks = [at for at in (found.look_again_at, held.look_again_at) if at]
    also = muted(held)
    return replace(
        found, by=f"{found.by}; {also.by}", why=f"{found.by}; {also.why}", muting=held,
        look_again_at=min(looks, default=None),
    )  # fmt: skip


def muted(held: Muting) -> Quiet:
    """Kept quiet by mutes alone, of which there is one at least."""
    return Quiet(
        by=held.by, why="; ".join(mute.why for mute in held.mutes), reason=held.mutes[0].kind.value, verb="Muted",
        look_again_at=held.look_again_at, muting=held,
    )  # fmt: skip


def _ruled(u: Understood, alert: Alert) -> Quiet | None:
    if alert.quiet and u.severity is Severity.LOW:
        return _by_rule("the sender's own word for it means: not paged", u)
    if u.route.kind is RouteKind.SUPPRESS:
        return _by_rule(f'suppressed by the rule "{u.route.rule}"', u, old_enough_at(alert, u.route))
    if u.route.kind is RouteKind.DIGEST:
        return _by_rule(f'for the digest, by the rule "{u.route.rule}"', u, old_enough_at(alert, u.route))
    return None


def _by_rule(by: str, u: Understood, look_again_at: datetime | None = None) -> Quiet:
    return Quiet(by=by, reason=u.route.kind.value, verb="Opens no incident", look_again_at=look_again_at)


def _grace(situation: Situation, policy: Policy, now: datetime) -> Quiet | None:
    """S10: what comes soon after a person's resolve only counts.

    The first repeat after that time reopens. A sender that repeats fast is waited for: it alone knows whether it
    still fires, and a look at the end of the time would open again what ended a minute before. One whose interval
    is unknown, or longer than the time, is not waited for: the alert is looked at when the time is over, because
    a sender that tells once would else never be heard. A fast one that then stays away is told and not paged: it
    would have said so. Its next word, however late, is decided like any other.
    """
    previous = situation.previous
    if previous is None or not _resolved_by_person(previous):
        return None
    alert, grace = situation.alert, policy.defaults.resolve_grace
    assert previous.resolved_at is not None
    until = previous.resolved_at + grace
    interval = repeats_every(situation)
    waited = interval is not None and interval <= grace
    silent_at = alert.last_event_at + SILENT_AFTER * (interval or timedelta(0))
    if now < until:
        by = f"{previous.name} was resolved {_whose(previous)}; until {until:%H:%M:%S} UTC repeats only count (resolve_grace)"
        return Quiet(by=by, reason="resolve_grace", look_again_at=max(until, silent_at) if waited else until)
    came_then = alert.status is AlertStatus.DROPPED and alert.first_event_at < until
    if situation.heard or not waited or not came_then:
        return None
    if now < silent_at:
        by = (
            f"{previous.name} was resolved {_whose(previous)}; the next repeat opens it again (resolve_grace)"
        )
        return Quiet(by=by, reason="resolve_grace", look_again_at=silent_at)
    assert interval is not None
    by = (
        f"{previous.name} was resolved {_whose(previous)}, and the sender, which repeats every {_told(interval)},"
        " has not been heard since; its next word opens it again"
    )
    return Quiet(by=by, reason="sender_silent")


def _resolved_by_person(incident: Incident) -> bool:
    # closing resolves first (S19), so a closed one has its grace too
    return not incident.open and incident.resolved_at is not None and stopped_early(incident)


def _whose(incident: Incident) -> str:
    return "by itself (auto_resolve)" if incident.resolved_by is ActorKind.TIMER else "by a person"


def repeats_every(situation: Situation) -> timedelta | None:
    """How often the sender repeats this key: as this alert shows it, else as the one before did; None = unknown."""
    alert = situation.alert
    if alert.count and alert.last_event_at > alert.first_event_at:
        return (alert.last_event_at - alert.first_event_at) / alert.count
    return situation.interval


def unmuted(before: Alert, u: Understood, now: datetime) -> tuple[Line, ...]:
    """S7: what still fires when its mute ends is routed as new, and says so."""
    if not before.muted_by:
        return ()
    ended = f"now {u.severity.value}, which is paged" if u.rose else "it still fires and is routed as new"
    text = f"It was muted until {now:%H:%M:%S} UTC by {before.muted_by}: {ended}"
    return (Line(kind="mute_ended", text=text, reason="rose" if u.rose else "still_fires"),)


def collected(situation: Situation, u: Understood, why: Quiet, way: Route, now: datetime) -> Collected | None:
    """The digest, or the review of its rule, that an alert kept quiet by `why` goes into, whenever something was heard of it or it was quiet for
    another reason before; `way` = what it would have paged. Not while a mute holds besides: then nobody is told."""
    review = why.reason == RouteKind.SUPPRESS.value
    every = u.route.review if review else u.route.digest_every
    if why.reason != u.route.kind.value or why.muting.mutes or not every:
        return None
    if not situation.heard and situation.alert.muted_by == why.by:
        return None
    # for a review without `to`: the connector that mails people
    to = u.route.digest_to or (situation.mailer,)
    return Collected(u.route.rule, to, period_end(now, every), targets_of(way), review) if to[0] else None


# ---- what it would have paged (S23) ---------------------------------------------------------------------


def would_page(situation: Situation, u: Understood, alert: Alert, policy: Policy, now: datetime) -> Route:
    """The way it would take if nothing kept it quiet: its own, or that of the first rule that pages."""
    if u.route.kind is RouteKind.PAGE:
        return u.route
    service = policy.services.get(alert.service)
    return route(alert, u.severity, service, alert.team, situation.integration, policy, now, pages_only=True)


def targets_of(way: Route) -> tuple[str, ...]:
    """Whom its steps name, in their order, as written in the configuration."""
    steps = with_channels(way.steps, way.channels)
    return tuple(dict.fromkeys(target.shown for step in steps for target in step.targets))


def record_of_quiet(why: Quiet, way: Route, since: datetime) -> dict[str, Json]:
    """What the record of a decision says besides of an alert that is kept quiet: since when, until when, by which
    mutes, and what it would have paged. Times are ISO 8601; `muted_until` None = not known yet, or no end."""
    until = why.muting.until if why.muting.mutes else why.look_again_at
    return {
        "muted_since": since.isoformat(),
        "muted_until": until.isoformat() if until else None,
        "mutes": [
            {
                "kind": mute.kind.value, "id": mute.id, "name": mute.name, "shown": mute.shown, "owner": mute.owner,
                "comment": mute.comment, "until": mute.until.isoformat() if mute.until else None,
            }
            for mute in why.muting.mutes
        ],
        "would_page": {"rule": way.rule, "policy": way.policy_name, "targets": list(targets_of(way))},
    }  # fmt: skip


def would_have_paged(way: Route) -> str:
    """ "it would have paged prod-pagerduty, lead by the rule “urgent”"."""
    return f"it would have paged {', '.join(targets_of(way)) or 'nobody'} by the rule “{way.rule}”"


def _told(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds // 60} min" if seconds >= 60 and seconds % 60 == 0 else f"{seconds} s"
