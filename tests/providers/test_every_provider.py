"""Does every provider keep what the port promises? Walks the folders; a new folder is tested unasked.

A situation is `<name>.effect.json` ({"effect", "settings"?, "step"?}; settings are laid over
`connector.json`) with the request it makes and with an answer and its outcome; a webhook is
`<name>.webhook.http` with `<name>.changes.json`. `step` = the answer belongs to that later call.
"""

from __future__ import annotations

import dataclasses
import json
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tocsin.providers
from tocsin.core.model import Link
from tocsin.core.ports import (
    Accepted,
    Call,
    ConnectorSettings,
    Effect,
    EffectKind,
    FaultKind,
    Mail,
    Malformed,
    Pending,
    Rejected,
    Request,
    Response,
    Retry,
    Skipped,
    WireFault,
)
from tocsin.core.severity import Severity

ROOM = Path(tocsin.providers.__file__).parent
FOLDERS = sorted(file.parent for file in ROOM.glob("*/manifest.toml"))
SECRET_WORDS = ("api_key", "routing_key", "webhook_secrets", "webhook_token", "password")


def loaded(folder: Path) -> Any:
    """The provider's module; the template's too."""
    return __import__(f"tocsin.providers.{folder.name}.provider", fromlist=["provider"])


def files(ending: str) -> list[Any]:
    return [
        pytest.param(
            file.parent.parent, file.name.removesuffix(ending), id=f"{file.parent.parent.name} {file.stem}"
        )
        for folder in FOLDERS
        for file in sorted((folder / "fixtures").glob(f"*{ending}"))
    ]


def situation(folder: Path, name: str) -> tuple[Effect, ConnectorSettings, str]:
    """(effect, connector, step or "") of a situation."""
    told = json.loads((folder / "fixtures" / f"{name}.effect.json").read_text())
    fields = told["effect"]
    fields["kind"] = EffectKind(fields["kind"])
    fields["severity"] = Severity(fields["severity"])
    fields["links"] = tuple(Link(**link) for link in fields.get("links", []))
    for instant in fields.keys() & {"opened_at", "snooze_until"}:
        fields[instant] = datetime.fromisoformat(fields[instant]).astimezone(UTC)
    if "snooze_for" in fields:
        fields["snooze_for"] = timedelta(seconds=fields["snooze_for"])
    return Effect(**fields), connector(folder, told.get("settings", {})), told.get("step", "")


def connector(folder: Path, over: dict[str, Any]) -> ConnectorSettings:
    base = json.loads((folder / "fixtures" / "connector.json").read_text())
    return ConnectorSettings(name="prod", settings={k: v for k, v in (base | over).items() if v is not None})


def read_http(file: Path) -> tuple[str, dict[str, str], bytes]:
    """(first line, headers, body) of a file; the newline at its end is not part of the body."""
    head, _, body = file.read_bytes().partition(b"\n\n")
    first, *lines = head.decode().splitlines()
    headers = dict(line.split(": ", 1) for line in lines)
    return first, headers, body.removesuffix(b"\n")


def written(send: Request | Mail) -> str:
    """A request as its fixture holds it; a JSON body on lines of its own."""
    if isinstance(send, Mail):
        head = [f"MAIL {send.smtp_url}", f"From: {send.sender}", f"To: {', '.join(send.recipients)}"]
        head += [f"Subject: {send.subject}", f"Message-ID: {send.message_id}"]
        head += [f"In-Reply-To: {send.in_reply_to}"] if send.in_reply_to else []
        return "\n".join(head) + "\n\n" + send.text
    head = [
        f"{send.method} {send.url} HTTP/1.1",
        *(f"{name}: {value}" for name, value in send.headers.items()),
    ]
    body = json.dumps(json.loads(send.body), indent=1, ensure_ascii=False) if send.body else ""
    return "\n".join(head) + "\n\n" + body + ("\n" if body else "")


