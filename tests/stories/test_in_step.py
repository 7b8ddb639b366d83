"""Both sides stay in step, whatever happens to the webhooks and whoever closes what (S36 to S44)."""

from __future__ import annotations

from typing import Any

from rig import Begin, Rig

ALERT = {"title": "Login is down", "source": "probe", "severity": "critical", "service_name": "user-auth"}


async def ours(rig: Rig, vendor: str) -> Any:
    """The story's own incident there; the hub's alarms may stand beside it."""
    found = await (rig.pagerduty() if vendor == "pagerduty" else rig.opsgenie())
    (one,) = [it for it in found if ALERT["title"] in (it.get("title"), it.get("message"))]
    return one


async def stand(rig: Rig, name: str = "INC-1") -> tuple[str, str, str]:
    """How the first incident stands here, at PagerDuty and at Opsgenie."""
    page, alert = await ours(rig, "pagerduty"), await ours(rig, "opsgenie")
    there = "closed" if alert["status"] == "closed" else "acknowledged" if alert["acknowledged"] else "open"
    return (await rig.incident(name))["status"], page["status"], there


async def stands(rig: Rig, *wanted: str) -> None:
    async def so() -> bool:
        return await stand(rig) == wanted

    await rig.until(so, f"here, at PagerDuty and at Opsgenie: {wanted}, not {await stand(rig)}")


async def act(rig: Rig, vendor: str, verb: str, **body: Any) -> None:
    """A person acts in the provider's own app."""
    thing = await ours(rig, vendor)
    kind = "incidents" if vendor == "pagerduty" else "alerts"
    await rig.control("POST", f"/{vendor}/{kind}/{thing['id']}/{verb}", {"user": "bo@example.com", **body})


async def differences(rig: Rig, state: str = "open") -> list[Any]:
    return list((await rig.call("GET", f"/api/v1/divergences?state={state}", want=200))["items"])


async def connector(rig: Rig, name: str) -> Any:
    return await rig.call("GET", f"/api/v1/connectors/{name}", want=200)


async def alarmed(rig: Rig, *statuses: str) -> bool:
    """An alarm about PagerDuty's webhooks is an incident that stands like this."""
    found = await rig.call("GET", f"/api/v1/incidents?q=prod-pagerduty&status={','.join(statuses)}", want=200)
    return any("do not come back" in one["title"] for one in found["items"])


async def test_webhooks_are_cut_off_and_everything_converges_all_the_same(begin: Begin) -> None:
    """S44: no address, no webhook. Acknowledged at PagerDuty, closed at Opsgenie: all three agree each time."""
    rig = await begin(webhooks=False)
    await rig.alert(**ALERT)
    await rig.quiet()
    await act(rig, "pagerduty", "acknowledge")
    await rig.advance(seconds=11)
    await stands(rig, "mitigated", "acknowledged", "acknowledged")
    await rig.quiet()

    await rig.advance(minutes=5)
    await act(rig, "opsgenie", "close")
    await rig.advance(minutes=5)
    await stands(rig, "resolved", "resolved", "closed")
    assert await differences(rig) == []


async def test_forty_incidents_are_read_in_a_few_calls(begin: Begin) -> None:
    """S44: batched. Of forty, one is acknowledged: ten seconds later that one is, and few calls were made."""
    rig = await begin(webhooks=False)
    many = [{**ALERT, "dedup_key": f"login-{n}", "title": f"Login {n} is down"} for n in range(40)]
    await rig.call("POST", "/api/v1/alerts/batch", many, want=202)
    await rig.quiet()
    pages = await rig.pagerduty()
    assert len(pages) == 40
    await rig.control("DELETE", "/calls")
    await rig.control(
        "POST", f"/pagerduty/incidents/{pages[7]['id']}/acknowledge", {"user": "bo@example.com"}
    )
    await rig.advance(seconds=11)

    async def one_is() -> bool:
        found = await rig.call("GET", "/api/v1/incidents?status=mitigated", want=200)
        return len(found["items"]) == 1

    await rig.until(one_is, "the one that was acknowledged is found")
    reads = [c for c in await rig.calls("pagerduty") if c["method"] == "GET"]
    assert 0 < len(reads) <= 8, [c["path"] for c in reads]


async def test_a_write_that_never_comes_back_starts_polling_until_one_does(begin: Begin) -> None:
    """S44: the hub has an address, but nothing comes through it. After a minute it is read instead; the first
    echo that arrives proves the webhooks again."""
    rig = await begin(public=True, webhooks=False)
    await rig.alert(**ALERT)
    await rig.quiet()
    assert (await connector(rig, "prod-pagerduty"))["sync"] == "webhook"
    await rig.advance(seconds=61)

    async def doubted() -> bool:
        return (await connector(rig, "prod-pagerduty"))["unproven_since"] is not None

    await rig.until(doubted, "webhooks are doubted")
    await rig.until(lambda: alarmed(rig, "open", "mitigated"), "an alarm of the hub's own")
    assert (await connector(rig, "prod-pagerduty"))["sync"] == "polling"
    await act(rig, "pagerduty", "acknowledge")
    await rig.advance(seconds=11)
    await stands(rig, "mitigated", "acknowledged", "acknowledged")
    await rig.quiet()

    await rig.register_webhooks()
    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {}, want=200)

    async def proven() -> bool:
        return (await connector(rig, "prod-pagerduty"))["sync"] == "webhook"

    await rig.until(proven, "the echo of the resolve proves the webhooks")
    await rig.until(lambda: alarmed(rig, "resolved"), "the alarm ends")


