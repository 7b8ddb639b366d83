"""Does the e-mail provider write mails that thread, cannot be forged by a title, and act by no link?"""

from __future__ import annotations

from typing import Any

import pytest

from tocsin.core.ports import Call, ConnectorSettings, Effect, EffectKind, Mail
from tocsin.core.severity import Severity
from tocsin.providers.email import provider

CUSTOM: dict[str, Any] = {
    "smtp_url": "smtp://127.0.0.1:2525",
    "from": "tocsin@example.com",
    "to": ["ops@example.com"],
}
CONNECTOR = ConnectorSettings(name="mail", settings={"type": "email", "custom": CUSTOM})


def mail(kind: EffectKind = EffectKind.CREATE, **over: Any) -> Mail:
    told: dict[str, Any] = {"key": "tocsin:hub:7:web:1", "incident": "7", "title": "Down", "description": "d"}
    call = provider.first_call(Effect(kind=kind, **({"severity": Severity.HIGH, **told} | over)), CONNECTOR)
    assert isinstance(call, Call)
    assert isinstance(call.send, Mail)
    return call.send


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        pytest.param({}, [], id="the example configuration's connector"),
        pytest.param({"smtp_url": None}, ["custom.smtp_url"], id="no server"),
        pytest.param({"smtp_url": "https://mail"}, ["custom.smtp_url"], id="a server of another kind"),
        pytest.param({"smtp_url": "smtp://u:p@mail"}, ["custom.smtp_url"], id="a password in the address"),
        pytest.param({"smtp_url": "smtp://[::1"}, ["custom.smtp_url"], id="no address at all"),
        pytest.param({"from": "nobody"}, ["custom.from"], id="a sender that is no address"),
        pytest.param({"to": []}, ["custom.to"], id="nobody to write to"),
        pytest.param(
            {"to": ["a@b.example\r\nBcc: x@y.example"]},
            ["custom.to"],
            id="an address that would make a header",
        ),
        pytest.param({"username": "u"}, ["custom.password"], id="a name without a password"),
        pytest.param({"password": "p"}, ["custom.username"], id="a password without a name"),
        pytest.param({"cc": "x"}, ["custom.cc"], id="an unknown setting"),
    ],
)
def test_settings_are_checked_and_the_field_is_named(change: dict[str, Any], fields: list[str]) -> None:
    assert [field for field, _ in provider.check_settings({"custom": CUSTOM | change})] == fields


def test_without_custom_the_fault_says_so() -> None:
    assert [field for field, _ in provider.check_settings({})] == ["custom"]


def test_replies_find_the_thread_of_the_page_and_another_life_is_another_thread() -> None:
    page, ack = mail(), mail(EffectKind.ACKNOWLEDGE)
    assert ack.in_reply_to == page.message_id
    assert page.in_reply_to == ""
    ids = {
        page.message_id,
        ack.message_id,
        mail(EffectKind.NOTE, note="a").message_id,
        mail(EffectKind.NOTE, note="b").message_id,
    }
    assert len(ids) == 4
    assert mail().message_id == page.message_id
    assert mail(key="tocsin:hub:7:web:2").message_id != page.message_id


def test_a_title_cannot_add_a_header() -> None:
    made = mail(title="Down\r\nBcc: all@example.com\u2028\x00x")
    assert made.subject == "[SEV-2] Down Bcc: all@example.com x"
    assert made.subject.isprintable()


def test_a_person_asked_by_mail_gets_it_in_place_of_the_connectors_own() -> None:
    assert mail(recipients=("ada@example.com",)).recipients == ("ada@example.com",)
    assert mail().recipients == ("ops@example.com",)


def test_the_only_links_are_those_given() -> None:
    text = mail(incident_url="https://hub.example.com/incidents/INC-7", incident_name="INC-7").text
    assert [word for word in text.split() if "://" in word] == ["https://hub.example.com/incidents/INC-7"]
    assert "im ack INC-7" in text
