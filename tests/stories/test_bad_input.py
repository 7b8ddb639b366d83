"""Whatever comes in: the sender is told which field, nothing is half done, and the next good alert pages.

One hub stands for all rows of the table; what a row must not leave behind is counted in its database.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import pytest_asyncio
from yarl import URL

from rig import KEYS, MONDAY_NOON, Rig

from .conftest import HUB, SECRETS

pytestmark = pytest.mark.asyncio(loop_scope="module")

TABLES = "raw_request event alert incident part remote effect delivery timeline timer hook config_version api_token audit"
COUNT = "SELECT " + ", ".join(f"(SELECT count(*) FROM {table}) AS {table}" for table in TABLES.split())
ALERTS, BATCH, CONFIG, ENQUEUE = "/api/v1/alerts", "/api/v1/alerts/batch", "/api/v1/config", "/v2/enqueue"
WEBHOOK, ALERTMANAGER = f"/integrations/{KEYS['WH_KEY']}", f"/integrations/{KEYS['AM_KEY']}"
PAGERDUTY, OPSGENIE = "/connectors/prod-pagerduty/webhook", "/connectors/prod-opsgenie/webhook"
JSON, YAML = {"Content-Type": "application/json"}, {"Content-Type": "text/yaml"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
OK = b'{"title":"x"}'
MANY = json.dumps({"title": "x", "labels": {f"k{n}": "v" for n in range(100_000)}}).encode()
DEEP = b'{"title":"x","details":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001
LARGE = b'{"title":"x","description":"' + b"a" * 10_000_000 + b'"}'
BOMB = "a: &a [x, x]\nb: &b [" + "*a, " * 99 + "]\nc: &c [" + "*b, " * 99 + "]\nd: [" + "*c, " * 99 + "]\n"
UNKNOWN_KEY = {
    "routing_key": "0" * 32,
    "event_action": "trigger",
    "payload": {"summary": "s", "source": "s", "severity": "info"},
}
INC = "/api/v1/incidents/INC-1"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """One hub with the demo's catalog for the whole table, and one incident, INC-1."""
    name = f"t{secrets.token_hex(6)}"
    await execute(cluster, f"CREATE DATABASE {name} TEMPLATE migrated")
    dsn = urlunsplit(urlsplit(cluster)._replace(path=f"/{name}"))
    rig = Rig(dsn, tmp_path_factory.mktemp("hub"), HUB, at=MONDAY_NOON)
    with pytest.MonkeyPatch.context() as patch:
        await rig.start(lambda names: [patch.setenv(*pair) for pair in {**SECRETS, **names}.items()] and None)
        patch.setattr("tocsin.api.intake.SLOW_SECONDS", 0.3)
        await rig.alert(title="Login is down", source="probe", severity="critical", service_name="user-auth")
        await rig.quiet()
        yield rig
        await rig.stop()
    await execute(cluster, f"DROP DATABASE {name} WITH (FORCE)")


async def execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(statement)
    await connection.close()


async def counted(hub: Rig) -> dict[str, int]:
    """Rows of every table that a request could leave something in."""
    return dict(await hub.daemon.hub.database.read(lambda c: c.fetchrow(COUNT)))


async def send(
    hub: Rig, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, str, Any]:
    """(status, content type, body) of one request whose path goes out as it is written here."""
    url = URL(hub.daemon.url + path, encoded=True)
    async with hub.http.request(method, url, data=body, headers={**JSON, **(headers or {})}) as answer:
        text = await answer.text()
        kind = answer.content_type
        return answer.status, kind, json.loads(text) if kind.endswith("json") and text else text


def case(*what: Any, id: str, marks: Any = ()) -> Any:
    """(method, path, body, headers, status, field, a word of the answer); the id is a sentence."""
    method, path, body, headers, status, field, word = what
    return pytest.param(method, path, body, headers, status, field, word, id=id, marks=marks)


