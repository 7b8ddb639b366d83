"""The same write twice: carried out once, answered the same; what a key may and may not do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from aiohttp import web
from fastapi.routing import APIRoute

from tocsin.api import app as api
from tocsin.api.once import REPLAYED, WRITES, Keyed
from tocsin.api.openapi import openapi_document
from tocsin.engine.seal import Seal
from tocsin.store import answers
from tocsin.store.database import DatabaseAway

if TYPE_CHECKING:
    from conftest import Office

KEY = {"Idempotency-Key": "7c0d6f0e-1"}
INCIDENTS, ALERTS = "/api/v1/incidents", "/api/v1/alerts"
DECLARED = {"title": "It burns", "severity": "high"}
IN_TRANSACTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"


async def count(office: Office, table: str) -> int:
    return int(await office.hub.database.read(lambda c: c.fetchval(f"SELECT count(*) FROM {table}")))


async def twice(office: Office, method: str, path: str, body: Any = None, **more: Any) -> tuple[Any, Any]:
    return tuple([await office.ask(method, path, body, headers=KEY, **more) for _ in range(2)])  # type: ignore[return-value]


async def test_a_declare_sent_twice_is_one_incident(office: Office) -> None:
    """Status, body and type are those of the first answer; a header says that it is told again."""
    first, second = await twice(office, "POST", INCIDENTS, DECLARED)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert (REPLAYED in first.headers, second.headers[REPLAYED]) == (False, "true")
    assert second.headers["content-type"] == first.headers["content-type"]
    assert await count(office, "incident") == 1


async def test_the_first_answer_is_told_whatever_happened_since(office: Office) -> None:
    """Acknowledged, resolved by somebody else, and the acknowledgement sent again: nothing follows from it."""
    await office.incident()
    first = await office.ask("POST", f"{INCIDENTS}/INC-1/acknowledge", {"note": "mine"}, headers=KEY)
    await office.ask("POST", f"{INCIDENTS}/INC-1/resolve", {})
    again = await office.ask("POST", f"{INCIDENTS}/INC-1/acknowledge", {"note": "mine"}, headers=KEY)

    assert (again.status_code, again.json()["status"]) == (200, "mitigated")
    assert again.content == first.content
    assert (await office.get(f"{INCIDENTS}/INC-1"))["status"] == "resolved"


async def test_what_had_been_done_before_is_told_so_again(office: Office) -> None:
    """The header Changed is part of the answer."""
    await office.incident()
    await office.ask("POST", f"{INCIDENTS}/INC-1/acknowledge", {})
    first, second = await twice(office, "POST", f"{INCIDENTS}/INC-1/acknowledge", {})

    assert first.headers["changed"] == second.headers["changed"] == "false"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("POST", INCIDENTS, DECLARED | {"title": "It floods"}, id="another body"),
        pytest.param("POST", f"{INCIDENTS}?x=1", DECLARED, id="another query"),
        pytest.param("POST", f"{INCIDENTS}/INC-1/resolve", {}, id="another address"),
    ],
)
async def test_a_key_used_for_something_else_is_refused(
    office: Office, method: str, path: str, body: Any
) -> None:
    """422, named, and nothing is done."""
    await office.ask("POST", INCIDENTS, DECLARED, headers=KEY)
    answer = await office.ask(method, path, body, headers=KEY)

    assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")
    assert answer.headers["content-type"] == "application/problem+json"
    assert [f["field"] for f in answer.json()["faults"]] == ["Idempotency-Key"]
    assert (await count(office, "incident"), (await office.get(f"{INCIDENTS}/INC-1"))["status"]) == (
        1,
        "open",
    )


async def test_one_still_under_way_is_in_use(office: Office) -> None:
    """409 with a time to come again, and the same answer after it."""
    ahead, go = asyncio.Event(), asyncio.Event()

    async def hold(connection: Any) -> None:
        (token,) = await connection.fetchrow("SELECT id FROM api_token ORDER BY made_at DESC LIMIT 1")
        assert await answers.alone(connection, f"token {token}", KEY["Idempotency-Key"])
        ahead.set()
        await go.wait()

    await office.ask("GET", INCIDENTS)
    first = asyncio.create_task(office.hub.database.transact(hold))
    await ahead.wait()
    meanwhile = await office.ask("POST", INCIDENTS, DECLARED, headers=KEY)
    go.set()
    await first
    after = await office.ask("POST", INCIDENTS, DECLARED, headers=KEY)

    assert (meanwhile.status_code, meanwhile.json()["code"]) == (409, "key_in_use")
    assert meanwhile.headers["retry-after"] == "1"
    assert (after.status_code, await count(office, "incident")) == (201, 1)


async def test_ten_at_once_do_it_once(office: Office) -> None:
    """Whoever is not first is told the first answer or to come again."""
    await office.ask("GET", INCIDENTS)
    found = await asyncio.gather(*(office.ask("POST", INCIDENTS, DECLARED, headers=KEY) for _ in range(10)))

    assert await count(office, "incident") == 1
    assert {a.status_code for a in found} <= {201, 409}
    assert len({a.content for a in found if a.status_code == 201}) == 1


async def test_a_key_belongs_to_its_caller(office: Office) -> None:
    """Another token of the same name and scope: another key."""
    await office.ask("POST", INCIDENTS, DECLARED, headers=KEY)
    office.tokens["admin"] = await office.token("admin")
    other = await office.ask("POST", INCIDENTS, DECLARED | {"title": "Mine"}, headers=KEY)

    assert (other.status_code, other.json()["title"]) == (201, "Mine")


async def test_a_key_is_forgotten_after_a_day(office: Office) -> None:
    """23 h later it is the same request, 24 h later a new one."""
    await office.ask("POST", INCIDENTS, DECLARED, headers=KEY)
    office.pass_time(hours=23)
    within = await office.ask("POST", INCIDENTS, DECLARED, headers=KEY)
    office.pass_time(hours=1)
    later = await office.ask("POST", INCIDENTS, DECLARED, headers=KEY)

    assert (within.json()["name"], later.json()["name"]) == ("INC-1", "INC-2")


async def test_old_answers_are_swept_out(office: Office) -> None:
    """Those of yesterday go as those of today come."""
    for n in range(5):
        await office.ask("POST", INCIDENTS, DECLARED, headers={"Idempotency-Key": f"old-{n}"})
    office.pass_time(days=2)
    await office.ask("POST", INCIDENTS, DECLARED, headers=KEY)

    assert await count(office, "kept_answer") == 1


async def test_no_more_than_so_many_are_kept(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go first."""
    monkeypatch.setattr(answers, "MOST_KEPT", 3)
    for n in range(8):
        await office.ask("POST", INCIDENTS, DECLARED, headers={"Idempotency-Key": f"k{n}"})
    left = await office.hub.database.read(lambda c: c.fetch("SELECT key FROM kept_answer ORDER BY id"))

    assert [row["key"] for row in left] == ["k5", "k6", "k7"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        pytest.param(INCIDENTS, {"title": "x"}, 422, id="a field is missing"),
        pytest.param(f"{INCIDENTS}/INC-9/resolve", {}, 404, id="no such incident"),
    ],
)
async def test_a_refusal_is_not_kept(office: Office, path: str, body: Any, status: int) -> None:
    """Nothing took effect, so the same key may try again, with another body too."""
    first, second = await twice(office, "POST", path, body)
    mended = await office.ask("POST", INCIDENTS, DECLARED, headers=KEY)

    assert [first.status_code, second.status_code] == [status, status]
    assert REPLAYED not in second.headers
    assert mended.status_code == 201


