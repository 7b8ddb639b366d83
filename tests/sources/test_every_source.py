"""Does every source folder keep the promises of docs/howto/add-a-source.md? A new folder is found and tested
here without a line changed."""

import json
import re
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tocsin.core.model import Action, Event
from tocsin.core.payload import (
    DEPTH_LIMIT,
    DESCRIPTION_LIMIT,
    KEY_LIMIT,
    LABEL_LIMIT,
    LABEL_TEXT_LIMIT,
    TITLE_LIMIT,
)
from tocsin.core.ports import Malformed, Request, SourceContext
from tocsin.core.values import replace
from tocsin.sources import SourceKind, discover

SOURCES = discover()
REPOSITORY = Path(__file__).parents[2]
EVERY = [pytest.param(kind, id=name) for name, kind in SOURCES.items()]
FIXTURES = [
    pytest.param(kind, situation, id=f"{name}-{situation}")
    for name, kind in SOURCES.items()
    for situation in kind.fixtures()
]
EMPTY = json.loads(msgspec.json.encode(Event(action=Action.CREATE)))
HEADINGS = ["## Connect", "## Test", "## Disconnect", "## Known limits"]
OPTION_TYPES = {"text": str, "bool": bool, "choice": str}
GRADES = ("draft", "field-tested", "dependable")
PROPERTY = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def context(kind: SourceKind, **options: object) -> SourceContext:
    return SourceContext(integration=f"my-{kind.name}", options=options)


def contexts(kind: SourceKind) -> list[SourceContext]:
    """The defaults, and each choice of each option that has choices."""
    found = [context(kind)]
    for name, option in kind.manifest.get("options", {}).items():
        values = option.get("choices", [True, False] if option["type"] == "bool" else ["data.alert"])
        found += [context(kind, **{name: value}) for value in values]
    return found


def texts_of(value: object) -> list[str]:
    """Every text in a value; not recursive, for the sake of deep ones."""
    found, left = [], [value]
    while left:
        entry = left.pop()
        if isinstance(entry, str):
            found.append(entry)
        elif isinstance(entry, dict):
            left += [*entry.keys(), *entry.values()]
        elif isinstance(entry, (list, tuple)):
            left += entry
    return found


def depth_of(value: object) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            entry
            for holder in level
            if isinstance(holder, (dict, list))
            for entry in (holder.values() if isinstance(holder, dict) else holder)
        ]
    return depth


def check_event(event: Event) -> None:
    """What the rest of the hub relies on, whatever came in."""
    assert isinstance(event, Event)
    plain = msgspec.to_builtins(event)
    for text in texts_of(plain):
        text.encode()  # no lone surrogate
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text), f"control character in {text!r}"
    assert "\n" not in event.title
    assert len(event.title) <= TITLE_LIMIT
    assert len(event.description) <= DESCRIPTION_LIMIT
    assert len(event.dedup_key) <= KEY_LIMIT
    assert len(event.labels) <= LABEL_LIMIT
    assert all(len(text) <= LABEL_TEXT_LIMIT for text in (*event.labels, *event.labels.values(), *event.tags))
    assert all(isinstance(text, str) for text in (*event.labels, *event.labels.values(), *event.services))
    assert all(re.match(r"(?i)https?://|mailto:", link.href) for link in event.links)
    assert event.sent_at is None or event.sent_at.utcoffset() is not None
    assert depth_of(event.details) <= DEPTH_LIMIT + 2
    json.loads(json.dumps(plain, allow_nan=False))  # no NaN, no infinity
    msgspec.json.encode(event)
    assert event.reason if event.action is Action.OTHER else not event.reason


def check_reading(read: Callable[[], list[Event]]) -> None:
    try:
        events = read()
    except Malformed as refused:
        fault, events = refused, []
        ok = 0 < len(fault.message) < 2_000 and (fault.message + fault.field_path).isprintable()
        if not ok:
            raise AssertionError(f"a message that cannot be shown: {fault.message[:100]!r}") from fault
    for event in events:
        check_event(event)


