"""What the nodes said can be asked for by everybody who may read, also while the database is away."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from tocsin.core.logline import Level
from tocsin.engine.logs import MOST_WAITING, Logs

if TYPE_CHECKING:
    from conftest import Office

NODE = UUID("0190c0de-0000-7000-8000-0000000000aa")


@pytest.fixture
def said(office: Office) -> Logs:
    """The office's own lines."""
    office.hub.logs.node, office.hub.logs.name = NODE, "node-1"
    office.hub.logs.now = office.hub.now
    return office.hub.logs


def say(logs: Logs, event: str, *, level: Level = Level.INFO, **more: Any) -> None:
    logs.keep(level, event, more)


async def ship(office: Office, logs: Logs) -> None:
    while await logs.ship(office.hub.database):
        pass


def texts(page: Any) -> list[str]:
    return [line["text"] for line in page["items"]]


ASKED = {
    "all, the newest first": ("", ["configured", "came", "sent"]),
    "a component": ("?component=webhook", ["came"]),
    "a text in whatever case": ("?filter=PagerDuty", ["came"]),
    "a connector": ("?connector=prod-opsgenie", ["sent"]),
    "an incident by its number": ("?incident=7", ["sent"]),
    "what is at least so bad": ("?level=warning", ["sent"]),
    "the newest": ("?limit=1", ["configured"]),
    "nothing": ("?filter=nowhere", []),
}


@pytest.mark.parametrize(("query", "found"), ASKED.values(), ids=ASKED)
async def test_lines_are_found(office: Office, said: Logs, query: str, found: list[str]) -> None:
    say(said, "delivery", level=Level.WARNING, message="sent", connector="prod-opsgenie", incident="INC-7")
    say(said, "webhook_received", message="came", connector="prod", type="pagerduty")
    say(said, "configuration_applied", message="configured", version=2)
    await ship(office, said)

    assert texts(await office.get(f"/api/v1/logs{query}")) == found


async def test_a_line_says_everything(office: Office, said: Logs) -> None:
    say(
        said,
        "webhook_received",
        message="came",
        connector="prod",
        type="pagerduty",
        odd="\x00\ud800",
        when=office.at,
    )
    await ship(office, said)

    (line,) = (await office.get("/api/v1/logs"))["items"]
    assert datetime.fromisoformat(line.pop("at")) == office.at
    assert line == {
        "level": "info", "component": "webhook", "event": "webhook_received", "text": "came", "connector": "prod", "incident": "",
        "node": "node-1", "data": {"type": "pagerduty", "odd": "?", "when": str(office.at)},
    }  # fmt: skip


async def test_older_lines_follow_by_cursor(office: Office, said: Logs) -> None:
    for n in range(5):
        say(said, "one", message=f"line {n}")
    await ship(office, said)

    first = await office.get("/api/v1/logs?limit=2")
    second = await office.get(f"/api/v1/logs?limit=2&cursor={first['next_cursor']}")
    last = await office.get(f"/api/v1/logs?limit=2&cursor={second['next_cursor']}")
    assert texts(first) + texts(second) + texts(last) == [f"line {n}" for n in (4, 3, 2, 1, 0)]
    assert last["next_cursor"] is None


async def test_who_follows_gets_what_comes_once_and_in_order(office: Office, said: Logs) -> None:
    say(said, "one", message="before")
    await ship(office, said)
    page = await office.get("/api/v1/logs")
    got: list[str] = []
    for n in range(3):
        say(said, "one", message=f"line {n}")
        say(said, "one", message=f"beside {n}", level=Level.DEBUG)
        await ship(office, said)
        page = await office.get(f"/api/v1/logs?level=info&after={page['after']}&wait=5")
        got += texts(page)
    assert got == ["line 0", "line 1", "line 2"]
    assert texts(await office.get(f"/api/v1/logs?after={page['after']}")) == []


async def test_while_the_database_is_away_memory_answers_and_nothing_comes_twice(
    office: Office, said: Logs
) -> None:
    say(said, "one", message="before")
    await ship(office, said)
    page = await office.get("/api/v1/logs")
    office.hub.away = office.at
    say(said, "one", message="away 1")
    say(said, "one", message="away 2")

    blind = await office.get("/api/v1/logs")
    assert (texts(blind), blind["memory_only"]) == (["away 2", "away 1", "before"], True)
    page = await office.get(f"/api/v1/logs?after={page['after']}")
    assert (texts(page), page["memory_only"]) == (["away 1", "away 2"], True)
    say(said, "one", message="away 3")
    page = await office.get(f"/api/v1/logs?after={page['after']}")
    assert texts(page) == ["away 3"]

    office.hub.away = None
    other = Logs(now=office.hub.now, node=UUID(int=7), name="node-2")
    say(other, "one", message="of the other node")
    await ship(office, other)
    await ship(office, said)
    say(said, "one", message="after")
    await ship(office, said)
    for place in (page["after"], blind["after"]):
        following = await office.get(f"/api/v1/logs?after={place}")
        assert "before" not in texts(following)
        assert {"of the other node", "after"} <= set(texts(following))
    following = await office.get(f"/api/v1/logs?after={page['after']}")
    assert (texts(following), following["memory_only"]) == (["of the other node", "after"], False)


async def test_too_many_at_once_are_counted(office: Office, said: Logs) -> None:
    for n in range(MOST_WAITING + 5):
        say(said, "one", message=f"line {n}")
    await said.ship(office.hub.database)
    assert said.shown[-1].text == "5 lines of this log were not kept: there were too many at once"
    assert len(said.waiting) <= MOST_WAITING


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("component=nothing", "component"), ("level=loud", "level"), ("since=yesterday", "since"), ("limit=0", "limit"),
        ("cursor=x", "cursor"), ("after=x", "cursor"), ("wait=999", "wait"), ("colour=red", "colour"),
    ],
)  # fmt: skip
async def test_what_cannot_be_meant_is_named(office: Office, query: str, field: str) -> None:
    answer = await office.ask("GET", f"/api/v1/logs?{query}")
    assert answer.status_code == 400 or answer.status_code == 422
    assert field in [fault["field"] for fault in answer.json()["faults"]]


async def test_lines_of_before_are_asked_for_by_time(office: Office, said: Logs) -> None:
    say(said, "one", message="early")
    office.pass_time(hours=1)
    say(said, "one", message="late")
    await ship(office, said)
    at = (office.at - timedelta(minutes=5)).isoformat().replace("+00:00", "Z")
    assert texts(await office.get(f"/api/v1/logs?since={at}")) == ["late"]
    assert texts(await office.get(f"/api/v1/logs?until={at}")) == ["early"]
