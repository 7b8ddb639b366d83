"""Links act by nobody's mere opening: whatever is asked by GET or HEAD, every row stays as it was (S52)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tocsin.api.description import document_of, operations
from tocsin.engine.press import links_for
from tocsin.store import incidents

if TYPE_CHECKING:
    from conftest import Office

_NOTES_ITSELF = {"api_token": ("last_used_at",)}
"""Columns that say of a caller's own token that it was used."""

_ONE_OF = {
    "connectors": "prod-pagerduty", "escalation-policies": "everywhere", "integrations": "prometheus",
    "routing-rules": "dev", "services": "payment-service", "teams": "payments", "users": "ada",
}  # fmt: skip
_VERBS = ("acknowledge", "ack", "resolve", "close", "reopen", "notes", "assign", "snooze")


async def _rows(office: Office) -> dict[str, list[str]]:
    """Table -> its rows as text, in order; whoever looked last is left out."""

    async def read(connection: Any) -> dict[str, list[str]]:
        names = await connection.fetch(
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1"
        )
        found = {}
        for (name,) in [tuple(row) for row in names]:
            without = "".join(f" - '{column}'" for column in _NOTES_ITSELF.get(name, ()))
            rows = await connection.fetch(
                f"SELECT (to_jsonb(t){without})::text AS row FROM {name} t ORDER BY 1"
            )
            found[name] = [row["row"] for row in rows]
        return found

    return await office.hub.database.read(read)


def _addresses(office: Office, alert: str) -> list[str]:
    """Everything described that is asked by GET, of things that are there; the stream has no end."""
    found = []
    for path, method, _ in operations(document_of(office.rest)):
        if method != "get" or path == "/api/v1/stream":
            continue
        kind = path.split("/")[3] if path.count("/") > 2 else ""
        name = _ONE_OF.get(kind, "INC-1")
        found.append(path.replace("{alert_id}", alert).replace("{name}", name).replace("{version}", "1"))
    return found


async def _ack_link(office: Office, recipient: str) -> str:
    """Where the mail of INC-1 to them leads."""

    async def read(connection: Any) -> Any:
        found = await incidents.id_of(connection, "INC-1")
        assert found is not None
        return (await incidents.load(connection, [found]))[found].incident

    incident = await office.hub.database.read(read)
    (link,) = links_for(office.hub, [incident], "ops-mail", recipient, office.at)
    return link.href.removeprefix(office.hub.public_url)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_s52_nothing_that_is_opened_acts(office: Office, method: str) -> None:
    """S52: a mail program that opens every link, a preview, a browser that restores its pages: nobody has acknowledged."""
    sent = await office.alert(title="It burns", severity="critical", service_name="payment-service")
    link = (await office.ask("POST", "/api/v1/session/link")).json()["url"]
    acts = [f"/api/v1/incidents/INC-1/{verb}" for verb in _VERBS]
    pages = [
        "/i/INC-1",
        "/i/INC-1/acknowledge",
        "/i/INC-1?act=resolve",
        link,
    ]
    office.hub.public_url = "https://hub.example.com"
    mailed = [await _ack_link(office, to) for to in ("ada@example.com", "")]
    keys = [f"/integrations/{key}" for key in ("webhook-key-000000001", "alertmanager-key-0001")]
    asked = [
        *_addresses(office, sent["alert_id"]),
        *acts,
        *pages,
        *mailed,
        *keys,
        "/connectors/prod-pagerduty/webhook",
    ]
    before = await _rows(office)

    answers = {path: (await office.ask(method, path)).status_code for path in asked}

    changed = {name for name, rows in (await _rows(office)).items() if rows != before[name]}
    assert changed <= {"raw_request"}, changed  # a request at an integration's key is kept, whatever it is
    assert method == "HEAD" or len([path for path, status in answers.items() if status == 200]) > 20
    assert (await office.get("/api/v1/incidents/INC-1"))["status"] == "open"
    assert {answers[path] for path in acts} <= {404, 405}
    assert {answers[path] for path in mailed} == {200}
    code = link.partition("code=")[2]
    signed_in = await office.ask("POST", "/api/v1/session", {"code": code})
    assert signed_in.status_code == 200  # its button was not pressed by opening it