def post(path: str, body: bytes | str, field: str | None, word: str, id: str, **more: Any) -> Any:
    """A POST that is refused with 422, or as `more` says."""
    data = body.encode() if isinstance(body, str) else body
    headers, status, marks = more.get("headers", {}), more.get("status", 422), more.get("marks", ())
    return case("POST", path, data, headers, status, field, word, id=id, marks=marks)


BEARER = {"Authorization": "Bearer tsn_nobody-knows-this-one"}
SIGNED = {"X-PagerDuty-Signature": "v1=" + "0" * 64}
CEL = 'routing: [{name: a, when: "1 +", page: x}]'
TEAM = "teams:\n  app:\n    "
ROWS = [
    post(ALERTS, "{nope", "body", "JSON", "an alert that is not JSON"),
    post(ALERTS, b"", "body", "empty", "an empty body"),
    post(ALERTS, "[1]", "body", "object", "a list where one alert is taken"),
    post(ALERTS, DEEP, "body", "deep", "JSON nested 100,000 deep"),
    post(ALERTS, "title=x", "body", "JSON", "a form where JSON is taken", headers=FORM),
    post(ALERTS, '{"title":5}', "title", "text", "a title that is a number"),
    post(ALERTS, '{"severity":"high"}', "title", "required", "no title"),
    post(ALERTS, '{"title":" \\u0000\\u0007 "}', "title", "required", "a title of nothing but control characters"),
    post(ALERTS, '{"title":"x","severity":1}', "severity", "text", "a severity that is a number"),
    post(ALERTS, '{"title":"x","labels":[]}', "labels", "object", "labels that are a list"),
    post(ALERTS, '{"title":"x","labels":{"a":1}}', "labels.a", "text", "a label that is a number"),
    post(ALERTS, MANY, "labels", "100,000", "100,000 labels"),
    post(ALERTS, '{"title":"x","sent_at":"soon"}', "sent_at", "RFC 3339", "a time that is none"),
    post(ALERTS, '{"title":"x","sent_at":"99999-01-01T00:00:00Z"}', "sent_at", "time", "the year 99999"),
    post(ALERTS, '{"title":"x","action":"explode"}', "action", "resolve", "an action that does not exist"),
    post(ALERTS, '{"title":"x","links":["javascript:1"]}', "links.0", "http", "a link that is a script"),
    post(ALERTS, '{"title":"x","details":3}', "details", "object", "details that are a number"),
    post(ALERTS, LARGE, None, "4 MiB", "a body of 10 MB", status=413),
    post(BATCH, '[{"title":"a"},{"title":1}]', "1.title", "text", "a batch with one bad item: index and field"),
    post(BATCH, '{"title":"a"}\n{"ti', "1", "JSON", "NDJSON whose second line is cut off"),
    post(BATCH, "5", "0", "object", "a batch that is a number"),
    post(ALERTS, OK, None, "revoked", "a token nobody knows", headers=BEARER, status=401),
    post(BATCH, b"[]", None, "revoked", "a batch with such a token", headers=BEARER, status=401),
    post(CONFIG, b"", None, "revoked", "a configuration with such a token", headers=BEARER, status=401),
    post("/integrations/nobody-knows-this-key", OK, None, "key", "a key nobody knows", status=404),
    post("/integrations/%00", OK, None, "key", "a key that is a NUL", status=404),
    post("/integrations/%ff%fe", OK, None, "key", "a key that is not UTF-8", status=404),
    post("/integrations/../api/v1/alerts", OK, None, "", "a path with two dots", status=405),
    post(f"{WEBHOOK}/more", OK, None, "", "a path that goes on after the key", status=405),
    case("DELETE", WEBHOOK, b"", {}, 405, None, "DELETE", id="DELETE on an integration"),
    case("GET", ALERTMANAGER, b"", {}, 404, None, "POST", id="GET on an integration that takes POST"),
    case("PUT", ALERTS, OK, {}, 405, None, "PUT", id="PUT on alerts"),
    case("DELETE", CONFIG, b"", {}, 405, None, "DELETE", id="DELETE on the configuration"),
    post(PAGERDUTY, b"{}", None, "prove", "a webhook without a signature", status=401),
    post(OPSGENIE, b"{}", None, "prove", "a webhook without a token", status=401),
    post("/connectors/nobody/webhook", b"{}", None, "nobody", "a webhook of no connector", status=404),
    post("/connectors/ops-mail/webhook", b"{}", None, "ops-mail", "a webhook of a mailbox", status=404),
    post(CONFIG, TEAM + "timezoen: Europe/London", "teams.app.timezoen", "timezone", "a key that is misspelt", headers=YAML),
    post(CONFIG, TEAM + "timezone: Mars/Base", "teams.app.timezone", "Mars", "a time zone that does not exist", headers=YAML),
    post(CONFIG, "teams: {}\n\n" + CEL, "routing.0.when", "CEL", "a policy that does not compile", headers=YAML),
    post(CONFIG, "connectors:\n\n  p: {type: pagerduty}", "connectors.p.api_key", "API key", "a connector without credentials", headers=YAML),
    post(CONFIG, "x: [\n\n", "", "hub.yaml", "a configuration that is not YAML", headers=YAML),
    post(CONFIG, b"a: \xff", "body", "UTF-8", "a configuration that is not UTF-8", headers=YAML),
    post(CONFIG, BOMB, "", "unfold", "a configuration that unfolds without end", headers=YAML),
    post(CONFIG, "[" * 50_000, "", "deep", "a configuration nested 50,000 deep", headers=YAML),
    post(CONFIG, '{"text":5}', "text", "string", "a configuration whose text is a number"),
    post(CONFIG, b"a" * 2_000_000, None, "KiB", "a configuration of 2 MB", headers=YAML, status=413),
    post(f"{INC}/acknowledge", '{"nota":"x"}', "nota", "known", "an action with a field that is misspelt"),
    post(f"{INC}/acknowledge", '{"note":"a\\u0000"}', "note", "NUL", "a note with a NUL"),
    post(f"{INC}/acknowledge", "{", "body", "JSON", "an action that is not JSON"),
    post(f"{INC}/acknowledge", "note=x", "body", "JSON", "an action as a form", headers=FORM),
    post(f"{INC}/assign", '{"user":"nobody"}', "user", "nobody", "an assignment to nobody"),
    post("/api/v1/incidents/INC-99999999999999999999/resolve", b"{}", None, "INC-9", "an incident of 20 digits", status=404),
    post("/api/v1/tokens", '{"name":"a","scopes":["root"]}', "scopes.0", "read", "a token with a scope that does not exist"),
    post("/api/v1/explain", '{"alert":{"title":1}}', "alert.title", "text", "an imagined alert that is wrong"),
    case("GET", f"{ALERTS}?q=%00", b"", {}, 422, "q", "NUL", id="a search for a NUL"),
    case("GET", f"{ALERTS}?cursor=zzz", b"", {}, 422, "cursor", "list", id="a cursor of no list"),
    case("GET", "/api/v1/incidents?state=open", b"", {}, 422, "state", "known", id="a filter that is misspelt"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "headers", "status", "field", "word"), ROWS)
