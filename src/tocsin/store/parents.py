"""What is down of the services that others depend on: their parts of incidents, with their page's second rung (S16)."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from tocsin.core.severity import Severity
from tocsin.core.situation import Parent
from tocsin.store.database import Connection


async def parents(
    connection: Connection, services: Collection[str], ended: Collection[UUID]
) -> tuple[Parent, ...]:
    """The parts of open incidents that these services have, and those of the incidents in `ended` whatever
    became of them. A page counts as created only in the life that the incident has now."""
    if not services:
        return ()
    rows = await connection.fetch(_PARENTS, list(services), list(ended))
    return tuple(
        Parent(
            service=row["service"], incident_id=row["id"], name=f"INC-{row['number']}",
            severity=Severity(row["severity"]), created=row["created"],
            ended_at=row["changed_at"] if row["status"] in ("resolved", "closed") else None,
        )
        for row in rows
    )  # fmt: skip


_PARENTS = """
WITH near AS (
  SELECT id FROM incident WHERE status IN ('open', 'mitigated') UNION SELECT unnest($2::uuid[])
)
SELECT i.id, i.number, i.severity, p.service, p.status, p.changed_at, EXISTS (
    SELECT 1 FROM remote m WHERE m.incident_id = i.id AND m.service = p.service
      AND m.created_at IS NOT NULL AND m.superseded_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM remote n WHERE n.incident_id = m.incident_id AND n.connector = m.connector
          AND n.service = m.service AND n.recipient = m.recipient AND n.life > m.life)) AS created
FROM near JOIN incident i USING (id) JOIN part p ON p.incident_id = i.id
WHERE p.service = ANY($1) AND (p.status IN ('open', 'mitigated') OR i.id = ANY($2))
ORDER BY i.number
"""
