"""What must hold of the hub, whatever happened: each a question to the database or to the providers.

The name of a truth is what a failing run says; its answer is what contradicts it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rig import Rig

ALWAYS: dict[str, str] = {
    "an open critical has a page under way, a page that rings, or a timer": """
        SELECT i.number, i.title FROM incident i WHERE i.status = 'open' AND i.severity = 'critical'
          AND NOT EXISTS (SELECT 1 FROM timer t WHERE t.incident_id = i.id)
          AND NOT EXISTS (SELECT 1 FROM effect e WHERE e.incident_id = i.id AND e.kind IN ('create', 'reopen')
            AND e.state IN ('waiting', 'leased'))
          AND NOT EXISTS (SELECT 1 FROM remote r WHERE r.incident_id = i.id AND r.created_at IS NOT NULL
            AND r.status IN ('triggered', 'unknown') AND r.failed_at IS NULL AND r.superseded_at IS NULL)""",
    "an incident is what its parts are": """
        SELECT i.number, i.status, array_agg(p.status) FROM incident i JOIN part p ON p.incident_id = i.id
        GROUP BY i.id HAVING i.status <> CASE
          WHEN i.status = 'closed' THEN 'closed'
          WHEN bool_or(p.status = 'open') THEN 'open'
          WHEN bool_or(p.status = 'mitigated') THEN 'mitigated' ELSE 'resolved' END""",
    "an incident that is over has no live alert": """
        SELECT i.number, i.status, a.dedup_key, a.status FROM incident i JOIN alert a ON a.incident_id = i.id
        WHERE i.status IN ('resolved', 'closed') AND a.status <> 'resolved' AND a.undecided_since IS NULL""",
    "an alert that was decided and still fires has an open incident, or says what mutes it": """
        SELECT a.dedup_key, a.status, a.muted_by, i.status FROM alert a LEFT JOIN incident i ON i.id = a.incident_id
        WHERE a.status <> 'resolved' AND a.undecided_since IS NULL
          AND NOT (a.status = 'dropped' AND a.muted_by <> '')
          AND coalesce(i.status, '') NOT IN ('open', 'mitigated')""",
    "a decided alert names the version it was decided under": """
        SELECT dedup_key FROM alert WHERE decided_event > 0 AND undecided_since IS NULL AND config_version = 0""",
    "an incident names the version it was decided under": """
        SELECT number FROM incident WHERE config_version = 0""",
    "every line of a timeline can be read": """
        SELECT kind, text FROM timeline WHERE text = '' OR kind = '' OR (incident_id IS NULL AND alert_id IS NULL)""",
    "work belongs to the incident whose key it carries": """
        SELECT e.key, m.key FROM effect e JOIN remote m ON m.id = e.remote
        WHERE e.incident_id <> m.incident_id OR m.key NOT LIKE 'tocsin:%:' || m.incident_id || ':%:' || m.life""",
    "a timer is for an incident that is open": """
        SELECT t.kind, i.number, i.status FROM timer t JOIN incident i ON i.id = t.incident_id
        WHERE i.status IN ('resolved', 'closed') AND t.kind = 'page'""",
}
AT_REST: dict[str, str] = {
    "a page that is asked for is sent, withdrawn or refused": """
        SELECT i.number, e.connector, e.kind, e.state, e.due, e.reason FROM effect e JOIN incident i ON i.id = e.incident_id
        WHERE e.state IN ('waiting', 'leased') AND e.kind <> 'update'""",
    "what came is decided": "SELECT dedup_key FROM alert WHERE undecided_since IS NOT NULL",
    "what providers said is worked off": "SELECT connector, outcome FROM hook WHERE state = 'pending'",
}
_THERE = """
SELECT m.connector, m.remote_id, m.key, i.number, p.status AS ours, m.status AS theirs,
  m.failed_at IS NOT NULL OR m.superseded_at IS NOT NULL AS given_up,
  m.asked_in < (i.paging ->> 'began_in')::int AS earlier,
  m.life = max(m.life) OVER (PARTITION BY m.incident_id, m.connector, m.service, m.recipient) AS newest,
  (SELECT array_agg(d.kind) FROM divergence d WHERE d.remote = m.id AND d.ended_at IS NULL) AS listed
