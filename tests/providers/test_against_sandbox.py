"""Do the chains of calls work against something that behaves like the vendor? The sandbox answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tocsin.core.ports import (
    Accepted,
    Call,
    ConnectorSettings,
    Effect,
    EffectKind,
    Outcome,
    Pending,
    Rejected,
    RemoteRef,
    RemoteState,
    RemoteStatus,
    Request,
    Response,
    Skipped,
)
from tocsin.core.severity import Severity
from tocsin.providers import discover
from tocsin.sandbox.server import Sandbox, SandboxSettings

KEY = "tocsin:hub:7:web:1"
KINDS = discover()


@dataclass
class Desk:
    """One connector whose calls are really sent; the sandbox's clock is driven by `control`."""

    kind: str
    connector: ConnectorSettings
    session: aiohttp.ClientSession
    control: str

    async def send(self, call: Call) -> Response:
        send = call.send
        assert isinstance(send, Request)
        if call.after:
            await self.tell("/clock", {"advance": call.after.total_seconds()})
            await asyncio.sleep(0)
        async with self.session.request(
            send.method, send.url, headers=dict(send.headers), data=send.body or None
        ) as got:
            headers = {name.lower(): value for name, value in got.headers.items()}
            return Response(got.status, headers, await got.read())

    async def tell(self, path: str, body: dict[str, Any]) -> None:
        async with self.session.post(self.control + path, json=body) as got:
            assert got.status < 300, await got.text()

    async def do(self, kind: EffectKind, **over: Any) -> Outcome:
        told: dict[str, Any] = {"key": KEY, "incident": "7", "title": "Down", "description": "d"}
        told |= {"severity": Severity.HIGH, "person": "Ada", "note": "n"}
        effect, module = Effect(kind=kind, **(told | over)), KINDS[self.kind].module
        made: object = module.first_call(effect, self.connector)
        for _ in range(15):
            if not isinstance(made, Call):
                return made  # type: ignore[return-value]
            outcome = module.outcome_of(effect, self.connector, made.step, await self.send(made))
            if not isinstance(outcome, Pending):
                return outcome
            made = outcome.next
        raise AssertionError("the chain did not end")

    async def page(self, **over: Any) -> Accepted:
        outcome = await self.do(EffectKind.CREATE, **over)
        assert isinstance(outcome, Accepted), outcome
        return outcome

    async def read(self, *refs: RemoteRef) -> list[RemoteState]:
        module = KINDS[self.kind].module
        calls = module.read_states(list(refs), self.connector)
        return [state for call in calls for state in module.states_of(call, await self.send(call))]


@pytest.fixture
async def desks() -> AsyncIterator[dict[str, Desk]]:
    sandbox = Sandbox(SandboxSettings(port=0, tls=False))
    await sandbox.start()
    pagerduty = {
        "api_key": "any",
        "base_url": sandbox.pagerduty_url,
        "custom": {"service_id": "PPAY001", "from_email": "tocsin-bot@example.com"},
    }
    opsgenie = {
        "api_key": "any",
        "base_url": sandbox.opsgenie_url,
        "custom": {"service_mappings": {"default": "team:Payments"}},
    }
    events = {
        "routing_key": "sandboxppay001routingkey".ljust(32, "0"),
        "events_url": sandbox.pagerduty_events_url,
    }
    async with aiohttp.ClientSession() as session:
        yield {
            name: Desk(kind, ConnectorSettings(name=name, settings=settings), session, sandbox.control_url)
            for name, kind, settings in (
                ("pagerduty", "pagerduty", pagerduty),
                ("events", "pagerduty", events),
                ("opsgenie", "opsgenie", opsgenie),
            )
        }
    await sandbox.stop()


BOTH = pytest.mark.parametrize("name", ["pagerduty", "opsgenie"])


@pytest.mark.parametrize("name", ["pagerduty", "events", "opsgenie"])
async def test_the_probe_finds_it_healthy(desks: dict[str, Desk], name: str) -> None:
    desk = desks[name]
    module = KINDS[desk.kind].module
    assert module.healthy(await desk.send(module.probe(desk.connector))) == ""


@BOTH
async def test_a_whole_life_by_id(desks: dict[str, Desk], name: str) -> None:
    desk = desks[name]
    page = await desk.page()
    assert (page.created, page.adopted, page.status) == (True, False, RemoteStatus.TRIGGERED)
    life = (
        (EffectKind.ACKNOWLEDGE, RemoteStatus.ACKNOWLEDGED),
        (EffectKind.NOTE, RemoteStatus.ACKNOWLEDGED),
        (EffectKind.UPDATE, RemoteStatus.ACKNOWLEDGED),
        (EffectKind.RESOLVE, RemoteStatus.RESOLVED),
    )
    for kind, status in life:
        outcome = await desk.do(kind, remote_id=page.remote_id, title="Worse")
        assert isinstance(outcome, Accepted), (kind, outcome)
        states = await desk.read(RemoteRef(key=KEY, remote_id=page.remote_id))
        assert (states[0].remote_id, states[0].status) == (page.remote_id, status), kind
    assert states[0].title == "Worse"
    assert states[0].key == KEY