async def test_webhooks_that_come_two_hours_late_and_doubled_change_nothing(begin: Begin) -> None:
    """Acknowledged and resolved long since, by reading; then PagerDuty's webhooks arrive, and Opsgenie's twice."""
    rig = await begin(public=True)
    await rig.fault("pagerduty", "webhook_late", seconds=7200)
    await rig.fault("opsgenie", "webhook_double")
    await rig.alert(**ALERT)
    await rig.quiet()
    await rig.advance(seconds=61)
    await act(rig, "pagerduty", "acknowledge")
    await rig.advance(seconds=30)
    await stands(rig, "mitigated", "acknowledged", "acknowledged")
    await act(rig, "opsgenie", "close")
    await stands(rig, "resolved", "resolved", "closed")
    await rig.quiet()
    lines = len([k for k in await rig.kinds() if k in ("acknowledged", "resolved", "reopened")])

    await rig.advance(hours=2)
    await rig.quiet()
    await stands(rig, "resolved", "resolved", "closed")
    assert len([k for k in await rig.kinds() if k in ("acknowledged", "resolved", "reopened")]) == lines
    assert (await rig.incident())["life"] == 1


async def test_by_hand_what_was_found_and_decided_is_told(begin: Begin) -> None:
    """`im connector sync`: one incident, then all of a connector."""
    rig = await begin(public=True, webhooks=False)
    await rig.alert(**ALERT)
    await rig.quiet()
    await act(rig, "opsgenie", "acknowledge")
    path = "/api/v1/connectors/prod-opsgenie/sync"
    told = await rig.call("POST", path, {"incident": "INC-1"}, want=200)

    (one,) = told["findings"]
    assert (one["incident"], one["ours"], one["theirs"]) == ("INC-1", "mitigated", "acknowledged")
    assert "acknowledge by bo@example.com" in one["decided"][0]
    assert (await rig.call("POST", path, want=200))["findings"][0]["decided"] == []
    await rig.call("POST", path, {"incident": "INC-9"}, want=404)
    await rig.call("POST", "/api/v1/connectors/nowhere/sync", want=404)
    await rig.call("POST", "/api/v1/connectors/ops-mail/sync", want=422)


async def test_what_is_deleted_there_is_a_difference_and_no_resolve(begin: Begin) -> None:
    """S41: the alert is gone at Opsgenie. It is open here all the same, and listed."""
    rig = await begin(public=True, webhooks=False)
    await rig.alert(**ALERT)
    await rig.quiet()
    (alert,) = await rig.opsgenie()
    await rig.control("POST", f"/opsgenie/alerts/{alert['id']}/delete", {"user": "bo@example.com"})
    await rig.call("POST", "/api/v1/connectors/prod-opsgenie/sync", want=200)

    assert (await rig.incident())["status"] == "open"
    (one,) = await differences(rig)
    assert (one["connector"], one["kind"], one["theirs"]) == ("prod-opsgenie", "missing", "not there (404)")
    assert (one["decision"], one["reason"]) == ("nothing is changed here", "absence is never a resolve")


async def test_pagerduty_s_own_timer_rings_again_while_nobody_has_it(begin: Begin) -> None:
    """S40: auto_resolve_timeout closes it there after four hours. It fires and nobody has it: opened again."""
    rig = await begin()
    await rig.alert(**ALERT)
    await rig.quiet()
    rung = len((await rig.pagerduty())[0]["notifications"])
    await rig.advance(hours=4, seconds=5)

    async def rings_again() -> bool:
        (again,) = await rig.pagerduty()
        return again["status"] == "triggered" and len(again["notifications"]) > rung

    await rig.until(rings_again, "PagerDuty rings again")
    assert (await rig.incident())["status"] == "open"


async def test_a_merge_there_is_followed(begin: Begin) -> None:
    """S41: two of ours become one at PagerDuty; resolved there, both are resolved here and at Opsgenie."""
    rig = await begin()
    await rig.alert(**ALERT)
    await rig.alert(**{**ALERT, "title": "Sessions are lost"})
    await rig.quiet()
    first, second = sorted(await rig.pagerduty(), key=lambda page: page["title"])
    await rig.control(
        "POST",
        f"/pagerduty/incidents/{second['id']}/merge",
        {"sources": [first["id"]], "user": "bo@example.com"},
    )
    await rig.quiet()
    assert [(await rig.incident(n))["status"] for n in ("INC-1", "INC-2")] == ["open", "open"]

    await rig.control("POST", f"/pagerduty/incidents/{second['id']}/resolve", {"user": "bo@example.com"})

    async def over_everywhere() -> bool:
        alerts = await rig.opsgenie()
        here = [(await rig.incident(n))["status"] for n in ("INC-1", "INC-2")]
        return here == ["resolved", "resolved"] and all(a["status"] == "closed" for a in alerts)

    await rig.until(over_everywhere, "both are over everywhere")


async def test_a_check_tells_of_pagerduty_s_timers(begin: Begin) -> None:
    """S40: `im doctor` warns of both settings; a key that is refused is a fault; nothing is changed there."""
    rig = await begin()
    told = await rig.call("POST", "/api/v1/connectors/prod-pagerduty/check", want=200)
    assert (told["looked"], told["fault"]) == (True, "")
    assert any("resolves by itself after 4 h" in one for one in told["warnings"])
    assert any("takes an acknowledgement back after 30 min" in one for one in told["warnings"])
    assert {call["method"] for call in await rig.calls("pagerduty")} == {"GET"}

    assert (await rig.call("POST", "/api/v1/connectors/ops-mail/check", want=200))["looked"] is False
    await rig.call("POST", "/api/v1/connectors/nowhere/check", want=404)
    await rig.control("POST", "/settings", {"pagerduty": {"token": "another"}})
    assert "401" in (await rig.call("POST", "/api/v1/connectors/prod-pagerduty/check", want=200))["fault"]
