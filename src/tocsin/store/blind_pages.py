"""Pages that went out while the database was away: taken in from a node's own record, and adopted (S47)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tocsin.store.database import Connection
from tocsin.store.sheet import RemoteName

UNSURE, ACCEPTED, CREATED, FAILED = "unsure", "accepted", "created", "failed"
"""Unsure = begun, and no answer known: it may have been created."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindPage:
    """One way that was asked for one service of one alert, with the key it was asked under (S37)."""

    incident: UUID
    scope: str
    dedup_key: str
    connector: str
    service: str
    recipient: str
    key: str
    at: datetime
    state: str = UNSURE
    remote_id: str = ""
    remote_url: str = ""
    fault: str = ""

    @property
    def reached(self) -> bool:
        return self.state in (ACCEPTED, CREATED)


async def take_in(connection: Connection, pages: Sequence[BlindPage]) -> None:
    """Write them down; those that are there already stay as they are."""
    await connection.executemany(
        "INSERT INTO blind_page (incident_id, connector, service, recipient, scope, dedup_key, key, at, state, remote_id,"
        " remote_url, fault) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
        [
            (p.incident, p.connector, p.service, p.recipient, p.scope, p.dedup_key, p.key, p.at, p.state, p.remote_id,
             p.remote_url, p.fault)
            for p in pages
        ],
    )  # fmt: skip


async def mark_alerts(connection: Connection, keys: Collection[tuple[str, str]]) -> None:
    """Alerts with these (scope, key) that were paged blind say so to the decider."""
    await connection.execute(
        """
        UPDATE alert a SET paged_blind = b.incident_id
        FROM (SELECT DISTINCT ON (scope, dedup_key) scope, dedup_key, incident_id FROM blind_page
              WHERE adopted_at IS NULL ORDER BY scope, dedup_key, at) b
        JOIN unnest($1::text[], $2::text[]) AS k (scope, dedup_key) USING (scope, dedup_key)
        WHERE a.scope = b.scope AND a.dedup_key = b.dedup_key AND a.undecided_since IS NOT NULL AND a.paged_blind IS NULL
        """,
        [scope for scope, _ in keys],
        [key for _, key in keys],
    )


async def mark_joined(connection: Connection, keys: Collection[tuple[str, str]]) -> None:
    """The same for keys that joined another alert by title: the page is that alert's (S11)."""
    await connection.execute(
        """
        UPDATE alert a SET paged_blind = b.incident_id
        FROM (SELECT DISTINCT ON (x.alert_id) x.alert_id, b.incident_id
              FROM unnest($1::text[], $2::text[]) AS k (scope, dedup_key)
              JOIN blind_page b ON b.scope = k.scope AND b.dedup_key = k.dedup_key AND b.adopted_at IS NULL
              CROSS JOIN LATERAL (SELECT alert_id FROM alias x WHERE x.scope = k.scope AND x.dedup_key = k.dedup_key
                ORDER BY x.made_at DESC LIMIT 1) AS x
              ORDER BY x.alert_id, b.at) b
        WHERE a.id = b.alert_id AND a.undecided_since IS NOT NULL AND a.paged_blind IS NULL
        """,
        [scope for scope, _ in keys],
        [key for _, key in keys],
    )


async def to_adopt(
    connection: Connection, incidents: Collection[UUID]
) -> tuple[dict[UUID, list[BlindPage]], set[UUID]]:
    """(pages by the incident's id they were sent under, ids that an incident has already)."""
    rows = await connection.fetch(
        "SELECT * FROM blind_page WHERE incident_id = ANY($1) AND adopted_at IS NULL ORDER BY at FOR UPDATE",
        list(incidents),
    )
    found: dict[UUID, list[BlindPage]] = defaultdict(list)
    for row in rows:
        found[row["incident_id"]].append(
            BlindPage(
                incident=row["incident_id"], scope=row["scope"], dedup_key=row["dedup_key"], connector=row["connector"],
                service=row["service"], recipient=row["recipient"], key=row["key"], at=row["at"], state=row["state"],
                remote_id=row["remote_id"], remote_url=row["remote_url"], fault=row["fault"],
            )
        )  # fmt: skip
    taken = await connection.fetch("SELECT id FROM incident WHERE id = ANY($1)", list(incidents))
    return dict(found), {row["id"] for row in taken}


async def adopted(
    connection: Connection, pages: Iterable[tuple[BlindPage, RemoteName | None]], now: datetime
) -> None:
    """After the sheet is saved: what is known of each remote that was born of one, and that it is adopted. A
    page without a remote is only done with."""
    for page, name in pages:
        if name is not None:
            reached, created = page.reached, page.state == CREATED
            await connection.execute(
                "UPDATE remote SET accepted_at = CASE WHEN $6 THEN $8::timestamptz END,"
                " created_at = CASE WHEN $7 THEN $8::timestamptz END, status = CASE WHEN $7 THEN 'triggered' ELSE status END, remote_id = $9, remote_url = $10"
                " WHERE incident_id = $1 AND connector = $2 AND service = $3 AND recipient = $4 AND life = $5",
                name.incident_id, name.connector, name.service, name.recipient, name.life, reached, created, page.at,
                page.remote_id, page.remote_url,
            )  # fmt: skip
            if page.state == UNSURE:
                await connection.execute(
                    "UPDATE effect SET ambiguous = true WHERE kind = 'create' AND remote = (SELECT id FROM remote WHERE"
                    " incident_id = $1 AND connector = $2 AND service = $3 AND recipient = $4 AND life = $5)",
                    name.incident_id, name.connector, name.service, name.recipient, name.life,
                )  # fmt: skip
        await connection.execute(
            "UPDATE blind_page SET adopted_at = $5 WHERE incident_id = $1 AND connector = $2 AND service = $3 AND recipient = $4",
            page.incident, page.connector, page.service, page.recipient, now,
        )  # fmt: skip
