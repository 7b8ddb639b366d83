"""Who has it is the same on every side: assigned here, taken there, acknowledged anywhere (PR-1, PR-8, S38, S40)."""

from __future__ import annotations

from typing import Any

from rig import Begin, Rig

from .conftest import HUB

ALERT = {"title": "Login is down", "source": "probe", "severity": "critical", "service_name": "user-auth"}
BO, ED = "PUBO001", "PUED001"


async def at_pagerduty(rig: Rig) -> Any:
    (page,) = [one for one in await rig.pagerduty() if one["title"] == ALERT["title"]]
    return page


async def at_opsgenie(rig: Rig) -> Any:
    (alert,) = [one for one in await rig.opsgenie() if one["message"] == ALERT["title"]]
    return alert


async def owners(rig: Rig) -> tuple[str, list[str], str]:
    """Who has it here, at PagerDuty and at Opsgenie."""
    page, alert = await at_pagerduty(rig), await at_opsgenie(rig)
    there = [one["assignee"]["summary"] for one in page["assignments"]]
    return (await rig.incident())["assignee"], there, alert["owner"]


async def have_it(rig: Rig, here: str, pagerduty: list[str], opsgenie: str) -> None:
    async def so() -> bool:
        return await owners(rig) == (here, pagerduty, opsgenie)

    await rig.until(so, f"{here}, {pagerduty}, {opsgenie}; it is {await owners(rig)}")
    await rig.quiet()
    assert await owners(rig) == (here, pagerduty, opsgenie)


async def paged(begin: Begin) -> Rig:
    rig = await begin()
    await rig.alert(**ALERT)
    await rig.quiet()
    return rig


async def assign(rig: Rig, user: str, **more: Any) -> Any:
    return await rig.call("POST", "/api/v1/incidents/INC-1/assign", {"user": user, **more}, want=200)


async def test_assigned_here_is_assigned_there_and_still_rings(begin: Begin) -> None:
    """Given to Bo, by his address: he has it at both providers, who ring him, and the hub mails him. Nobody has
    acknowledged it by that. Our own webhooks change nothing (S38), and a second time it is so already."""
    rig = await paged(begin)
    mails = len(await rig.mails())
    told = await assign(rig, "bo@example.com", note="he knows the login")
    assert (told["assignee"], told["status"], told["changed"]) == ("Bo", "open", True)

    await have_it(rig, "Bo", ["Bo"], "bo@example.com")
    page, alert = await at_pagerduty(rig), await at_opsgenie(rig)
    assert (page["status"], alert["acknowledged"]) == ("triggered", False)
    assert page["notifications"][-1]["user"] == alert["notifications"][-1]["user"] == "bo@example.com"
    assert [note["content"] for note in page["notes"]] == ["first administrator: he knows the login"]
    assert [note["note"] for note in alert["notes"]] == ["he knows the login"]
    assert "bo@example.com" in str((await rig.mails())[mails:])
    kinds = await rig.kinds()
    assert (kinds.count("assigned"), kinds.count("divergence")) == (1, 0)
    assert (await assign(rig, "Bo"))["changed"] is False


async def test_who_acknowledges_has_it_on_every_side(begin: Begin) -> None:
    """Bo acknowledges at PagerDuty: he has it here, by his address, and at Opsgenie."""
    rig = await paged(begin)
    page = await at_pagerduty(rig)
    await rig.control("POST", f"/pagerduty/incidents/{page['id']}/acknowledge", {"user": "bo@example.com"})
    await have_it(rig, "Bo", ["Bo"], "bo@example.com")
    assert (await rig.incident())["status"] == "mitigated"
    assert (await at_opsgenie(rig))["acknowledged"]


async def test_acknowledged_at_opsgenie_is_acknowledged_by_them_at_pagerduty(begin: Begin) -> None:
    """PagerDuty takes an acknowledgement in the name of whoever made it, so nobody is rung there for it."""
    rig = await paged(begin)
    rung = len((await at_pagerduty(rig))["notifications"])
    alert = await at_opsgenie(rig)
    await rig.control("POST", f"/opsgenie/alerts/{alert['id']}/acknowledge", {"user": "bo@example.com"})
    await have_it(rig, "Bo", ["Bo"], "bo@example.com")
    page = await at_pagerduty(rig)
    assert (page["status"], len(page["notifications"])) == ("acknowledged", rung)
    assert [one["acknowledger"]["summary"] for one in page["acknowledgements"]] == ["Bo"]


