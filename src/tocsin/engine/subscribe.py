"""Are a provider's webhooks set up by themselves? Made, adopted, mended, tried, exchanged and taken away.

What is made there is told here in a transaction of its own before anything waits for it. A secret is exchanged by a
second subscription: both count until something has come by the new one, then the old one goes (`settle`).
"""

from __future__ import annotations

import secrets as randomness
from dataclasses import dataclass
from typing import cast

from tocsin.core.checks import Here
from tocsin.core.errors import Conflict
from tocsin.core.policy import Connector
from tocsin.core.ports import Call, ConnectorSettings, Response, WireFault
from tocsin.core.values import replace
from tocsin.core.webhooks import Listed, Subscribable, Subscription
from tocsin.engine import configure, hook_secrets, trial
from tocsin.engine.hub import Hub, log
from tocsin.engine.interview import interview
from tocsin.engine.wire import Wire
from tocsin.store import subscriptions
from tocsin.store.database import Connection
from tocsin.store.subscriptions import BY_HAND, Kept

ABILITY = "subscribe"


class NotDone(Conflict):
    """The provider did not do it, or cannot be asked to."""


class NobodyThere(NotDone):
    """The provider did not answer."""

    code = "provider_away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """How a connector's webhooks stand. `listed` = what its provider says, None when it was not asked; `said` = what
    was done just now; `pinged` = the subscription that is to be heard of, after `before` genuine deliveries; `asked` = a
    test delivery was asked for, else a canary makes one; `steps` = how a person sets it up, when only a person can."""

    connector: Connector
    here: Here
    able: bool
    kept: tuple[Kept, ...] = ()
    listed: Listed | None = None
    said: tuple[str, ...] = ()
    pinged: str = ""
    before: int = 0
    asked: bool = False
    steps: tuple[str, ...] = ()


@dataclass(slots=True)
class _Desk:
    """One conversation about one connector's webhooks."""

    hub: Hub
    wire: Wire
    connector: Connector
    settings: ConnectorSettings
    here: Here
    module: Subscribable

    async def send(self, call: Call) -> Response | WireFault:
        return await self.wire.send(call.send)

    async def listed(self) -> Listed:
        """What is set up there; raises NotDone when it cannot be read."""
        heard = await interview(
            self.wire, lambda said: self.module.subscription_calls(self.settings, self.here, said)
        )
        found = self.module.subscriptions(self.settings, self.here, heard)
        if found.fault:
            kind = NobodyThere if found.unreachable else NotDone
            raise kind(
                f"The webhooks of {self.connector.name} cannot be read: {found.fault}", hint=found.step
            )
        return found

    async def do(self, call: Call, what: str) -> None:
        """One write; raises NotDone."""
        answer = await self.send(call)
        if fault := self.module.refused(answer):
            kind = NobodyThere if isinstance(answer, WireFault) else NotDone
            raise kind(f"{what} was not done: {fault}", hint="im connector test names what is wrong")

    async def make(self, scope: str) -> tuple[str, str]:
        """A new subscription, its secret kept; its id and what it does."""
        proposed = randomness.token_urlsafe(24)
        answer = await self.send(self.module.subscribe(self.settings, self.here, proposed, scope))
        made = self.module.subscribed(answer, proposed)
        if made.fault:
            kind = NobodyThere if isinstance(answer, WireFault) else NotDone
            raise kind(f"No webhook was made for {self.connector.name}: {made.fault}", hint=made.step)
        await _keep(self.hub, self.connector.name, made.id, made.setting, made.secret)
        return made.id, f"made {made.id}, whose secret is kept sealed"

    async def ping(self, subscription: str) -> tuple[str, int, bool]:
        """Ask for a test delivery: the subscription, how many came by it before, and whether it was asked for."""
        call = self.module.ping(self.settings, subscription) if _able(self.hub, self.connector) else None
        name = self.connector.name
        before = await self.hub.database.transact(
            lambda c: subscriptions.pinged(c, name, subscription, self.hub.now())
        )
        if call is not None:
            await self.do(call, "The test delivery")
        return subscription, before, call is not None

    async def mend(self, found: Subscription) -> str:
        calls = self.module.mend(self.settings, found)
        for call in calls:
            await self.do(call, f"Mending {found.id}")
        return f"mended {found.id}: {found.off or 'it now sends all that is read'}" if calls else ""

    async def take_away(self, subscription: str) -> None:
        answer = await self.send(self.module.unsubscribe(self.settings, subscription))
        gone = isinstance(answer, Response) and answer.status == 404
        if not gone and (fault := self.module.refused(answer)):
            kind = NobodyThere if isinstance(answer, WireFault) else NotDone
            raise kind(
                f"{subscription} was not taken away: {fault}", hint="try again; until then it goes on sending"
            )


