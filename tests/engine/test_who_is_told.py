"""Which connectors hear of an act, and which never do (S19, S25, S35, S36)?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tocsin.core.amend import Wording
from tocsin.core.errors import BadInput
from tocsin.core.lifecycle import Act
from tocsin.core.model import Actor, ActorKind
from tocsin.core.severity import Severity
from tocsin.engine.amend import change
from tocsin.engine.declare import declare
from tocsin.engine.respond import respond
from tocsin.engine.tick import tick

from .office import CONFIG, Office, create, resolve

ADA = Actor(ActorKind.PERSON, "Ada", "cli")
BO = Actor(ActorKind.PERSON, "Bo", "cli")
BELL = 'type: bell, base_url: "${BELL_URL}", api_key: "${BELL_KEY}", webhook_token: "${BELL_TOKEN}"'
TWO = CONFIG.replace("[east]", "[east, west]").replace("connectors:", f"connectors:\n  west: {{{BELL}}}")
LISTENS = CONFIG.replace("connectors:", f"connectors:\n  ear: {{{BELL}, sync_direction: inbound}}")


def with_setting(setting: str) -> str:
    """West with it; east without."""
    return TWO.replace(f"west: {{{BELL}", f"west: {{{BELL}, custom: {{{setting}}}")


async def asked_of(office: Office, connector: str) -> list[str]:
    rows = await office.rows("SELECT kind FROM effect WHERE connector = $1 ORDER BY id", connector)
    return [kind for (kind,) in rows]


async def everywhere(office: Office) -> None:
    await office.deliver("east")
    await office.deliver("west")


async def by_its_sender(office: Office) -> None:
    await office.say(resolve())
    await office.decide()


async def by_auto_resolve(office: Office) -> None:
    office.clock.advance(hours=24)
    await office.decide()


async def by_a_person(office: Office) -> None:
    await respond(office.hub, "INC-1", Act.RESOLVE, ADA)


@pytest.mark.parametrize(
    ("ended", "heard"),
    [
        pytest.param(by_its_sender, False, id="its last alert resolved: stays open there"),
        pytest.param(by_auto_resolve, False, id="its last alert expired: stays open there"),
        pytest.param(by_a_person, True, id="a person's word is told"),
    ],
)
async def test_s19_auto_resolve_off_leaves_the_providers_incident_open(
    office: Office, ended: Any, heard: bool
) -> None:
    """S19: `auto_resolve: false` is about an incident that resolves by itself, by whichever machine."""
    given = with_setting("auto_resolve: false").replace("urgency: high", "urgency: high, auto_resolve: 24h")
    await office.configure(given)
    await office.page()
    await everywhere(office)

    await ended(office)

    assert await office.value("SELECT status FROM incident") == "resolved"
    assert await asked_of(office, "east") == ["create", "resolve"]
    assert await asked_of(office, "west") == ["create", *(["resolve"] if heard else [])]


async def test_s35_every_later_act_reaches_exactly_the_connectors_that_hold_it(office: Office) -> None:
    """S35: declared with `--connector west`, so east hears nothing of it, whatever is done."""
    await office.configure(TWO)
    await declare(
        office.hub,
        title="It burns",
        severity=Severity.HIGH,
        services=("web",),
        actor=ADA,
        connectors=("west",),
    )
    await everywhere(office)
    for act in (Act.ACKNOWLEDGE, Act.NOTE, Act.RESOLVE):
        await respond(office.hub, "INC-1", act, ADA, note="seen" if act is Act.NOTE else "")
        await everywhere(office)

    assert await asked_of(office, "west") == ["create", "acknowledge", "note", "resolve"]
    assert await asked_of(office, "east") == []


@pytest.mark.parametrize("how", ["declared", "raised by a person"])
async def test_s35_what_a_person_opens_is_repeated_like_an_alert(office: Office, how: str) -> None:
    """S35, RO-1: its rule says `repeat`, so whoever does not answer is asked again, whoever opened or raised it."""
    await office.configure(TWO.replace("page: everybody", "page: everybody, repeat: 10m"))
    first = Severity.HIGH if how == "declared" else Severity.LOW
    await declare(office.hub, title="It burns", severity=first, services=("web",), actor=ADA)
    if how != "declared":
        await change(office.hub, "INC-1", Wording(severity=Severity.HIGH), ADA)

    plans = await office.value("SELECT paging -> 'steps' -> 0 ->> 'repeat' FROM incident")

    assert plans is not None
    assert float(plans) == timedelta(minutes=10).total_seconds()


async def test_s26_what_a_connector_cannot_do_is_emulated_and_told(office: Office) -> None:
    """S26: one that cannot snooze hears of an acknowledgement; the hub has the end, and asks it again then."""
    await office.configure()
    await office.page()
    await office.deliver()
    until = office.clock() + timedelta(hours=2)
    await respond(office.hub, "INC-1", Act.SNOOZE, ADA, until=until)

    assert await asked_of(office, "east") == ["create", "acknowledge"]
    assert "east cannot snooze: it is told of an acknowledgement" in str(
        await office.rows("SELECT text FROM timeline")
    )
    assert await office.value("SELECT due FROM timer WHERE kind = 'snooze'") == until


async def test_s37_the_key_at_a_provider_names_the_incident_for_good(office: Office) -> None:
    """S37: `tocsin:<installation>:<incident uuid>:<service>:<life>`, never the number, which another hub has too."""
    await office.page()
    await respond(office.hub, "INC-1", Act.RESOLVE, ADA)
    await office.deliver()
    await respond(office.hub, "INC-1", Act.REOPEN, ADA)
    incident = await office.value("SELECT id FROM incident")

    assert [key for (key,) in await office.rows("SELECT key FROM remote ORDER BY id")] == [
        f"tocsin:{office.hub.installation}:{incident}:web:{life}" for life in (1, 2)
    ]


async def test_s36_who_names_an_inbound_connector_is_refused(office: Office) -> None:
    """S36: it is never written to, not by a person's word either."""
    await office.configure(LISTENS)
    with pytest.raises(BadInput) as refused:
        await declare(
            office.hub, title="It burns", severity=Severity.HIGH, services=(), actor=ADA, connectors=("ear",)
        )

    assert [(f.field, f.message) for f in refused.value.faults] == [
        ("connector", "ear is inbound: it is never written to")
    ]
    assert await office.value("SELECT count(*) FROM incident") == 0