async def test_one_that_failed_half_way_has_done_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer could not be kept: the incident is not there either, and the next try makes it, once."""

    async def broken(*_: Any) -> None:
        raise RuntimeError("the power went out")

    with monkeypatch.context() as patched:
        patched.setattr(answers, "keep", broken)
        failed = await office.ask("POST", INCIDENTS, DECLARED, headers=KEY)
        assert (failed.status_code, await count(office, "incident"), await count(office, "effect")) == (
            500,
            0,
            0,
        )
    after = await office.ask("POST", INCIDENTS, DECLARED, headers=KEY)

    assert (after.status_code, await count(office, "incident")) == (201, 1)


async def test_a_configuration_that_was_not_kept_is_not_in_force(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had been taken into use before the commit that never came."""

    async def broken(*_: Any) -> None:
        raise DatabaseAway("gone")

    with monkeypatch.context() as patched:
        patched.setattr(answers, "keep", broken)
        body = {"text": "services: {new: {}}\n"}
        failed = await office.ask("POST", "/api/v1/config?force=true", body, headers=KEY)

    assert failed.status_code == 503
    assert (office.hub.policy.version, "new" in office.hub.policy.services) == (1, False)


async def test_bells_ring_after_the_commit(office: Office) -> None:
    """Who is woken earlier looks at what is not there yet; of what failed nobody hears."""
    wake = office.hub.wake

    async def rung() -> bool:
        heard = wake._bells["a bell"].is_set()
        wake._bells["a bell"].clear()
        return heard

    with wake.held():
        wake.ring("a bell")
        assert not await rung()
    assert await rung()
    with suppress(RuntimeError), wake.held():
        wake.ring("a bell")
        raise RuntimeError
    assert not await rung()


