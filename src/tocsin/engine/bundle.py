"""Which pages of a connector leave now, alone or as one, and which wait for others? (S22)

Asked in the claim, under the lock of the connector's state: one node at a time decides to whom a page has left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from tocsin.core.bundle import Held, Waiting, leaving
from tocsin.core.model import Line
from tocsin.core.ports import Effect, EffectKind
from tocsin.core.values import replace
from tocsin.engine.hub import Hub
from tocsin.engine.ids import new_id
from tocsin.engine.job import Job, jobs_of
from tocsin.store import bundles
from tocsin.store.database import Connection, notify
from tocsin.store.outbox import Work
from tocsin.store.sheet import CHANGED, LineRow, Sheet, save

ABILITY = "bundles"
"""In the manifest of a provider whose page can tell several incidents."""


async def claim(
    connection: Connection, hub: Hub, connector: str, most: int, now: datetime, lease: timedelta
) -> list[Job]:
    """Up to `most` pages, leased, the urgent first; one of several incidents is one."""
    works = await bundles.waiting(
        connection, connector, now, node=hub.node, at_work=hub.owed.effects.rows, gate=hub.gate
    )
    if not any(work.due <= now for work in works):
        return []
    jobs = {job.work.id: job for job in await jobs_of(connection, hub, works, now)}
    # what is not wanted as a page any more goes by itself, and is in no bundle
    apart = [(job,) for job in jobs.values() if job.work.due <= now and not _wanted(job)]
    decided = leaving(
        [_waiting(job.work) for job in jobs.values() if _wanted(job)],
        await bundles.left(connection, connector),
        now,
    )
    await _hold(connection, connector, decided.held, jobs, now)
    groups = [*apart, *(tuple(jobs[page.effect] for page in group) for group in decided.groups)]
    groups.sort(key=lambda group: (-max(job.effect.severity.rank for job in group), group[0].work.id))
    leave = await _named(connection, groups[:most], works, now)
    await bundles.lease(connection, [w for group in leave for w in _works(group)], now, lease, hub.node)
    told = {group[0].work.remote.recipient for group in leave if _wanted(group[0])}
    await bundles.leave(connection, connector, told, now)
    return [_as_one(hub, group) for group in leave]


def _wanted(job: Job) -> bool:
    return not job.stale and job.effect.kind is job.work.kind


def _waiting(work: Work) -> Waiting:
    return Waiting(
        effect=work.id, recipient=work.remote.recipient, asked_at=work.made_at, due=work.due, tried=work.attempts > 1,
        perhaps_sent=work.ambiguous, bundle=work.bundle,
    )  # fmt: skip


async def _named(
    connection: Connection, groups: Sequence[tuple[Job, ...]], works: Sequence[Work], now: datetime
) -> list[tuple[Job, ...]]:
    """Each group with its bundle, "alone" = None. What goes again has the name it had; but while a part of it is in
    other hands it gets a new one: that part, coming later under the same name, would be taken for what came before."""
    here = Counter(work.bundle for work in works if work.bundle is not None)
    sizes = await bundles.sizes(connection, here.keys())
    named = []
    for group in groups:
        name = group[0].work.bundle if group[0].work.ambiguous else None
        split = name is not None and _wanted(group[0]) and sizes.get(name, 0) > here[name]
        if split or (name is None and len(group) > 1):
            name = new_id(now)
        named.append(tuple(replace(job, work=replace(job.work, bundle=name)) for job in group))
    return named


def _works(group: tuple[Job, ...]) -> tuple[Work, ...]:
    return tuple(job.work for job in group)


def _as_one(hub: Hub, group: tuple[Job, ...]) -> Job:
    first = group[0]
    name = first.work.bundle
    if name is None or not _wanted(first):
        return first
    worst = max((job.effect.severity for job in group), key=lambda severity: severity.rank)
    incidents = {job.incident.id for job in group}
    effect = Effect(
        kind=EffectKind.CREATE, key=f"tocsin:{hub.installation}:bundle:{name}", incident="", severity=worst,
        title=f"{len(incidents)} incidents", description="", recipients=first.effect.recipients,
        opened_at=min(job.incident.opened_at for job in group), bundled=tuple(job.effect for job in group),
        look_first=first.effect.look_first,
    )  # fmt: skip
    return replace(first, effect=effect, bundled=_works(group))


async def _hold(
    connection: Connection, connector: str, held: Sequence[Held], jobs: dict[int, Job], now: datetime
) -> None:
    """They wait, and it is told."""
    if not held:
        return
    await bundles.hold(connection, [(jobs[one.page.effect].work, one.until) for one in held])
    sheet = Sheet()
    for one in held:
        incident = jobs[one.page.effect].incident
        line = Line(
            kind="page_held", text=one.why(connector, now), reason="bundled", data={"until": one.until}
        )
        # the incident's own row is left alone: whoever has it locked may be waiting for this connector's state
        sheet.lines.append(
            LineRow(now, incident.id, None, line, "", incident.correlation_id, incident.config_version)
        )
    await save(connection, sheet, now)
    for name in sorted({str(row.incident_id) for row in sheet.lines}):
        await notify(connection, CHANGED, name)