def described(value: Any) -> dict[str, Any]:
    """An outcome, a change or a state as JSON, without what is at its default."""
    told: dict[str, Any] = {"type": type(value).__name__}
    for field in dataclasses.fields(value):
        content = getattr(value, field.name)
        if isinstance(content, Call):
            target = content.send.url if isinstance(content.send, Request) else content.send.smtp_url
            method = content.send.method if isinstance(content.send, Request) else "MAIL"
            told |= {
                "step": content.step,
                "send": f"{method} {target}",
                "after": content.after.total_seconds(),
            }
        elif field.default is dataclasses.MISSING or content != field.default:
            plain = content.total_seconds() if isinstance(content, timedelta) else content
            told[field.name] = plain.isoformat() if isinstance(plain, datetime) else plain
    return json.loads(json.dumps(told))  # type: ignore[no-any-return]


def answer_of(folder: Path, name: str) -> Response:
    first, headers, body = read_http(folder / "fixtures" / f"{name}.answer.http")
    return Response(int(first.split()[1]), {key.lower(): value for key, value in headers.items()}, body)


def step_of(folder: Path, name: str) -> tuple[Effect, ConnectorSettings, str]:
    """Like `situation`, with the first call's own step where none is told."""
    effect, conn, step = situation(folder, name)
    if step:
        return effect, conn, step
    call = loaded(folder).first_call(effect, conn)
    return effect, conn, call.step if isinstance(call, Call) else ""


# ---- pairs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("folder", "name"), files(".request.http") + files(".request.eml"))
def test_an_effect_makes_its_request(folder: Path, name: str) -> None:
    effect, conn, _ = situation(folder, name)
    call = loaded(folder).first_call(effect, conn)
    assert isinstance(call, Call)
    file = next((folder / "fixtures").glob(f"{name}.request.*"))
    first, headers, body = read_http(file)
    sent_first, sent_headers, sent_body = _split(written(call.send))
    assert (sent_first, sent_headers) == (first, headers)
    if isinstance(call.send, Request) and body:
        assert json.loads(sent_body) == json.loads(body)
    else:
        assert sent_body.strip() == body.decode().strip()


def _split(text: str) -> tuple[str, dict[str, str], str]:
    head, _, body = text.partition("\n\n")
    first, *lines = head.splitlines()
    return first, dict(line.split(": ", 1) for line in lines), body


@pytest.mark.parametrize(("folder", "name"), files(".outcome.json"))
def test_an_answer_means_its_outcome(folder: Path, name: str) -> None:
    effect, conn, step = step_of(folder, name)
    expected = json.loads((folder / "fixtures" / f"{name}.outcome.json").read_text())
    if step:
        got = loaded(folder).outcome_of(effect, conn, step, answer_of(folder, name))
    else:
        got = loaded(folder).first_call(effect, conn)  # skipped or refused before anything is sent
    assert described(got) == expected


@pytest.mark.parametrize(("folder", "name"), files(".changes.json"))
def test_a_webhook_tells_its_changes(folder: Path, name: str) -> None:
    expected = json.loads((folder / "fixtures" / f"{name}.changes.json").read_text())
    first, headers, body = read_http(folder / "fixtures" / f"{name}.webhook.http")
    method, target, _ = first.split()
    path, _, query = target.partition("?")
    lower = {key.lower(): value for key, value in headers.items()}
    request = Request(method=method, path=path, query=query, headers=lower, body=body)
    module = loaded(folder)
    assert module.verify_webhook(request, connector(folder, {})) == expected["proof"]
    assert [described(change) for change in module.read_webhook(request)] == expected["changes"]


# ---- abilities ----------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_effects_outside_the_abilities_are_skipped_or_refused_and_the_others_sent(folder: Path) -> None:
    able = set(tomllib.loads((folder / "manifest.toml").read_text())["abilities"])
    for kind in EffectKind:
        call = loaded(folder).first_call(an_effect(kind), connector(folder, {}))
        assert isinstance(call, Call) == (kind.value in able), kind


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_file_is_too_long_and_the_example_connector_is_valid(folder: Path) -> None:
    for file in folder.glob("*.py"):
        assert len(file.read_text().splitlines()) <= 250, file
    assert loaded(folder).check_settings(connector(folder, {}).settings) == []


