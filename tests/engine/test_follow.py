"""What a change at a provider does here: acts, facts, differences that are listed (S36 to S43, PR-8)."""

from __future__ import annotations

from typing import Any

import pytest

from tocsin.core.lifecycle import Act
from tocsin.core.model import Actor, ActorKind
from tocsin.core.ports import ChangeKind, RemoteChange, RemoteStatus
from tocsin.engine.diverge import end_agreed
from tocsin.engine.follow import follow
from tocsin.engine.respond import respond
from tocsin.store.database import Connection

from .bell import status as answer
from .office import CONFIG, Office, create

TWO = CONFIG.replace("[east]", "[east, west]").replace(
    "connectors:", 'connectors:\n  west: {type: bell, base_url: "${BELL_URL}", api_key: "${BELL_KEY}", webhook_token: "${BELL_TOKEN}"}'
)  # fmt: skip
OUTBOUND = CONFIG.replace("type: bell,", "type: bell, sync_direction: outbound,")


async def tell(office: Office, kind: ChangeKind, connector: str = "east", **more: Any) -> str:
    """What was done about one change, told as by a webhook."""
    given: dict[str, Any] = {"delivery_id": "", "person": "Bo", "raw_type": kind.value, **more}
    if not {"remote_id", "key"} & set(given):
        given["remote_id"] = await office.value(
            "SELECT remote_id FROM remote WHERE connector = $1", connector
        )
    change = RemoteChange(kind=kind, **given)

    async def work(connection: Connection) -> str:
        told = await follow(connection, office.hub, office.hub.policy.connectors[connector], change)
        await end_agreed(connection, office.hub.now())
        return told

    return await office.hub.database.transact(work)


async def differences(office: Office) -> list[tuple[Any, ...]]:
    return await office.rows("SELECT kind, what, ours, theirs, times, ended_why FROM divergence ORDER BY id")


async def status_of(office: Office, number: int = 1) -> str:
    return str(await office.value("SELECT status FROM incident WHERE number = $1", number))


async def waiting(office: Office, connector: str) -> list[str]:
    rows = await office.rows(
        "SELECT kind FROM effect WHERE connector = $1 AND state = 'waiting' ORDER BY id", connector
    )
    return [kind for (kind,) in rows]


async def test_s36_what_changes_at_an_outbound_connector_is_listed_once_until_both_agree(
    office: Office,
) -> None:
    """Acknowledged there twice over: one difference, seen twice, one line; acknowledged here it is over."""
    await office.configure(OUTBOUND)
    await office.page()
    await tell(office, ChangeKind.ACKNOWLEDGED)
    await tell(office, ChangeKind.ACKNOWLEDGED)

    assert await status_of(office) == "open"
    assert await differences(office) == [("outbound", "acknowledged", "open", "acknowledged", 2, "")]
    assert (await office.kinds()).count("divergence") == 1

    await respond(office.hub, "INC-1", Act.ACKNOWLEDGE, Actor(ActorKind.PERSON, "Ada", "cli"))
    await office.hub.database.transact(lambda c: end_agreed(c, office.hub.now()))
    assert (await differences(office))[0][-1] == "both agree again"
    assert (await office.kinds())[-1] == "divergence_ended"


async def test_s40_a_timer_closes_nothing_and_what_nobody_has_rings_there_again(office: Office) -> None:
    """Closed there by a machine while it fires and nobody has it: listed, and paged there under a new life."""
    await office.page()
    await tell(office, ChangeKind.RESOLVED, person="")

    assert await status_of(office) == "open"
    assert await waiting(office, "east") == ["create"]
    assert await office.rows("SELECT life FROM remote ORDER BY life") == [(1,), (2,)]
    ((kind, _, ours, theirs, _, _),) = await differences(office)
    assert (kind, ours, theirs) == ("timer", "open", "resolved")
    await office.deliver()
    assert len(office.bell.rings) == 2


async def test_s40_a_timer_rings_nobody_again_for_what_somebody_has(office: Office) -> None:
    """Acknowledged, then closed there by a machine: it stays mitigated here, closed there, and is listed."""
    await office.page()
    await tell(office, ChangeKind.ACKNOWLEDGED)
    await tell(office, ChangeKind.RESOLVED, person="")

    assert await status_of(office) == "mitigated"
    assert await waiting(office, "east") == []
    assert [row[0] for row in await differences(office)] == ["timer"]


async def test_s40_an_acknowledgement_that_lapses_there_is_recorded(office: Office) -> None:
    """The provider's acknowledgement timer takes nothing from the holder."""
    await office.page()
    await tell(office, ChangeKind.ACKNOWLEDGED)
    await tell(office, ChangeKind.UNACKNOWLEDGED, person="")

    assert await status_of(office) == "mitigated"
    assert [row[:4] for row in await differences(office)] == [
        ("timer", "unacknowledged", "mitigated", "triggered")
    ]


async def test_s41_a_merge_there_is_followed(office: Office) -> None:
    """Ours was merged into Q9: it is not resolved, what is done here goes to Q9, and Q9's changes are ours."""
    await office.page()
    await tell(office, ChangeKind.MERGED, merged_into="Q9")

    assert await status_of(office) == "open"
    assert await office.rows("SELECT remote_id, shared FROM remote") == [("Q9", False)]
    await tell(office, ChangeKind.RESOLVED, remote_id="Q9")
    assert await status_of(office) == "resolved"


