"""The database has been away for half a minute: what could be critical is paged without it (S47).

the keeper's alerts ──▶ core/blind.py judges ──▶ written down, on disk ──▶ sent ──▶ outcome written down
and on return: the record goes to the database before the events do, so that each page is adopted
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

import msgspec

from tocsin.core.alarm import INTEGRATION
from tocsin.core.blind import BLIND_AFTER, MOST_PAGES, Judged, blind_incident, judge
from tocsin.core.model import Action, Event
from tocsin.core.plan import Way
from tocsin.core.policy import Mode
from tocsin.core.ports import Accepted, Effect, EffectKind, Outcome, Rejected, Retry, Skipped
from tocsin.core.record import core_facts
from tocsin.core.severity import Severity
from tocsin.core.values import replace
from tocsin.engine import deliver
from tocsin.engine.envelope import Admitted, Envelope
from tocsin.engine.hub import Hub, log
from tocsin.engine.ids import new_id
from tocsin.engine.job import plain
from tocsin.engine.keep import Keeper, Name, Waiting
from tocsin.engine.line import Line
from tocsin.engine.wire import Wire
from tocsin.journal import Journal, JournalFull
from tocsin.store import blind_pages
from tocsin.store.blind_pages import ACCEPTED, CREATED, FAILED, UNSURE, BlindPage
from tocsin.store.intake import RawRequest

LOOK_SECONDS = 1.0
AGAIN_AFTER = timedelta(seconds=30)
"""What reached nobody is tried again after so long."""
STORM = "without-database-storm"
_TOGETHER = 4

PageName: TypeAlias = tuple[str, str, str, str]
"""Incident, connector, service, recipient."""


class BlindPager:
    """Pages from what the keeper holds; its own record in a journal of its own keeps a restart from paging twice."""

    def __init__(self, hub: Hub, keeper: Keeper, wire: Wire, folder: Path) -> None:
        self._hub, self._keeper, self._wire = hub, keeper, wire
        self._journal = Journal(
            folder, keep_free_bytes=0
        )  # a few hundred bytes a page: they may have the last room
        self._lock = asyncio.Lock()
        self._pages: dict[PageName, BlindPage] = {}
        self._done: set[Name] = set()
        self._judged: dict[Name, int] = {}
        self._again: dict[Name, datetime] = {}
        keeper.before_replay.append(self.hand_over)
        keeper.when_back.append(self.forget)

    async def open(self) -> None:
        """Learn what an earlier run has paged. One without an outcome may have arrived: it is not sent again."""
        for path in await asyncio.to_thread(self._journal.names):
            segment = await asyncio.to_thread(self._journal.read, path)
            for body in segment.records:
                page = _decoder.decode(body)
                self._pages[_name_of(page)] = page
                self._done.add((page.scope, page.dedup_key))

    async def close(self) -> None:
        """A page under way comes to its end and is written down; the record is the next run's."""
        async with self._lock:
            await asyncio.to_thread(self._journal.seal)

    async def watch(self) -> None:
        """Look every second, until cancelled."""
        while True:
            try:
                await self.look()
            except Exception as fault:  # noqa: BLE001 - the loop's edge
                log.exception("blind_pager_failed", fault=type(fault).__name__)
            await self._hub.wake.wait("blind", LOOK_SECONDS)

    async def look(self) -> None:
        """Page what is due now."""
        async with self._lock:
            hub, now = self._hub, self._hub.now()
            if hub.away is None or self._keeper.returning or now < hub.away + BLIND_AFTER:
                return
            due = [(name, judged) for name in list(self._keeper.waiting) if (judged := self._due(name, now))]
            due.sort(key=lambda pair: -pair[1].severity.rank)
            room = max(MOST_PAGES - len(self._done), 0)
            if len(due) > room and (INTEGRATION, STORM) not in self._done:
                await self._storm(len(due) - room, now)
            own = [pair for pair in due if pair[0] == (INTEGRATION, STORM)]
            chosen = own + [pair for pair in due if pair not in own][:room]
            for at in range(0, len(chosen), _TOGETHER):
                await asyncio.gather(*(self._page(n, j, hub.away) for n, j in chosen[at : at + _TOGETHER]))

    def _due(self, name: Name, now: datetime) -> Judged | None:
        waiting = self._keeper.waiting.get(name)
        if waiting is None or name in self._done or now < self._again.get(name, now):
            return None
        if self._judged.get(name) == waiting.alert.count:
            return None  # it has said nothing since it was found to wait
        judged = self._judge(waiting, now)
        if judged.waits:
            self._judged[name] = waiting.alert.count
            return None
        return judged

    def _judge(self, waiting: Waiting, now: datetime) -> Judged:
        hub, alert = self._hub, waiting.alert
        integration = hub.policy.integrations.get(alert.integration)
        return judge(alert, waiting.events, integration, hub.policy, mailer=hub.mailer, now=now)

    async def _page(self, name: Name, judged: Judged, since: datetime) -> None:
        """The first step as the policy says, and the last resort when it reaches nobody."""
        incident = blind_incident(self._hub.installation, *name, since)
        ways = judged.plan.steps[0].ways if judged.plan.steps else ()
        one_after_the_other = bool(judged.plan.steps) and judged.plan.steps[0].mode is Mode.FAILOVER
        reached = False
        if one_after_the_other:
            for way in ways:
                reached = await self._ask(way, judged, str(incident))
                if reached:
                    break
        else:
            reached = any([await self._ask(way, judged, str(incident)) for way in ways])
        for way in () if reached else judged.plan.last_resort:
            reached = await self._ask(way, judged, str(incident)) or reached
        if reached:
            self._done.add(name)
            log.warning(
                "paged_without_database", alert=judged.alert.title[:100], severity=judged.severity.value
            )
        else:
            self._again[name] = self._hub.now() + AGAIN_AFTER
            log.error("blind_page_reached_nobody", alert=judged.alert.title[:100], again_in_seconds=30)

    async def _ask(self, way: Way, judged: Judged, incident: str) -> bool:
        """True when it has it, for every service of the alert."""
        services = dict.fromkeys(judged.alert.services or ("",))
        return all([await self._send(way, service, judged, incident) for service in services])

    async def _send(self, way: Way, service: str, judged: Judged, incident: str) -> bool:
        hub, alert = self._hub, judged.alert
        connector = hub.policy.connectors.get(way.connector)
        kind = hub.providers.get(connector.type) if connector else None
        if (
            connector is None
            or kind is None
            or not hub.reaches_here(way.connector)
            or not hub.active.unsealed
        ):
            return False
        earlier = self._pages.get((incident, way.connector, service, way.recipient))
        if earlier is not None and earlier.reached:
            return True
        now = hub.now()
        key = f"tocsin:{hub.installation}:{incident}:{service}:1"
        page = BlindPage(
            incident=UUID(incident), scope=alert.scope, dedup_key=alert.dedup_key, connector=way.connector,
            service=service, recipient=way.recipient, key=key, at=now,
        )  # fmt: skip
        await self._write(page)
        effect = _effect(judged, page, now, look_first=earlier is not None and earlier.state == UNSURE)
        try:
            outcome = await deliver.converse(
                kind.module,
                Line(hub, self._wire, connector),
                effect,
                hub.active.settings_of(connector),
                deliver.Talk(),
            )
        except Exception as fault:  # noqa: BLE001 - a provider's bug must not keep the next from being asked
            outcome = Retry(reason=f"a fault of ours ({type(fault).__name__})", ambiguous=True)
        page = _settled(page, outcome)
        await self._write(page)
        return page.reached

    async def _write(self, page: BlindPage) -> None:
        """On disk before it is sent; without room for that it is sent all the same."""
        self._pages[_name_of(page)] = page
        try:
            await asyncio.to_thread(self._journal.append, [_encoder.encode(page)], new_id(self._hub.now()))
        except JournalFull as fault:
            log.error("blind_record_not_written", message=str(fault))

    async def _storm(self, left: int, now: datetime) -> None:
        """More than are paged one by one: one page of the hub's own stands for them."""
        title = f"{left} more alerts came while Tocsin's database is away"
        text = f"{MOST_PAGES} were paged one by one. The others are kept, and are decided when the database is back."
        event = Event(
            action=Action.CREATE, dedup_key=STORM, title=title, description=text, severity=Severity.CRITICAL, source=INTEGRATION
        )  # fmt: skip
        raw = RawRequest(
            id=new_id(now), received_at=now, integration=INTEGRATION, source=INTEGRATION, method="", path="", query="", headers={},
            body=title.encode(), remote_address="", reading="read",
        )  # fmt: skip
        done: asyncio.Future[list[Admitted]] = asyncio.get_running_loop().create_future()
        await self._keeper.keep([Envelope(raw, INTEGRATION, [event], None, done)])
        waiting = self._keeper.waiting.get((INTEGRATION, STORM))
        if waiting is not None and self._hub.away is not None:
            await self._page((INTEGRATION, STORM), self._judge(waiting, now), self._hub.away)

    # ---- and back ----------------------------------------------------------------------------------

    async def hand_over(self) -> None:
        """Everything paged goes to the database before the events it was paged for."""
        async with self._lock:  # a page under way comes to its end first
            pages = list(self._pages.values())
            if pages:
                work = self._hub.database.transact(lambda c: blind_pages.take_in(c, pages))
                await self._hub.patience.within(30.0, work)

    async def forget(self) -> None:
        """The database knows: the record is done with."""
        async with self._lock:
            self._pages.clear()
            self._done.clear()
            self._judged.clear()
            self._again.clear()
            await asyncio.to_thread(self._journal.seal)
            for path in await asyncio.to_thread(self._journal.idle):
                await asyncio.to_thread(self._journal.remove, path)


