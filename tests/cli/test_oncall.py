"""`im oncall`: the document's four lines, the table, who is next, and the copy while the server is away."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

API = "/api/v1/oncall"


def entry(service: str = "api", **more: Any) -> dict[str, Any]:
    return {
        "service": service, "team": "payments", "connector": "prod-pagerduty", "place": "service PAPI001", "policy": "API",
        "current": [{"person": "john.doe@company.com", "name": "John", "schedule": "primary", "since": "2026-11-17T09:00:00Z", "until": "2026-11-24T09:00:00Z"}],
        "next": [{"person": "jane.smith@company.com", "name": "Jane", "schedule": "primary", "since": "2026-11-24T09:00:00Z", "until": "2026-12-01T09:00:00Z"}],
        "escalation": [{"level": 2, "after_minutes": 15, "to": ["team-lead@company.com"]}],
        "warnings": [], "gap": False, "as_of": "2026-11-20T02:16:00Z", "age_seconds": 240, "stale": False, "fault": "", "fault_since": None,
    } | more  # fmt: skip


def answer(*items: dict[str, Any]) -> dict[str, Any]:
    return {"at": "2026-11-20T02:20:00Z", "items": list(items)}


@pytest.fixture
def im(run: Any, hub: Any, tmp_path: Path) -> Any:
    cache = str(tmp_path / "cache")

    def call(*words: str, **more: Any) -> Any:
        return run(*words, **({"IM_URL": hub.url, "IM_TOKEN": "tsn_test", "XDG_CACHE_HOME": cache} | more))

    return call


def test_the_documents_four_lines(im: Any, hub: Any) -> None:
    hub.answer("GET", API, answer(entry()))
    ran = im("oncall", "--service", "api", "--utc", tty=True, NO_COLOR="1")
    assert ran.out.splitlines() == [
        "Service: api",
        "Current On-Call: john.doe@company.com (until 2026-11-24 09:00 UTC)",
        "Next On-Call: jane.smith@company.com (2026-11-24 09:00 UTC)",
        "Escalation: After 15 minutes → team-lead@company.com",
    ]
    assert ran.err.splitlines() == ["Told by prod-pagerduty (API), as of 02:16, 4 min ago"]
    assert hub.of("GET", API)[0].query == {"service": "api"}


def test_local_times_have_their_offset(im: Any, hub: Any) -> None:
    hub.answer("GET", API, answer(entry()))
    assert "(until 2026-11-24 10:00 +01:00)" in im("oncall", "--service", "api", tty=True).out


def test_all_services_are_a_table(im: Any, hub: Any) -> None:
    gap = entry("db", current=[], gap=True, warnings=["nobody is on call: a page there reaches nobody"])
    nowhere = entry("web", connector="", current=[], next=[], escalation=[], as_of=None, age_seconds=None,
                    warnings=["no connector of this service tells who is on call: map it at one that does"])  # fmt: skip
    hub.answer("GET", API, answer(entry(), gap, nowhere))
    ran = im("oncall")
    rows = [line.split("\t") for line in ran.out.splitlines()]
    assert rows[0][:4] == ["SERVICE", "ON CALL NOW", "UNTIL", "NEXT"]
    assert [row[1] for row in rows[1:]] == ["john.doe@company.com", "NOBODY", ""]
    assert "Warning: db: nobody is on call" in ran.err


def test_next_begins_with_the_soonest_hand_over(im: Any, hub: Any) -> None:
    soon = entry("db", next=[entry()["next"][0] | {"since": "2026-11-20T09:00:00Z"}])
    hub.answer("GET", API, answer(entry(), entry("web", next=[]), soon))
    rows = [line.split("\t")[0] for line in im("oncall", "--next").out.splitlines()]
    assert rows == ["SERVICE", "db", "api", "web"]


def test_json_is_the_apis_own(im: Any, hub: Any) -> None:
    hub.answer("GET", API, answer(entry()))
    assert json.loads(im("oncall", "-o", "json").out) == answer(entry())


def test_another_time_is_asked_in_utc(im: Any, hub: Any) -> None:
    hub.answer("GET", API, answer(entry()))
    assert im("oncall", "--service", "api", "--at", "2026-12-24 03:00", "--utc").code == 0
    assert hub.of("GET", API)[0].query["at"] == "2026-12-24T03:00:00Z"
    assert im("oncall", "--at", "soon").code == 2
    assert im("oncall", "--at", "2026-12-24 03:00", "--refresh").code == 2


@pytest.mark.parametrize("old", [{"as_of": None}, {"stale": True}], ids=["never asked", "stale"])
def test_what_is_not_known_yet_is_asked_at_once(im: Any, hub: Any, old: dict[str, Any]) -> None:
    hub.answer("GET", API, answer(entry(**old)))
    hub.answer("POST", f"{API}/refresh", answer(entry()))
    assert "john.doe@company.com" in im("oncall", "--service", "api").out
    assert hub.of("POST", f"{API}/refresh")[0].body == {"service": "api", "team": ""}


def test_while_the_server_is_away_the_copy_answers(im: Any, hub: Any, tmp_path: Path) -> None:
    """ "cached 02:20" on stderr, exit code 0; of two servers each has its own copy, and none is exit code 6."""
    hub.answer("GET", API, answer(entry(), entry("db")))
    im("oncall")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{free.getsockname()[1]}"
    hub.refuse("GET", API, 503, "The database cannot be reached")
    ran = im("oncall", "--service", "db", "--utc", tty=True, NO_COLOR="1")
    assert ran.code == 0
    assert ran.err.startswith("cached 02:20, 0s ago: ")
    assert "Current On-Call: john.doe@company.com (until 2026-11-24 09:00 UTC)" in ran.out
    assert json.loads(im("oncall", "-o", "json").out)["cached_at"] == "2026-11-20T02:20:00.000Z"
    assert im("oncall", IM_URL=away).code == 6
    (kept,) = (tmp_path / "cache").rglob("oncall.json")
    assert kept.stat().st_mode & 0o077 == 0


def test_a_copy_that_is_overtaken_by_the_hand_over_says_who_was_to_be_next() -> None:
    from tocsin.cli.kept_oncall import later

    (found,) = later([entry()], datetime(2026, 11, 25, tzinfo=UTC))
    assert [turn["person"] for turn in found["current"]] == ["jane.smith@company.com"]
    (over,) = later([entry()], datetime(2026, 12, 25, tzinfo=UTC))
    assert (over["current"], over["warnings"]) == ([], ["whose turn it is now is not in the copy"])


@pytest.mark.parametrize("text", ["", "[]", '{"http://x": 7}', '{"http://x": {"at": "soon", "items": [{}]}}'])
def test_a_broken_copy_is_no_copy(tmp_path: Path, text: str) -> None:
    from tocsin.cli.kept_oncall import KeptOnCall

    (tmp_path / "tocsin").mkdir()
    (tmp_path / "tocsin/oncall.json").write_text(text)
    assert KeptOnCall({"XDG_CACHE_HOME": str(tmp_path)}).of("http://x") is None


def test_an_incident_shows_who_is_on_call(im: Any, hub: Any) -> None:
    hub.answer("GET", API, answer(entry()))
    said = im("show", "INC-7", "--utc", tty=True, NO_COLOR="1", COLUMNS="120").out
    assert "On call now" in said
    assert "john.doe@company.com until 2026-11-24 09:00 UTC" in said
