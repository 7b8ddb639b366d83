"""Is everything there that a connector needs? What each answer of a provider becomes in `im connector test`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.checks import Checkable, Heard, Here, Line, MailProbe, State
from tocsin.core.ports import ConnectorSettings, FaultKind, Request, Response, WireFault
from tocsin.providers import discover

KINDS = {name: kind for name, kind in discover().items() if "checks" in kind.abilities}
NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
ADDRESS = "https://hub.example.com/connectors/prod/webhook"
HERE = Here(name="prod", address=ADDRESS, now=NOON)
PD = {
    "type": "pagerduty",
    "api_key": "u+secret-key",
    "webhook_secrets": ["whsec-secret"],
    "custom": {"service_id": "PXXXXXX", "from_email": "ops@company.com", "escalation_policy_id": "PYYYYYY"},
}
SUBSCRIBED = {
    "id": "PSUB1", "active": True, "delivery_method": {"url": ADDRESS},
    "events": ["incident.triggered", "incident.acknowledged", "incident.unacknowledged", "incident.resolved",
               "incident.reopened", "incident.annotated", "incident.reassigned", "incident.delegated",
               "incident.escalated", "incident.priority_updated"],
}  # fmt: skip


def ok(body: Any, status: int = 200, **headers: str) -> Response:
    return Response(status, headers, json.dumps(body).encode())


GOOD: dict[str, Response | WireFault] = {
    "api": ok({"abilities": ["teams"]}),
    "user": ok({"users": [{"email": "Ops@company.com", "role": "limited_user"}]}),
    "write": ok({"error": {"message": "Invalid Input Provided", "code": 2001}}, 400),
    "service:PXXXXXX": ok({"service": {"id": "PXXXXXX", "name": "API", "auto_resolve_timeout": None}}),
    "policy:PYYYYYY": ok({"escalation_policy": {"id": "PYYYYYY"}}),
    "subscriptions:0": ok({"webhook_subscriptions": [SUBSCRIBED], "more": False}),
}
REFUSED = ok({"error": {"message": "Authentication failed", "code": 2006}}, 401)
NOT_THERE = ok({"error": {"message": "Not Found", "code": 2100}}, 404)
DEAD = WireFault(FaultKind.CONNECT, "cannot connect to api.pagerduty.com: connection refused")


def lines(kind: str, settings: dict[str, Any], heard: Heard, here: Here = HERE) -> list[Line]:
    module = cast("Checkable", KINDS[kind].module)
    return module.check_lines(ConnectorSettings(name="prod", settings=settings), here, heard)


def test_the_documents_five_lines() -> None:
    told = lines("pagerduty", PD, GOOD)
    assert [line.text for line in told] == [
        "Connected to PagerDuty API",
        "Service PXXXXXX accessible",
        "User ops@company.com valid",
        "Escalation policy PYYYYYY found",
        "Webhook endpoint configured",
    ]
    assert {line.state for line in told} == {State.OK}


SUBS = "subscriptions:0"


def subscribed(**over: Any) -> dict[str, Any]:
    return {SUBS: ok({"webhook_subscriptions": [SUBSCRIBED | over], "more": False})}


@pytest.mark.parametrize(
    ("heard", "subject", "words", "step"),
    [
        pytest.param({"api": REFUSED}, "api", "refuses the API key (401)", "check region", id="a wrong key"),
        pytest.param({"api": REFUSED, "other-region": GOOD["api"]}, "api", "belongs to the EU region", "set region: eu", id="a key of the other region"),
        pytest.param({"api": DEAD}, "api", "connection refused", "check base_url", id="nobody there"),
        pytest.param({"api": ok("hello")}, "api", "is not PagerDuty's API", "any proxy", id="a proxy's page"),
        pytest.param({"api": Response(502, {}, b"<html>")}, "api", "answered 502", "status.pagerduty.com", id="PagerDuty is down"),
        pytest.param({"write": ok({}, 403)}, "write", "may only read (403)", "full access", id="a read-only key"),
        pytest.param({"service:PXXXXXX": NOT_THERE}, "service", "Service PXXXXXX is not at PagerDuty (404)", "im connector discover", id="a service that is not there"),
        pytest.param({"service:PXXXXXX": ok({}, 403)}, "service", "is not for this key (403)", "access", id="a service of another team"),
        pytest.param({"user": ok({"users": [{"email": "xops@company.com"}]})}, "user", "is no user at PagerDuty", "custom.from_email", id="another user's address holds ours"),
        pytest.param({"user": ok({"users": [{"email": "ops@company.com", "role": "read_only_user"}]})}, "user", "the role there is Full Stakeholder", "Responder", id="a role that cannot act"),
        pytest.param({"policy:PYYYYYY": NOT_THERE}, "policy", "is not at PagerDuty (404)", "escalation_policy_id", id="a policy that is not there"),
        pytest.param({SUBS: ok({"webhook_subscriptions": []})}, "webhook", f"no subscription at PagerDuty points to {ADDRESS}", "--enable", id="no subscription"),
        pytest.param(subscribed(active=False), "webhook", "is switched off", "--enable", id="a subscription that is off"),
        pytest.param(subscribed(temporarily_disabled=True), "webhook", "for a day", "--enable", id="three refused deliveries"),
        pytest.param(subscribed(delivery_method={"url": "https://old.example.com/connectors/prod/webhook"}), "webhook", "points elsewhere: to old.example.com", "--enable", id="it points elsewhere"),
        pytest.param({SUBS: ok({}, 403)}, "webhook", "may not read webhook subscriptions", "full access", id="no right to see subscriptions"),
        pytest.param({SUBS: ok([])}, "webhook", "unreadable", "try again", id="nonsense"),
        pytest.param({"service:PXXXXXX": Response(200, {}, b"")} | {"policy:PYYYYYY": Response(500, {}, b"")}, "policy", "answered 500", "try again", id="one of them fails"),
    ],
)  # fmt: skip
def test_what_is_wrong_at_pagerduty_is_said_with_the_next_step(
    heard: dict[str, Response | WireFault], subject: str, words: str, step: str
) -> None:
    told = lines("pagerduty", PD, GOOD | heard)
    (failed,) = [line for line in told if line.state is State.FAILED]
    assert failed.subject == subject
    assert words in failed.text
    assert step in failed.step
    assert {"api", "service", "user", "policy", "webhook"} <= {line.subject for line in told}


def test_what_a_refused_key_cannot_tell_is_not_said_to_be_wrong() -> None:
    told = lines("pagerduty", PD, dict.fromkeys(GOOD, REFUSED))
    assert [line.state for line in told] == [State.FAILED, *[State.UNKNOWN] * 4]


@pytest.mark.parametrize(
    ("here", "settings", "state", "words"),
    [
        pytest.param(Here(name="prod", now=NOON), {}, State.FAILED, "TOCSIN_PUBLIC_URL is not set", id="S44: no public address"),
        pytest.param(Here(name="prod", wanted=False, now=NOON), {}, State.UNKNOWN, "enable_webhook: false", id="webhooks are not wanted"),
        pytest.param(HERE, {"webhook_secrets": None}, State.FAILED, "its secret is not known here", id="the secret is missing"),
    ],
)  # fmt: skip
def test_our_own_side_of_the_webhook(here: Here, settings: dict[str, Any], state: State, words: str) -> None:
    told = lines("pagerduty", PD | settings, GOOD, here)
    line = next(line for line in told if line.subject == "webhook")
    assert (line.state, words in line.text) == (state, True)


def test_a_clock_that_is_off_is_a_warning() -> None:
    late = ok({"abilities": []}, date="Mon, 16 Nov 2026 11:50:00 GMT")
    told = lines("pagerduty", PD, {"api": late} | {k: v for k, v in GOOD.items() if k != "api"})
    assert told[-1].text == "This hub's clock is 600 s ahead of PagerDuty's"
    near = ok({"abilities": []}, date="Mon, 16 Nov 2026 11:59:30 GMT")
    assert lines("pagerduty", PD, GOOD | {"api": near}) == lines("pagerduty", PD, GOOD)


def test_the_other_region_is_asked_after_a_401_and_only_at_the_vendors_own_address() -> None:
    module = cast("Checkable", KINDS["pagerduty"].module)
    heard: Heard = {"api": REFUSED}
    (call,) = module.check_calls(ConnectorSettings(name="prod", settings=PD), HERE, heard)
    assert isinstance(call.send, Request)
    assert call.send.url == "https://api.eu.pagerduty.com/abilities"
    own = ConnectorSettings(name="prod", settings=PD | {"base_url": "https://pd-proxy.example.com"})
    assert module.check_calls(own, HERE, heard) == []


def test_the_subscriptions_are_read_page_by_page() -> None:
    module = cast("Checkable", KINDS["pagerduty"].module)
    connector = ConnectorSettings(name="prod", settings=PD)
    first: dict[str, Response | WireFault] = GOOD | {SUBS: ok({"webhook_subscriptions": [], "more": True})}
    (more,) = module.check_calls(connector, HERE, first)
    assert more.step == "subscriptions:100"
    told = lines("pagerduty", PD, first | {"subscriptions:100": GOOD[SUBS]})
    assert told[-1].text == "Webhook endpoint configured"


# ---- Events v2, Opsgenie, JSM, mail --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "state"),
    [(ok({"status": "success"}, 202), State.OK), (ok({"status": "invalid event"}, 400), State.FAILED), (DEAD, State.FAILED)],
)  # fmt: skip
def test_what_can_be_known_over_events_v2(answer: Response | WireFault, state: State) -> None:
    told = lines("pagerduty", {"type": "pagerduty", "routing_key": "r" * 32}, {"api": answer})
    assert [line.state for line in told] == [state, State.UNKNOWN, State.WARNING]


OG = {
    "type": "opsgenie",
    "api_key": "og-secret-key",
    "webhook_token": "og-secret-token",
    "custom": {"service_mappings": {"default": "team:Ops", "pay": "team:Payments"}},
}
OG_GOOD: dict[str, Response | WireFault] = {
    "api": ok({"data": []}),
    "write": ok({"message": "Request body is not processable"}, 422),
    "mapped:0": ok({"data": {"name": "Ops"}}),
    "mapped:1": ok({"data": {"name": "Payments"}}),
    "integrations": ok({"data": [{"id": "i-1", "type": "Webhook"}]}),
    "integration:i-1": ok(
        {"data": {"id": "i-1", "enabled": True, "url": f"{ADDRESS}?token=og-secret-token"}}
    ),
}


def test_the_lines_of_opsgenie() -> None:
    told = lines("opsgenie", OG, OG_GOOD)
    assert [line.text for line in told] == [
        "Connected to Opsgenie API",
        "API key may create alerts",
        "Team Ops found",
        "Team Payments found",
        "Webhook endpoint configured",
    ]


@pytest.mark.parametrize(
    ("heard", "state", "words", "step"),
    [
        pytest.param({"api": ok({"message": "Could not authenticate"}, 401)}, State.FAILED, "refuses the API key (401)", "key of an API integration", id="a wrong key"),
        pytest.param({"write": ok({}, 403)}, State.FAILED, "may not create alerts", "create and update access", id="a read-only key"),
        pytest.param({"mapped:1": ok({}, 404)}, State.FAILED, "Team Payments is not at Opsgenie (404), named by custom.service_mappings.pay", "discover", id="a team that is gone"),
        pytest.param({"mapped:0": ok({}, 403), "mapped:1": ok({}, 403)}, State.UNKNOWN, "Not checked: team Ops, team Payments", "configuration access", id="a key without configuration access"),
        pytest.param({"integrations": ok({}, 403)}, State.WARNING, "not proven", "im canary prod", id="integrations that cannot be seen"),
        pytest.param({"integrations": ok({"data": []})}, State.FAILED, "no integration points to", "--enable", id="no integration"),
        pytest.param({"integration:i-1": ok({"data": {"enabled": False, "url": ADDRESS}})}, State.FAILED, "switched off", "--enable", id="an integration that is off"),
    ],
)  # fmt: skip
def test_what_is_wrong_at_opsgenie(
    heard: dict[str, Response | WireFault], state: State, words: str, step: str
) -> None:
    told = lines("opsgenie", OG, OG_GOOD | heard)
    line = next(line for line in told if line.state is state)
    assert words in line.text
    assert step in line.step


JSM = {"type": "jsm", "api_key": "jsm-secret-key", "webhook_token": "jsm-secret-token"}
JSM_REST = {"custom": {"cloud_id": "c", "email": "a@b", "api_token": "jsm-secret-api-token"}}
UNKNOWN_REQUEST = ok({"message": "Request not found. It might not be processed, yet."}, 404)


@pytest.mark.parametrize(
    ("settings", "heard", "texts"),
    [
        pytest.param(JSM, {"api": UNKNOWN_REQUEST, "write": ok({}, 422)},
                     ["Connected to JSM Operations API", "API key may create alerts", "Alerts cannot be read back: an acknowledgement whose webhook is lost is never learned"], id="the events API alone"),
        pytest.param(JSM | JSM_REST, {"api": UNKNOWN_REQUEST, "cloud:list": ok({"values": []})},
                     ["Connected to JSM Operations API", "JSM REST API readable"], id="with the REST API"),
        pytest.param(JSM | JSM_REST, {"api": UNKNOWN_REQUEST, "cloud:list": ok({}, 404)},
                     ["Connected to JSM Operations API", "JSM REST API does not know this cloud (404)"], id="a wrong cloud"),
    ],
)  # fmt: skip
def test_the_lines_of_jsm(
    settings: dict[str, Any], heard: dict[str, Response | WireFault], texts: list[str]
) -> None:
    told = [line.text for line in lines("jsm", settings, heard)]
    assert told[: len(texts)] == texts
    assert "not proven" in told[-1]
    heard_of = Here(name="prod", address=ADDRESS, heard_at=NOON, now=NOON)
    assert lines("jsm", settings, heard, heard_of)[-1].text == "Webhook endpoint configured"


MAIL = {
    "type": "email",
    "custom": {"smtp_url": "smtp://mail:25", "from": "a@b", "to": ["c@d", "e@f"], "username": "u", "password": "mail-secret"},
}  # fmt: skip


def mail(status: int, **told: Any) -> Response:
    return Response(status, {}, json.dumps(told).encode())


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        pytest.param(mail(250, login=True, sender=[250, ""], recipients={"c@d": [250, ""], "e@f": [251, ""]}),
                     ["Connected to mail server mail:25", "Signed in as u", "Sender a@b accepted", "Recipient c@d accepted", "Recipient e@f accepted"], id="all of it"),
        pytest.param(mail(535, login=False), ["Connected to mail server mail:25", "Mail server refuses the login of u (535)"], id="a wrong password"),
        pytest.param(mail(550, login=True, sender=[550, ""]), ["Connected to mail server mail:25", "Signed in as u", "Mail server refuses the sender a@b (550)"], id="a sender that it does not send for"),
        pytest.param(mail(550, login=True, sender=[250, ""], recipients={"c@d": [550, "no"], "e@f": [250, ""]}),
                     ["Connected to mail server mail:25", "Signed in as u", "Sender a@b accepted", "Mail server refuses the recipient c@d (550)", "Recipient e@f accepted"], id="one recipient of two"),
        pytest.param(DEAD, ["Mail server: cannot connect to api.pagerduty.com: connection refused"], id="nobody there"),
    ],
)  # fmt: skip
def test_the_lines_of_a_mail_server(answer: Response | WireFault, texts: list[str]) -> None:
    assert [line.text for line in lines("email", MAIL, {"mail": answer})] == texts


def test_a_mail_is_asked_about_and_not_sent() -> None:
    module = cast("Checkable", KINDS["email"].module)
    (call,) = module.check_calls(ConnectorSettings(name="m", settings=MAIL), HERE, {})
    assert isinstance(call.send, MailProbe)
    assert call.send.recipients == ("c@d", "e@f")


# ---- all of them ---------------------------------------------------------------------------------------

SETTINGS = {"pagerduty": PD, "opsgenie": OG, "jsm": JSM | JSM_REST, "email": MAIL}
SECRETS = ("u+secret-key", "whsec-secret", "og-secret", "jsm-secret", "mail-secret")
HOSTILE = st.one_of(
    st.binary(max_size=60),
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["data", "users", "abilities", "webhook_subscriptions", "service", "values", "url", "id", "sender", "recipients"]
            ),
            inner,
            max_size=3,
        ),
        max_leaves=8,
    ).map(lambda body: json.dumps(body).encode()),
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_no_answer_makes_a_check_fail_otherwise_than_in_words(kind: str, data: st.DataObject) -> None:
    module = cast("Checkable", KINDS[kind].module)
    connector = ConnectorSettings(name="prod", settings=SETTINGS[kind])
    heard: dict[str, Response | WireFault] = {}
    for _ in range(3):
        for call in module.check_calls(connector, HERE, heard)[:30]:
            status = data.draw(st.sampled_from([200, 202, 301, 400, 401, 403, 404, 422, 429, 500]))
            body = data.draw(HOSTILE)
            heard[call.step] = Response(status, {"date": data.draw(st.text(max_size=6))}, body)
    told = module.check_lines(connector, HERE, heard)
    assert told
    assert all(line.text for line in told)
    assert not any(secret in f"{line.text} {line.step}" for line in told for secret in SECRETS)


@pytest.mark.parametrize("kind", KINDS)
def test_who_asks_for_a_key_alone_gets_the_line_of_the_key(kind: str) -> None:
    """Settings that are still being typed in: nothing is asked of what is not there yet."""
    module = cast("Checkable", KINDS[kind].module)
    bare = {name: value for name, value in SETTINGS[kind].items() if name != "custom"}
    if kind == "email":
        bare = MAIL
    connector = ConnectorSettings(name="prod", settings=bare)
    here = Here(name="prod", wanted=False, now=NOON)
    assert module.check_calls(connector, here, {})
    assert module.check_lines(connector, here, {})[0].subject == "api"