async def test_what_somebody_has_is_given_on(begin: Begin) -> None:
    """Bo has it, and it is given to Ed here: open again until he says so, and he is the one who is rung."""
    rig = await paged(begin)
    page = await at_pagerduty(rig)
    await rig.control("POST", f"/pagerduty/incidents/{page['id']}/acknowledge", {"user": "bo@example.com"})
    await have_it(rig, "Bo", ["Bo"], "bo@example.com")
    rung = len((await at_pagerduty(rig))["notifications"])

    await assign(rig, "ed")

    async def rings_ed() -> bool:
        page = await at_pagerduty(rig)
        return page["status"] == "triggered" and [n["user"] for n in page["notifications"][rung:]] == [
            "ed@example.com"
        ]

    await rig.until(rings_ed, "Ed alone is rung at PagerDuty")
    await rig.quiet()
    assert ((await rig.incident())["status"], (await rig.incident())["assignee"]) == ("open", "Ed")
    owned = [one["owner"] for one in await rig.opsgenie() if one["status"] == "open"]
    assert owned == ["ed@example.com"]

    await rig.control("POST", f"/pagerduty/incidents/{page['id']}/acknowledge", {"user": "ed@example.com"})

    async def held() -> bool:
        return bool((await rig.incident())["status"] == "mitigated")

    await rig.until(held, "Ed has it")


async def test_reassigned_there_is_reassigned_here_and_at_the_other(begin: Begin) -> None:
    """Given to Ed at PagerDuty before anybody had it: a line here, and Ed's at Opsgenie too."""
    rig = await paged(begin)
    page = await at_pagerduty(rig)
    await rig.control(
        "POST",
        f"/pagerduty/incidents/{page['id']}/reassign",
        {"user": "bo@example.com", "to": "ed@example.com"},
    )
    await have_it(rig, "Ed", ["Ed"], "ed@example.com")
    texts = [line["text"] for line in await rig.timeline()]
    assert "Assigned to Ed by Bo via prod-pagerduty" in texts
    assert (await rig.incident())["status"] == "open"


async def test_taken_at_opsgenie_while_another_has_it(begin: Begin) -> None:
    """Ed takes from Bo at Opsgenie what Bo has: it stays acknowledged, and at PagerDuty Ed acknowledges too, since an
    assignment would ring there again."""
    rig = await paged(begin)
    alert = await at_opsgenie(rig)
    await rig.control("POST", f"/opsgenie/alerts/{alert['id']}/acknowledge", {"user": "bo@example.com"})
    await have_it(rig, "Bo", ["Bo"], "bo@example.com")
    rung = len((await at_pagerduty(rig))["notifications"])
    await rig.control(
        "POST", f"/opsgenie/alerts/{alert['id']}/assign",
        {"user": "ed@example.com", "owner": {"username": "ed@example.com"}},
    )  # fmt: skip
    await have_it(rig, "Ed", ["Bo", "Ed"], "ed@example.com")
    assert (await rig.incident())["status"] == "mitigated"
    assert len((await at_pagerduty(rig))["notifications"]) == rung


async def test_an_assignment_that_waits_is_not_sent_once_it_is_over(begin: Begin) -> None:
    """PagerDuty is down; assigned, then resolved: what arrives there afterwards is the resolve alone."""
    rig = await paged(begin)
    await rig.fault("pagerduty", "503")
    await assign(rig, "bo")
    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {}, want=200)
    await rig.heal()

    async def over() -> bool:
        await rig.advance(seconds=20)
        return bool((await at_pagerduty(rig))["status"] == "resolved")

    await rig.until(over, "resolved there too")
    await rig.quiet()
    assert "PUT" not in [
        c["method"] for c in await rig.calls("pagerduty") if "assignments" in str(c.get("body"))
    ]


async def test_somebody_whom_a_provider_does_not_know_is_named_in_a_note(begin: Begin) -> None:
    """Fay is no user there: both say in a note whose it is, once, and nothing comes back as hers."""
    config = HUB.replace("users:\n", "users:\n  fay: {name: Fay, email: fay@example.com}\n")
    rig = await begin(config=config)
    await rig.alert(**ALERT)
    await rig.quiet()
    await assign(rig, "fay")

    async def noted() -> bool:
        page, alert = await at_pagerduty(rig), await at_opsgenie(rig)
        notes = [note["content"] for note in page["notes"]], [note["note"] for note in alert["notes"]]
        return notes == (
            ["Assigned to Fay by first administrator"],
            ["Assigned to Fay by first administrator"],
        )

    await rig.until(noted, "both have the note")
    await rig.quiet()
    assert await noted()
    assert ((await rig.incident())["assignee"], (await rig.kinds()).count("note")) == ("Fay", 0)
