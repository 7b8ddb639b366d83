"""Differences to a provider: list one with what was decided, and end it once both sides agree."""

from __future__ import annotations

from datetime import datetime

from tocsin.core.divergence import Difference, over_because
from tocsin.core.model import Incident, Line
from tocsin.store import divergences, incidents
from tocsin.store.database import Connection
from tocsin.store.outbox import Remote
from tocsin.store.sheet import Sheet, save


async def differ(
    connection: Connection, sheet: Sheet, incident: Incident, remote: Remote, found: Difference, now: datetime
) -> None:
    """List it; a line the first time it is seen."""
    if await divergences.see(connection, remote, found, now):
        text = f"{remote.connector} has it {found.theirs}, here it is {found.ours}: {found.decision} ({found.reason})"
        data = {"connector": remote.connector, "what": found.what}
        sheet.tell(now, incident, Line(kind="divergence", text=text, reason=found.kind.value, data=data))


async def end_agreed(connection: Connection, now: datetime) -> int:
    """End every difference that is over, each with a line; how many."""
    found = await divergences.standing(connection)
    over = {one.id: why for one in found if (why := over_because(one.kind, one.what, one.ours, one.theirs))}
    if not over:
        return 0
    await divergences.end(connection, over, now)
    ended = [one for one in found if one.id in over]
    known = await incidents.load(connection, {one.incident_id for one in ended})
    sheet = Sheet()
    for one in ended:
        text = f"{one.connector}: no difference any more, {over[one.id]}"
        line = Line(kind="divergence_ended", text=text, reason=one.kind.value, data={"what": one.what})
        sheet.tell(now, known[one.incident_id].incident, line)
    await save(connection, sheet, now)
    return len(over)
