"""Somebody wants further people asked, here or there: the next ones are, and what somebody had is open again (PR-1, PR-8)."""

from __future__ import annotations

from typing import Any

from rig import Begin, Rig

from .conftest import HUB
from .test_assigned import ALERT, at_opsgenie, at_pagerduty, paged


async def escalate(rig: Rig, want: int = 200, **body: Any) -> Any:
    return await rig.call("POST", "/api/v1/incidents/INC-1/escalate", body, want=want)


async def test_the_next_step_here_and_the_next_level_there(begin: Begin) -> None:
    """Ed is asked at PagerDuty and the lead would be after 15 minutes: both now. Opsgenie has no word for it and is told
    in a note. Our own webhooks change nothing; a second time nobody is left but at PagerDuty, and then nobody."""
    rig = await paged(begin)
    rung = len((await at_pagerduty(rig))["notifications"])
    await escalate(rig, note="need a second pair of eyes")

    async def asked() -> bool:
        page = await at_pagerduty(rig)
        return [one["user"] for one in page["notifications"][rung:]] == ["di@example.com"]

    await rig.until(asked, "the second level is rung at PagerDuty")
    await rig.quiet()
    page, alert = await at_pagerduty(rig), await at_opsgenie(rig)
    assert (page["level"], (await rig.incident())["status"]) == (2, "open")
    words = "Escalated by first administrator to step 2: lead Cy by ops-mail"
    assert [note["note"] for note in alert["notes"]] == [words, "need a second pair of eyes"]
    assert "cy@example.com" in str(await rig.mails())
    texts = [line["text"] for line in await rig.timeline() if line["kind"] == "escalated"]
    assert texts == [f"{words.replace(' to step', ' via api to step')}: need a second pair of eyes"]
    assert (await rig.kinds()).count("note") == 0

    await rig.advance(seconds=1)
    await escalate(rig)
    await rig.quiet()
    assert (await at_pagerduty(rig))["notes"][-1][
        "content"
    ] == "Escalated by first administrator to whoever is next"


async def test_what_somebody_has_is_open_again(begin: Begin) -> None:
    """Bo has it and asks for the database lead's policy: theirs at both providers, and it is open until one says so."""
    rig = await paged(begin)
    page = await at_pagerduty(rig)
    await rig.control("POST", f"/pagerduty/incidents/{page['id']}/acknowledge", {"user": "bo@example.com"})
    await rig.until(lambda: held(rig), "Bo has it")
    await rig.quiet()
    await escalate(rig, to="database-lead")
    await rig.quiet()
    page, alert = await at_pagerduty(rig), await at_opsgenie(rig)
    assert ((await rig.incident())["status"], page["status"]) == ("open", "triggered")
    assert page["escalation_policy"]["id"] == "PLEAD01"
    assert "Escalated to DB lead" in str(alert["log"])
    assert (await rig.kinds()).count("divergence") == 0

    await rig.control("POST", f"/pagerduty/incidents/{page['id']}/acknowledge", {"user": "di@example.com"})
    await rig.until(lambda: held(rig), "Di has it")


async def test_a_user_besides_is_a_responder_there(begin: Begin) -> None:
    """Ed is asked too: as a responder at both, and by mail."""
    rig = await paged(begin)
    await escalate(rig, to="ed")
    await rig.quiet()
    page, alert = await at_pagerduty(rig), await at_opsgenie(rig)
    assert page["notifications"][-1]["user"] == alert["notifications"][-1]["user"] == "ed@example.com"
    assert "ed@example.com" in str(await rig.mails())
    assert (await rig.incident())["assignee"] == "Ed"


async def test_escalated_there_is_told_here(begin: Begin) -> None:
    """Nobody answers at PagerDuty for half an hour: the next level is asked there, and has it here too."""
    rig = await paged(begin)
    await rig.advance(minutes=31)

    async def told() -> bool:
        return "Escalated at prod-pagerduty to Di" in [line["text"] for line in await rig.timeline()]

    await rig.until(told, "the escalation there is a line here")
    assert ((await rig.incident())["assignee"], (await rig.incident())["status"]) == ("Di", "open")


async def test_what_cannot_be_escalated_is_refused_in_words(begin: Begin) -> None:
    """Nobody is meant, nobody is left, or it is over: nothing is done, and it is said why."""
    rig = await begin(config=HUB.replace("    - {after: 15m, all: [lead]}\n", ""))
    await rig.alert(**ALERT)
    await rig.quiet()
    refused = await escalate(rig, want=422, to="nobody-at-all")
    assert refused["faults"][0]["field"] == "to"
    assert "neither a step" in refused["faults"][0]["message"]
    assert "steps" in (await escalate(rig, want=422, to="7"))["faults"][0]["message"]
    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {}, want=200)
    assert "resolved" in (await escalate(rig, want=409))["detail"]
    await rig.call("POST", "/api/v1/incidents/INC-9/escalate", {}, want=404)


async def held(rig: Rig) -> bool:
    return bool((await rig.incident())["status"] == "mitigated")