async def status(hub: Hub, wire: Wire, name: str, *, ask: bool = True) -> Webhooks:
    """How they stand; `ask` the provider too, where it can be."""
    connector = trial.known(hub, name)
    here = await trial.here_of(hub, connector)
    kept = tuple(await hub.database.read(lambda c: subscriptions.of(c, name)))
    able = _able(hub, connector)
    listed = None
    if ask and able and here.address:
        desk = await _desk(hub, wire, name)
        heard = await interview(wire, lambda said: desk.module.subscription_calls(desk.settings, here, said))
        listed = desk.module.subscriptions(desk.settings, here, heard)
    return Webhooks(connector=connector, here=here, able=able, kept=kept, listed=listed)


async def enable(hub: Hub, wire: Wire, name: str, scope: str = "") -> Webhooks:
    """Have one subscription that sends all that is read, whose secret is known here, and a test delivery on its way.

    One that is there already is adopted and mended; one whose secret nobody knows is made anew. Raises NotDone.
    """
    desk = await _wanted(hub, wire, name)
    if not _able(hub, desk.connector):
        return await _by_hand(desk, ())
    try:
        found = await desk.listed()
    except NobodyThere:
        raise
    except NotDone as fault:
        if steps(hub, desk.connector):
            return await _by_hand(desk, (fault.message,))
        raise
    said: list[str] = []
    chosen = next((one for one in found.ours if not one.off), next(iter(found.ours), None))
    if chosen is None or not await _secret_known(desk, chosen.id):
        made, what = await desk.make(scope)
        said.append(what)
        old = [one.id for one in found.ours]
        if old:
            await _adopt(hub, name, old)
            await hub.database.transact(lambda c: subscriptions.leaves(c, name, old))
            said.append(
                f"{', '.join(old)} goes as soon as something comes by it: nobody here knows its secret"
            )
        chosen = Subscription(id=made, address=desk.here.address)
    else:
        await _adopt(hub, name, [chosen.id])
        said.append(await desk.mend(chosen) or f"{chosen.id} is there already and goes on")
    await configure.refresh(hub)
    return await _told(desk, said, *await desk.ping(chosen.id))


async def rotate(hub: Hub, wire: Wire, name: str, scope: str = "") -> Webhooks:
    """Exchange the secret: a second subscription, and the first goes once something has come by the second."""
    desk = await _wanted(hub, wire, name)
    if not _able(hub, desk.connector):
        return await _by_hand(desk, ())
    old = [one.id for one in (await desk.listed()).ours]
    if not old:
        raise NotDone(f"{name} has no webhook to exchange", hint=f"im connector webhook {name} --enable")
    made, what = await desk.make(scope)
    await _adopt(hub, name, old)
    await hub.database.transact(lambda c: subscriptions.leaves(c, name, old))
    await configure.refresh(hub)
    said = [what, f"both count until something comes by {made}; then {', '.join(old)} goes, and its secret"]
    return await _told(desk, said, *await desk.ping(made))


async def disable(hub: Hub, wire: Wire, name: str) -> Webhooks:
    """Take away what sends to this hub for this connector, and nothing else."""
    desk = await _desk(hub, wire, name)
    said: list[str] = []
    if _able(hub, desk.connector) and desk.here.address:
        for one in (await desk.listed()).ours:
            await desk.take_away(one.id)
            said.append(f"took {one.id} away")
    now = hub.now()

    async def gone(connection: Connection) -> None:
        await subscriptions.forget(connection, name)
        await subscriptions.reads_from_now(connection, name, now)

    await hub.database.transact(gone)
    await configure.refresh(hub)
    return await _told(desk, said or ["there was none"], "", 0, False)


async def test(hub: Hub, wire: Wire, name: str) -> Webhooks:
    """Ask for a test delivery."""
    desk = await _wanted(hub, wire, name)
    kept = await hub.database.read(lambda c: subscriptions.of(c, name))
    if not _able(hub, desk.connector) or (kept and kept[-1].id == BY_HAND):
        last = kept[-1].id if kept else ""
        return await _told(desk, [], *(await desk.ping(last) if last else ("", 0, False)))
    on = [one for one in (await desk.listed()).ours if not one.off]
    if not on:
        raise NotDone(f"{name} has no webhook that is on", hint=f"im connector webhook {name} --enable")
    mine = {one.id for one in kept}
    chosen = next((one for one in on if one.id in mine), on[0])
    await _adopt(hub, name, [chosen.id])
    await configure.refresh(hub)
    return await _told(desk, [], *await desk.ping(chosen.id))


async def settle(hub: Hub, wire: Wire) -> None:
    """What follows from what has come since: an old subscription goes when the new one was heard, and one that signs
    with a secret of nobody's is made anew. The work of the node on duty."""
    kept = await hub.database.read(subscriptions.every)
    for name in dict.fromkeys(one.connector for one in kept):
        own = [one for one in kept if one.connector == name]
        if name not in hub.policy.connectors:
            continue
        leaving = [one.id for one in own if one.leaving]
        heard = any(one.deliveries for one in own if not one.leaving)
        strange = [
            one for one in own if not one.leaving and one.sealed is None and one.wrong and not one.deliveries
        ]
        try:
            if leaving and heard:
                desk = await _desk(hub, wire, name)
                for one in leaving:
                    await desk.take_away(one)
                await hub.database.transact(lambda c, n=name, ids=leaving: subscriptions.forget(c, n, ids))  # type: ignore[misc]
                await configure.refresh(hub)
                log.info("webhook_exchanged", connector=name, gone=leaving)
            elif strange and not leaving:
                await enable_anew(hub, wire, name, [one.id for one in strange])
        except NotDone as fault:
            log.warning("webhook_not_settled", connector=name, message=fault.message[:300])


