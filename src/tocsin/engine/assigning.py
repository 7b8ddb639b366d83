"""Who has it or is to be asked, told to each provider as it can: by its own verb, in somebody's name, or in a note.

Assigning is no acknowledgement: the page goes on until the one it is assigned to says so. See docs/adr/0031.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

from tocsin.core.errors import BadInput, FieldFault
from tocsin.core.lapse import holder_way
from tocsin.core.lifecycle import Given, Ruling
from tocsin.core.model import Actor, ActorKind, Incident, IncidentStatus, Line
from tocsin.core.people import known_as, same_person, shown_as, user_named
from tocsin.core.plan import Way
from tocsin.core.ports import EffectKind
from tocsin.core.values import replace
from tocsin.engine.hub import Hub
from tocsin.store.sheet import NewEffect, Sheet

Body = dict[str, Any]


class People(TypedDict):
    """The fields of an effect that name people."""

    person: str
    person_email: str
    assignee: str
    assignee_email: str
    words: str
    whom: str


def assignee_of(hub: Hub, word: str, actor: Actor) -> str:
    """The id of the user meant by a word of a person's, `me` being themselves. Raises BadInput naming the field."""
    users = hub.policy.users
    mine = word.strip().casefold() == "me"
    if (user := user_named(users, actor.name if mine else word)) is not None:
        return user.id
    if mine:
        why = f"{actor.name} is no user of the configuration, so it is not known who `me` is"
    elif sum(one.name.casefold() == word.strip().casefold() for one in users.values()) > 1:
        why = f"several users are called {word}: give an id or an e-mail address"
    else:
        why = f"there is no user {word}"
    known = ", ".join(sorted(users)[:20])
    raise BadInput(
        "It cannot be assigned; nothing was changed", faults=(FieldFault("user", why),),
        hint=f"users of the configuration: {known}" if known else "the configuration names no users",
    )  # fmt: skip


def given(hub: Hub, incident: Incident, actor: Actor, to: str) -> Given:
    """Whom these words mean, and whether it stays with who has it."""
    users = hub.policy.users
    keeps = same_person(users, to, actor.name) or same_person(users, to, incident.acknowledged_by)
    return Given(known_as(users, to), shown_as(users, to), keeps)


def known(hub: Hub, incident: Incident) -> Incident:
    """The incident with its assignee as a user of ours, by whatever word they were told."""
    who = known_as(hub.policy.users, incident.assignee)
    return incident if who == incident.assignee else replace(incident, assignee=who)


def way_to(hub: Hub, incident: Incident) -> Way | None:
    """How the hub itself asks the one it is assigned to; None when it cannot."""
    way = holder_way(incident, hub.policy, hub.mailer)
    user = user_named(hub.policy.users, incident.assignee)
    return replace(way, shown=f"{user.name} by {way.connector}") if way and user else None


def asks(hub: Hub, ruling: Ruling, before: Incident, actor: Actor) -> bool:
    """True where the one it is assigned to is to be asked by the hub itself too: nobody has it, and they did not take
    it themselves."""
    after, users = ruling.incident, hub.policy.users
    if ruling.given_on:
        return True
    theirs = ruling.tell is EffectKind.ASSIGN and after.status is IncidentStatus.OPEN
    by_us = actor.kind is ActorKind.PERSON and not same_person(users, after.assignee, actor.name)
    return theirs and by_us and after.assignee != before.assignee


def people_of(hub: Hub, body: Mapping[str, Any]) -> People:
    """Who acted, and to whom it goes, with the addresses that this configuration knows of them."""
    users = hub.policy.users
    person, to = str(body.get("person", "")), str(body.get("to", ""))
    actor, assignee = user_named(users, person), user_named(users, to)
    return People(
        person=person, person_email=actor.email if actor else "", assignee=assignee.name if assignee else to,
        assignee_email=assignee.email if assignee else "", words=str(body.get("words", "")), whom=str(body.get("whom", "")),
    )  # fmt: skip


def policy_of(body: Mapping[str, Any], incident: Incident) -> str:
    """The escalation policy of an effect: another one where it is escalated to that."""
    return str(body["to"]) if body.get("whom") == "policy" else incident.policy


