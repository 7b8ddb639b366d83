"""With every call told, no credential of the configuration is in anything that anybody can read, in whatever form."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import structlog
from aiohttp import web

from rig import ADMIN_TOKEN, KEYS, SECRET_KEY, Begin, Rig
from tocsin.engine import logs

from .conftest import HUB, SECRETS
from .test_unharmed import everything_stored

ODD = {
    "ECHO_KEY": 'e+Cho/9=Qm"RtY7\\kL2vB8n',
    "ECHO_WEBHOOK_SECRET": "wh/echo+secret=7HdK39sX",
    "MAIL_PASSWORD": "m@il:pa$$/w0rd-ZxK81q",
}
CONNECTORS = """
  echo:
    type: pagerduty
    base_url: {url}
    api_key: "${{ECHO_KEY}}"
    webhook_secrets: ["${{ECHO_WEBHOOK_SECRET}}"]
    debug: true
    custom: {{service_id: PECHO01, from_email: tocsin-bot@example.com}}
  pagerduty: {{debug: true}}
  opsgenie: {{log_requests: true, log_responses: true}}
  email: {{debug: true}}
  ops-mail: {{type: email, custom: {{smtp_url: "${{SMTP_URL}}", from: t@example.com, to: [o@example.com], username: im, password: "${{MAIL_PASSWORD}}"}}}}
"""


def forms(secret: str) -> Iterator[str]:
    """The secret as it may turn up: whole in each encoding, and its longer half from either end."""
    raw = secret.encode()
    yield from (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], raw.hex())
    yield from (
        json.dumps(json.dumps(secret))[3:-3],
        secret[: len(secret) * 2 // 3],
        secret[len(secret) // 3 :],
    )
    for before in ("", "u", "us"):
        made = b64encode(before.encode() + raw).decode()
        yield made[(0, 2, 3)[len(before)] : len(made) // 4 * 4 - 4]


def found(text: str, secrets: dict[str, str]) -> list[tuple[str, str]]:
    """(whose, what stands around it) of what stands in the text."""
    return [
        (name, text[max(text.index(form) - 300, 0) : text.index(form) + 60])
        for name, secret in secrets.items()
        for form in forms(secret)
        if form in text
    ]


@pytest.fixture
async def echo() -> AsyncIterator[str]:
    """A provider that repeats whatever it was sent, in every way that an answer has."""

    async def answer(request: web.Request) -> web.Response:
        said = f"bad: {request.headers.get('Authorization')} {await request.text()} {request.path_qs}"
        body = {
            "error": {"message": said, "code": 2001, "errors": [said]},
            "token": ODD["ECHO_KEY"],
            "b": b64encode(said.encode()).decode(),
        }
        headers = {"X-Echo": quote(said), "Set-Cookie": f"session={ODD['ECHO_KEY'][:8]}"}
        return web.json_response(body, status=400, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What `im serve` writes to standard error."""
    out = io.StringIO()
    logs.set_up("json")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(out))  # type: ignore[arg-type]
    yield out
    structlog.reset_defaults()


async def test_no_credential_is_told(
    begin: Begin, echo: str, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ODD.items():
        monkeypatch.setenv(name, value)
    config = HUB.replace(
        "{all: [prod-pagerduty, prod-opsgenie], ack: any}",
        "{all: [echo, prod-pagerduty, prod-opsgenie, ops-mail], ack: any}",
    )
    mail = next(line for line in config.splitlines() if line.startswith("  ops-mail:"))
    rig = await begin(config=config.replace(f"{mail}\n", CONNECTORS.format(url=echo)))
    told = await happenings(rig)
    told["API"] = await everything_asked(rig)
    told["im logs"] = await command(rig, "logs", "--lines", "5000", "--jsonl")
    told["im logs for people"] = await command(rig, "logs", "--lines", "5000", "-o", "wide")
    told["the log"] = log.getvalue()
    told["the database"] = await everything_stored(rig)

    calls = [json.loads(line) for line in told["im logs"].splitlines() if '"call"' in line]
    assert {"echo", "prod-pagerduty", "prod-opsgenie", "ops-mail"} <= {call["connector"] for call in calls}, (
        "calls are told"
    )
    assert any(call["data"].get("response_body") for call in calls if call["connector"] == "echo")
    assert any("***" in str(call["data"].get("request_headers")) for call in calls)
    assert '"event": "call"' in told["the log"]
    secrets = ODD | KEYS | SECRETS | {"admin token": ADMIN_TOKEN, "secret key": SECRET_KEY}
    for place, text in told.items():
        assert found(text, secrets) == [], f"in {place}"


async def happenings(rig: Rig) -> dict[str, str]:
    """Pages, webhooks good and bad, a reading, a check, an acknowledgement; the answers to all of it."""
    await rig.alert(title="checkout is down", severity="critical", service_name="payment-service")
    await rig.quiet()
    answers = []
    for method, path, body in (
        ("POST", "/api/v1/connectors/echo/check", {}),
        ("POST", "/api/v1/connectors/echo/sync", {}),
        ("POST", "/api/v1/connectors/prod-pagerduty/check", {}),
        ("POST", "/api/v1/connectors/prod-pagerduty/sync", {}),
        (
            "POST",
            "/connectors/prod-opsgenie/webhook?token=og-webhook-token",
            {"action": "Create", "alert": {}},
        ),
        ("POST", "/connectors/prod-opsgenie/webhook?token=og-webhook-tokem", {"action": "Create"}),
        ("POST", "/connectors/echo/webhook", {"secret": "x"}),
        ("POST", "/api/v1/incidents/INC-1/acknowledge", {"note": "on it"}),
    ):
        async with rig.http.request(method, rig.daemon.url + path, json=body) as answer:
            answers.append(await answer.text())
    await rig.quiet()
    return {"answers": "\n".join(answers)}


async def everything_asked(rig: Rig) -> str:
    looks = (
        "config", "integrations", "connectors", "incidents", "health", "metrics", "incidents/INC-1", "alarms", "divergences",
        "incidents/INC-1/timeline", "incidents/INC-1/deliveries", "logs?limit=1000",
    )  # fmt: skip
    return "\n".join(
        [json.dumps(await rig.call("GET", f"/api/v1/{path}"), ensure_ascii=False) for path in looks]
    )


async def command(rig: Rig, *words: str) -> str:
    """What `im` prints."""
    env = {**os.environ, "IM_URL": rig.daemon.url, "IM_TOKEN": ADMIN_TOKEN, "COLUMNS": "200"}
    await rig.until(lambda: shipped(rig), "the lines are in the database")
    made = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tocsin.main",
        *words,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await made.communicate()
    assert made.returncode == 0, out.decode()
    return out.decode()


async def shipped(rig: Rig) -> Any:
    return not rig.daemon.hub.logs.waiting


@pytest.mark.parametrize(
    ("environment", "types"),
    [({"PAGERDUTY_DEBUG": "true"}, {"pagerduty"}), ({"OPSGENIE_DEBUG": "1", "X_DEBUG": "1"}, {"opsgenie"}), ({"PAGERDUTY_DEBUG": "false"}, set())],
    ids=["true", "of a type that is there", "false"],
)  # fmt: skip
def test_a_variable_switches_a_whole_type(environment: dict[str, str], types: set[str]) -> None:
    assert logs.debugged(environment, ["pagerduty", "opsgenie"]) == types
