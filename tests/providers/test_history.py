"""What does each provider's own log say of a time, page by page, and what when it cannot be read (IM-5)?"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.history import Entry, TellsHistory
from tocsin.core.oncall import Unknown
from tocsin.core.ports import Call, ConnectorSettings, Request, Response
from tocsin.providers import discover

KINDS = {name: kind for name, kind in discover().items() if "history" in kind.abilities}
START = datetime(2026, 8, 1, tzinfo=UTC)
END = datetime(2026, 9, 1, tzinfo=UTC)


def connector(kind: str, **more: Any) -> ConnectorSettings:
    return ConnectorSettings(name="c", settings={"type": kind, "api_key": "secret-key", **more})


def read(kind: str, pages: list[Any], **more: Any) -> tuple[list[Entry] | Unknown, list[Call]]:
    """The whole conversation; `pages` are the answers in order, an int is a refusal."""
    module = cast(TellsHistory, KINDS[kind].module)
    told: list[tuple[Call, Response]] = []
    for page in [*pages, None]:
        asked = module.history(START, END, told, connector(kind, **more))
        if isinstance(asked, Unknown) or not asked or isinstance(asked[0], Entry):
            return cast("list[Entry] | Unknown", asked), [call for call, _ in told]
        assert page is not None, "it asks for more than there is"
        (call,) = cast(list[Call], asked)
        assert call.reads
        status, body = (page, {}) if isinstance(page, int) else (200, page)
        told.append((call, Response(status, {}, json.dumps(body).encode())))
    raise AssertionError("it asks without an end")


def query(call: Call) -> dict[str, str]:
    assert isinstance(call.send, Request)
    return {name: values[0] for name, values in parse_qs(urlsplit(call.send.url).query).items()}


def entry(
    kind: str, at: str, incident: str = "Q1", who: str = "Ada", agent: str = "user_reference"
) -> dict[str, Any]:
    return {"type": f"{kind}_log_entry", "created_at": at, "incident": {"id": incident}, "agent": {"type": agent, "summary": who}}  # fmt: skip


def test_pagerduty_by_its_log_entries() -> None:
    """Who acknowledged when, and when it was resolved; a machine is nobody; two pages are two calls."""
    first = [entry("trigger", "2026-08-03T10:00:00Z"), entry("acknowledge", "2026-08-03T10:04:00Z")]
    second = [entry("resolve", "2026-08-03T10:09:00Z"), entry("acknowledge", "2026-08-03T10:05:00Z", "Q2", "Tool", "service_reference")]  # fmt: skip
    found, calls = read("pagerduty", [{"log_entries": first, "more": True}, {"log_entries": second, "more": False}])  # fmt: skip
    at = datetime(2026, 8, 3, 10, tzinfo=UTC)
    minute = timedelta(minutes=1)
    assert found == [
        Entry(remote_id="Q1", at=at + 4 * minute, acknowledged_at=at + 4 * minute, who="Ada"),
        Entry(remote_id="Q1", at=at + 9 * minute, resolved_at=at + 9 * minute),
        Entry(remote_id="Q2", at=at + 5 * minute, acknowledged_at=at + 5 * minute),
    ]
    assert [query(call)["offset"] for call in calls] == ["0", "100"]
    assert (query(calls[0])["since"], query(calls[0])["until"]) == (
        "2026-08-01T00:00:00Z",
        "2026-09-03T00:00:00Z",
    )


def test_opsgenie_by_the_report_of_each_alert() -> None:
    """Milliseconds since its creation; one that nobody acknowledged tells nothing of it."""
    alert = {"id": "a1", "createdAt": "2026-08-03T10:00:00Z", "report": {"ackTime": 240_000, "closeTime": 540_000, "acknowledgedBy": "ada@b"}}  # fmt: skip
    other = {"id": "a2", "createdAt": "2026-08-03T11:00:00Z"}
    found, calls = read("opsgenie", [{"data": [alert], "paging": {"next": "https://…"}}, {"data": [other], "paging": {}}])  # fmt: skip
    at = datetime(2026, 8, 3, 10, tzinfo=UTC)
    assert found == [
        Entry(remote_id="a1", at=at, acknowledged_at=at + timedelta(minutes=4), who="ada@b", resolved_at=at + timedelta(minutes=9)),
        Entry(remote_id="a2", at=at + timedelta(hours=1)),
    ]  # fmt: skip
    assert [query(call)["offset"] for call in calls] == ["0", "100"]
    assert query(calls[0])["query"] == "createdAt > 1785542399999 AND createdAt < 1788220860000"


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_what_is_refused_is_said(kind: str, status: int) -> None:
    found, _ = read(kind, [status])
    assert isinstance(found, Unknown)
    assert str(status) in found.reason
    assert "secret" not in found.reason


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("body", [{}, [], {"log_entries": None, "data": None}, "nonsense"])
def test_an_answer_of_somebody_else_is_no_empty_log(kind: str, body: Any) -> None:
    found, _ = read(kind, [body])
    assert isinstance(found, Unknown)


def test_over_events_alone_nothing_can_be_read() -> None:
    found, calls = read("pagerduty", [], api_key="", routing_key="r" * 32)
    assert isinstance(found, Unknown)
    assert calls == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_log_without_an_end_is_given_up(kind: str) -> None:
    """By the furthest offset that the provider allows, with the next step."""
    page = {"log_entries": [], "more": True, "data": [], "paging": {"next": "x"}}
    found, calls = read(kind, [page] * 400)
    assert isinstance(found, Unknown)
    assert "ask for a shorter time" in found.reason
    assert len(calls) <= 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["log_entries", "data", "type", "created_at", "createdAt", "incident", "id", "agent", "report", "ackTime", "closeTime"]),
        inner, max_size=4,
    ),
    max_leaves=10,
)  # fmt: skip


@pytest.mark.parametrize("kind", sorted(KINDS))
@given(things=st.lists(JSON, max_size=4))
def test_whatever_a_page_holds(kind: str, things: list[Any]) -> None:
    found, _ = read(kind, [{"log_entries": things, "data": things, "more": False}])
    assert isinstance(found, list)
