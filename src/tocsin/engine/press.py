"""The ack links of mails: which stand in one that is sent, how does one stand now, and what follows when its button is
pressed? (S52, docs/adr/0028)

Nothing of a link is kept: it is signed with a key of the installation's secret key, and judged by what is there when it
is opened. It ends with its incident's life, with the person's address in the configuration, with the key, and in time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tocsin.core.ack_link import LASTS, AckLink, form_of, is_form_of, print_of, read, written
from tocsin.core.lifecycle import Act
from tocsin.core.model import Incident, Link
from tocsin.core.ports import Call, Effect, EffectKind, Mail
from tocsin.core.press import Presser, Standing, stands
from tocsin.core.severity import Severity
from tocsin.core.values import replace
from tocsin.engine.hub import Hub
from tocsin.engine.respond import act_on, rung
from tocsin.store import incidents, undecided
from tocsin.store.database import Connection, DatabaseAway

ABILITY = "ack_links"
"""In the manifest of a provider that writes to people of this installation and nobody else, and shows `Effect.acts`."""

PATH = "/ack/"
_LOOK_SECONDS, _PRESS_SECONDS = 3.0, 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How a link stands. `incident` None = nothing may be told of it. `before` = how it stood when the button was
    pressed, None = it was not. `form` = what the page's form must hold."""

    standing: Standing
    presser: Presser | None = None
    incident: Incident | None = None
    before: Standing | None = None
    form: str = ""


class NotFromThePage(Exception):
    """A POST that no page of this hub has sent."""


# ---- in the mail -----------------------------------------------------------------------------------------


def links_for(
    hub: Hub, asked: Iterable[Incident], connector: str, recipient: str, made_at: datetime
) -> tuple[Link, ...]:
    """The link of each incident for whoever reads `recipient`'s mail, "" = the connector's own box; () where the hub has
    no public address, or the provider is not trusted with links."""
    if not hub.public_url or ABILITY not in hub.abilities(connector):
        return ()
    addresses = (recipient,) if recipient else _box(hub, connector)
    key = _key(hub)
    whom, ends_at = print_of(key, "\n".join(sorted(addresses))), made_at + LASTS
    return tuple(
        Link(f"{hub.public_url}{PATH}{written(key, AckLink(i.id, i.life, ends_at, whom))}", i.name)
        for i in asked
    )


def _key(hub: Hub) -> bytes:
    return hub.seal.derived(f"ack link {hub.installation}")


def _box(hub: Hub, connector: str) -> tuple[str, ...]:
    """Whom a mail of the connector goes to that names nobody."""
    known = hub.policy.connectors[connector]
    effect = Effect(
        kind=EffectKind.CREATE, key="tocsin", incident="", title="", description="", severity=Severity.LOW
    )
    call = hub.providers[known.type].module.first_call(effect, hub.active.settings_of(known))
    return call.send.recipients if isinstance(call, Call) and isinstance(call.send, Mail) else ()


def _presser(hub: Hub, whom: bytes) -> Presser | None:
    """Whose address a link was sent to: a user's, else a box of a connector's own; None when it is nobody's any more."""
    key = _key(hub)
    for user in hub.policy.users.values():
        if user.email and print_of(key, user.email) == whom:
            return Presser(user.name, frozenset((user.id, user.name, user.email)))
    for name in hub.policy.connectors:
        addresses = _box(hub, name) if ABILITY in hub.abilities(name) else ()
        if addresses and print_of(key, "\n".join(sorted(addresses))) == whom:
            shown = ", ".join(addresses)
            return Presser(shown, frozenset((shown,)), shared=True)
    return None


# ---- on the page -----------------------------------------------------------------------------------------


def is_ours(hub: Hub, text: str) -> bool:
    """Did this installation sign the link ending in `text`? Told without the database."""
    return read(_key(hub), text) is not None


async def look(hub: Hub, text: str) -> Seen:
    """How the link ending in `text` stands now; reads and changes nothing. Raises DatabaseAway."""
    link, presser, early = _read(hub, text)
    if early is not None or link is None:
        return Seen(standing=early or Standing.NOT_OURS)
    wanted = link

    async def work(connection: Connection) -> Seen:
        kept = (await incidents.load(connection, [wanted.incident])).get(wanted.incident)
        return await _seen(connection, hub, text, wanted, presser, kept.incident if kept else None)

    _must_be_there(hub)
    return await hub.patience.within(_LOOK_SECONDS, hub.database.read(work))


async def press(hub: Hub, text: str, form: str) -> Seen:
    """The button was pressed: whom the link names acknowledges, if nobody else was faster and it is not over.

    Raises NotFromThePage, and DatabaseAway; after the latter it may have been done, and pressing again is harmless.
    """
    link, presser, early = _read(hub, text)
    if early is not None or link is None or presser is None:
        return Seen(standing=early or Standing.NOT_OURS)
    if not is_form_of(_key(hub), text, form):
        raise NotFromThePage
    wanted, who = link, presser

    async def work(connection: Connection) -> Seen:
        # the order in which every act takes its locks: alerts, then the incident
        await undecided.lock_alerts_of(connection, wanted.incident)
        kept = (await incidents.lock(connection, [wanted.incident])).get(wanted.incident)
        before = await _seen(connection, hub, text, wanted, who, kept.incident if kept else None)
        if kept is None or not before.standing.acts:
            return replace(before, before=before.standing)
        await act_on(connection, hub, wanted.incident, Act.ACKNOWLEDGE, who.actor)
        after = (await incidents.load(connection, [wanted.incident]))[wanted.incident].incident
        seen = await _seen(connection, hub, text, wanted, who, after)
        return replace(seen, before=before.standing)

    _must_be_there(hub)
    seen = await hub.patience.within(_PRESS_SECONDS, hub.database.transact(work))
    rung(hub)
    return seen


def _must_be_there(hub: Hub) -> None:
    if hub.away is not None:
        raise DatabaseAway("the database is away")


def _read(hub: Hub, text: str) -> tuple[AckLink | None, Presser | None, Standing | None]:
    """What can be said without the database; the third = how it stands, None = that depends on the incident."""
    link = read(_key(hub), text)
    presser = _presser(hub, link.whom) if link else None
    standing = stands(link, presser, None, None, hub.now())
    return link, presser, None if standing is Standing.NO_INCIDENT else standing


async def _seen(
    connection: Connection, hub: Hub, text: str, link: AckLink, presser: Presser | None, incident: Incident | None
) -> Seen:  # fmt: skip
    over_in = await incidents.over_in(connection, link.incident)
    standing = stands(link, presser, incident, over_in, hub.now())
    told = incident if standing.tells else None
    form = form_of(_key(hub), text) if standing.acts else ""
    return Seen(standing=standing, presser=presser, incident=told, form=form)
