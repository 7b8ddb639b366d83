"""`im logs`: the newest last, one line each; it goes on as lines come, over a server that is away for a while."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import Any

import pytest

from .test_program import PROGRAM, environ

CAME = {
    "at": "2026-11-20T02:17:30.120Z", "level": "info", "component": "webhook", "event": "webhook_followed",
    "text": "webhook of prod-pagerduty: incident.acknowledged, applied: acknowledged", "connector": "prod-pagerduty",
    "incident": "", "node": "node-1", "data": {"result": "applied", "delivery": "01ABC", "type": "pagerduty"},
}  # fmt: skip
KNOCKED = {
    **CAME, "at": "2026-11-20T02:18:00.000Z", "level": "warning", "event": "webhook_refused", "text": "webhook of x: stranger",
    "data": {"result": "stranger", "remote_address": "203.0.113.9"},
}  # fmt: skip


def page(*lines: Any, after: str = "p1", **more: Any) -> dict[str, Any]:
    return {"items": list(lines), "next_cursor": None, "after": after, "memory_only": False} | more


def test_on_a_terminal_the_newest_stands_last(run: Any, hub: Any) -> None:
    hub.answer("GET", "/api/v1/logs", page(KNOCKED, CAME))
    ran = run(
        "logs",
        "--component",
        "webhook",
        "--filter",
        "pagerduty",
        tty=True,
        IM_URL=hub.url,
        NO_COLOR="1",
        COLUMNS="120",
    )
    assert ran.out.splitlines() == [
        "03:17:30.120  webhook  webhook of prod-pagerduty: incident.acknowledged, applied: acknowledged  delivery=01ABC",
        "03:18:00.000  webhook  WARNING webhook of x: stranger  connector=prod-pagerduty remote_address=203.0.113.9",
    ]
    (asked,) = hub.of("GET", "/api/v1/logs")
    assert asked.query == {"component": "webhook", "filter": "pagerduty", "limit": "100"}


def test_for_programs_a_line_is_its_own_json(run: Any, hub: Any) -> None:
    hub.answer("GET", "/api/v1/logs", page(KNOCKED, CAME))
    assert [json.loads(line) for line in run("logs", "--jsonl", IM_URL=hub.url).out.splitlines()] == [
        CAME,
        KNOCKED,
    ]
    assert json.loads(run("logs", "-o", "json", IM_URL=hub.url).out)["items"] == [CAME, KNOCKED]
    assert run("logs", IM_URL=hub.url).out.splitlines()[1].split("\t")[:4] == [
        "2026-11-20T02:17:30.120Z", "info", "webhook", "prod-pagerduty",
    ]  # fmt: skip


ASKED = {
    "since a while": (["--since", "15m"], {"since": "2026-11-20T02:05:00.000Z", "limit": "500"}),
    "since a time": (
        ["--since", "2026-11-20T01:00+01:00"],
        {"since": "2026-11-20T00:00:00.000Z", "limit": "500"},
    ),
    "an incident": (["--incident", "7", "-n", "5"], {"incident": "INC-7", "limit": "5"}),
    "a level": (["--level", "warn"], {"level": "warning", "limit": "100"}),
    "a connector": (["--connector", "prod"], {"connector": "prod", "limit": "100"}),
}


@pytest.mark.parametrize(("words", "query"), ASKED.values(), ids=ASKED)
def test_what_is_asked(run: Any, hub: Any, words: list[str], query: dict[str, str]) -> None:
    hub.answer("GET", "/api/v1/logs", page())
    ran = run("logs", *words, IM_URL=hub.url)
    assert ran.code == 0
    assert "No such line was kept." in ran.err
    assert hub.of("GET", "/api/v1/logs")[0].query == query


@pytest.mark.parametrize(
    "words", [["--since", "soon"], ["--level", "loud"], ["--incident", "x"], ["--since", "2026-99"]]
)
def test_what_cannot_be_meant_is_usage(run: Any, hub: Any, words: list[str]) -> None:
    assert run("logs", *words, IM_URL=hub.url).code == 2
    assert hub.of("GET", "/api/v1/logs") == []


def test_memory_alone_is_said(run: Any, hub: Any) -> None:
    hub.answer("GET", "/api/v1/logs", page(CAME, memory_only=True))
    assert "only what this node remembers" in run("logs", IM_URL=hub.url).err


def test_following_goes_on_over_an_outage_until_ctrl_c(hub: Any) -> None:
    answers = [
        (200, page(CAME)),
        (503, {"title": "Not now", "status": 503}),
        (200, page(KNOCKED, after="p2")),
    ]
    hub.call("GET", "/api/v1/logs", lambda seen: answers.pop(0) if answers else _hold(hub))
    child = subprocess.Popen(
        [*PROGRAM, "logs", "-f", "--jsonl"], env=environ(hub) | {"PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    assert [json.loads(child.stdout.readline()) for _ in range(2)] == [CAME, KNOCKED]
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=20)
    assert child.returncode == 130
    assert "trying again" in err
    assert "Connected again; nothing was missed." in err
    assert [one.query.get("after") for one in hub.of("GET", "/api/v1/logs")][:3] == [None, "p1", "p1"]


def _hold(hub: Any) -> tuple[int, Any]:
    hub.stopping.wait(5)
    return 200, page(after="p2")