async def test_refused_with_a_reason(
    hub: Rig, method: str, path: str, body: bytes, headers: dict[str, str], status: int, field: str | None, word: str
) -> None:  # fmt: skip
    """S53: a problem document that names the field; not one row more anywhere. A key nobody knows is 404."""
    before = await counted(hub)
    got, kind, problem = await send(hub, method, path, body, headers)

    assert (got, kind) == (status, "application/problem+json"), problem
    assert problem["status"] == status
    assert word.lower() in json.dumps(problem, ensure_ascii=False).lower()
    if field is not None:
        assert field in [fault["field"] for fault in problem["faults"]]
    if headers is YAML and status == 422 and field != "body":
        assert all(fault["line"] for fault in problem["faults"]), "every fault of a file has its line"
    assert before == await counted(hub)


EVENT = {"routing_key": KEYS["PD_IN_KEY"], "event_action": "trigger"}


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        pytest.param(ENQUEUE, "{", "JSON parse error", id="not JSON"),
        pytest.param(ENQUEUE, "[]", "object", id="a list"),
        pytest.param(ENQUEUE, '{"routing_key":"a"}', "32 characters", id="a key that is too short"),
        pytest.param(ENQUEUE, json.dumps(UNKNOWN_KEY), "routing_key", id="a key nobody knows"),
        pytest.param(ENQUEUE, json.dumps(EVENT), "payload", id="a trigger without payload"),
        pytest.param(ENQUEUE, json.dumps({**EVENT, "event_action": "boom"}), "event_action", id="no such action"),
        pytest.param(ENQUEUE, json.dumps({**EVENT, "event_action": "resolve"}), "dedup_key", id="which alert?"),
        pytest.param(
            ENQUEUE, json.dumps({**UNKNOWN_KEY, "routing_key": KEYS["AM_KEY"]}), "routing_key", id="another's key"
        ),
        pytest.param("/v2/change/enqueue", json.dumps({**EVENT, "payload": {}}), "summary", id="an empty change"),
        pytest.param("/pagerduty/v2/enqueue", "{", "JSON parse error", id="not JSON, at the other address"),
        pytest.param(
            ENQUEUE, LARGE, "large", id="10 MB"
        ),
    ],
)  # fmt: skip
async def test_refused_as_pagerduty_does(hub: Rig, path: str, body: str | bytes, word: str) -> None:
    """S53: {status, message, errors} as the vendor's clients expect it; not one row more anywhere."""
    before = await counted(hub)
    status, kind, answer = await send(hub, "POST", path, body.encode() if isinstance(body, str) else body)

    assert kind == "application/json", answer
    assert status in (400, 413)
    assert answer.keys() == {"status", "message", "errors"}
    assert word in str(answer["errors"])
    assert before == await counted(hub)


