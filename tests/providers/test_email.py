"""Does the e-mail provider write mails that thread, cannot be forged by a title, and act by no link?"""

from __future__ import annotations

import re
from typing import Any

import pytest

from tocsin.core.model import Link
from tocsin.core.ports import Accepted, Call, ConnectorSettings, Effect, EffectKind, Mail, Response
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


ACT = Link("https://hub.example.com/ack/AQabc", "INC-7")
ASKED: dict[str, Any] = {
    "incident_name": "INC-7",
    "incident_url": "https://hub.example.com/i/INC-7",
    "acts": (ACT,),
}


def hrefs(html: str) -> list[str]:
    return re.findall(r'href="([^"]*)"', html)


@pytest.mark.parametrize(
    ("over", "first", "whose"),
    [
        pytest.param({}, "Down\n\nTo acknowledge:\n  https://hub.example.com/ack/AQabc\n", "mailbox", id="a page to the connector's own box"),
        pytest.param({"recipients": ("ada@example.com",)}, "Down\n\nTo acknowledge:\n  https://hub.example.com/ack/AQabc\n", "in your name", id="a page to a person"),
        pytest.param({"repeat": "again"}, "Nobody has acknowledged yet: you are asked again.\n\nDown\n\nTo acknowledge:\n", "mailbox", id="asked again"),
        pytest.param({"kind": EffectKind.REOPEN}, "Open again.\n\nTo acknowledge:\n  https://hub.example.com/ack/AQabc\n", "mailbox", id="open again"),
        pytest.param({"kind": EffectKind.NOTE, "note": "it ends soon", "recipients": ("ada@example.com",)}, "Tocsin wrote:\nit ends soon\n\nStill on it? Say so:\n  INC-7: https://hub.example.com/ack/AQabc\n", "in your name", id="S25: the holder is warned"),
        pytest.param({"kind": EffectKind.MESSAGE, "description": "Is it over?\n", "recipients": ("ada@example.com",)}, "Is it over?\n\nStill on it? Say so:\n  INC-7: https://hub.example.com/ack/AQabc\n", "in your name", id="S24: the holder is asked"),
    ],
)  # fmt: skip
def test_s52_the_ack_link_comes_first_and_says_whose_it_is(
    over: dict[str, Any], first: str, whose: str
) -> None:
    """S52: in the text on a line of its own, in the HTML to be tapped."""
    made = mail(**ASKED | over)
    assert made.text.startswith(first)
    assert whose in made.text
    assert whose in made.html
    assert hrefs(made.html).count(ACT.href) == 1
    assert {*hrefs(made.html)} <= {ACT.href, "https://hub.example.com/i/INC-7"}


def test_s52_a_mail_without_a_link_says_how_to_act_and_is_text_alone() -> None:
    made = mail(incident_name="INC-7", description="It is down.")
    assert made.html == ""
    assert made.text.endswith("It is down.\n\nTo acknowledge:\n  im ack INC-7\n")


def test_s52_the_html_part_is_text_and_fetches_nothing() -> None:
    made = mail(
        **ASKED | {
            "title": "<img src=x onerror=alert(1)>", "description": "<script>1</script>\n" + "d" * 50_000,
            "details": {f"<i>{n}": "<b>" * 1000 for n in range(200)}, "service": "a&b",
            "links": (Link("javascript:alert(1)", "Runbook"), Link("https://w.example.com/?a=1&b=2", "<u>")),
        }
    )  # fmt: skip
    assert "<script" not in made.html
    assert "<img" not in made.html
    assert "&lt;img src=x onerror=alert(1)&gt;" in made.html
    assert "javascript:" not in made.html
    assert 'href="https://w.example.com/?a=1&amp;b=2">&lt;u&gt;</a>' in made.html
    assert "a&amp;b" in made.html
    assert re.search(r"<[^>]+\s(src|background)=", made.html) is None
    assert "url(" not in made.html
    assert len(made.html) < 500_000


def test_s52_each_incident_of_a_bundle_has_its_link() -> None:
    pages = [
        told(n, incident_name=f"INC-{n}", acts=(Link(f"https://hub.example.com/ack/{n}", f"INC-{n}"),))
        for n in (2, 3)
    ]
    made = bundle(*pages, told(3, service="database", acts=pages[1].acts))
    for number in (2, 3):
        assert (
            f"\n  To acknowledge: https://hub.example.com/ack/{number}\n  Or: im ack INC-{number}\n"
            in made.text
        )
        assert hrefs(made.html).count(f"https://hub.example.com/ack/{number}") == 1
    assert "web, database" in made.html
    assert made.text.rstrip().endswith("It is for whoever reads this mailbox.")


