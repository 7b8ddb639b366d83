"""What a bad sender, a bad file, a bad rule or a bad provider does to everybody else: nothing."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import structlog

from rig import ADMIN_TOKEN, KEYS, Begin, Rig

from .conftest import HUB, SECRETS

WEBHOOK = f"/integrations/{KEYS['WH_KEY']}"
GOOD = {"title": "Login is down", "source": "probe", "severity": "critical", "service_name": "user-auth"}


async def pages(rig: Rig, title: str) -> None:
    """A good alert still reaches both providers."""
    answer = await rig.alert(**{**GOOD, "title": title})

    async def created() -> bool:
        providers = (await rig.incident(answer["incident"]))["providers"]
        return len(providers) == 2 and all(p["created_at"] for p in providers)

    await rig.until(created, f"{title} is at both providers")


async def wire(rig: Rig, text: bytes, *, half_close: bool = False) -> bytes:
    """What the hub answers to these bytes, at most 5 s later."""
    host, port = rig.daemon.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(text)
        await writer.drain()
        if half_close:
            writer.write_eof()
        return await asyncio.wait_for(reader.read(65_536), 5)
    finally:
        writer.close()


def request(path: str, body: bytes, *, length: int | None = None, more: str = "") -> bytes:
    size = len(body) if length is None else length
    head = f"POST {path} HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n{more}\r\n"
    return head.encode() + body


BROKEN = [
    pytest.param(request(WEBHOOK, b'{"tit', length=50), False, b"408|422", id="a body that stops half way"),
    pytest.param(request(WEBHOOK, b'{"tit', length=50), True, b"|400|422", id="half a body, then half a connection"),
    pytest.param(request(WEBHOOK, b"", more=f"X-Big: {'a' * 2_000_000}\r\n"), False, b"|431|400|413", id="a header of 2 MB"),
    pytest.param(b"POST / HTTP/9.9\r\n\r\n", False, b"400|505|", id="HTTP 9.9"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", True, b"400|", id="TLS where HTTP is spoken"),
    pytest.param(request(WEBHOOK, b"", length=-5), False, b"400|", id="a negative length"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "half_close", "statuses"), BROKEN)
async def test_a_broken_connection_leaves_nothing(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, text: bytes, half_close: bool, statuses: bytes
) -> None:
    """It is refused or cut off, nothing of it is kept, and others are served meanwhile."""
    monkeypatch.setattr("tocsin.api.intake.SLOW_SECONDS", 0.3)
    rig = await begin()
    answer, _ = await asyncio.gather(wire(rig, text, half_close=half_close), pages(rig, "meanwhile"))
    status = answer.split(b" ", 2)[1] if answer else b""

    assert status in statuses.split(b"|"), answer[:300]
    requests = await rig.daemon.hub.database.read(lambda c: c.fetchval("SELECT count(*) FROM raw_request"))
    assert requests == 1, "only the good one is kept"


async def test_what_nobody_can_read_is_kept_and_told_once(begin: Begin) -> None:
    """S53: at a known key 202, the request kept as it came, one low alert for each integration, however often."""
    rig = await begin()
    for body in (b'{"a":', b'{"b":', b'{"c":'):
        async with rig.http.post(rig.daemon.url + WEBHOOK, data=body) as answer:
            assert answer.status == 202
    async with rig.http.post(f"{rig.daemon.url}/integrations/{KEYS['AM_KEY']}", data=b"[") as answer:
        assert answer.status == 202
    alerts = (await rig.call("GET", "/api/v1/alerts", want=200))["items"]
    kept = await rig.daemon.hub.database.read(
        lambda c: c.fetch("SELECT body, reading, fault FROM raw_request ORDER BY received_at, id")
    )

    assert sorted((a["integration"], a["dedup_key"]) for a in alerts) == [
        ("anything", "unreadable"),
        ("prometheus", "unreadable"),
    ]
    assert {b"[", b'{"a":'} <= {bytes(row["body"]) for row in kept}
    assert all(row["reading"] == "unreadable" and row["fault"] for row in kept)
    await rig.quiet()
    decided = (await rig.call("GET", "/api/v1/alerts", want=200))["items"]
    assert {a["severity"] for a in decided} == {"low"}
    await pages(rig, "after the unreadable")


async def test_every_unreadable_body_is_kept(begin: Begin) -> None:
    """The next one may be the one that tells what is wrong with the sender."""
    rig = await begin()
    bodies = [b'{"a":', b'{"b":', b'{"c":']
    for body in bodies:
        async with rig.http.post(rig.daemon.url + WEBHOOK, data=body) as answer:
            assert answer.status == 202
    kept = await rig.daemon.hub.database.read(lambda c: c.fetch("SELECT body FROM raw_request"))

    assert sorted(bytes(row["body"]) for row in kept) == bodies


async def test_a_bad_file_leaves_the_old_one_in_force(begin: Begin) -> None:
    """Every fault of it is told at once with its line; the configuration in force stays, and pages."""
    rig = await begin()
    before = await rig.call("GET", "/api/v1/config", want=200)
    bad = HUB.replace("timezone: Europe/London", "timezone: Mars/Base").replace("reopen: 30m", "reopne: 30m")
    bad = bad.replace("urgent && by_day", "urgent &&")
    body = {"text": bad, "environment": {}, "file": "mine.yaml"}
    problem = await rig.call("POST", "/api/v1/config", body, want=422)
    found = {fault["field"]: fault["line"] for fault in problem["faults"]}
    lines = bad.splitlines()

    assert "reopne" in lines[found["defaults.reopne"] - 1]
    assert "Mars/Base" in lines[found["teams.infrastructure.timezone"] - 1]
    assert "urgent &&" in lines[found["routing.3.when"] - 1]
    assert "mine.yaml" in problem["detail"]
    assert before == await rig.call("GET", "/api/v1/config", want=200)
    await pages(rig, "after the bad file")


async def test_ndjson_and_batch_are_stored_in_their_order(begin: Begin) -> None:
    """One answer for each item, in order, whichever way they are listed."""
    rig = await begin()
    lines = "\r\n".join(json.dumps({"title": f"n{n}", "dedup_key": f"n{n}"}) for n in range(5)) + "\n\n"
    headers = {"Content-Type": "application/x-ndjson"}
    async with rig.http.post(f"{rig.daemon.url}/api/v1/alerts/batch", data=lines, headers=headers) as answer:
        items = (await answer.json())["items"]
    named = [
        (await rig.call("GET", f"/api/v1/alerts/{item['alert_id']}", want=200))["title"] for item in items
    ]

    assert (answer.status, named) == (202, ["n0", "n1", "n2", "n3", "n4"])


async def test_waiting_for_the_decision_of_a_resolve(begin: Begin) -> None:
    """A resolve has no route to wait for: it is answered at once, for a known key and for an unknown one."""
    rig = await begin()
    unknown = await rig.alert(**GOOD, action="resolve")
    opened = await rig.alert(**GOOD)
    closed = await asyncio.wait_for(rig.alert(**GOOD, action="resolve"), 5)

    assert (unknown["alert_id"], unknown["reading"]) == (None, "ignored")
    assert unknown["reasons"] == ["resolve of an unknown key changes nothing"]
    assert (closed["alert_id"], closed["reading"]) == (opened["alert_id"], "resolved")


RULES = """
classification:
  - {name: "labels that are not there", when: 'alert.labels.size == alert.labels["none"]', set: {severity: low}}
  - name: database outage