async def set_aside(hub: Rig, address: str) -> int:
    """How many deliveries of the connector at this address are kept aside."""
    ask, name = (
        "SELECT count(*) FROM hook WHERE state = 'quarantined' AND connector = $1",
        address.split("/")[2],
    )
    return int(await hub.daemon.hub.database.read(lambda c: c.fetchval(ask, name)))


@pytest.mark.parametrize("connector", [pytest.param(PAGERDUTY, id="PagerDuty"), pytest.param(f"{OPSGENIE}?token=no", id="Opsgenie")])  # fmt: skip
async def test_a_wrong_signature_is_kept_aside(hub: Rig, connector: str) -> None:
    """503, so that the provider comes again; the delivery is kept and changes nothing."""
    aside = await set_aside(hub, connector)
    before = await counted(hub)
    status, _, problem = await send(
        hub, "POST", connector, b'{"event":{}}', SIGNED if "token" not in connector else {}
    )
    assert (status, problem["code"]) == (503, "quarantined")
    assert aside + 1 == await set_aside(hub, connector)
    assert {**before, "hook": before["hook"] + 1} == await counted(hub)


ODD: list[Any] = [
    pytest.param('{"title":"one","severity":"purple"}', {"severity": "medium"}, id="a severity nobody knows is none: medium is assumed"),
    pytest.param('{"title":"a\\u0000b\\u0007c","labels":{"k\\u0000":"v\\u0000"}}', {"title": "abc", "labels": {"k": "v"}}, id="NUL and bell are taken out"),
    pytest.param(b'{"title":"a\x00\x01z"}', {"title": "az"}, id="raw control characters are taken out"),
    pytest.param(b'{"title":"caf\xe9"}', {"title": "caf\ufffd"}, id="what is not UTF-8 is replaced"),
    pytest.param('{"title":"\\ud800 half"}', {"title": "\ufffd half"}, id="half a surrogate pair is replaced"),
    pytest.param('{"title":"first","title":"second"}', {"title": "second"}, id="of a key given twice the last counts"),
    pytest.param('{"title":"slow clock","sent_at":"2016-11-16T12:00:00Z"}', {"status": "open"}, id="a clock ten years behind"),
    pytest.param('{"title":"fast clock","sent_at":"2036-11-16T12:00:00Z"}', {"status": "open"}, id="a clock ten years ahead"),
    pytest.param('\ufeff{"title":"marked"}', {"title": "marked"}, id="a byte order mark"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "said"), ODD)