def survives(kind: SourceKind, request: Request) -> None:
    """Events or Malformed, from every function that reads a request, with every option."""
    for each in contexts(kind):
        for name in ("parse", "parse_batch"):
            if reader := getattr(kind.module, name, None):
                check_reading(lambda each=each, reader=reader: reader(request, each))
    assert kind.module.verify(request, "some secret") in (True, False)


# ---- the folder ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EVERY)
def test_the_manifest_is_complete(kind: SourceKind) -> None:
    manifest = tomllib.loads((kind.folder / "manifest.toml").read_text())
    for place in (manifest["home_page"], manifest["payload"]["docs"]):
        assert place.startswith("https://") or (REPOSITORY / place).is_file()
    assert isinstance(manifest["payload"]["checked"], date)
    assert manifest["title"]
    assert set(manifest["methods"]) <= {"GET", "POST"}
    assert manifest["grade"]["level"] in GRADES
    assert manifest["grade"]["reasons"] or manifest["grade"]["level"] == "dependable"
    assert manifest["verify"]["signed"] or manifest["verify"]["reason"]
    for option in manifest.get("options", {}).values():
        assert option["description"]
        assert isinstance(option["default"], OPTION_TYPES[option["type"]])
        assert option["default"] in option.get("choices", [option["default"]])


@pytest.mark.parametrize("kind", EVERY)
def test_the_key_format_takes_keys_and_nothing_longer(kind: SourceKind) -> None:
    assert re.fullmatch(kind.manifest["key_format"], "0123456789abcdefABCDEF0123456789")
    assert not re.fullmatch(kind.manifest["key_format"], "short")
    assert not re.fullmatch(kind.manifest["key_format"], "0123456789abcdef/0123456789abcde")


@pytest.mark.parametrize("kind", EVERY)
def test_the_page_says_how_to_connect_test_and_disconnect_and_what_is_missing(kind: SourceKind) -> None:
    lines = (kind.folder / "doc.md").read_text().splitlines()
    assert [line for line in lines if line.startswith("## ")] == HEADINGS
    assert lines[0].startswith("# ")
    for option in kind.manifest.get("options", {}):
        assert f"`{option}" in "\n".join(lines) or f"`{option}:" in "\n".join(lines)


@pytest.mark.parametrize("kind", EVERY)
def test_requests_and_events_come_in_pairs(kind: SourceKind) -> None:
    folder = kind.folder / "fixtures"
    requests = {path.name.removesuffix(".http") for path in folder.glob("*.http")}
    events = {path.name.removesuffix(".events.json") for path in folder.glob("*.events.json")}
    assert requests == events
    assert requests >= {"firing", "resolved"}


# ---- what it reads ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "situation"), FIXTURES)
def test_a_recorded_request_gives_its_events(kind: SourceKind, situation: str) -> None:
    events = kind.module.parse(kind.fixtures()[situation], context(kind))
    shown = [
        {name: value for name, value in event.items() if name == "action" or value != EMPTY[name]}
        for event in json.loads(msgspec.json.encode(events))
    ]
    assert shown == json.loads((kind.folder / "fixtures" / f"{situation}.events.json").read_text())
    for event in events:
        check_event(event)


@pytest.mark.parametrize("kind", EVERY)
def test_a_resolve_names_the_key_of_its_create(kind: SourceKind) -> None:
    requests = kind.fixtures()
    for each in contexts(kind):
        firing = kind.module.parse(requests["firing"], each)
        resolved = kind.module.parse(requests["resolved"], each)
        assert [event.action for event in firing] == [Action.CREATE] * len(firing)
        assert [event.action for event in resolved] == [Action.RESOLVE] * len(resolved)
        assert [event.dedup_key for event in firing] == [event.dedup_key for event in resolved]
        assert all(event.dedup_key for event in firing)
        pairs = zip(firing, resolved, strict=True)
        assert all(a.sent_at is None or b.sent_at is None or a.sent_at < b.sent_at for a, b in pairs)