def told(
    hub: Hub, sheet: Sheet, incident: Incident, connector: str, actor: Actor, now: datetime
) -> list[tuple[EffectKind, Body]]:
    """What an assignment is at one connector. What somebody has is not rung there again for who has it now: where an
    assignment takes the acknowledgement back, they acknowledge it themselves, or it is said in a note."""
    if actor.kind is ActorKind.PROVIDER and not actor.person:
        return []  # who is asked there by its own rules is its own affair
    abilities, users = hub.abilities(connector), hub.policy.users
    held = incident.status is IncidentStatus.MITIGATED
    words = _words(hub, incident, actor)
    if held and "assigning_rings" in abilities and "assign" in abilities:
        if same_person(users, incident.assignee, actor.name) and "acknowledges_as" in abilities:
            return [(EffectKind.ACKNOWLEDGE, {"for": incident.assignee})]
    elif "assign" in abilities and _known(hub, incident.assignee):
        return [(EffectKind.ASSIGN, {"to": incident.assignee, "words": words})]
    if actor.kind is ActorKind.PROVIDER:
        return []  # what happened at a provider is told as a note anyway
    if "note" not in abilities or not hub.policy.connectors[connector].sync_notes:
        text = f"{connector} cannot be told who has it"
        sheet.tell(now, incident, Line(kind="not_told", text=text, reason="assign"))
        return []
    return [(EffectKind.NOTE, {"note": words, "person": ""})]


def further(
    hub: Hub, sheet: Sheet, incident: Incident, connector: str, more: Mapping[str, Any], now: datetime
) -> list[tuple[EffectKind, Body]]:
    """What an escalation is at one connector: its own, else the words of it in a note."""
    if "escalate" in hub.abilities(connector):
        return [(EffectKind.ESCALATE, dict(more))]
    known = hub.policy.connectors.get(connector)
    if known is None or not known.sync_notes or "note" not in hub.abilities(connector):
        return []
    text = f"{connector} cannot escalate: it is told in a note"
    sheet.tell(now, incident, Line(kind="not_told", text=text, reason="escalate"))
    return [(EffectKind.NOTE, {"note": more.get("words", ""), "person": ""})]


def with_ack(hub: Hub, connector: str, actor: Actor) -> list[tuple[EffectKind, Body]]:
    """Who acknowledged has it: a provider that knows no acknowledgement in somebody's name is told by an assignment."""
    abilities = hub.abilities(connector)
    if "assign" not in abilities or "acknowledges_as" in abilities or not actor.person:
        return []
    user = user_named(hub.policy.users, actor.name)
    if user is None or not user.email:
        return []
    words = f"{user.name} has it"
    return [(EffectKind.ASSIGN, {"to": known_as(hub.policy.users, actor.name), "words": words})]


def given_on(hub: Hub, sheet: Sheet, incident: Incident, actor: Actor, asked_from: int) -> None:
    """The pages that ask anew, those on the sheet from `asked_from` on, ask the one that it was given to."""
    to, words = incident.assignee, _words(hub, incident, actor)
    for n, effect in enumerate(sheet.effects[asked_from:], start=asked_from):
        remote = effect.remote
        if "assign" not in hub.abilities(remote.connector) or not _known(hub, to):
            continue
        body = {**effect.body, "to": to, "words": words}
        if effect.kind is EffectKind.REOPEN:
            sheet.effects[n] = replace(effect, body=body)
        elif effect.kind is EffectKind.CREATE and not remote.recipient:
            # it rings by the provider's own rules first, and is theirs at once
            sheet.effects.append(
                NewEffect(f"{effect.key}/to", remote, EffectKind.ASSIGN, body, effect.due, effect.made_at, 0)
            )


def no_longer_theirs(body: Mapping[str, Any], incident: Incident) -> str:
    """Why an assignment is not sent any more; "" = send it."""
    return "" if body.get("to") == incident.assignee else "somebody else has it meanwhile"


def _known(hub: Hub, who: str) -> bool:
    user = user_named(hub.policy.users, who)
    return user is not None and bool(user.email)


def _words(hub: Hub, incident: Incident, actor: Actor) -> str:
    users = hub.policy.users
    return f"Assigned to {shown_as(users, incident.assignee)} by {actor.name}"