async def test_a_new_token_is_told_again_and_lies_sealed(office: Office) -> None:
    """Its text is not in the database: the kept answer opens with the secret key alone."""
    body = {"name": "cron", "scopes": ["intake"]}
    first, second = await twice(office, "POST", "/api/v1/tokens", body)
    (row,) = await office.hub.database.read(lambda c: c.fetch("SELECT sealed FROM kept_answer"))

    assert first.json()["token"] == second.json()["token"]
    assert first.json()["token"].encode() not in row["sealed"]
    assert b"cron" not in row["sealed"]


async def test_an_answer_sealed_with_a_lost_key_is_not_done_again(office: Office) -> None:
    """It was carried out: that is told, though its answer cannot be."""
    await office.ask("POST", INCIDENTS, DECLARED, headers=KEY)
    office.hub.seal = Seal("another secret key altogether")
    again = await office.ask("POST", INCIDENTS, DECLARED, headers=KEY)

    assert (again.status_code, await count(office, "incident")) == (409, 1)
    assert "carried out before" in again.json()["detail"]


@pytest.mark.parametrize(
    ("written", "same"),
    [
        pytest.param('"7c0d6f0e-1"', True, id="in quotation marks, as the draft has it"),
        pytest.param(" 7c0d6f0e-1 ", True, id="with spaces around"),
        pytest.param("7C0D6F0E-1", False, id="in capitals"),
    ],
)
async def test_how_a_key_is_written(office: Office, written: str, same: bool) -> None:
    await office.ask("POST", INCIDENTS, DECLARED, headers=KEY)
    await office.ask("POST", INCIDENTS, DECLARED, headers={"Idempotency-Key": written})

    assert await count(office, "incident") == (1 if same else 2)


@pytest.mark.parametrize(
    "written", ["", '""', "x" * 256, "a\tb"], ids=["none", "quoted nothing", "too long", "a tab"]
)
async def test_a_key_that_cannot_be_used_is_named(office: Office, written: str) -> None:
    answer = await office.ask("POST", INCIDENTS, DECLARED, headers={"Idempotency-Key": written})

    assert answer.status_code == 422
    assert [f["field"] for f in answer.json()["faults"]] == ["Idempotency-Key"]
    assert await count(office, "incident") == 0


async def test_a_stranger_with_a_key_stays_a_stranger(office: Office) -> None:
    async with office.client(**KEY) as client:
        answer = await client.post(INCIDENTS, json=DECLARED)

    assert answer.status_code == 401


async def test_applying_twice_is_one_version(office: Office) -> None:
    """The second answer is the first one: changed, although it is in force by now."""
    body = {"text": "services: {new: {}}\n"}
    first, second = await twice(office, "POST", "/api/v1/config?force=true", body)

    assert first.json() == second.json()
    assert (first.json()["version"], first.json()["changed"]) == (2, True)
    assert office.hub.policy.version == 2


async def test_providers_are_asked_outside_of_the_keyed_transaction(
    office: Office, database_url: str
) -> None:
    """However slow they are, no other apply waits for them; and what they say counts all the same."""
    waiting: list[int] = []

    async def answers_404(request: web.Request) -> web.Response:
        watcher = await asyncpg.connect(database_url)
        waiting.append(await watcher.fetchval(IN_TRANSACTIONS))
        await watcher.close()
        return web.json_response({"error": {"message": "Not Found", "code": 2100}}, status=404)

    runner = web.AppRunner(app := web.Application())
    app.router.add_route("*", "/{path:.*}", answers_404)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    custom = "custom: {service_id: PGONE, from_email: ops@example.com}"
    text = f"connectors: {{new: {{type: pagerduty, api_key: k0, base_url: '{url}', {custom}}}}}"
    try:
        refused = await office.ask("POST", "/api/v1/config", {"text": text}, headers=KEY)
        forced = await office.ask("POST", "/api/v1/config?force=true", {"text": text}, headers=KEY)
    finally:
        await runner.cleanup()

    assert "connectors.new.custom.service_id" in [e["field"] for e in refused.json()["faults"]]
    assert (forced.status_code, office.hub.policy.version) == (200, 2)
    assert waiting
    assert set(waiting) == {0}


