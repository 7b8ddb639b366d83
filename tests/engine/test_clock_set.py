"""The database's clock is set by an hour: whatever time runs by moves with it, or is a record of what was (S49)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tocsin.core.lifecycle import Act
from tocsin.core.model import Actor, ActorKind
from tocsin.engine.respond import respond
from tocsin.store import anchors, nodes, remotes

from .office import NOON, Office, create

HOUR = timedelta(hours=1)

_RECORDS = {
    "what happened, and when, by the clock of that moment": (
        "raw_request.received_at event.received_at timeline.at delivery.at audit.at hook.received_at change_seen.seen_at"
        " incident.opened_at incident.closed_at incident.updated_at alert.resolved_at alias.over_at remote.accepted_at remote.acknowledged_at"
        " remote.resolved_at remote.failed_at remote.superseded_at effect.settled_at message.settled_at blind_page.at"
        " blind_page.adopted_at divergence.since divergence.seen_at divergence.ended_at hold.ended_at alarm.cleared_at"
        " alarm.direct_at canary.ended_at digest.fell_back_at mute.made_at mute.changed_at mute.cancelled_at node.started_at"
        " connector_state.last_success_at connector_state.last_failure_at connector_state.last_webhook_at"
        " connector_state.proven_at connector_state.unproven_since connector_proof.since connector_proof.proved_at"
        " config_version.applied_at secret.changed_at api_token.made_at api_token.last_used_at api_token.revoked_at"
        " installation.made_at schema_migration.ran_at log_line.at connector_hour.hour connector_count.slot connector_allowance.seen_at"
        " webhook_subscription.made_at webhook_subscription.pinged_at webhook_subscription.heard_at"
    ),
    "a time of the calendar, which a clock that is right again tells rightly": (
        "mute.starts_at mute.ends_at api_token.expires_at session.expires_at digest_entry.due digest_entry.since silent.asks_at"
        " digest.begins_at digest.ends_at forgotten.before"
    ),
    "a provider's or a sender's clock": "remote.there_at connector_allowance.resets_at alert.newest_sent_at alias.newest_sent_at",
    "what the jump is known by": "mark.at",
    "days, not minutes": "secret.unused_since kept_answer.made_at",
}


def _moved() -> set[str]:
    found: set[str] = set()
    for statement in anchors._MOVED:
        table, sets = re.match(r"UPDATE (\w+).*? SET (.*)", statement).groups()  # type: ignore[union-attr]
        found |= {
            f"{table}.{column}" for column in re.findall(r"(\w+) = ", sets.partition(" FROM incident")[0])
        }
    return found


async def test_s49_every_time_in_the_database_is_moved_or_a_record(office: Office) -> None:
    """S49: who adds a column of time decides which it is: what time runs by goes into `store/anchors.py`."""
    rows = await office.rows(
        "SELECT c.table_name || '.' || c.column_name FROM information_schema.columns c JOIN pg_class k ON k.relname = c.table_name"
        " WHERE c.table_schema = 'public' AND NOT k.relispartition AND (c.udt_name IN ('timestamptz', '_timestamptz'))"
    )
    there, moved = {name for (name,) in rows}, _moved()
    records = [name for names in _RECORDS.values() for name in names.split()]

    assert len(records) == len(set(records))
    assert not moved & set(records)
    assert there - moved == set(records)


async def _set(office: Office, jump: timedelta) -> None:
    office.clock.at += jump
    await office.hub.database.transact(lambda c: anchors.move(c, jump, office.clock()))


async def _due_to_be_read(office: Office, at: datetime) -> int:
    every = timedelta(seconds=10)
    claimed = await office.hub.database.transact(
        lambda c: remotes.claim_due(c, "east", at, open_every=every, every=every, most=10)
    )
    return len(claimed)


@pytest.mark.parametrize("jump", [pytest.param(HOUR, id="ahead"), pytest.param(-HOUR, id="back")])
async def test_s49_an_open_page_is_read_ten_seconds_later_all_the_same(
    office: Office, jump: timedelta
) -> None:
    """S49, S44: without webhooks an acknowledgement is learnt by reading; it must not wait for an hour to pass twice."""
    await office.page()
    office.clock.advance(seconds=10)
    assert await _due_to_be_read(office, office.clock()) == 1
    await _set(office, jump)

    read = [await _due_to_be_read(office, office.clock() + timedelta(seconds=n)) for n in (0, 9, 10)]

    assert read == [0, 0, 1]


@pytest.mark.parametrize("jump", [pytest.param(HOUR, id="ahead"), pytest.param(-HOUR, id="back")])
async def test_s49_the_grace_after_a_resolve_lasts_five_minutes_all_the_same(
    office: Office, jump: timedelta
) -> None:
    """S49, S10: set back, what still fires would be kept quiet for an hour; set ahead, it would page at once."""
    await office.page()
    await respond(office.hub, "INC-1", Act.RESOLVE, Actor(ActorKind.PERSON, "Ada", "cli"))
    await office.say(create())
    await office.decide()
    await _set(office, jump)

    told: list[str] = []
    for minutes in (4, 1):
        office.clock.advance(minutes=minutes)
        await office.decide()
        told.append(await office.value("SELECT status FROM incident WHERE number = 1"))

    assert told == ["resolved", "open"]


async def test_s49_set_back_the_duty_is_taken_over_as_soon(office: Office) -> None:
    """S49: the node on duty falls silent just then: another takes it over in seconds, and not in an hour."""
    await office.hub.database.transact(lambda c: nodes.take_duty(c, UUID(int=1)))
    before = await office.value("SELECT until FROM duty")
    await _set(office, -HOUR)

    assert await office.value("SELECT until FROM duty") == before - HOUR


async def test_s49_set_back_an_echo_of_long_ago_swallows_nobodys_act(office: Office) -> None:
    """S49, S38: a write of ours is as old as it was, so what a person does there minutes later is theirs."""
    await office.page()
    await office.hub.database.transact(
        lambda c: c.execute(
            "UPDATE remote SET expected = $1",
            [{"transition": "acknowledged", "at": NOON.isoformat(), "note": ""}],
        )
    )
    office.clock.advance(minutes=5)
    await _set(office, -HOUR)

    async def read(connection: Any) -> list[Any]:
        return await remotes.live(connection, "east")

    (remote,) = await office.hub.database.read(read)
    assert [office.clock() - write.at for write in remote.expected] == [timedelta(minutes=5)]