# ---- every status, every fault -------------------------------------------------------------------------


def an_effect(kind: EffectKind, **over: Any) -> Effect:
    told = {
        "key": "tocsin:hub:7:web:1",
        "incident": "7",
        "title": "Checkout fails",
        "description": "5xx above 5 %",
        "severity": Severity.CRITICAL,
        "service": "web",
        "remote_id": "R1",
        "person": "Ada",
        "note": "looking",
    }
    return Effect(kind=kind, **(told | over))


def expected_type(wire: str, status: int) -> type:
    if wire == "smtp":
        return {4: Retry, 5: Rejected}.get(status // 100, Retry)
    if status in (408, 429) or status >= 500:
        return Retry
    return Rejected


@pytest.mark.parametrize("kind", EffectKind)
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_status_that_is_not_success(folder: Path, kind: EffectKind) -> None:
    manifest = tomllib.loads((folder / "manifest.toml").read_text())
    if kind.value not in manifest["abilities"]:
        return
    module, conn, effect = loaded(folder), connector(folder, {}), an_effect(kind)
    step = module.first_call(effect, conn).step
    exceptions = manifest.get("statuses", {}).get(kind.value, {})
    for status in range(300, 600):
        outcome = module.outcome_of(effect, conn, step, Response(status))
        if str(status) in exceptions:
            assert type(outcome).__name__ == exceptions[str(status)]
            continue
        assert type(outcome) is expected_type(manifest["wire"], status), status
        if isinstance(outcome, Rejected) and manifest["wire"] == "http":
            assert outcome.counts == (status in (401, 403)), status
            assert outcome.status == status
        if isinstance(outcome, Retry) and manifest["wire"] == "http":
            assert outcome.counts == outcome.ambiguous == (status != 429), status
            assert outcome.throttled == (status == 429)


@pytest.mark.parametrize(("folder", "name"), files(".outcome.json"))
def test_every_success_status_means_what_the_usual_one_means(folder: Path, name: str) -> None:
    effect, conn, step = step_of(folder, name)
    if not step:
        return
    usual = answer_of(folder, name)
    if not 200 <= usual.status < 300:
        return
    outcome = loaded(folder).outcome_of(effect, conn, step, usual)
    for status in range(200, 300):
        other = loaded(folder).outcome_of(effect, conn, step, Response(status, usual.headers, usual.body))
        assert type(other) is type(outcome), status


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_missing_answer_is_tried_again_and_ambiguity_is_told(folder: Path) -> None:
    able = tomllib.loads((folder / "manifest.toml").read_text())["abilities"]
    for kind in (kind for kind in EffectKind if kind.value in able):
        module, conn, effect = loaded(folder), connector(folder, {}), an_effect(kind)
        step = module.first_call(effect, conn).step
        for fault in FaultKind:
            outcome = module.outcome_of(effect, conn, step, WireFault(fault, "no answer within 5 s"))
            assert outcome == Retry(
                reason="no answer within 5 s", counts=True, ambiguous=fault is FaultKind.AMBIGUOUS
            )


# ---- hostile answers, secrets ----------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
HOSTILE = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"<html><body>Sign in to the hotel's network</body></html>", id="a page of a proxy"),
    pytest.param(b"[" * 100_000, id="too deep"),
    pytest.param(b'{"a": ' * 50_000 + b"1" + b"}" * 50_000, id="too deep but well formed"),
    pytest.param(b'"' + b"x" * 9_000_000 + b'"', id="huge"),
    pytest.param(b"\xff\xfe\x00", id="no text at all"),
    pytest.param(b"9" * 5_000, id="a number of 5,000 digits"),
    pytest.param(b"null", id="null"),
    pytest.param(b"[]", id="a list"),
]