def _effect(judged: Judged, page: BlindPage, now: datetime, *, look_first: bool) -> Effect:
    alert = judged.alert
    facts = core_facts(alert, judged.classified)
    return Effect(
        kind=EffectKind.CREATE, key=page.key, incident=str(page.incident), title=alert.title, description=alert.description,
        severity=judged.severity, service=page.service, team=alert.team, policy=judged.policy_name,
        correlation_id=alert.correlation_id, links=alert.links, recipients=(page.recipient,) if page.recipient else (),
        details={name: plain(value) for name, value in facts.items()} | {"paged": "while Tocsin's database is away"},
        opened_at=now, look_first=look_first,
    )  # fmt: skip


def _settled(page: BlindPage, outcome: Outcome) -> BlindPage:
    match outcome:
        case Accepted():
            state = CREATED if outcome.created else ACCEPTED
            return replace(page, state=state, remote_id=outcome.remote_id, remote_url=outcome.remote_url)
        case Retry():
            return replace(page, state=UNSURE if outcome.ambiguous else FAILED, fault=outcome.reason)
        case Skipped():
            return replace(page, state=FAILED, fault=outcome.reason)
        case Rejected():
            return replace(page, state=FAILED, remote_id=outcome.remote_id, fault=outcome.reason)
        case _:
            raise AssertionError("a conversation never ends pending")


def _name_of(page: BlindPage) -> PageName:
    return str(page.incident), page.connector, page.service, page.recipient


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(BlindPage)