async def test_s41_two_of_ours_in_one_there_both_follow(office: Office) -> None:
    """Resolved here, the first does not end what the second still needs; resolved there, both are over."""
    await office.page(create("one"), create("two"))
    first, second = [i for (i,) in await office.rows("SELECT remote_id FROM remote ORDER BY id")]
    await tell(office, ChangeKind.MERGED, remote_id=first, merged_into=second)

    assert await office.rows("SELECT DISTINCT remote_id, shared FROM remote") == [(second, True)]
    await tell(office, ChangeKind.RESOLVED, remote_id=second)
    assert [await status_of(office, 1), await status_of(office, 2)] == ["resolved", "resolved"]


async def test_s43_another_id_with_our_key_is_stored_only(office: Office) -> None:
    """S43: An older alert of the same alias is closed: that says nothing about the one we follow."""
    await office.page()
    key = await office.value("SELECT key FROM remote")
    told = await tell(office, ChangeKind.RESOLVED, key=key, remote_id="an older one")

    assert "stored only" in told
    assert await status_of(office) == "open"


async def test_s39_a_resolve_that_crossed_our_acknowledgement_is_written_again(office: Office) -> None:
    """S39: Our acknowledgement is on its way when Bo resolves there: it may reopen, so it is resolved again."""
    await office.configure(TWO)
    await office.page()
    await office.deliver("west")
    await tell(office, ChangeKind.ACKNOWLEDGED, "west")
    await office.deliver("east")  # our acknowledgement, not seen confirmed
    await tell(office, ChangeKind.RESOLVED, "east")

    assert await waiting(office, "east") == ["resolve"]
    assert "resolved_again" in await office.kinds()
    await office.deliver("east")
    assert office.bell.calls[-1] == "resolve"


@pytest.mark.parametrize(
    ("kind", "more", "words"),
    [
        pytest.param(ChangeKind.REASSIGNED, {"assignee": "Ed"}, "Given to Ed at east by Bo", id="reassigned or delegated"),
        pytest.param(ChangeKind.ESCALATED, {"assignee": "Di", "person": ""}, "Escalated at east to Di", id="escalated"),
        pytest.param(ChangeKind.PRIORITY, {"urgency": "P1"}, "Priority changed at east to P1 by Bo", id="priority"),
        pytest.param(ChangeKind.NOTE, {"note": "replica promoted"}, "replica promoted", id="annotated"),
    ],
)  # fmt: skip
async def test_pr_8_what_happens_there_is_told_here_and_at_the_other_provider(
    office: Office, kind: ChangeKind, more: dict[str, Any], words: str
) -> None:
    """One note for west, none back to east."""
    await office.configure(TWO)
    await office.page()
    await office.deliver("west")
    await tell(office, kind, **more)

    bodies = await office.rows("SELECT connector, body ->> 'note' FROM effect WHERE kind = 'note'")
    assert bodies == [("west", words)]
    assert (await office.kinds()).count("note") == 1


async def test_pr_8_given_on_by_a_person_who_had_it_rings_for_the_next(office: Office) -> None:
    """Acknowledged by Bo, then given to Ed there: Ed has it now, and it is open until Ed says so."""
    await office.page()
    await tell(office, ChangeKind.ACKNOWLEDGED)
    await tell(office, ChangeKind.REASSIGNED, assignee="Ed", status=RemoteStatus.TRIGGERED)

    assert await office.rows("SELECT status, assignee FROM incident") == [("open", "Ed")]


async def test_a_refused_write_is_listed(office: Office) -> None:
    """The provider will not take our acknowledgement: listed with its words, not tried for ever."""
    await office.configure(TWO)
    await office.page()
    await office.deliver("west")
    await tell(office, ChangeKind.ACKNOWLEDGED, "west")
    office.bell.script.append(answer(422))
    await office.deliver("east")

    assert [row[:4] for row in await differences(office)] == [
        ("refused", "acknowledge", "mitigated", "triggered")
    ]


@pytest.mark.parametrize(
    ("direction", "recorded"),
    [
        pytest.param("bidirectional", 1, id="both: recorded"),
        pytest.param("inbound", 1, id="inbound: recorded"),
        pytest.param("outbound", 0, id="outbound: what happens there is not applied"),
    ],
)
async def test_s42_what_is_born_there_is_recorded_where_changes_count(
    office: Office, direction: str, recorded: int
) -> None:
    """S42, S36: and where they are listed only, nothing is opened."""
    more = f"type: bell, sync_direction: {direction}, import_incidents: true, custom: {{service_mappings: {{web: S1}}}},"
    await office.configure(
        TWO.replace("[east, west]", "[west]").replace("east: {type: bell,", f"east: {{{more}")
    )

    told = await tell(
        office, ChangeKind.TRIGGERED, remote_id="Q7", title="Born there", service_id="S1", urgency="high"
    )

    assert await office.value("SELECT count(*) FROM incident WHERE origin = 'east'") == recorded
    assert ("recorded as INC-1" in told) is bool(recorded)