async def test_s36_what_waits_for_a_connector_that_becomes_inbound_is_not_sent(office: Office) -> None:
    """S36: the last door asks too; the page is withdrawn, and the timeline says why."""
    await office.configure(TWO)
    await office.say(create())
    await office.decide()
    await office.configure(
        TWO.replace(f"west: {{{BELL}", f"west: {{{BELL}, sync_direction: inbound").replace(
            "[east, west]", "[east]"
        ),
        force=True,
    )
    await everywhere(office)

    assert office.bell.calls == ["create"]
    assert await office.rows("SELECT connector, state FROM effect ORDER BY connector") == [
        ("east", "done"),
        ("west", "withdrawn"),
    ]
    assert "west: create is not sent, the connector is inbound" in str(
        await office.rows("SELECT text FROM timeline")
    )


@pytest.mark.parametrize(
    ("who", "expected"),
    [pytest.param(ADA, "mitigated", id="the holder"), pytest.param(BO, "open", id="somebody else")],
)
async def test_s25_what_the_holder_writes_into_it_keeps_it_theirs(
    office: Office, who: Actor, expected: str
) -> None:
    """S25: any act of theirs restarts the time-out; a new title is one."""
    await office.configure()
    await office.page()
    await respond(office.hub, "INC-1", Act.ACKNOWLEDGE, ADA)
    office.clock.advance(hours=3)
    await tick(office.hub)
    await change(office.hub, "INC-1", Wording(title="The switch, not the database"), who)
    office.clock.advance(hours=1)
    await tick(office.hub)
    await tick(office.hub)

    assert await office.value("SELECT status FROM incident") == expected
