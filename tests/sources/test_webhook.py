"""Does the webhook make something sensible of whatever a tool sends?"""

import json

import pytest

from tocsin.core.model import Action, Event, Link
from tocsin.core.payload import LABEL_LIMIT, NOTES
from tocsin.core.ports import Malformed, Request, SourceContext
from tocsin.core.severity import Severity
from tocsin.sources.webhook.adapter import parse, verify


def read(body: object, content_type: str = "application/json", **options: object) -> list[Event]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request(method="POST", path="/integrations/k", headers={"content-type": content_type}, body=raw)
    return parse(request, SourceContext(integration="shop", options=options))


@pytest.mark.parametrize(
    ("value", "action"),
    [
        ("create", Action.CREATE),
        (" Acknowledge\n", Action.ACKNOWLEDGE),
        ("RESOLVE", Action.RESOLVE),
        ("resolved", Action.OTHER),
        ("other", Action.OTHER),
        ("", Action.OTHER),
        (None, Action.CREATE),
    ],
)
def test_event_type(value: str | None, action: Action) -> None:
    [event] = read({"EVENT_TYPE": value, "Title": "x"})
    assert event.action is action
    assert bool(event.reason) == (action is Action.OTHER)


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ({"title": "a", "message": "b"}, "a"),
        ({"Message": "b", "summary": "c"}, "b"),
        ({"summary": "c"}, "c"),
        ({"subject": "d"}, "d"),
        ({"name": "e", "text": "f"}, "e"),
        ({"text": "first\nsecond"}, "first"),
        ({"title": {"not": "text"}, "message": 7}, "7"),
        ({"x": 1}, 'Alert from shop: {"x":1}'),
        ({}, "Alert from shop"),
    ],
)
def test_where_a_title_is_looked_for(body: object, title: str) -> None:
    assert [event.title for event in read(body)] == [title]


@pytest.mark.parametrize(
    ("body", "severity"),
    [
        ({"urgency": "high", "severity": "low"}, Severity.HIGH),
        ({"urgency": "urgency is critical, not low"}, Severity.CRITICAL),
        ({"priority": "P2"}, Severity.HIGH),
        ({"priority": 3}, Severity.MEDIUM),
        ({"level": "ERROR"}, Severity.HIGH),
        ({"priority": "2 - High"}, Severity.HIGH),
        ({"level": "room 1"}, None),
        ({"meta": {"incident_severity": "sev-1"}}, Severity.CRITICAL),
        ({"severity": "purple"}, None),
        ({"severity": True}, None),
    ],
)
def test_where_a_severity_is_looked_for(body: dict, severity: Severity | None) -> None:
    assert [event.severity for event in read({"title": "t"} | body)] == [severity]


def test_the_wrapper_key_leads_to_the_body() -> None:
    body = {"data": {"alert": {"title": "inner"}, "text": "x"}, "title": "outer"}
    assert read(body, wrapper_key="data.alert")[0].title == "inner"
    for path in ("data.nothing", "data.text", "data.alert.title.x", ""):
        assert read(body, wrapper_key=path)[0].title == "outer"


def test_what_has_no_meaning_is_kept_unless_switched_off() -> None:
    body = {"title": "t", "build": 7, "meta": {"a": 1}}
    assert read(body)[0].details == {"build": 7, "meta": {"a": 1}}
    assert read(body, capture_additional_data=False)[0].details == {"meta": {"a": 1}}


def test_of_many_labels_the_first_are_kept_and_it_is_told() -> None:
    [event] = read({"title": "t", "labels": {f"l{i}": "v" for i in range(100_000)}})
    assert list(event.labels) == [f"l{i}" for i in range(LABEL_LIMIT)]
    assert event.details[NOTES] == ["only the first 256 of 100,000 labels were kept"]


def test_an_array_is_one_event_an_entry() -> None:
    assert [event.title for event in read([{"title": "a"}, "b"])] == ["a", "b"]
    with pytest.raises(Malformed) as caught:
        read([{"title": "a"}, 5])
    assert caught.value.field_path == "1"


def test_links_without_javascript() -> None:
    entries = ["https://a.example.com", {"url": "http://b.example.com", "title": "B"}, "javascript:x", 5, {}]
    [event] = read({"title": "t", "links": entries, "url": "https://a.example.com"})
    assert event.links == (Link("https://a.example.com"), Link("http://b.example.com", "B"))


@pytest.mark.parametrize(
    ("body", "content_type", "title"),
    [
        pytest.param(
            b"It works", "application/x-www-form-urlencoded", "It works", id="text as curl -d sends it"
        ),
        pytest.param(
            b'{"title":"j"}', "application/x-www-form-urlencoded", "j", id="JSON as curl -d sends it"
        ),
        pytest.param(b"title=f&x=1", "application/x-www-form-urlencoded", "f", id="a form"),
        pytest.param(b"{brackets} are text", "text/plain", "{brackets} are text", id="text with brackets"),
        pytest.param(b'{"title":"j"}', "", "j", id="JSON without a content type"),
        pytest.param(b'{"title":"\xff"}', "application/json", "\ufffd", id="invalid UTF-8"),
        pytest.param(b'"text"', "application/json", "text", id="a JSON text"),
    ],
)
def test_ways_to_say_it(body: bytes, content_type: str, title: str) -> None:
    assert [event.title for event in read(body, content_type)] == [title]


@pytest.mark.parametrize("body", [b"", b" \n", b"5", b"null", b'{"title":', b"[1]"])
def test_what_cannot_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        read(body)


def test_opening_the_address_in_a_browser_makes_no_alert() -> None:
    assert parse(Request(method="GET", path="/integrations/k"), SourceContext(integration="x")) == []


def test_either_header_carries_the_token_and_none_is_needed_without_one() -> None:
    for name in ("x-tocsin-token", "pagertree-token"):
        assert verify(Request(method="POST", headers={name: "s"}), "s")
        assert not verify(Request(method="POST", headers={name: "t"}), "s")
    assert not verify(Request(method="POST"), "s")
    assert verify(Request(method="POST"), "")