@pytest.mark.parametrize("body", HOSTILE)
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_hostile_success_is_never_taken_for_done(folder: Path, body: bytes) -> None:
    manifest = tomllib.loads((folder / "manifest.toml").read_text())
    if manifest["wire"] != "http":
        return
    for kind in (kind for kind in EffectKind if kind.value in manifest["abilities"]):
        for over in ({}, {"remote_id": ""}, {"look_first": True}, {"reread": True}):
            effect = an_effect(kind, **over)
            step = loaded(folder).first_call(effect, connector(folder, {})).step
            outcome = loaded(folder).outcome_of(effect, connector(folder, {}), step, Response(200, {}, body))
            assert isinstance(outcome, Retry | Rejected), (kind, over)


def mutated(value: Any, path: int, replacement: Any) -> Any:
    """`value` with its `path`-th inner place (counted over all, in order) replaced."""
    count = -1

    def walk(node: Any) -> Any:
        nonlocal count
        count += 1
        if count == path:
            return replacement
        if isinstance(node, dict):
            return {key: walk(inner) for key, inner in node.items()}
        return [walk(inner) for inner in node] if isinstance(node, list) else node

    return walk(value)


@pytest.mark.parametrize(("folder", "name"), files(".answer.http"))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(path=st.integers(0, 40), replacement=JSON, status=st.sampled_from((200, 201, 202, 400, 404, 422, 503)))
def test_a_mutated_answer_never_raises(
    folder: Path, name: str, path: int, replacement: Any, status: int
) -> None:
    effect, conn, step = step_of(folder, name)
    usual = answer_of(folder, name)
    body = json.loads(usual.body) if usual.body.startswith(b"{") else {}
    answer = Response(status, usual.headers, json.dumps(mutated(body, path, replacement)).encode())
    outcome = loaded(folder).outcome_of(effect, conn, step, answer)
    assert isinstance(outcome, Accepted | Pending | Retry | Rejected | Skipped)
    json.dumps(described(outcome), ensure_ascii=False).encode()  # can be stored and shown


@pytest.mark.parametrize(("folder", "name"), files(".webhook.http"))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(path=st.integers(0, 60), replacement=JSON)
def test_a_mutated_webhook_is_read_or_malformed(folder: Path, name: str, path: int, replacement: Any) -> None:
    _, headers, body = read_http(folder / "fixtures" / f"{name}.webhook.http")
    sent = json.dumps(mutated(json.loads(body), path, replacement)).encode()
    try:
        changes = loaded(folder).read_webhook(Request(method="POST", headers=headers, body=sent))
    except Malformed:
        return
    assert len(changes) == 1
    assert changes[0].delivery_id
    json.dumps(described(changes[0]), ensure_ascii=False).encode()


def secrets_in(value: Any, named: str = "") -> list[str]:
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in secrets_in(inner, key)]
    if isinstance(value, list):
        return [found for inner in value for found in secrets_in(inner, named)]
    return [value] if named in SECRET_WORDS and isinstance(value, str) else []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_secret_the_provider_repeats_is_never_in_an_outcome(folder: Path) -> None:
    conn, module = connector(folder, {}), loaded(folder)
    secrets = secrets_in(dict(conn.settings))
    assert secrets, "the example connector has no secret to look for"
    able = tomllib.loads((folder / "manifest.toml").read_text())["abilities"]
    for kind in (kind for kind in EffectKind if kind.value in able):
        step = module.first_call(an_effect(kind), conn).step
        for secret in secrets:
            said = {
                "message": f"bad {secret}",
                "error": {"message": secret, "errors": [secret], "code": 2001},
            }
            said |= {"errors": {"key": secret}, "data": {"isSuccess": False, "status": f"no {secret}"}}
            for status in (200, 301, 400, 401, 403, 404, 422, 429, 500):
                answer = Response(status, {"retry-after": secret}, json.dumps(said).encode())
                outcome = module.outcome_of(an_effect(kind), conn, step, answer)
                assert secret not in str(described(outcome)), (kind, status)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_fault_in_settings_never_shows_a_secret(folder: Path) -> None:
    broken = {key: f"{value} with blank" for key, value in connector(folder, {}).settings.items()}
    faults = loaded(folder).check_settings(broken)
    assert faults
    assert not [secret for secret in broken.values() if secret in str(faults)]
