"""When is a provider asked whether somebody was rung? As often as something hangs on the answer, and no oftener (S27, S30)."""

from datetime import timedelta

import pytest

from tocsin.core.plan import Plan, PlannedStep
from tocsin.core.policy import Mode
from tocsin.core.severity import Severity
from tocsin.core.values import replace
from tocsin.store import remotes, sheet
from tocsin.store.database import Connection, Database
from tocsin.store.sheet import NewRemote, RemoteName, Sheet

from .rows import NOON, an_incident, seconds

ALONE = PlannedStep(mode=Mode.ALL, ways=(), after=timedelta(0), within=timedelta(seconds=3))
HEDGED = replace(ALONE, hedge=timedelta(seconds=30))
READS = {
    "every 5 s, for two minutes": [*range(5, 121, 5), 150],
    "every 15 s, for two minutes": [*range(15, 121, 15), 150],
}


@pytest.mark.parametrize(
    ("severity", "steps", "reads"),
    [
        pytest.param(Severity.CRITICAL, [HEDGED], "every 5 s, for two minutes", id="critical, a hedge may follow"),
        pytest.param(Severity.CRITICAL, [ALONE, HEDGED], "every 5 s, for two minutes", id="critical, a hedge in a later step"),
        pytest.param(Severity.CRITICAL, [ALONE], "every 15 s, for two minutes", id="critical, nobody to hedge to"),
        pytest.param(Severity.HIGH, [HEDGED], "every 15 s, for two minutes", id="high is never hedged"),
    ],
)  # fmt: skip
async def test_s30_a_rung_is_read_as_often_as_a_hedge_needs_it(
    database: Database, severity: Severity, steps: list[PlannedStep], reads: str
) -> None:
    """A page created at noon of which nobody is heard to have been rung, looked at each second for 155 s."""
    incident, filled = an_incident(severity=severity), Sheet()
    filled.incidents[incident.id] = (incident, Plan(steps=tuple(steps), started_at=NOON))
    filled.remotes = [NewRemote(RemoteName(incident.id, "pd", "web", "", 1), "key", 0, NOON)]

    async def run(connection: Connection) -> list[int]:
        await sheet.save(connection, filled, NOON)
        await connection.execute("UPDATE remote SET created_at = $1", NOON)
        found = []
        for second in range(156):
            due = await remotes.unrung(connection, "pd", NOON + seconds(second), 10)
            await remotes.rungs_read(connection, [remote.id for remote in due], NOON + seconds(second))
            found += [second] if due else []
        return found

    assert await database.transact(run) == READS[reads]


@pytest.mark.parametrize(
    ("step", "reads"),
    [
        pytest.param(ALONE, [], id="nobody to hedge to: that reading told it"),
        pytest.param(HEDGED, [*range(5, 61, 5)], id="a hedge may follow: each 10 s is too late for it"),
    ],
)
async def test_s27_what_is_read_back_anyway_is_not_read_twice(
    database: Database, step: PlannedStep, reads: list[int]
) -> None:
    """Where webhooks cannot come, the state of a page is read each 10 s, and who was rung with it."""
    incident, filled = an_incident(severity=Severity.CRITICAL), Sheet()
    filled.incidents[incident.id] = (incident, Plan(steps=(step,), started_at=NOON))
    filled.remotes = [NewRemote(RemoteName(incident.id, "pd", "web", "", 1), "key", 0, NOON)]
    often = timedelta(seconds=10)

    async def run(connection: Connection) -> list[int]:
        await sheet.save(connection, filled, NOON)
        await connection.execute("UPDATE remote SET created_at = $1, accepted_at = $1", NOON)
        found = []
        for second in range(61):
            now = NOON + seconds(second)
            due = await remotes.unrung(connection, "pd", now, 10)
            await remotes.rungs_read(connection, [remote.id for remote in due], now)
            found += [second] if due else []
            await remotes.claim_due(connection, "pd", now, open_every=often, every=often, most=10)
        return found

    assert await database.transact(run) == reads