async def test_odd_but_an_alert(hub: Rig, body: str | bytes, said: dict[str, Any]) -> None:
    """An alert is worth more than its spelling: it is kept cleaned, decided, and timed by our own clock."""
    data = body.encode() if isinstance(body, str) else body
    status, _, answer = await send(hub, "POST", f"{ALERTS}?wait=decision", data)
    alert = await hub.call("GET", f"{ALERTS}/{answer['alert_id']}", want=200)

    assert (status, answer["route"]) == (200, "page")
    assert {name: alert.get(name) for name in said} == said
    assert alert["first_event_at"].startswith("2026-11-16")
    assert answer["incident"]


async def test_after_all_of_it_a_good_alert_pages(hub: Rig) -> None:
    """Every row at once, twice, and in the middle of it an alert that reaches both providers."""
    requests = [row.values[:4] for row in ROWS]
    good = {
        "title": "In the middle of it",
        "source": "probe",
        "severity": "critical",
        "service_name": "user-auth",
    }
    *refused, answer = await asyncio.gather(*(send(hub, *r) for r in requests * 2), hub.alert(**good))

    async def paged() -> bool:
        providers = (await hub.incident(answer["incident"]))["providers"]
        return len(providers) == 2 and all(p["created_at"] for p in providers)

    await hub.until(paged, "both providers have it")
    assert [status for status, _, _ in refused] == [row.values[4] for row in ROWS] * 2


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(f"{WEBHOOK}/", id="a slash at the end"),
        pytest.param(WEBHOOK.replace("-", "%2D"), id="hyphens percent-encoded"),
        pytest.param(WEBHOOK.replace("/", "//", 1), id="two slashes in front"),
    ],
)
async def test_an_address_written_otherwise(hub: Rig, path: str) -> None:
    """The alert is taken as if the address were written as it was given out, or the sender is told."""
    before = await counted(hub)
    status, _, answer = await send(hub, "POST", path, b'{"title":"by another way","event_type":"create"}')
    after = await counted(hub)

    assert status in (202, 404, 405), answer
    assert (after["raw_request"] > before["raw_request"]) is (status == 202)


async def test_a_revoked_token_is_refused_at_once(hub: Rig) -> None:
    """It worked a moment ago; once revoked it brings nothing in."""
    made = await hub.call("POST", "/api/v1/tokens", {"name": "leaves", "scopes": ["intake"]}, want=201)
    bearer = {"Authorization": f"Bearer {made['token']}"}
    first, _, _ = await send(hub, "POST", ALERTS, b'{"title":"while it may"}', bearer)
    await hub.call("DELETE", f"/api/v1/tokens/{made['id']}", want=204)
    before = (await counted(hub))["raw_request"]
    second, _, problem = await send(hub, "POST", ALERTS, b'{"title":"no more"}', bearer)

    assert (first, second, problem["code"]) == (202, 401, "not_allowed")
    assert before == (await counted(hub))["raw_request"]


async def test_s45_what_is_forgotten_of_wrong_signatures_is_counted_and_shown(
    hub: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a flood the newest are kept; how many went stands with the connector and in the health."""
    path = "/api/v1/connectors/prod-pagerduty"
    before = (await hub.call("GET", path, want=200))["quarantine_dropped"]
    await send(hub, "POST", PAGERDUTY, b'{"event":{}}', SIGNED)
    aside = await set_aside(hub, PAGERDUTY)
    monkeypatch.setattr("tocsin.store.hooks.QUARANTINE_MOST", aside)
    for _ in range(3):
        await send(hub, "POST", PAGERDUTY, b'{"event":{}}', SIGNED)

    assert (await hub.call("GET", path, want=200))["quarantine_dropped"] == before + 3
    health = await hub.call("GET", "/api/v1/health", want=200)
    (told,) = [one for one in health["connectors"] if one["name"] == "prod-pagerduty"]
    assert told["quarantine_dropped"] == before + 3