@BOTH
async def test_a_whole_life_by_key_alone(desks: dict[str, Desk], name: str) -> None:
    desk = desks[name]
    page = await desk.page()
    for kind in (EffectKind.ACKNOWLEDGE, EffectKind.NOTE, EffectKind.RESOLVE):
        outcome = await desk.do(kind)
        assert isinstance(outcome, Accepted), (kind, outcome)
        assert outcome.remote_id == page.remote_id


@BOTH
async def test_a_page_sent_twice_is_one(desks: dict[str, Desk], name: str) -> None:
    desk = desks[name]
    first, second, looked = await desk.page(), await desk.page(), await desk.page(look_first=True)
    assert first.remote_id == second.remote_id == looked.remote_id
    assert looked.adopted


@BOTH
async def test_a_page_in_doubt_that_was_resolved_there_is_a_remote_resolve(
    desks: dict[str, Desk], name: str
) -> None:
    desk = desks[name]
    first = await desk.page(look_first=True)
    await desk.do(EffectKind.RESOLVE, remote_id=first.remote_id)
    again = await desk.page(look_first=True)
    assert (again.remote_id, again.status) == (first.remote_id, RemoteStatus.RESOLVED)


@BOTH
async def test_a_late_acknowledgement_does_not_reopen(desks: dict[str, Desk], name: str) -> None:
    desk = desks[name]
    page = await desk.page()
    await desk.do(EffectKind.RESOLVE, remote_id=page.remote_id)
    late = await desk.do(EffectKind.ACKNOWLEDGE, remote_id=page.remote_id, reread=True)
    assert isinstance(late, Skipped)
    assert late.status is RemoteStatus.RESOLVED
    [state, *_] = await desk.read(RemoteRef(key=KEY, remote_id=page.remote_id))
    assert state.status is RemoteStatus.RESOLVED


@BOTH
async def test_a_note_in_doubt_is_written_once(desks: dict[str, Desk], name: str) -> None:
    desk = desks[name]
    page = await desk.page()
    await desk.do(EffectKind.NOTE, remote_id=page.remote_id)
    again = await desk.do(EffectKind.NOTE, remote_id=page.remote_id, look_first=True)
    assert isinstance(again, Accepted)
    assert again.adopted


@BOTH
async def test_many_are_read_in_few_calls(desks: dict[str, Desk], name: str) -> None:
    desk = desks[name]
    keys = [f"tocsin:hub:{n}:web:1" for n in range(8)]
    pages = [await desk.page(key=key) for key in keys]
    await desk.do(EffectKind.RESOLVE, key=keys[0], remote_id=pages[0].remote_id)
    refs = [RemoteRef(key=key, remote_id=page.remote_id) for key, page in zip(keys, pages, strict=True)]
    assert len(KINDS[desk.kind].module.read_states(refs, desk.connector)) <= 3
    known = {s.remote_id: s.status for s in await desk.read(*refs) if s.status is not RemoteStatus.UNKNOWN}
    assert known.pop(pages[0].remote_id) is RemoteStatus.RESOLVED
    assert known == {page.remote_id: RemoteStatus.TRIGGERED for page in pages[1:]}


async def test_pagerduty_reopens_in_place_and_tells_who_was_rung(desks: dict[str, Desk]) -> None:
    desk = desks["pagerduty"]
    page = await desk.page()
    await desk.do(EffectKind.RESOLVE, remote_id=page.remote_id)
    again = await desk.do(EffectKind.REOPEN, remote_id=page.remote_id)
    assert isinstance(again, Accepted)
    assert again.status is RemoteStatus.TRIGGERED
    await desk.tell("/clock", {"advance": 120})
    states = await desk.read(RemoteRef(key=KEY, remote_id=page.remote_id))
    assert any(state.notified for state in states)


async def test_pagerduty_without_such_a_service_refuses(desks: dict[str, Desk]) -> None:
    desk = desks["pagerduty"]
    settings = dict(desk.connector.settings) | {
        "custom": {"service_id": "PNONE", "from_email": "tocsin-bot@example.com"}
    }
    desk.connector = ConnectorSettings(name="pagerduty", settings=settings)
    assert isinstance(await desk.do(EffectKind.CREATE), Rejected)


async def test_events_page_acknowledge_and_resolve_but_never_claim_more_than_queued(
    desks: dict[str, Desk],
) -> None:
    for kind in (EffectKind.CREATE, EffectKind.ACKNOWLEDGE, EffectKind.RESOLVE):
        outcome = await desks["events"].do(kind)
        assert isinstance(outcome, Accepted)
        assert not outcome.created
        await desks["events"].tell("/clock", {"advance": 2})
    found = await desks["pagerduty"].read(RemoteRef(key=KEY))
    assert [state.status for state in found] == [RemoteStatus.RESOLVED]


@pytest.mark.parametrize("status", ["disabled", "maintenance"])
async def test_a_service_that_pages_nobody_fails_over(desks: dict[str, Desk], status: str) -> None:
    desk = desks["pagerduty"]
    await desk.tell("/pagerduty/services/PPAY001", {"status": status})
    outcome = await desk.do(EffectKind.CREATE)
    assert isinstance(outcome, Rejected), outcome