def told(number: int, severity: Severity = Severity.HIGH, **over: Any) -> Effect:
    """A page for INC-number among others in one mail."""
    given: dict[str, Any] = {
        "kind": EffectKind.CREATE, "key": f"tocsin:hub:{number}:web:1", "incident": str(number), "service": "web",
        "title": f"Disk {number} is full", "description": "d", "incident_name": f"INC-{number}",
        "incident_url": f"https://hub.example.com/i/INC-{number}",
    }  # fmt: skip
    return Effect(severity=severity, **given | over)


def bundle(*pages: Effect) -> Mail:
    worst = max((page.severity for page in pages), key=lambda severity: severity.rank)
    return mail(key="tocsin:hub:bundle:1", severity=worst, bundled=pages, title="x")


def test_s22_a_mail_of_several_incidents_names_the_worst_first_and_how_to_acknowledge_each() -> None:
    """S22."""
    made = bundle(
        told(2), told(3, Severity.CRITICAL), told(4, links=(Link("https://w.example.com", "Runbook"),))
    )
    assert made.subject == "[SEV-1] Disk 3 is full (INC-3) and 2 more"
    assert made.text.startswith(
        "3 incidents, the worst first. Each is acknowledged by itself.\n\nINC-3  [SEV-1] Disk 3 is full\n"
    )
    for number in (2, 3, 4):
        assert (
            f"\n  To acknowledge: im ack INC-{number}\n  https://hub.example.com/i/INC-{number}\n"
            in made.text
        )
    assert "  Runbook: https://w.example.com\n" in made.text
    assert made.in_reply_to == ""


@pytest.mark.parametrize(
    ("count", "listed", "rest"),
    [
        pytest.param(50, 50, "", id="fifty are all told"),
        pytest.param(51, 50, "… and 1 more: im list --status open", id="one more is counted"),
        pytest.param(500, 50, "… and 450 more: im list --status open", id="a night of it"),
    ],
)
def test_s22_the_list_of_a_mail_is_bounded(count: int, listed: int, rest: str) -> None:
    """S22: it says how many are left out, and how to see them; the worst is in it wherever it came."""
    pages = [told(number, title="t" * 900) for number in range(2, count + 1)]
    text = bundle(*pages, told(9999, Severity.CRITICAL)).text
    assert text.count("To acknowledge: im ack INC-") == listed
    assert ("more: im list" in text, rest in text) == (bool(rest), True)
    assert text.startswith(f"{count} incidents")
    assert "\n\nINC-9999  [SEV-1]" in text
    assert len(text) < provider.LONGEST_TEXT


def test_s22_one_incident_with_two_services_is_told_once() -> None:
    """S20, S22: a person is asked for both parts by one mail that looks like any other's."""
    made = bundle(told(2), told(2, service="database"))
    assert made.subject == "[SEV-2] Disk 2 is full (INC-2)"
    assert made.text.startswith("INC-2  [SEV-2] Disk 2 is full\n  Service: web, database\n")
    assert made.text.count("im ack") == 1


@pytest.mark.parametrize(
    ("page", "start", "told_as"),
    [
        pytest.param(told(2), "", "Disk 2 is full\n", id="new"),
        pytest.param(told(2, repeat="again"), "Re: ", "Disk 2 is full (asked again: nobody has acknowledged yet)\n", id="asked again"),
        pytest.param(told(2, kind=EffectKind.REOPEN), "Re: ", "Disk 2 is full (open again)\n", id="open again"),
    ],
)  # fmt: skip
def test_s22_it_says_of_each_why_it_is_told(page: Effect, start: str, told_as: str) -> None:
    made = bundle(page)
    assert made.subject == f"{start}[SEV-2] Disk 2 is full (INC-2)"
    assert told_as in made.text


def test_s22_what_follows_is_a_reply_to_the_mail_that_told_it_with_others() -> None:
    """S22: its thread begins there, and goes on there after a page that was asked again."""
    both = Effect(
        kind=EffectKind.CREATE, key="tocsin:hub:bundle:1", incident="", title="", description="", severity=Severity.HIGH,
        bundled=(told(2), told(3)),
    )  # fmt: skip
    taken = provider.outcome_of(both, CONNECTOR, "mail", Response(250))
    assert isinstance(taken, Accepted)
    assert taken.remote_id == bundle(told(2), told(3)).message_id
    acks = [
        mail(EffectKind.ACKNOWLEDGE, key=f"tocsin:hub:{n}:web:1", remote_id=taken.remote_id) for n in (2, 3)
    ]
    assert {ack.in_reply_to for ack in acks} == {taken.remote_id}
    assert len({ack.message_id for ack in acks}) == 2

    again = provider.outcome_of(
        told(2, repeat="again", remote_id=taken.remote_id), CONNECTOR, "mail", Response(250)
    )
    assert isinstance(again, Accepted)
    assert again.remote_id == taken.remote_id


def test_s22_a_title_in_a_list_cannot_forge_another_line() -> None:
    text = bundle(told(2, title="Down\r\nINC-7  [SEV-1] All is lost"), told(3)).text
    assert "INC-2  [SEV-2] Down INC-7 [SEV-1] All is lost\n" in text