"""


async def test_a_rule_that_fails_stops_no_other(begin: Begin) -> None:
    """It is told in the reasons; the next rule and the routing decide, and the page goes out."""
    rig = await begin(config=HUB.replace("\nclassification:\n  - name: database outage\n", RULES))
    answer = await rig.alert(
        title="connection refused", source="database", severity="low", service_name="user-auth"
    )
    await rig.quiet()
    providers = (await rig.incident(answer["incident"]))["providers"]

    assert answer["severity"] == "critical"
    assert any("labels that are not there" in reason for reason in answer["reasons"])
    assert sorted(p["connector"] for p in providers if p["created_at"]) == ["prod-opsgenie", "prod-pagerduty"]


@pytest.mark.parametrize("kind", ["invalid_json", "500", "reset"])
async def test_a_provider_that_fails_stops_no_other(begin: Begin, kind: str) -> None:
    """PagerDuty talks nonsense: Opsgenie has the page, and the hub says why it is not well."""
    rig = await begin()
    await rig.fault("pagerduty", kind=kind)
    answer = await rig.alert(**GOOD)

    async def there() -> bool:
        providers = (await rig.incident(answer["incident"]))["providers"]
        return any(p["connector"] == "prod-opsgenie" and p["created_at"] for p in providers)

    await rig.until(there, "Opsgenie has it")


def texts_of(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


async def everything_stored(rig: Rig) -> str:
    """Every row of every table as text, bodies of requests decoded."""
    listed = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    names = [row["tablename"] for row in await rig.daemon.hub.database.read(lambda c: c.fetch(listed))]
    stored = []
    for name in names:
        rows = await rig.daemon.hub.database.read(lambda c, n=name: c.fetch(f"SELECT * FROM {n}"))
        stored += [f"{name}: {' '.join(texts_of(value) for value in row.values())}" for row in rows]
    return "\n".join(stored)


async def test_secrets_appear_nowhere(
    begin: Begin, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Keys and tokens, used rightly and wrongly: in no log line, no answer, no row."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(), cache_logger_on_first_use=False)
    rig = await begin()
    made = await rig.call("POST", "/api/v1/tokens", {"name": "sender", "scopes": ["intake"]}, want=201)
    answers = []
    routed = {"routing_key": KEYS["PD_IN_KEY"], "event_action": "trigger"}
    payload = {"summary": "s", "source": "s", "severity": "critical"}
    bearer = {"Authorization": f"Bearer {made['token']}"}
    sent: list[tuple[str, str, Any, dict[str, str]]] = [
        ("POST", "/v2/enqueue", {**routed, "payload": payload}, {}),
        ("POST", "/v2/enqueue", {**routed, "payload": {}}, {}),
        ("POST", "/v2/enqueue", {"event_action": "trigger", "payload": payload}, {"X-Routing-Key": KEYS["PD_IN_KEY"]}),
        ("POST", f"{WEBHOOK}?title=q&key={KEYS['WH_KEY']}", {"title": "also asked for by query"}, bearer),
        ("POST", WEBHOOK, [1, {}], {"Cookie": f"tocsin_session={made['token']}"}),
        ("POST", "/api/v1/alerts", GOOD, bearer),
        ("POST", "/api/v1/alerts", {"title": 5}, bearer),
        ("GET", "/api/v1/incidents", None, bearer),
        ("POST", "/connectors/prod-opsgenie/webhook?token=og-webhook-token", {"action": "Create"}, {}),
        ("POST", "/connectors/prod-pagerduty/webhook", {}, {"X-PagerDuty-Signature": "v1=00"}),
    ]  # fmt: skip
    for method, path, body, headers in sent:
        async with rig.http.request(method, rig.daemon.url + path, json=body, headers=headers) as answer:
            answers.append(await answer.text())
    await rig.fault("pagerduty", kind="500")
    await pages_nowhere(rig)
    looks = (
        "config", "config/versions", "integrations", "connectors", "tokens", "alerts", "incidents", "health",
        "incidents/INC-1/timeline", "incidents/INC-1/deliveries", "audit", "metrics",
    )  # fmt: skip
    answers += [json.dumps(await rig.call("GET", f"/api/v1/{path}")) for path in looks]
    logs = "".join(capsys.readouterr())
    hidden = [*KEYS.values(), *SECRETS.values(), ADMIN_TOKEN, made["token"]]

    assert "webhook_refused" in logs, "the logs are looked at"
    for place, text in {
        "log": logs,
        "answer": "\n".join(answers),
        "row": await everything_stored(rig),
    }.items():
        assert [secret for secret in hidden if secret in text] == [], f"in a {place}"


async def pages_nowhere(rig: Rig) -> None:
    await rig.alert(**{**GOOD, "title": "refused at PagerDuty"})
    await rig.quiet()
