"""Does the API name what is wrong with a body, and read the rest as written?"""

import json

import pytest

from tocsin.core.model import Action, Event
from tocsin.core.payload import NOTES
from tocsin.core.ports import Malformed, Request, SourceContext
from tocsin.core.severity import Severity
from tocsin.sources.api.adapter import parse, parse_batch

CONTEXT = SourceContext(integration="api")


def request(body: object) -> Request:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request(method="POST", path="/api/v1/alerts", body=raw)


def read(**body: object) -> Event:
    [event] = parse(request({"title": "t"} | body), CONTEXT)
    return event


@pytest.mark.parametrize(
    ("body", "message", "field"),
    [
        ({}, "title is required", "title"),
        ({"title": "  \n"}, "title is required", "title"),
        ({"title": None}, "title is required", "title"),
        ({"action": "resolve"}, "title is required", "title"),
        ({"title": 5}, "title must be text", "title"),
        ({"title": "t", "severity": 1}, "severity must be text", "severity"),
        ({"title": "t", "labels": {"env": 5}}, "labels.env must be text", "labels.env"),
        ({"title": "t", "labels": {"env": None}}, "labels.env must be text", "labels.env"),
        ({"title": "t", "labels": []}, "labels must be an object", "labels"),
        ({"title": "t", "labels": {str(i): "" for i in range(257)}}, "labels has 257 entries", "labels"),
        ({"title": "t", "tags": ["a", 1]}, "tags.1 must be text", "tags.1"),
        ({"title": "t", "service_name": {}}, "service_name must be text or a list", "service_name"),
        ({"title": "t", "service": [None]}, "service.0 must be text", "service.0"),
        ({"title": "t", "links": ["javascript:alert(1)"]}, "links.0 must be an http", "links.0"),
        ({"title": "t", "links": [{"text": "x"}]}, "links.0.href must be an http", "links.0.href"),
        ({"title": "t", "links": [{"href": "http://x", "text": 1}]}, "links.0.text must be", "links.0.text"),
        ({"title": "t", "action": "close"}, "action must be create, acknowledge or resolve", "action"),
        ({"title": "t", "sent_at": "yesterday"}, "sent_at must be a time", "sent_at"),
        ({"title": "t", "sent_at": "2026-11-20T10:00:00"}, "sent_at must be a time", "sent_at"),
        ({"title": "t", "sent_at": 1}, "sent_at must be a time", "sent_at"),
        ({"title": "t", "details": "x"}, "details must be an object", "details"),
        ([], "the body must be a JSON object", ""),
        (b"", "the body is empty", ""),
        (b'{"title": "t",}', r"the body is not JSON: .* \(line 1, column", ""),
    ],
)
def test_a_fault_names_its_field(body: object, message: str, field: str) -> None:
    with pytest.raises(Malformed, match=message) as caught:
        parse(request(body), CONTEXT)
    assert caught.value.field_path == field


@pytest.mark.parametrize("joined", [b"array", b"lines"])
def test_a_batch_names_the_index_and_the_field(joined: bytes) -> None:
    items = [{"title": "a"}, {"title": "b"}, {"title": "c"}, {"source": "d"}]
    lines = "\n\n".join(json.dumps(item) for item in items) + "\r\n"
    body = json.dumps(items).encode() if joined == b"array" else lines.encode()
    with pytest.raises(Malformed, match=r"^3\.title is required$") as caught:
        parse_batch(request(body), CONTEXT)
    assert caught.value.field_path == "3.title"
    good = body.replace(b'"source"', b'"title"')
    assert [event.title for event in parse_batch(request(good), CONTEXT)] == ["a", "b", "c", "d"]


def test_a_line_that_is_not_json_is_named_by_its_index() -> None:
    with pytest.raises(Malformed, match="item 1: the body is not JSON") as caught:
        parse_batch(request(b'{"title": "a"}\n{"title"\n'), CONTEXT)
    assert caught.value.field_path == "1"


def test_an_empty_batch_is_no_events() -> None:
    assert parse_batch(request(b"[]"), CONTEXT) == []
    assert parse_batch(request(b"\n"), CONTEXT) == []


def test_unknown_words_for_severity_are_unset_and_not_an_error() -> None:
    assert read(severity="purple").severity is None
    assert read(severity="SEV-2").severity is Severity.HIGH
    assert read(severity="info").quiet


def test_without_a_key_it_is_source_service_and_title() -> None:
    key = read(source="db", service_name="pay").dedup_key
    assert (
        key
        == read(source="db", service=["pay"], severity="low", description="x", labels={"a": "b"}).dedup_key
    )
    others = [
        read(source="dbp", service_name="ay"),
        read(source="db"),
        read(title="u", source="db", service="pay"),
    ]
    assert key not in {event.dedup_key for event in others}
    assert read(source="db", dedup_key="k").dedup_key == "k"


def test_long_texts_are_cut_and_told() -> None:
    event = read(title="t" * 501, description="d" * 50_001)
    assert (len(event.title), len(event.description)) == (500, 50_000)
    assert event.details[NOTES] == [
        "title was cut at 500 of 501 characters",
        "description was cut at 50,000 of 50,001 characters",
    ]
    assert read(title="t" * 500).details == {}


def test_control_characters_and_half_surrogates_go() -> None:
    [event] = parse(request(b'{"title": "a\\u0000b\\nc", "description": "x\\ty\\u0007\\nz\\ud800"}'), CONTEXT)
    assert event.title == "ab c"
    assert event.description == "x\ty\nz\ufffd"


def test_a_field_nobody_knows_is_kept_in_the_details() -> None:
    assert read(lables={"a": "b"}, details={"x": 1}).details == {"x": 1, "lables": {"a": "b"}}


def test_a_long_key_is_kept_as_its_hash() -> None:
    assert read(dedup_key="k" * 512).dedup_key == "k" * 512
    assert read(dedup_key="k" * 513).dedup_key.startswith("sha256:")
    assert read(dedup_key="k" * 513).dedup_key != read(dedup_key="k" * 514).dedup_key


def test_an_acknowledge_by_key_needs_no_title() -> None:
    [event] = parse(request({"action": "acknowledge", "dedup_key": "k"}), CONTEXT)
    assert (event.action, event.dedup_key, event.title) == (Action.ACKNOWLEDGE, "k", "")
