"""Who did what: each act is in the audit log with the change itself, and nothing done to the log goes unseen (TR-4)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tocsin.api.description import document_of, operations
from tocsin.client.ledger import read_ledger
from tocsin.engine import audit as chain
from tocsin.store import audit

if TYPE_CHECKING:
    from conftest import Office


async def entries(office: Office, **query: str) -> list[Any]:
    answer = await office.ask("GET", "/api/v1/audit", params={"limit": "500", **query})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def linked(office: Office) -> None:
    while await chain.link_some(office.hub):
        pass


async def refusals(office: Office) -> list[Any]:
    await chain.look_at_attempts(office.hub)
    return await entries(office, outcome="refused")


async def sql(office: Office, text: str, *given: Any) -> None:
    async def work(connection: Any) -> None:
        await connection.execute(text, *given)

    await office.hub.database.transact(work)


async def verified(office: Office) -> Any:
    answer = await office.ask("GET", "/api/v1/audit/verify")
    assert answer.status_code == 200, answer.text
    return answer.json()


# ---- what is told --------------------------------------------------------------------------------------


async def test_an_acknowledgement_says_who_from_where_and_what_it_changed(office: Office) -> None:
    await office.incident()
    headers = {"user-agent": "im/1.0"}
    async with office.client(
        peer="198.51.100.7", authorization=f"Bearer {await office.token('read', 'write')}", **headers
    ) as client:
        await client.post("/api/v1/incidents/INC-1/acknowledge", json={"note": "on it"})

    one = (await entries(office, action="incident.acknowledge"))[0]
    assert (one["actor"], one["actor_kind"], one["origin"], one["address"]) == (
        "read-write", "token", "command", "198.51.100.7",
    )  # fmt: skip
    assert one["via"].startswith("token ")
    assert one["object"] == "INC-1"
    assert (one["before"]["status"], one["after"]["status"]) == ("open", "mitigated")
    assert one["after"]["note"] == "on it"
    assert one["at"] == "2026-11-16T12:00:00Z"


async def test_each_act_has_its_words(office: Office) -> None:
    await office.incident()
    until = (office.at + timedelta(hours=2)).isoformat()
    silence = {"match": {"labels.env": "dev"}, "ends_at": until, "owner": "ada", "comment": "load test"}
    made = (await office.ask("POST", "/api/v1/silences", silence)).json()
    await office.ask("PATCH", f"/api/v1/silences/{made['id']}", {"comment": "still"})
    await office.ask("DELETE", f"/api/v1/silences/{made['id']}")
    await office.ask(
        "PATCH", "/api/v1/incidents/INC-1", {"severity": "critical", "fields": {"customer": "acme"}}
    )
    for act, body in (("assign", {"user": "bo"}), ("resolve", {}), ("reopen", {}), ("close", {})):
        answer = await office.ask("POST", f"/api/v1/incidents/INC-1/{act}", body)
        assert answer.status_code == 200, answer.text
    token = (await office.ask("POST", "/api/v1/tokens", {"name": "cron", "scopes": ["read"]})).json()
    await office.ask("DELETE", f"/api/v1/tokens/{token['id']}")

    told = [one["action"] for one in reversed(await entries(office))]

    assert told == [
        "configuration.apply", "incident.declare", "silence.make", "silence.change", "silence.end", "incident.change",
        "incident.assign", "incident.resolve", "incident.reopen", "incident.close", "token.make", "token.revoke",
    ]  # fmt: skip
    changed = (await entries(office, action="incident.change"))[0]
    assert (changed["before"]["severity"], changed["after"]["severity"]) == ("high", "critical")
    assert changed["after"]["fields"] == {"customer": "acme"}
    silenced = (await entries(office, action="silence.change"))[0]
    assert (silenced["before"]["comment"], silenced["after"]["comment"]) == ("load test", "still")


async def test_a_configuration_says_what_it_changed_and_no_credential(
    office: Office, example: tuple[str, dict[str, str]]
) -> None:
    text, variables = example
    other = text.replace("payment-service:", "payments-api:", 1) if "payment-service:" in text else text
    body = {"text": other, "environment": variables | {"PAGERDUTY_API_KEY": "u+a-new-secret"}, "force": True}

    answer = await office.ask("POST", "/api/v1/config", body)

    assert answer.status_code == 200, answer.text
    one = (await entries(office, action="configuration"))[0]
    assert one["before"]["version"] + 1 == one["after"]["version"]
    assert any("prod-pagerduty" in name for name in one["after"]["sealed_anew"])
    assert "u+a-new-secret" not in json.dumps(await entries(office))


async def test_a_browser_is_a_person_on_a_page(office: Office) -> None:
    await office.incident()
    link = (await office.ask("POST", "/api/v1/session/link")).json()["url"]
    async with office.client() as browser:
        await browser.post("/api/v1/session", json={"code": link.rpartition("=")[2]})
        await browser.post("/api/v1/incidents/INC-1/acknowledge", headers={"X-Tocsin": "1"})
        await browser.delete("/api/v1/session", headers={"X-Tocsin": "1"})

    told = [(e["action"], e["actor_kind"], e["origin"]) for e in (await entries(office))[:3]]
    assert told == [
        ("session.end", "person", "page"),
        ("incident.acknowledge", "person", "page"),
        ("session.open", "person", "page"),
    ]
    assert link.rpartition("=")[2] not in json.dumps(await entries(office)), (
        "the one-time code is no reading matter"
    )


async def test_what_is_refused_to_somebody_known_is_told_once_a_minute(office: Office) -> None:
    for _ in range(5):
        answer = await office.ask(
            "POST", "/api/v1/incidents", {"title": "x", "severity": "low"}, scope="read"
        )
        assert answer.status_code == 403

    first = await refusals(office)
    office.pass_time(minutes=1)
    later = await refusals(office)

    assert [(e["actor"], e["action"], e["object"]) for e in first] == [
        ("read", "api.declare_incident", "incidents")
    ]
    assert len(later) == 2
    assert later[0]["text"].endswith("(and 4 more times)")


async def test_a_token_that_was_revoked_and_is_shown_again_is_told_by_its_name(office: Office) -> None:
    made = (await office.ask("POST", "/api/v1/tokens", {"name": "laptop", "scopes": ["admin"]})).json()
    await office.ask("DELETE", f"/api/v1/tokens/{made['id']}")
    async with office.client(authorization=f"Bearer {made['token']}") as thief:
        assert (await thief.get("/api/v1/config")).status_code == 401
    async with office.client(authorization="Bearer tsn_nobody-at-all") as stranger:
        assert (await stranger.get("/api/v1/config")).status_code == 401

    assert [(e["actor"], e["text"]) for e in await refusals(office)] == [("laptop", "the token was revoked")]


async def test_a_change_that_fails_leaves_no_entry_and_one_without_words_has_its_address(
    office: Office,
) -> None:
    async def fails(connection: Any) -> None:
        await _writes(connection)
        raise LookupError

    from tocsin.engine.acting import Acting, begun

    who = Acting(
        origin="api",
        action="api.later_route",
        object="things/1",
        actor="ada",
        kind="person",
        given=lambda: ["name"],
    )
    before = len(await entries(office))
    with begun(office.hub, who):
        with pytest.raises(LookupError):
            await office.hub.database.transact(fails)
        await office.hub.database.transact(_reads)
        assert len(await entries(office)) == before, "nothing was changed, so nothing is told"
        await office.hub.database.transact(_writes)
        await office.hub.database.transact(_writes)

    new = (await entries(office))[: -before or None]
    assert [(e["action"], e["object"], e["after"]) for e in new] == [
        ("api.later_route", "things/1", {"given": ["name"]})
    ]


async def _reads(connection: Any) -> None:
    await connection.fetch("SELECT * FROM incident")


async def _writes(connection: Any) -> None:
    await connection.execute("UPDATE installation SET id = id")


async def test_no_write_of_the_api_can_be_without_an_entry(office: Office) -> None:
    """Each route that writes is one that tells who acts: what it changes is told with it, whatever it is."""
    from tocsin.api.once import Keyed
    from tocsin.api.roles import routes_of

    strange = [
        route.path
        for route in routes_of(office.rest)
        if route.methods & {"POST", "PUT", "PATCH", "DELETE"} and not isinstance(route, Keyed)
    ]  # fmt: skip
    assert strange == []
    assert sum(1 for _ in routes_of(office.rest)) > 50
    assert sum(1 for _, method, _ in operations(document_of(office.rest)) if method != "get") > 20


# ---- finding it ------------------------------------------------------------------------------------------


async def test_it_is_narrowed_and_paged(office: Office) -> None:
    for n in range(3):
        await office.incident(title=f"It burns {n}")
        office.pass_time(minutes=10)

    assert [e["object"] for e in await entries(office, action="incident")] == ["INC-3", "INC-2", "INC-1"]
    assert await entries(office, action="incid") == []
    assert [e["object"] for e in await entries(office, object="INC-2")] == ["INC-2"]
    since = (office.at - timedelta(minutes=15)).isoformat()
    assert [e["object"] for e in await entries(office, since=since)] == ["INC-3"]
    page = await office.ask("GET", "/api/v1/audit", params={"limit": "2"})
    following = await office.ask(
        "GET", "/api/v1/audit", params={"limit": "2", "cursor": page.json()["next_cursor"]}
    )
    assert [e["object"] for e in following.json()["items"]] == ["INC-1", "version 1"]
    assert following.json()["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        pytest.param({"since": "yesterday"}, "since", id="no time"),
        pytest.param({"outcome": "maybe"}, "outcome", id="no outcome"),
        pytest.param({"cursor": "zzz"}, "cursor", id="no cursor of this list"),
        pytest.param({"who": "ada"}, "who", id="a misspelt filter"),
    ],
)
async def test_a_wrong_filter_is_named(office: Office, query: dict[str, str], field: str) -> None:
    answer = await office.ask("GET", "/api/v1/audit", params=query)

    assert answer.status_code == 422
    assert answer.json()["faults"][0]["field"] == field


# ---- whether it holds ------------------------------------------------------------------------------------


async def some_acts(office: Office) -> None:
    for n in range(6):
        await office.incident(title=f"It burns {n}")
    await linked(office)


async def test_an_untouched_log_holds_and_says_what_waits(office: Office) -> None:
    await some_acts(office)
    await office.incident()

    found = await verified(office)

    assert found["ok"] is True
    assert (found["first"], found["last"], found["head"], found["checked"], found["waiting"]) == (
        1,
        7,
        7,
        7,
        1,
    )
    assert len(found["hash"]) == 64


@pytest.mark.parametrize(
    ("tamper", "named"),
    [
        pytest.param("UPDATE audit SET actor = 'eve' WHERE seq = 3", "does not follow", id="somebody else did it"),
        pytest.param("UPDATE audit SET after = after || '{\"title\": \"x\"}' WHERE seq = 3", "does not follow", id="what it became"),
        pytest.param("UPDATE audit SET at = at + interval '1 s' WHERE seq = 3", "does not follow", id="when"),
        pytest.param("DELETE FROM audit WHERE seq = 3", "entry 3 is missing", id="deleted"),
        pytest.param("UPDATE audit SET seq = NULL, hash = NULL WHERE seq = 3", "entry 3 is missing", id="loosened"),
        pytest.param("UPDATE audit SET seq = 7 - seq WHERE seq IN (3, 4)", "does not follow", id="two changed places"),
        pytest.param("DELETE FROM audit WHERE seq > 5", "entries 6 to 7 are missing", id="the tail cut off"),
        pytest.param(
            "INSERT INTO audit (at, actor, origin, action, subject, seq, hash) SELECT at, 'eve', 'x', 'y', 'z', seq, hash FROM audit WHERE seq = 3",
            "there are two entries 3", id="put in",
        ),
    ],
)  # fmt: skip
async def test_what_was_done_in_the_database_is_named(office: Office, tamper: str, named: str) -> None:
    await some_acts(office)
    await sql(office, tamper)

    found = await verified(office)

    assert found["ok"] is False
    assert named in found["faults"][0]["text"], found["faults"]


async def test_a_tail_cut_off_with_the_end_is_known_from_the_data_folder(
    office: Office, tmp_path: Any
) -> None:
    office.hub.folder = tmp_path
    await some_acts(office)
    await chain.remember(office.hub)
    await sql(office, "DELETE FROM audit WHERE seq > 5")
    await sql(office, "UPDATE audit_head SET seq = 5, hash = (SELECT hash FROM audit WHERE seq = 5)")

    found = await verified(office)

    (fault,) = found["faults"]
    assert fault["text"].startswith(
        "this node saw entry 7 at 2026-11-16T12:00:00.000000Z, and the log ends at 5"
    )


async def test_it_is_followed_in_pieces(office: Office) -> None:
    await some_acts(office)

    first = await chain.verify(office.hub, most=3)
    rest = await chain.verify(office.hub, after=first.last)

    assert (first.last, first.more, rest.first, rest.last, rest.more) == (3, True, 4, 7, False)
    assert first.faults == rest.faults == ()
    assert (await office.ask("GET", "/api/v1/audit/verify?after=99")).status_code == 404


async def test_an_export_is_verified_without_a_hub(office: Office) -> None:
    await some_acts(office)

    answer = await office.ask("POST", "/api/v1/audit/export", {})

    found = read_ledger(answer.content.splitlines(keepends=True))
    assert found.faults == []
    assert (found.entries, found.first, found.last, found.exported_by) == (7, 1, 7, "admin")
    assert found.hash == (await verified(office))["hash"]
    assert (await entries(office))[0]["action"] == "audit.export"
    assert "og-secret-of-the-tests" not in answer.text


async def test_an_export_of_a_time_begins_where_that_time_does(office: Office) -> None:
    await some_acts(office)
    office.pass_time(hours=1)
    await some_acts(office)

    answer = await office.ask("POST", "/api/v1/audit/export", {"since": office.at.isoformat()})

    found = read_ledger(answer.content.splitlines(keepends=True))
    assert found.faults == []
    assert (found.first, found.last) == (8, 13)
    nothing = await office.ask("POST", "/api/v1/audit/export", {"until": "2020-01-01T00:00:00Z"})
    assert nothing.status_code == 404


async def test_an_export_of_a_log_that_was_tampered_with_does_not_hold(office: Office) -> None:
    await some_acts(office)
    await sql(office, "UPDATE audit SET actor = 'eve' WHERE seq = 3")

    answer = await office.ask("POST", "/api/v1/audit/export", {})

    faults = read_ledger(answer.content.splitlines(keepends=True)).faults
    assert [fault.text for fault in faults] == [
        "entry 3 is not what was written: incident.declare INC-2 by eve"
    ]


async def test_reading_more_rows_than_one_look_holds(office: Office) -> None:
    await sql(
        office,
        "INSERT INTO audit (at, actor, origin, action, subject, after)"
        " SELECT now(), 'ada', 'api', 'x.y', n::text, jsonb_build_object('n', n, 'f', 1.50, 't', 'ü') FROM generate_series(1, 1200) n",
    )
    await linked(office)

    assert await office.hub.database.read(audit.count_unlinked) == 0
    assert (await verified(office))["checked"] == 1201
