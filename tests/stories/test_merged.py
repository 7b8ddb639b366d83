"""Two incidents are one thing: merged here they are merged there, and no page is lost by it."""

from __future__ import annotations

from typing import Any

from rig import Begin, Rig

from .conftest import HUB
from .test_assigned import ALERT

SESSIONS = {**ALERT, "title": "Sessions are lost"}


async def merge(rig: Rig, name: str = "INC-2", into: str = "INC-1", want: int = 200, **body: Any) -> Any:
    return await rig.call("POST", f"/api/v1/incidents/{name}/merge", {"into": into, **body}, want=want)


async def there(rig: Rig) -> dict[str, tuple[str, str]]:
    """Title -> how it stands at PagerDuty and at Opsgenie."""
    pages = {page["title"]: page["status"] for page in await rig.pagerduty()}
    alerts = {alert["message"]: alert["status"] for alert in await rig.opsgenie()}
    return {title: (pages[title], alerts[title]) for title in pages}


async def two(begin: Begin) -> Rig:
    rig = await begin()
    await rig.alert(**ALERT)
    await rig.alert(**SESSIONS)
    await rig.quiet()
    return rig


async def test_merged_here_is_merged_there(begin: Begin) -> None:
    """Both are open. PagerDuty merges them, Opsgenie closes the one with a note; its alert is the other's, and repeats
    and its resolve are too. Our own webhooks change nothing."""
    rig = await two(begin)
    told = await merge(rig, note="one switch")
    assert (told["name"], told["alerts"], told["status"]) == ("INC-1", 2, "open")
    await rig.quiet()
    assert await there(rig) == {
        ALERT["title"]: ("triggered", "open"),
        SESSIONS["title"]: ("resolved", "closed"),
    }
    (gone,) = [page for page in await rig.pagerduty() if page["title"] == SESSIONS["title"]]
    assert gone["resolve_reason"]["type"] == "merge_resolve_reason"
    (closed,) = [alert for alert in await rig.opsgenie() if alert["message"] == SESSIONS["title"]]
    assert [note["note"] for note in closed["notes"]] == ["Merged into INC-1: Login is down (one switch)"]
    source = await rig.incident("INC-2")
    assert (source["status"], source["merged_into"], source["alerts"]) == ("closed", "INC-1", 0)
    assert (await merge(rig))["changed"] is False

    before = (await rig.incident())["repeats"]
    await rig.alert(**SESSIONS)
    await rig.quiet()
    assert (await rig.incident())["repeats"] == before + 1
    assert len((await rig.call("GET", "/api/v1/incidents?status=all"))["items"]) == 2
    assert "divergence" not in [*await rig.kinds(), *await rig.kinds("INC-2")]

    for title in (ALERT["title"], SESSIONS["title"]):
        found = (await rig.call("GET", f"/api/v1/alerts?q={title}"))["items"]
        await rig.alert(**{**ALERT, "title": title, "dedup_key": found[0]["dedup_key"], "action": "resolve"})
    await rig.quiet()
    assert (await rig.incident())["status"] == "resolved"
    assert set((await there(rig)).values()) == {("resolved", "closed")}


async def test_worse_than_what_somebody_has_rings_again(begin: Begin) -> None:
    """Bo has a small one; a critical one that nobody has is merged into it: it is critical from now on, and rings."""
    rig = await begin()
    await rig.alert(**{**ALERT, "severity": "medium", "title": "Login is slow"})
    await rig.quiet()
    await rig.call("POST", "/api/v1/incidents/INC-1/acknowledge", {}, want=200)
    await rig.alert(**ALERT)
    await rig.quiet()
    rung = {page["title"]: len(page["notifications"]) for page in await rig.pagerduty()}
    told = await merge(rig)
    assert (told["status"], told["severity"]) == ("open", "critical")
    await rig.quiet()
    (page,) = [page for page in await rig.pagerduty() if page["title"] == "Login is slow"]
    assert page["status"] == "triggered"
    assert len(page["notifications"]) > rung["Login is slow"]


async def test_what_somebody_has_is_had_for_both(begin: Begin) -> None:
    """Bo has the one, nobody the other, which is no worse: he has both, and the other's page ends."""
    rig = await two(begin)
    await rig.call("POST", "/api/v1/incidents/INC-1/acknowledge", {}, want=200)
    told = await merge(rig)
    await rig.quiet()
    assert told["status"] == "mitigated"
    alerts = (await rig.call("GET", "/api/v1/incidents/INC-1/alerts"))["items"]
    assert [alert["status"] for alert in alerts] == ["acknowledged", "acknowledged"]
    texts = [line["text"] for line in await rig.timeline()]
    assert any("has it, and pages of INC-2 end" in text for text in texts)


async def test_another_service_comes_as_a_part_and_is_paged(begin: Begin) -> None:
    """The database goes into what somebody has of the login: a part that nobody has, open, and asked for."""
    rig = await begin()
    await rig.alert(**ALERT)
    await rig.alert(**{**ALERT, "title": "Database is down", "service_name": "database"})
    await rig.quiet()
    await rig.call("POST", "/api/v1/incidents/INC-1/acknowledge", {}, want=200)
    told = await merge(rig)
    assert (told["status"], told["services"]) == ("open", ["user-auth", "database"])
    await rig.quiet()
    open_there = [page["service"]["id"] for page in await rig.pagerduty() if page["status"] == "triggered"]
    assert open_there == ["PDAT001"]


async def test_what_cannot_be_merged_is_refused_in_words(begin: Begin) -> None:
    """Into itself, into what is over, a second time elsewhere, in a circle, nothing and nobody: said, and nothing done."""
    rig = await begin(config=HUB)
    for title in ("one", "two", "three"):
        await rig.alert(**{**ALERT, "title": title})
    assert "into itself" in (await merge(rig, "INC-1", "INC-1", 409))["detail"]
    await merge(rig, "INC-2", "INC-1")
    assert "was merged into INC-1 already" in (await merge(rig, "INC-2", "INC-3", 409))["detail"]
    assert "merge into that one" in (await merge(rig, "INC-3", "INC-2", 409))["detail"]
    assert "merge into that one" in (await merge(rig, "INC-1", "INC-2", 409))["detail"]
    assert "was merged" in (await rig.call("POST", "/api/v1/incidents/INC-2/reopen", {}, want=409))["detail"]
    await rig.call("POST", "/api/v1/incidents/INC-3/resolve", {}, want=200)
    assert "is resolved" in (await merge(rig, "INC-3", "INC-1", 409))["detail"]
    assert "reopen it" in (await merge(rig, "INC-1", "INC-3", 409))["detail"]
    await merge(rig, "INC-9", "INC-1", 404)
    await merge(rig, "INC-1", "INC-9", 404)
    assert (await rig.incident("INC-1"))["status"] == "open"