FROM remote m JOIN incident i ON i.id = m.incident_id JOIN part p ON p.incident_id = i.id AND p.service = m.service
WHERE m.connector IN ('prod-pagerduty', 'prod-opsgenie')
"""
_SAME = {
    "open": {"triggered"},
    "mitigated": {"acknowledged"},
    "resolved": {"resolved"},
    "closed": {"resolved"},
}


async def contradictions(rig: Rig, truths: Mapping[str, str]) -> list[str]:
    """Every truth that does not hold now, with the rows that say so."""

    async def ask(connection: Any) -> list[str]:
        found = []
        for name, question in truths.items():
            if rows := await connection.fetch(question):
                found.append(f"not so: {name}: {[tuple(row) for row in rows]}")
        return found

    return list(await rig.daemon.hub.database.read(ask))


async def lost(rig: Rig, sent: Mapping[str, int]) -> list[str]:
    """Keys of which fewer or more creates are known than were answered with a 2xx."""
    rows = await rig.daemon.hub.database.read(
        lambda c: c.fetch(
            "SELECT dedup_key, sum(count + 1) AS n FROM alert WHERE integration = 'api' GROUP BY dedup_key"
        )
    )
    known = {row["dedup_key"]: int(row["n"]) for row in rows}
    return [
        f"{key}: {n} accepted, {known.get(key, 0)} known" for key, n in sent.items() if known.get(key, 0) != n
    ]


async def alerts(rig: Rig) -> list[Any]:
    """Opsgenie's, or JSM's of a night there."""
    return [*await rig.opsgenie(), *await rig.jsm()]


async def standing(rig: Rig) -> dict[tuple[str, str], tuple[str, str]]:
    """(connector, the provider's id) -> (our key there, status) of everything of ours at the providers."""
    found = {
        ("prod-pagerduty", p["id"]): (p["incident_key"] or "", p["status"]) for p in await rig.pagerduty()
    }
    for a in await alerts(rig):
        status = (
            "resolved" if a["status"] == "closed" else "acknowledged" if a["acknowledged"] else "triggered"
        )
        found[("prod-opsgenie", a["id"])] = (a["alias"], status)
    return found


async def apart(rig: Rig) -> list[str]:
    """Where a provider stands otherwise than we do, or has what nobody here knows of.

    A provider's own timer (it rings again, it closes by itself) is not followed, but listed (S40).
    """
    there = await standing(rig)
    rows = await rig.daemon.hub.database.read(lambda c: c.fetch(_THERE))
    known = {(r["connector"], r["remote_id"]): r for r in rows if r["remote_id"]}
    found = []
    for place, (key, status) in there.items():
        row = known.get(place)
        if row is None:
            if status != "resolved" and key.startswith("tocsin:"):
                found.append(f"{place} {status} there is not known here: {key}")
            continue
        if not row["newest"]:
            if status != "resolved":
                found.append(f"INC-{row['number']}: an earlier life {place} is {status} there")
            continue
        if status in _SAME[row["ours"]] or set(row["listed"] or ()) & {"timer"}:
            continue
        if row["earlier"] and status == "resolved":
            continue  # reopened here and not asked for there again: the rules of today ask others
        found.append(
            f"INC-{row['number']} is {row['ours']} here, {status} at {place} (believed {row['theirs']}, listed {row['listed']})"
        )
    return found


async def doubled(rig: Rig) -> list[str]:
    """Keys under which a provider has made more than one: a second page of one life."""
    keys = Counter((where, key) for (where, _), (key, _) in (await standing(rig)).items() if key)
    return [f"{key} was created {n} times at {where}" for (where, key), n in keys.items() if n > 1]


async def rung_too_often(rig: Rig) -> list[str]:
    """Parts for which we had a provider ring more often than their incident was opened: once a life is all (S37).
    What a provider does by its own rules, or because Bo did something there, is its own affair."""
    rows = await rig.daemon.hub.database.read(lambda c: c.fetch("SELECT id, number, life FROM incident"))
    opened = {str(row["id"]): (row["number"], row["life"]) for row in rows}
    rings = Counter[tuple[str, str, str]]()
    for one in rig.sandbox.world.pagerduty.desk.incidents.values():
        again = [e for e in one.log[1:] if e["type"] in _RINGS and _ours(e["agent"])]
        rings[_part_of("prod-pagerduty", one.key or "")] += 1 + len(again)
    for alert in await alerts(rig):
        rings[_part_of("prod-opsgenie", alert["alias"])] += 1
    return [
        f"INC-{opened[incident][0]} was opened {opened[incident][1]} times and rang {n} times at {where} for {service}"
        for (where, incident, service), n in rings.items()
        if incident in opened and n > opened[incident][1]
    ]


_RINGS = ("trigger_log_entry", "unacknowledge_log_entry")


def _ours(agent: Any) -> bool:
    return bool(agent["type"] == "user_reference" and not agent["summary"].startswith("Bo"))


def _part_of(where: str, key: str) -> tuple[str, str, str]:
    """(connector, incident, service) of a key of ours there."""
    _, _, incident, service, *_ = [*key.split(":"), "", "", "", ""]
    return where, incident, service
