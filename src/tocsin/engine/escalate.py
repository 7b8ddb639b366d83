"""A person has further people asked now: the next step here, the next level at the providers, a user, another policy."""

from __future__ import annotations

from datetime import datetime

from tocsin.core.errors import BadInput, Conflict, FieldFault, NotFound
from tocsin.core.escalation import Further, Whom, by_policy, by_steps, by_user, escalated
from tocsin.core.model import Actor, Incident
from tocsin.core.people import known_as, user_named
from tocsin.core.plan import Plan, Way, plan_for
from tocsin.core.ports import EffectKind
from tocsin.core.silent import is_held
from tocsin.core.values import replace
from tocsin.engine import ask
from tocsin.engine.hub import Hub
from tocsin.engine.respond import Response, alert_follows, not_silent, rung
from tocsin.engine.tell import tell_others
from tocsin.store import incidents, outbox, undecided
from tocsin.store.breakers import open_breakers
from tocsin.store.database import Connection
from tocsin.store.incidents import Kept
from tocsin.store.sheet import Sheet, save


async def escalate(hub: Hub, name: str, actor: Actor, *, to: str = "", note: str = "") -> Response:
    """Ask further people about the incident called `name`, now. `to` = a step's number, a user or an escalation policy;
    "" = whoever is next, here and at each provider.

    Raises NotFound, Conflict when it is over, and BadInput for a `to` that means nobody, or when nobody is left to ask.
    """

    async def work(connection: Connection) -> Response:
        incident_id = await incidents.id_of(connection, name)
        if incident_id is None:
            raise NotFound(f"There is no incident {name}", hint="`im list --status all` shows every incident")
        now, sheet = hub.now(), Sheet()
        alerts = await undecided.lock_alerts_of(connection, incident_id)
        kept = (await incidents.lock(connection, [incident_id]))[incident_id]
        if not kept.incident.open:
            why = f"{kept.incident.name} is {kept.incident.status.value}; there is nothing to escalate"
            raise Conflict(why, hint=f"`im reopen {kept.incident.name}` pages it again")
        whom, word = _meant(hub, to)
        remotes = await outbox.remotes_of(connection, incident_id)
        further = _further(hub, sheet, kept, whom, word, now)
        there = {
            r.connector for r in ask.newest(remotes).values() if "escalate" in hub.abilities(r.connector)
        }
        if not further.shown and (whom is Whom.STEP or not there):
            raise _nobody_left(kept)
        ruling = escalated(kept.incident, actor, further.shown, note, now)
        ruling = replace(
            ruling,
            incident=replace(
                ruling.incident,
                assignee=known_as(hub.policy.users, word) if whom is Whom.USER else ruling.incident.assignee,
            ),
        )
        for line in ruling.lines:
            sheet.tell(now, ruling.incident, line, actor=actor.shown)
        if is_held(kept.incident):
            kept = not_silent(hub, sheet, kept, actor, now)
            further = replace(further, plan=replace(further.plan, asks_at=kept.plan.asks_at))
        for alert in alerts:
            alert_follows(sheet, alert.id, alert.status, ruling.alerts_become, actor, now)
        words = f"Escalated by {actor.name} to {further.shown or 'whoever is next'}"
        body = {"to": word, "whom": whom.value, "words": words}
        await tell_others(connection, hub, sheet, ruling, actor, remotes, "", now, more=body)
        if note:
            told = replace(ruling, tell=EffectKind.NOTE)
            await tell_others(connection, hub, sheet, told, actor, remotes, note, now)
        plan, _ = ask.page(
            hub, sheet, ruling.incident, further.plan, remotes, await open_breakers(connection, now), now
        )
        sheet.incidents[ruling.incident.id] = (ruling.incident, plan)
        await save(connection, sheet, now)
        return Response(ruling.incident, True, ruling.reason)

    response = await hub.database.transact(work)
    rung(hub)
    return response


def _meant(hub: Hub, to: str) -> tuple[Whom, str]:
    """What a person's word stands for: (whom, the step's number, the user's id or the policy's name)."""
    word = to.strip()
    if not word or word.casefold() == "next":
        return Whom.NEXT, ""
    if word.isdecimal():
        return Whom.STEP, word
    if word in hub.policy.policies:
        return Whom.POLICY, word
    user = user_named(hub.policy.users, word)
    if user is not None:
        return Whom.USER, user.id
    policies = ", ".join(sorted(hub.policy.policies)[:20])
    fault = FieldFault("to", f"{word} is neither a step's number nor a user nor an escalation policy")
    raise BadInput(
        "It cannot be escalated so; nothing was changed", faults=(fault,),
        hint=f"policies: {policies}" if policies else 'give a step such as "2", or a user',
    )  # fmt: skip


def _further(hub: Hub, sheet: Sheet, kept: Kept, whom: Whom, word: str, now: datetime) -> Further:
    plan = kept.plan if kept.plan.started_at else replace(kept.plan, began_in=kept.incident.life)
    if whom in (Whom.NEXT, Whom.STEP):
        return by_steps(plan, int(word) if word else None, now)
    if whom is Whom.POLICY:
        return by_policy(plan, _plan_of(hub, sheet, kept.incident, word, now), word, now)
    user = hub.policy.users[word]
    if not hub.mailer or not user.email:
        return Further(plan, user.name)  # the providers that know them ask them
    return by_user(plan, Way(hub.mailer, user.email, f"{user.name} by {hub.mailer}"), now)


def _plan_of(hub: Hub, sheet: Sheet, incident: Incident, policy: str, now: datetime) -> Plan:
    steps = hub.policy.policies[policy].steps
    fresh, lines = plan_for(steps, hub.policy, team=incident.team, now=now, delay=None, mailer=hub.mailer)
    for line in lines:
        sheet.tell(now, incident, line)
    return fresh


def _nobody_left(kept: Kept) -> BadInput:
    count = len(kept.plan.steps)
    fault = FieldFault(
        "to", f"the page of {kept.incident.name} has {count} steps, and nobody further is left to ask"
    )
    return BadInput(
        "Nobody further is left to ask; nothing was changed", faults=(fault,),
        hint="name a user or an escalation policy: im escalate INC --to bo",
    )  # fmt: skip
