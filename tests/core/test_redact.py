"""No credential is told, in whatever form it travels; what is none stays readable."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.redact import MASK, PIECE, Redactor

KEY = 'u+Zx/9Qm=RtY7 kL2"vB8nW4'
SHORT = "s3cr"

FORMS = {
    "plain": KEY,
    "URL-encoded": quote(KEY, safe=""),
    "URL-encoded, slashes left": quote(KEY),
    "form-encoded": quote_plus(KEY),
    "URL-encoded in lower case": quote(KEY, safe="")
    .replace("%2B", "%2b")
    .replace("%2F", "%2f")
    .replace("%3D", "%3d"),
    "JSON": json.dumps(KEY)[1:-1],
    "JSON with escaped slashes": json.dumps(KEY)[1:-1].replace("/", "\\/"),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64 behind a user": base64.b64encode(f"im:{KEY}".encode()).decode()[4:],
    "base64 behind a longer user": base64.b64encode(f"ops1:{KEY}".encode()).decode()[7:],
    "base64 for addresses": base64.urlsafe_b64encode(KEY.encode()).decode(),
    "hexadecimal": KEY.encode().hex(),
    "its beginning": KEY[:PIECE],
    "its end": KEY[-PIECE:],
    "its middle": KEY[4 : 4 + PIECE],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_known_credential_is_hidden_in_each_form(form: str) -> None:
    told = Redactor([KEY]).text(f"before <{form}> after")
    assert told.startswith("before <")
    assert told.endswith("> after")
    assert MASK in told
    assert not any(form[at : at + 6] in told for at in range(len(form) - 5))


@given(st.text(min_size=PIECE, max_size=60), st.text(max_size=40), st.text(max_size=40))
def test_no_piece_of_a_credential_is_left(secret: str, before: str, after: str) -> None:
    if "://" in secret:
        return
    told = Redactor([secret]).known(before + secret + after)
    assert secret not in told.replace(MASK, "\0") or secret in (before, after)


def test_a_short_one_is_hidden_whole() -> None:
    assert Redactor([SHORT]).text("sent s3cr there") == "sent *** there"


def test_what_is_too_short_to_be_one_hides_nothing() -> None:
    assert Redactor(["abc", ""]).text("abc is a word") == "abc is a word"


def test_of_an_address_the_host_stays_readable() -> None:
    hides = Redactor(
        ["https://ada:pass-word-1@hc.example.com/ping/4f2c6d1e-7a", "postgres://hub:Gr4nite!@db/tocsin"]
    )
    assert (
        hides.text("https://hc.example.com/ping/4f2c6d1e-7a answered 500")
        == "https://hc.example.com/*** answered 500"
    )
    assert "Gr4nite" not in hides.text("cannot open postgres://hub:Gr4nite!@db/tocsin")


NAMED = {
    "header": ({"Authorization": "Token token=abc"}, {"Authorization": MASK}),
    "field": ({"routing_key": "R0", "title": "disk full"}, {"routing_key": MASK, "title": "disk full"}),
    "nested": ({"a": [{"api_token": "x1"}]}, {"a": [{"api_token": MASK}]}),
    "list of secrets": ({"webhook_secrets": ["one", "two"]}, {"webhook_secrets": [MASK, MASK]}),
    "no name of one": ({"tokens_left": 7, "key": "db1/disk"}, {"tokens_left": 7, "key": "db1/disk"}),
}


@pytest.mark.parametrize(("value", "told"), NAMED.values(), ids=NAMED)
def test_what_stands_under_a_name_of_one_is_hidden(value: object, told: object) -> None:
    assert Redactor([]).value(value) == told


def test_an_address_is_told_without_user_and_parameters_that_are_credentials() -> None:
    told = Redactor([]).url("https://ada:pw@api.example.com/x?apiKey=12345&limit=10#frag")
    assert told == "https://api.example.com/x?apiKey=***&limit=10"


def test_a_body_is_cut_after_it_was_hidden() -> None:
    body = json.dumps({"text": "x" * 20 + KEY, "api_key": "other-one"}).encode()
    told = Redactor([KEY]).body(body, 40)
    assert told.startswith('{"text": "xxxxxxxxxxxxxxxxxxxx***"')
    assert "other-one" not in Redactor([]).body(body, 4000)


@pytest.mark.parametrize(
    "sentence",
    [
        "Webhooks of prod-pagerduty carry a wrong signature",
        "the token office was made by ada",
        "connector=prod-pagerduty kind=create took_ms=41.2",
        "INC-7 acknowledged by Ada via prod-pagerduty (10:02:11)",
    ],
)
def test_a_sentence_without_one_stays(sentence: str) -> None:
    assert Redactor([KEY, "pd-webhook-secret"]).text(sentence) == sentence
