"""`im connector webhook`: made at the provider, seen to arrive, exchanged and taken away, by the hub itself."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from rig import Begin, Rig
from stories.conftest import HUB
from terminal import Said, im
from tocsin.providers.pagerduty.subscriptions import EVENTS

UNSIGNED = HUB.replace('    webhook_secrets: ["${PAGERDUTY_WEBHOOK_SECRET}"]\n', "").replace(
    "    webhook_token: ${OPSGENIE_WEBHOOK_TOKEN}\n", ""
)


async def started(begin: Begin, config: str = UNSIGNED, **more: Any) -> Rig:
    """A rig whose public address is its own, so that providers reach it."""
    rig = await begin(config=config, webhooks=False, **more)
    rig.daemon.hub.public_url = rig.daemon.url
    return rig


async def webhook(rig: Rig, *words: str, name: str = "prod-pagerduty") -> Said:
    return await im(rig, "connector", "webhook", name, *words)


async def there(rig: Rig, vendor: str = "pagerduty") -> list[Any]:
    """The subscriptions that the provider has."""
    found = (await rig.control("GET", "/webhooks"))["webhooks"]
    return [one for one in found if one["vendor"] == vendor]


async def subscription(rig: Rig, which: str) -> Any:
    headers = {"Authorization": "Token token=any"}
    async with rig.http.get(
        f"{rig.sandbox.pagerduty_url}/webhook_subscriptions/{which}", headers=headers
    ) as answer:
        return (await answer.json())["webhook_subscription"]


async def acknowledged_there(rig: Rig) -> None:
    """A page goes out, somebody takes it at PagerDuty, and that is learned here by a webhook."""
    made = await rig.alert(title="web is slow", severity="high", service_name="web", dedup_key="k")
    await rig.quiet()
    (page,) = await rig.pagerduty()
    await rig.control("POST", f"/pagerduty/incidents/{page['id']}/acknowledge", {"user": "ada"})

    async def held() -> bool:
        return bool((await rig.incident(made["incident"]))["status"] == "mitigated")

    await rig.until(held, "the acknowledgement is learned")


async def test_it_is_made_tried_and_believed(begin: Begin) -> None:
    rig = await started(begin)
    said = await webhook(rig, "--enable")
    (made,) = await there(rig)
    assert said.out.splitlines()[:2] == [
        f"Webhook URL will be: {rig.daemon.url}/connectors/prod-pagerduty/webhook",
        f"Made {made['id']}, whose secret is kept sealed",
    ]
    assert said.out.splitlines()[2].startswith("✓ A delivery arrived after ")
    assert said.code == 0
    kept = await subscription(rig, made["id"])
    assert kept["events"] == list(EVENTS)
    assert kept["filter"] == {"type": "account_reference"}
    await acknowledged_there(rig)
    tested = await im(rig, "connector", "test", "prod-pagerduty")
    assert "✓ Webhook endpoint configured" in tested.out


async def test_its_secret_is_in_no_answer_and_survives_an_apply(begin: Begin) -> None:
    """ADR 0030: a file that does not know the secret takes nothing away."""
    rig = await started(begin)
    await webhook(rig, "--enable")
    secret = rig.daemon.hub.active.hook_secrets["prod-pagerduty"][0][1]
    shown = await webhook(rig, "-o", "json")
    assert secret not in shown.out
    assert json.loads(shown.out)["subscriptions"][0]["secret"] == "kept"
    changed = {"text": UNSIGNED.replace("reopen: 30m", "reopen: 31m"), "environment": dict(_environment(rig))}
    applied = await rig.call("POST", "/api/v1/config?force=true", changed, want=200)
    assert applied["changed"]
    assert secret not in json.dumps(await rig.call("GET", "/api/v1/config", want=200))
    assert (await webhook(rig, "--test")).code == 0


def _environment(rig: Rig) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if f"${{{name}}}" in UNSIGNED}


async def test_one_that_is_there_is_adopted_and_switched_on(begin: Begin) -> None:
    rig = await started(begin, HUB)
    await rig.register_webhooks()
    (first,) = await there(rig)
    headers = {"Authorization": "Token token=any", "From": "ada@example.com"}
    body = {"webhook_subscription": {"active": False, "events": ["incident.triggered"]}}
    url = f"{rig.sandbox.pagerduty_url}/webhook_subscriptions/{first['id']}"
    async with rig.http.put(url, headers=headers, json=body) as answer:
        assert answer.status == 200
    before = await im(rig, "connector", "test", "prod-pagerduty")
    assert f"✗ Webhook subscription {first['id']}: it is switched off" in before.out
    said = await webhook(rig, "--enable")
    assert f"Mended {first['id']}: it is switched off" in said.out
    assert said.code == 0
    assert [one["id"] for one in await there(rig)] == [first["id"]]
    mended = await subscription(rig, first["id"])
    assert (mended["active"], mended["events"]) == (True, list(EVENTS))


@pytest.mark.parametrize(
    "config", [pytest.param(UNSIGNED, id="no secret"), pytest.param(HUB, id="another one's")]
)
async def test_one_whose_secret_nobody_knows_is_made_anew(begin: Begin, config: str) -> None:
    """S45: what it sends is kept aside; by the second one it is believed, and the first goes."""
    rig = await started(begin, config)
    url = f"{rig.daemon.url}/connectors/prod-pagerduty/webhook"
    await rig.control("POST", "/webhooks", {"vendor": "pagerduty", "url": url, "secret": "of-somebody-else"})
    (old,) = await there(rig)
    said = await webhook(rig, "--enable")
    assert said.code == 0, said
    assert "took its place" in said.out or "goes as soon as something comes by it" in said.out

    async def alone() -> bool:
        return [one["id"] for one in await there(rig)] != [old["id"]] and len(await there(rig)) == 1

    await rig.until(alone, "the old one is gone")
    await acknowledged_there(rig)


async def test_a_secret_is_exchanged_without_a_gap(begin: Begin) -> None:
    rig = await started(begin)
    await webhook(rig, "--enable")
    (old,) = await there(rig)
    (was,) = rig.daemon.hub.active.hook_secrets["prod-pagerduty"]
    said = await webhook(rig, "--rotate")
    assert f"then {old['id']} goes, and its secret" in said.out
    assert said.code == 0

    async def exchanged() -> bool:
        now = rig.daemon.hub.active.hook_secrets["prod-pagerduty"]
        return len(now) == 1 and now[0] != was

    await rig.until(exchanged, "only the new secret counts")
    assert old["id"] not in [one["id"] for one in await there(rig)]
    await acknowledged_there(rig)


async def test_until_the_new_one_is_heard_both_count(begin: Begin) -> None:
    rig = await started(begin)
    await webhook(rig, "--enable")
    await rig.control("POST", "/faults", {"vendor": "pagerduty", "kind": "webhook_drop"})
    said = await webhook(rig, "--rotate", "--wait", "0")
    assert said.code == 8
    assert "No delivery arrived within 0 s" in said.err
    assert len(await there(rig)) == 2
    assert len(rig.daemon.hub.active.hook_secrets["prod-pagerduty"]) == 2


async def test_only_ours_is_taken_away_and_incidents_are_read_back_then(begin: Begin) -> None:
    rig = await started(begin)
    elsewhere = {
        "vendor": "pagerduty",
        "url": "https://other.example.com/connectors/prod-pagerduty/webhook",
        "secret": "s",
    }
    await rig.control("POST", "/webhooks", elsewhere)
    await webhook(rig, "--enable")
    assert len(await there(rig)) == 2
    said = await webhook(rig, "--disable")
    assert said.out.startswith("Took ")
    assert [one["url"] for one in await there(rig)] == [elsewhere["url"]]
    assert (await rig.call("GET", "/api/v1/connectors/prod-pagerduty", want=200))["sync"] == "polling"
    shown = await webhook(rig)
    assert "Elsewhere" in shown.out
    assert (await webhook(rig, "--disable")).out == "There was none\n"
    await webhook(rig, "--enable")
    await rig.quiet()
    assert (await rig.call("GET", "/api/v1/connectors/prod-pagerduty", want=200))["sync"] == "webhook"


async def test_opsgenie_is_set_up_and_a_canary_shows_it(begin: Begin) -> None:
    rig = await started(begin)
    said = await webhook(rig, "--enable", name="prod-opsgenie")
    assert said.code == 0, said
    (made,) = await there(rig, "opsgenie")
    assert f"Made {made['id']}" in said.out
    tried = await webhook(rig, "--test", name="prod-opsgenie")
    assert tried.code == 0, tried
    assert "✓ A delivery arrived" in tried.out
    assert (await im(rig, "connector", "test", "prod-opsgenie")).out.splitlines()[
        -1
    ] == "✓ Webhook endpoint configured"
    await webhook(rig, "--disable", name="prod-opsgenie")
    assert await there(rig, "opsgenie") == []


async def test_who_may_not_is_told_the_steps_and_the_address_with_its_token_once(begin: Begin) -> None:
    rig = await started(begin, UNSIGNED.replace("${OPSGENIE_API_KEY}", "team-only"))
    said = await webhook(rig, "--enable", name="prod-opsgenie")
    address = next(word for word in said.out.split() if "?token=" in word)
    assert "no configuration access (403)" in said.out
    assert "1. Opsgenie: Settings, Integrations" in said.out
    await rig.control("POST", "/webhooks", {"vendor": "opsgenie", "url": address})
    tried = await webhook(rig, "--test", name="prod-opsgenie")
    assert tried.code == 0, tried
    assert "?token=" not in (await webhook(rig, name="prod-opsgenie")).out


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        pytest.param("ops-mail", {}, "Connectors of type email have no webhooks", id="mail"),
        pytest.param("prod-pagerduty", {"public": ""}, "TOCSIN_PUBLIC_URL is not set", id="no public address"),
        pytest.param("prod-pagerduty", {"old": "    type: pagerduty\n", "new": "    type: pagerduty\n    enable_webhook: false\n"}, "takes no webhooks", id="not wanted"),
        pytest.param("prod-pagerduty", {"old": "${PAGERDUTY_API_KEY}", "new": "read-only"}, "may not do this", id="a key that may only read"),
    ],
)  # fmt: skip
async def test_what_stands_against_it(begin: Begin, name: str, change: dict[str, str], words: str) -> None:
    rig = await started(begin, UNSIGNED.replace(change.get("old", "\0"), change.get("new", "")))
    rig.daemon.hub.public_url = change.get("public", rig.daemon.url)
    said = await webhook(rig, "--enable", name=name)
    assert said.code == 5, said
    assert words in said.err


async def test_an_address_that_cannot_be_reached_is_told(begin: Begin) -> None:
    rig = await started(begin)
    rig.daemon.hub.public_url = "http://127.0.0.1:9"
    said = await webhook(rig, "--enable", "--wait", "0.5")
    assert said.code == 8
    assert "No delivery arrived" in said.err
    assert "reachable from outside" in said.err
    assert (await webhook(rig, "--enable", "--disable")).code == 2


async def test_a_test_post_of_anybody_is_told_what_would_prove_it(begin: Begin) -> None:
    """S45: 401, with the way to have a genuine one sent; from an address that is not allowed too."""
    rig = await started(begin)
    path = "/connectors/prod-pagerduty/webhook"
    told = await rig.call("POST", path, {"test": "ping"}, want=401)
    assert "im connector webhook prod-pagerduty --test" in told["hint"]


async def test_only_allowed_addresses_are_heard(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """PR-7: behind a trusted proxy the caller's own address counts."""
    allowed = UNSIGNED.replace(
        "    type: pagerduty\n", "    type: pagerduty\n    webhook_allow: [127.0.0.0/8]\n"
    )
    monkeypatch.setenv("TOCSIN_TRUSTED_PROXIES", "127.0.0.1")
    rig = await started(begin, allowed)
    assert (await webhook(rig, "--enable")).code == 0
    path = "/connectors/prod-pagerduty/webhook"
    from_afar = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}
    refused = await rig.call("POST", path, {"test": "ping"}, want=401, headers=from_afar)
    assert "not taken from 198.51.100.7" in refused["detail"]