async def enable_anew(hub: Hub, wire: Wire, name: str, old: list[str]) -> None:
    """One that was adopted signs with a secret that is not known here: a second takes its place."""
    desk = await _wanted(hub, wire, name)
    made, _ = await desk.make("")
    await hub.database.transact(lambda c: subscriptions.leaves(c, name, old))
    await configure.refresh(hub)
    await desk.ping(made)
    log.info("webhook_made_anew", connector=name, made=made, instead_of=old)


def steps(hub: Hub, connector: Connector) -> tuple[str, ...]:
    """How a person sets a webhook up at this kind of provider, {address} to be filled in; () = nobody wrote it down."""
    kind = hub.providers.get(connector.type)
    return tuple(str(step) for step in kind.manifest.get("webhook_steps", ())) if kind else ()


async def _by_hand(desk: _Desk, said: tuple[str, ...]) -> Webhooks:
    """A token of ours, and what a person does with it."""
    written = steps(desk.hub, desk.connector)
    kind = desk.hub.providers[desk.connector.type]
    setting = str(kind.manifest.get("webhook_secret_setting", ""))
    if not written or not setting:
        raise NotDone(f"Connectors of type {desk.connector.type} cannot be told where webhooks go")
    name, token = desk.connector.name, randomness.token_urlsafe(24)
    await _keep(desk.hub, name, BY_HAND, setting, token)
    await configure.refresh(desk.hub)
    address = f"{desk.here.address}?token={token}"
    filled = tuple(step.replace("{address}", address).replace("{name}", name) for step in written)
    told = await _told(desk, list(said), *await desk.ping(BY_HAND))
    return replace(told, steps=filled)


async def _wanted(hub: Hub, wire: Wire, name: str) -> _Desk:
    """The desk of a connector that may have webhooks; raises NotDone with what stands against it."""
    connector = trial.known(hub, name)
    if "verify_webhook" not in hub.abilities(name):
        raise NotDone(f"Connectors of type {connector.type} have no webhooks")
    if not connector.enable_webhook:
        raise NotDone(
            f"{name} takes no webhooks (enable_webhook: false): its incidents are read back instead",
            hint="set enable_webhook: true",
        )
    if not hub.public_url:
        raise NotDone(
            "TOCSIN_PUBLIC_URL is not set, so a provider has no address to call; incidents are read back instead",
            hint="start the hub with TOCSIN_PUBLIC_URL=https://…, an address that the provider can reach",
        )
    return await _desk(hub, wire, name)


async def _desk(hub: Hub, wire: Wire, name: str) -> _Desk:
    connector = trial.known(hub, name)
    return _Desk(
        hub, wire, connector, trial.filled(hub, connector), await trial.here_of(hub, connector),
        cast("Subscribable", hub.providers[connector.type].module),
    )  # fmt: skip


def _able(hub: Hub, connector: Connector) -> bool:
    return ABILITY in hub.abilities(connector.name)


async def _told(desk: _Desk, said: list[str], pinged: str, before: int, asked: bool) -> Webhooks:
    name = desk.connector.name
    kept = tuple(await desk.hub.database.read(lambda c: subscriptions.of(c, name)))
    return Webhooks(
        connector=desk.connector, here=desk.here, able=_able(desk.hub, desk.connector), kept=kept, said=tuple(said),
        pinged=pinged, before=before, asked=asked,
    )  # fmt: skip


async def _secret_known(desk: _Desk, subscription: str) -> bool:
    """Sealed here, or perhaps the one that stands in the configuration: a delivery shows that."""
    kept = await desk.hub.database.read(lambda c: subscriptions.of(c, desk.connector.name))
    mine = next((one for one in kept if one.id == subscription), None)
    if mine is not None:
        return mine.sealed is not None or bool(mine.deliveries) or not mine.wrong
    kind = desk.hub.providers[desk.connector.type]
    written = desk.connector.settings
    custom = written.get("custom")
    setting = str(kind.manifest.get("webhook_secret_setting", ""))
    return bool(written.get(setting) or (isinstance(custom, dict) and custom.get(setting)))


async def _adopt(hub: Hub, name: str, ids: list[str]) -> None:
    for one in ids:
        await hub.database.transact(lambda c, i=one: subscriptions.keep(c, name, i, hub.now()))  # type: ignore[misc]


async def _keep(hub: Hub, name: str, subscription: str, setting: str, secret: str) -> None:
    sealed = hub.seal.close(hook_secrets.seal_name(name, subscription), secret)
    await hub.database.transact(
        lambda c: subscriptions.keep(c, name, subscription, hub.now(), setting=setting, sealed=sealed)
    )