@pytest.mark.parametrize(("kind", "situation"), FIXTURES)
def test_a_changed_secret_is_refused(kind: SourceKind, situation: str) -> None:
    request, proof = kind.fixtures()[situation], kind.manifest["verify"]
    if not proof["signed"]:
        assert kind.module.verify(request, "any")
        return
    secret = proof["fixture_secret"]
    assert kind.module.verify(request, secret)
    for changed in (secret[:-1], secret + "x", secret.upper() + "!", "ä", "x" + secret[1:]):
        assert not kind.module.verify(request, changed)
    unsigned = {name: value for name, value in request.headers.items() if name not in proof["headers"]}
    body = request.body.replace(secret.encode(), b"") if proof.get("in_body") else request.body
    assert not kind.module.verify(replace(request, headers=unsigned, body=body), secret)
    for name in proof["headers"]:
        assert not kind.module.verify(replace(request, headers=unsigned | {name: "Basic %%"}), secret)


# ---- hostile and broken requests -------------------------------------------------------------------------

SWAPS = st.one_of(
    st.sampled_from([None, True, 0, -1, 1.5, 10**30, "", "x", "\x00a", [], {}, [[]], [None], {"a": None}]),
    st.sampled_from(["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "x" * 60_000, ["a", 1]]),
    st.sampled_from([[{"href": "javascript:alert(1)"}], [{"href": 1, "text": 2}], "javascript:alert(1)"]),
)


def places(value: object, path: tuple = ()) -> list[tuple]:
    found = [path] if path else []
    if isinstance(value, dict):
        for name, entry in value.items():
            found += places(entry, (*path, name))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            found += places(entry, (*path, index))
    return found


@st.composite
def broken(draw: st.DrawFn, request: Request) -> Request:
    """The request with a few faults in its JSON, or in its bytes."""
    body = request.body or request.query.encode()
    way = draw(st.sampled_from(["json", "json", "json", "truncate", "splice", "random"]))
    if way == "json" and body[:1] in b"{[":
        value = json.loads(body)
        for _ in range(draw(st.integers(1, 3))):
            if not (found := places(value)):
                break
            *way_there, last = draw(st.sampled_from(found))
            holder = value
            for part in way_there:
                holder = holder[part]
            if draw(st.booleans()) and isinstance(holder, dict):
                del holder[last]
            else:
                holder[last] = json.loads(json.dumps(draw(SWAPS)))
        body = json.dumps(value).encode()
    elif way == "truncate":
        body = body[: draw(st.integers(0, len(body)))]
    elif way == "random":
        body = draw(st.binary(max_size=200))
    else:
        at = draw(st.integers(0, len(body)))
        body = body[:at] + draw(st.binary(max_size=8)) + body[at + draw(st.integers(0, 4)) :]
    if not request.body:
        return replace(request, query=body.decode("latin-1"))
    return replace(request, body=body)


@pytest.mark.parametrize(("kind", "situation"), FIXTURES)
@PROPERTY
@given(data=st.data())
def test_a_broken_request_gives_events_or_malformed(
    kind: SourceKind, situation: str, data: st.DataObject
) -> None:
    survives(kind, data.draw(broken(kind.fixtures()[situation])))


def hostile(value: str) -> list[bytes]:
    """JSON text as the whole body and in every place where a source looks."""
    shapes = [
        '{"title":"t","labels":%s,"details":%s,"dedup_key":%s}',
        '{"title":%s,"description":%s,"meta":%s}',
        '{"alerts":[{"status":"firing","labels":%s,"annotations":%s,"fingerprint":%s}]}',
        '{"alerts":[{"status":"firing","labels":{"a":%s},"annotations":{"x":%s},"startsAt":%s}]}',
        '{"status":"firing","groupKey":%s,"truncatedAlerts":%s,"alerts":[],"commonLabels":%s}',
        '{"event_action":"trigger","payload":{%p,"custom_details":%s,"class":%s,"timestamp":%s}}',
        '{"event_action":"trigger","links":%s,"client":%s,"client_url":%s,"payload":{%p}}',
        '{"event_action":"resolve","dedup_key":%s,"payload":%s,"images":[%s]}',
    ]
    payload = '"summary":"s","source":"s","severity":"info"'
    bodies = [value, *(shape.replace("%p", payload).replace("%s", value) for shape in shapes)]
    return [body.encode("utf-8", "surrogatepass") for body in bodies]


HOSTILE = [
    pytest.param('"' + "x" * 10_000_000 + '"', id="10 MB of text"),
    pytest.param("[" * 100_000 + "]" * 100_000, id="nested 100,000 deep"),
    pytest.param("[" * 300 + "]" * 300, id="nested 300 deep"),
    pytest.param('{"a":' * 300 + "1" + "}" * 300, id="maps nested 300 deep"),
    pytest.param("NaN", id="NaN"),
    pytest.param("-Infinity", id="infinity"),
    pytest.param("1e400", id="a float out of range"),
    pytest.param("9" * 5_000, id="an integer of 5,000 digits"),
    pytest.param("9" * 200, id="an integer of 200 digits"),
    pytest.param("{" + ",".join(f'"l{i}":"v"' for i in range(100_000)) + "}", id="100,000 labels"),
    pytest.param('"\\u0000a\\u0001b\\u001b[31m\\u009b"', id="escaped control characters"),
    pytest.param('{"\\u0000k\\n":"\\u0007v"}', id="control characters in a name"),
    pytest.param('"a\x00b\x1bc"', id="raw control characters"),
    pytest.param('"\\ud800 and \\udfff"', id="lone surrogates, escaped"),
    pytest.param('"\ud800"', id="lone surrogate, raw"),
    pytest.param('{"\\udc00":"\\ud800"}', id="lone surrogates in a name and a value"),
    pytest.param('"\u202e\u0000"', id="text that runs backwards"),
    pytest.param('{"":"","a":"","b":null}', id="empty names and values"),
    pytest.param('{"__proto__":{"x":1},"constructor":"y"}', id="names with a meaning elsewhere"),
    pytest.param('"9999-12-31T23:59:59-23:59"', id="an instant out of range"),
    pytest.param('[{"href":"javascript:alert(1)"},"data:text/html,x"," HTTP://ok.example.com"]', id="links"),
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("kind", EVERY)
def test_hostile_values_are_survived(kind: SourceKind, text: str) -> None:
    bodies = hostile(text) if len(text) < 1_000_000 else hostile(text)[:2]
    for body in bodies:
        survives(
            kind, Request(method="POST", path="/x", headers={"content-type": "application/json"}, body=body)
        )


BYTES = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
    pytest.param(b'{"title":"\xff\xfe\xc3"}', id="invalid UTF-8"),
    pytest.param('{"title":"é"}'.encode("utf-16"), id="UTF-16"),
    pytest.param(b"\x00" * 1_000, id="zeros"),
    pytest.param(b"&".join(b"a%d=1" % i for i in range(20_000)), id="a form of 20,000 fields"),
    pytest.param(b'{"title":"a","title":null}', id="a name twice"),
]


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "text/plain", "application/x-www-form-urlencoded"]
)
@pytest.mark.parametrize("body", BYTES)
@pytest.mark.parametrize("kind", EVERY)
def test_hostile_bytes_are_survived(kind: SourceKind, body: bytes, content_type: str) -> None:
    for method in ("POST", "GET"):
        query = body.decode("latin-1")[:100_000] if method == "GET" else ""
        headers = {"content-type": content_type}
        survives(kind, Request(method=method, path="/x", query=query, headers=headers, body=body))
