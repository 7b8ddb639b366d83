"""A person words an incident anew: what changes, how it is told, and what repeats may not undo (S6, S40)?"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.amend import Wording, amend
from tocsin.core.severity import Severity
from tocsin.core.values import replace

from .deciding import decided, kinds, member, repeated
from .values import ADA, CLOSED, MITIGATED, RESOLVED, C, H, L, M, at, create, incident, page_rule, policy

INCIDENT = incident(title="Disk full", description="db1", fields={"customer": "acme"})


@pytest.mark.parametrize(
    ("wanted", "after", "told"),
    [
        pytest.param({"title": "Disk full on db1"}, {"title": "Disk full on db1"},
                     "Title changed by Ada via cli: Disk full -> Disk full on db1", id="a title"),
        pytest.param({"description": ""}, {"description": ""},
                     "Description removed by Ada via cli: it was db1", id="a description is taken away"),
        pytest.param({"fields": {"region": "eu"}}, {"fields": {"customer": "acme", "region": "eu"}},
                     "Field region set by Ada via cli: eu", id="a new field beside the others"),
        pytest.param({"fields": {"customer": "bolt"}}, {"fields": {"customer": "bolt"}},
                     "Field customer changed by Ada via cli: acme -> bolt", id="another value"),
        pytest.param({"fields": {"customer": None}}, {"fields": {}},
                     "Field customer removed by Ada via cli: it was acme", id="a field is taken away"),
        pytest.param({"severity": L}, {"severity": L},
                     "Severity changed by Ada via cli: medium -> low", id="S6: a fall changes text only"),
    ],
)  # fmt: skip
def test_a_change_is_told_with_before_and_after(
    wanted: dict[str, Any], after: dict[str, Any], told: str
) -> None:
    amended = amend(INCIDENT, Wording(**wanted), ADA)
    assert {name: getattr(amended.incident, name) for name in after} == after
    assert [line.text for line in amended.lines] == [told]
    assert set(amended.lines[0].data) == {"field", "before", "after"}
    assert amended.rises_to is None


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({}, id="nothing asked"),
        pytest.param({"title": "Disk full", "description": "db1", "severity": M}, id="all as it is"),
        pytest.param({"fields": {"customer": "acme", "region": None, "site": ""}}, id="fields as they are"),
    ],
)
def test_what_is_so_already_is_no_change(wanted: dict[str, Any]) -> None:
    amended = amend(INCIDENT, Wording(**wanted), ADA)
    assert (amended.incident, amended.changed) == (INCIDENT, False)


@pytest.mark.parametrize(
    ("status", "to", "rises"),
    [
        pytest.param(MITIGATED, H, True, id="S6: an acknowledged one rises"),
        pytest.param(RESOLVED, H, False, id="a resolved one is only called worse"),
        pytest.param(CLOSED, C, False, id="so is a closed one"),
        pytest.param(MITIGATED, L, False, id="a fall is no rise"),
    ],
)
def test_what_rises_is_routed_again(status: Any, to: Severity, rises: bool) -> None:
    amended = amend(incident(status), Wording(severity=to), ADA)
    assert (amended.rises_to is not None, amended.changed) == (rises, True)
    assert amended.incident.severity is (M if rises else to)


def test_a_long_text_is_told_short() -> None:
    (line,) = amend(INCIDENT, Wording(description="x\n" * 500), ADA).lines
    assert len(line.text) < 300
    assert "\n" not in line.text
    assert line.data["after"] == "x\n" * 500


@pytest.mark.parametrize("name", ["title", "description"])
def test_repeats_leave_a_persons_words_alone(name: str) -> None:
    """S40: what Ada wrote stays; what she did not is that of the latest repeat (S6)."""
    named = amend(incident(), Wording(**{name: "Ada's words"}), ADA).incident
    said = create(title="Disk 99 % full", description="db1 again")
    after = decided(
        member(title="Disk 99 % full", description="db1 again"), repeated(said), incident=named
    ).incident
    assert after is not None
    other = {"title": "description", "description": "title"}[name]
    assert getattr(after, name) == "Ada's words"
    assert getattr(after, other) == {"title": "Disk 99 % full", "description": "db1 again"}[other]


def test_a_person_lowers_it_and_repeats_do_not_raise_it() -> None:
    """S40: the same alert, as bad as it was, is no rise."""
    lowered = amend(incident(severity=H), Wording(severity=L), ADA).incident
    after = decided(member(H), repeated(create(severity=H)), incident=lowered)
    assert after.incident is not None
    assert after.incident.severity is L
    assert "severity_rose" not in kinds(after)


def test_fields_of_rules_are_kept_until_a_person_writes_some() -> None:
    """A rule's `fields` are the incident's; those of a person win (S40)."""
    under = policy(routing=(page_rule("default", default=True, fields={"runbook": "rb-1"}),))
    opened = decided(replace(member(), incident_id=None), repeated(create()), under=under, incident=None)
    assert opened.incident is not None
    assert opened.incident.fields == {"runbook": "rb-1"}
    named = amend(opened.incident, Wording(fields={"runbook": "mine"}), ADA).incident
    after = decided(member(), repeated(create()), under=under, incident=named, now=at(60)).incident
    assert after is not None
    assert after.fields == {"runbook": "mine"}


@given(
    st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "x", "y"])),
    st.dictionaries(st.sampled_from("abc"), st.sampled_from([None, "", "x", "y"])),
)
def test_doing_it_twice_is_doing_it_once(before: dict[str, str], wanted: dict[str, str | None]) -> None:
    start = incident(fields={n: v for n, v in before.items() if v})
    once = amend(start, Wording(fields=wanted), ADA)
    again = amend(once.incident, Wording(fields=wanted), ADA)
    assert not again.changed
    assert again.incident.fields == once.incident.fields
    assert "" not in once.incident.fields.values()
