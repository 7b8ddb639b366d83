"""`im watch`: what nobody has stands first, a lost connection is never hidden, and keys act on what is selected."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from datetime import timedelta
from typing import Any

import pytest

from tocsin.cli.command import Session
from tocsin.cli.places import find_places
from tocsin.cli.printing import Printer
from tocsin.cli.watching import Board
from tocsin.client.shapes import Incident

from .conftest import NOW, Stream, fake_hub
from .test_program import PROGRAM, environ


def one(number: int, severity: str = "high", status: str = "open") -> Incident:
    return Incident(
        name=f"INC-{number}", number=number, severity=severity, status=status, title=f"title {number}"
    )


def test_what_nobody_has_stands_first_the_worst_of_it_first() -> None:
    board = Board()
    board.all_of([one(1, "low"), one(2, "critical", "mitigated"), one(3), one(4, "critical"), one(5)], NOW)
    assert [row.number for row in board.rows()] == [4, 3, 5, 1, 2]
    assert board.head(NOW) == ("4 open (1 SEV-1), 1 acknowledged   live", True)


HEARD = {
    "new and critical rings": ([], one(7, "critical"), ("", True)),
    "new and less does not": ([], one(7), ("", False)),
    "nothing new is not told": ([one(7)], one(7), None),
    "acknowledged is told": ([one(7, "critical")], one(7, "critical", "mitigated"), ("open", False)),
    "reopened rings": ([one(7, "critical", "mitigated")], one(7, "critical"), ("mitigated", True)),
    "worse rings": ([one(7)], one(7, "critical"), ("open", True)),
    "over is told": ([one(7)], one(7, "high", "resolved"), ("open", False)),
}


@pytest.mark.parametrize(("known", "came", "told"), HEARD.values(), ids=HEARD)
def test_what_is_told_and_what_rings(
    known: list[Incident], came: Incident, told: tuple[str, bool] | None
) -> None:
    board = Board()
    board.all_of(known, NOW)
    news = board.one(came, NOW)
    assert (news and (news.was, news.rings)) == told
    assert (came.name in board.incidents) is (came.status != "resolved")


def test_a_lost_connection_says_how_old_the_picture_is() -> None:
    board = Board()
    board.all_of([one(1)], NOW)
    board.lost("nothing listens", NOW + timedelta(seconds=20))
    board.lost("nothing listens", NOW + timedelta(seconds=50))
    text, fresh = board.head(NOW + timedelta(seconds=60))
    assert (text, fresh) == (
        "1 open, 0 acknowledged   NOT CONNECTED for 40s, seen 1m ago: nothing listens", False,
    )  # fmt: skip
    board.heard(NOW + timedelta(seconds=70))
    assert board.head(NOW + timedelta(seconds=70))[1]


def test_one_frame_for_a_script(run: Any, hub: Any) -> None:
    ran = run("watch", "--once", tty=True, NO_COLOR="1", IM_URL=hub.url)
    assert ran.code == 0
    assert ran.out.splitlines()[0] == "1 open (1 SEV-1), 1 acknowledged"
    assert [line.split()[0] for line in ran.out.splitlines()[1:]] == ["INCIDENT", "INC-7", "INC-8"]
    assert [
        row["name"] for row in json.loads(run("watch", "--once", "-o", "json", IM_URL=hub.url).out)["items"]
    ] == ["INC-7", "INC-8"]


def event(number: int, kind: str, data: Any) -> bytes:
    return f"id: s-{number}\nevent: {kind}\ndata: {json.dumps(data)}\n\n".encode()


def test_one_incident_is_followed_until_it_is_resolved(run: Any, hub: Any) -> None:
    step = {**fake_hub.LINES[3], "incident": "INC-7"}
    over = fake_hub.incident(7, status="resolved", status_shown="Resolved", resolved_by="Ada")
    hub.events = [
        event(1, "timeline", step),
        event(2, "incident", fake_hub.incident(9)),
        event(3, "incident", over),
    ]
    ran = run("watch", "INC-7", tty=True, NO_COLOR="1", IM_URL=hub.url, COLUMNS="120")
    assert ran.code == 0
    lines = ran.out.replace("\a", "").splitlines()
    assert "SEV-1 critical  Open  payment-service: connection refused" in lines[0]
    assert "Ada via prod-pagerduty: Acknowledged." in lines[1]
    assert "Resolved by Ada" in lines[-1]
    assert "INC-9" not in ran.out
    assert run("watch", "INC-404", IM_URL=hub.url).code == 3


def test_a_line_for_each_thing_that_happens(hub: Any) -> None:
    hub.hold_stream = True
    hub.events = [event(1, "incident", fake_hub.incident(9, severity="low"))]
    child = subprocess.Popen(
        [*PROGRAM, "watch", "-o", "jsonl"],
        env=environ(hub),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    told = [json.loads(child.stdout.readline()) for _ in range(3)]
    assert [one["incident"]["name"] for one in told] == ["INC-7", "INC-8", "INC-9"]
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=20)
    assert child.returncode == 130
    assert "Traceback" not in err


# ---- the live view ---------------------------------------------------------------------------------------


def session_of(hub: Any, tmp_path: Any, **env: str) -> Session:
    given = {"IM_URL": hub.url, "IM_TOKEN": "t", "HOME": str(tmp_path), **env}
    printer = Printer(Stream(tty=True), Stream(tty=True), given)
    return Session(find_places(given), printer, lambda: NOW)


async def until(pilot: Any, ask: Any) -> None:
    for _ in range(400):
        if ask():
            return
        await pilot.pause(0.02)
    raise AssertionError(f"never happened; the screen says:\n{shown(pilot.app)}")


def shown(app: Any) -> str:
    """What stands on the screen, line by line."""
    return "\n".join(
        "".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()
    )


@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
async def test_the_table_has_what_is_open_and_keys_act_on_it(
    hub: Any, tmp_path: Any, size: tuple[int, int]
) -> None:
    from tocsin.cli.board import Watch

    hub.hold_stream = True
    app = Watch(session_of(hub, tmp_path))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "INC-8" in shown(app))
        text = shown(app)
        assert "1 open (1 SEV-1), 1 acknowledged   live" in text
        assert text.index("INC-7") < text.index("INC-8")
        assert max(len(line.rstrip()) for line in text.splitlines()) <= size[0]

        await pilot.press("question_mark")
        await until(pilot, lambda: "acknowledge: you are on it" in shown(app))
        await pilot.press("escape")
        await pilot.press("a")
        await until(
            pilot, lambda: "INC-7 acknowledged." in shown(app) or "acknowledged already" in shown(app)
        )
        assert len(hub.of("POST", "/api/v1/incidents/INC-7/acknowledge")) == 1

        await pilot.press("j")
        selected = app._selected
        await pilot.press("r", "n")
        assert hub.of("POST", f"/api/v1/incidents/{selected}/resolve") == []
        await until(pilot, lambda: f"{selected} stays as it is." in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: f"im timeline {selected} tells" in shown(app))
        await pilot.press("escape")
        await pilot.press("q")
    assert app.return_code == 0


async def test_a_connection_that_is_lost_is_shown_and_found_again(hub: Any, tmp_path: Any) -> None:
    from tocsin.cli.board import Watch

    app = Watch(session_of(hub, tmp_path))  # the stream ends at once, each time
    async with app.run_test(size=(120, 24)) as pilot:
        await until(pilot, lambda: "NOT CONNECTED" in shown(app))
        assert "seen 0s ago" in shown(app)
        assert "INC-7" in shown(app)
        assert app.query_one("#head").has_class("stale")
        hub.hold_stream = True
        await until(pilot, lambda: not app.query_one("#head").has_class("stale"))
        assert "   live" in shown(app)


async def test_an_act_that_is_refused_says_why(hub: Any, tmp_path: Any) -> None:
    from tocsin.cli.board import Watch

    hub.hold_stream = True
    hub.refuse("POST", "/api/v1/incidents/INC-7/acknowledge", 403, "this token may only read")
    app = Watch(session_of(hub, tmp_path))
    async with app.run_test(size=(120, 24)) as pilot:
        await until(pilot, lambda: "INC-8" in shown(app))
        await pilot.press("a")
        await until(pilot, lambda: "INC-7 is not acknowledged" in shown(app))
        assert "this token may only read" in shown(app)
    await asyncio.sleep(0)