async def test_a_revoked_token_is_revoked_once(office: Office) -> None:
    made = (await office.ask("POST", "/api/v1/tokens", {"name": "x", "scopes": ["read"]})).json()
    first, second = await twice(office, "DELETE", f"/api/v1/tokens/{made['id']}")

    assert (first.status_code, second.status_code, second.content) == (204, 204, b"")


# ---- alerts ----------------------------------------------------------------------------------------------

FIRE = {"title": "disk full", "service_name": "user-auth", "dedup_key": "db1/disk"}


@pytest.mark.parametrize(
    ("path", "body", "read"),
    [
        pytest.param(ALERTS, FIRE, lambda a: a, id="one"),
        pytest.param(f"{ALERTS}/batch", [FIRE], lambda a: a["items"][0], id="a batch"),
    ],
)
async def test_an_alert_sent_twice_counts_once(
    office: Office, path: str, body: Any, read: Callable[[Any], Any]
) -> None:
    """Without a key the second would be a repeat."""
    first, second = await twice(office, "POST", path, body)
    (row,) = await office.hub.database.read(lambda c: c.fetch("SELECT count FROM alert"))

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    assert second.headers[REPLAYED] == "true"
    assert (read(second.json())["duplicate"], row["count"]) == (False, 0)
    assert await count(office, "event") == 1


async def test_a_new_key_is_a_new_repeat(office: Office) -> None:
    for key in ("a", "b", "c"):
        await office.ask("POST", ALERTS, FIRE, headers={"Idempotency-Key": key})
    (row,) = await office.hub.database.read(lambda c: c.fetch("SELECT count FROM alert"))

    assert row["count"] == 2


async def test_an_alert_under_a_used_key_is_refused(office: Office) -> None:
    await office.ask("POST", ALERTS, FIRE, headers=KEY)
    answer = await office.ask("POST", ALERTS, FIRE | {"title": "disk still full"}, headers=KEY)

    assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")


async def test_a_key_never_keeps_an_alert_out(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept of keys cannot be reached: the alert goes in by the door as if it had none."""

    async def away(*_: Any) -> Any:
        raise DatabaseAway("gone")

    monkeypatch.setattr(answers, "alone", away)
    answer = await office.ask("POST", ALERTS, FIRE, headers=KEY)

    assert (answer.status_code, await count(office, "alert")) == (202, 1)


# ---- the whole API -----------------------------------------------------------------------------------------

KEYLESS = {
    "sign_in": "its answer is a cookie, and its caller is not known yet",
    "explain_decision": "a question",
    "diff_config": "a question",
    "preview_silence": "a question",
    "preview_maintenance": "a question",
    "export_audit": "its answer is a file; taken twice it is told twice",
    "test_connector": "a question, asked of a provider",
    "check_draft": "a question, with credentials that are kept nowhere",
    "change_webhook": "asks the provider while it works; done again it finds what is there and makes no second",
    "accept_discovered": "asks the provider first; the same again changes nothing",
}


def test_every_write_of_the_api_takes_a_key() -> None:
    """A new route is made by a router of `Keyed`, or stands in the list above with its reason."""
    found: dict[str, APIRoute] = {}
    for included in api.bare_app().routes:
        router = getattr(included, "original_router", None)
        for route in getattr(router, "routes", []):
            if isinstance(route, APIRoute) and route.methods & WRITES:
                found[route.endpoint.__name__] = route

    assert {name for name, route in found.items() if not getattr(route, "takes_key", False)} == set(KEYLESS)
    assert all(isinstance(route, Keyed) for route in found.values())
    assert len(found) > 10


def test_the_description_tells_of_the_key() -> None:
    paths = openapi_document()["paths"]
    named = {
        (path, method)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if any(p["name"] == "Idempotency-Key" for p in operation.get("parameters", []))
    }

    assert {
        ("/api/v1/incidents", "post"),
        ("/api/v1/alerts", "post"),
        ("/api/v1/tokens/{token_id}", "delete"),
    } <= named
    assert ("/api/v1/explain", "post") not in named
