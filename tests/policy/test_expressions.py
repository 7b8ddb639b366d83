"""Does a condition see what S1 promises, and is what it cannot see refused beforehand?"""

import contextlib
import re
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.facts import FactSheet, fact_sheet
from tocsin.core.model import Alert, AlertId, AlertStatus, CorrelationId
from tocsin.core.policy import ConditionError, Conjunction, Policy
from tocsin.policy.cel_text import ExpressionFault, contained, rewritten, text_of, tokens_of
from tocsin.policy.expressions import Expressions, TextPattern, definition_order

NOW = datetime(2026, 11, 18, 10, tzinfo=UTC)


def facts(**more: Any) -> FactSheet:
    """The facts of an alert without service and integration."""
    given: dict[str, Any] = {"title": "disk full", "source": "prometheus", **more}
    alert = Alert(
        id=AlertId(UUID(int=1)),
        integration="prometheus",
        scope="prometheus",
        dedup_key="k",
        status=AlertStatus.QUEUED,
        correlation_id=CorrelationId("c"),
        first_event_at=NOW,
        last_event_at=NOW,
        **given,
    )
    return fact_sheet(alert, severity=None, services=(), team="", integration=None, policy=Policy(), now=NOW)


def compiled(text: str) -> Any:
    return Expressions().condition(text)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        pytest.param('alert.severity == ""', True, id="no severity reads as nothing"),
        pytest.param(
            'service.name == "" && service.criticality == ""', True, id="no service reads as nothing"
        ),
        pytest.param('integration.urgency == ""', True, id="no integration reads as nothing"),
        pytest.param('alert.labels.heals == "true"', False, id="an absent label is not an error"),
        pytest.param('alert.labels.heals != "true"', True, id="an absent label differs from a text"),
        pytest.param('alert.labels["a-b"] == ""', True, id="an absent label in brackets"),
        pytest.param('service.labels.tier == ""', True, id="an absent label of the service"),
        pytest.param('alert.labels[alert.source] == "yes"', True, id="a label named by a fact"),
        pytest.param('alert.labels[alert.labels["none"]] == ""', True, id="a label named by an absent label"),
        pytest.param('"x-y" in alert.labels', True, id="a label that is there"),
        pytest.param('"nope" in alert.labels', False, id="a label that is not there"),
        pytest.param("has(alert.labels.env)", True, id="has: there"),
        pytest.param("has(alert.labels.nope)", False, id="has: not there"),
        pytest.param('alert.labels.exists(name, name.startsWith("x"))', True, id="a macro over labels"),
        pytest.param("size(alert.labels) == 3", True, id="counting labels sees the real ones"),
        pytest.param('alert["title"] == "disk full"', True, id="a field in brackets"),
        pytest.param('"svc:web" in alert.tags', True, id="a tag"),
        pytest.param("alert.details.load > 4.5", True, id="a number among the details"),
        pytest.param('alert.text == "disk full\\n"', True, id="the text is title and description"),
        pytest.param('weekday == "wed" && hours == "after" && !holiday', True, id="time without a team"),
        pytest.param('alert.title == "a // b" || true // a comment', True, id="a comment at the end"),
        pytest.param('alert.labels.env == "dev" // alert.nope', True, id="a comment is not read"),
        pytest.param("alert.title.matches('(?i)DISK')", True, id="a pattern inside"),
        pytest.param("alert.count == 0 && alert.origin == ''", True, id="count and origin"),
    ],
)
def test_what_a_condition_sees(text: str, holds: bool) -> None:
    """S1: maps with every known field, empty when unknown; an absent label reads as ""."""
    sheet = facts(
        labels={"env": "dev", "prometheus": "yes", "x-y": "1"}, tags=("svc:web",), details={"load": 4.7}
    )
    assert compiled(text).holds(sheet) is holds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("alert.sevrity == 'x'", 'no field sevrity; did you mean "severity"', id="misspelt"),
        pytest.param("alert['sevrity'] == 'x'", "no field sevrity", id="misspelt in brackets"),
        pytest.param("service.nome == 'x'", 'did you mean "name"', id="misspelt field of the service"),
        pytest.param("integration.key == 'x'", "no field key", id="the key is not shown to rules"),
        pytest.param("alert == 'x'", "used with a field", id="the whole alert"),
        pytest.param("has(alert.title)", "always true", id="has of what is always there"),
        pytest.param("now > 3", "there is no now", id="no clock"),
        pytest.param("holidays", 'did you mean "holiday"', id="misspelt bool"),
        pytest.param("alert.tags == 'x'", "no matching overload", id="a list is no text"),
        pytest.param("alert.count == '1'", "no matching overload", id="a number is no text"),
        pytest.param("alert.title", "type string", id="a text for a condition"),
        pytest.param("(team == 'a'", "is no CEL", id="an open parenthesis"),
        pytest.param("team = 'a'", "is no CEL", id="one equals sign"),
        pytest.param("team == 'a", "is no CEL", id="an open quote"),
        pytest.param("a" * 10_001, "longer than", id="too long"),
    ],
)
def test_what_is_refused_beforehand(text: str, words: str) -> None:
    """S1: an unknown name and a type error."""
    with pytest.raises(ExpressionFault, match=re.escape(words)):
        compiled(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("alert.details.nope == 1", id="an absent detail"),
        pytest.param("alert.details.word > 3", id="a text compared with a number"),
        pytest.param("alert.details.word", id="a detail that is no bool"),
        pytest.param("1 / alert.count == 1", id="division by zero"),
        pytest.param("alert.tags[3] == 'x'", id="a tag too far"),
    ],
)
def test_an_error_at_run_time_is_told_and_no_match(text: str) -> None:
    """S1."""
    condition = compiled(text)
    with pytest.raises(ConditionError):
        condition.holds(facts(details={"word": "x"}))


def test_named_facts_may_use_each_other_and_be_used() -> None:
    expressions = Expressions()
    expressions.define("urgent", 'alert.severity in ["critical", "high"]')
    expressions.define("calm", "!urgent || team == 'a'")
    assert expressions.condition("calm && !urgent").holds(facts())
    assert not expressions.condition("!calm").holds(facts())
    with pytest.raises(ExpressionFault, match="another name for the variable"):
        expressions.condition("alert.tags.exists(urgent, urgent == 'x')")
    with pytest.raises(ExpressionFault, match="no field urgent"):
        expressions.condition("alert.urgent == 'x'")


def test_facts_that_double_each_other_are_cut_off() -> None:
    expressions = Expressions()
    expressions.define("f0", "team == 'a'")

    def define_all() -> None:
        for index in range(1, 40):
            expressions.define(f"f{index}", f"f{index - 1} || f{index - 1}")

    with pytest.raises(ExpressionFault, match="too long"):
        define_all()


@pytest.mark.parametrize(
    ("written", "order", "circle"),
    [
        pytest.param({"a": "b", "b": "true"}, ["b", "a"], [], id="used before it is written"),
        pytest.param({"a": "b", "b": "a", "c": "true"}, ["c"], ["a", "b"], id="a circle"),
        pytest.param({"a": "a"}, [], ["a"], id="itself"),
        pytest.param({"a": "'b' == team", "b": "a"}, ["a", "b"], [], id="a name inside quotes is no use"),
    ],
)
def test_the_order_of_facts(written: dict[str, str], order: list[str], circle: list[str]) -> None:
    assert definition_order(written) == (order, circle)


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        pytest.param('alert.source == "x"', {("alert.source", "x")}, id="one equality"),
        pytest.param('"x" == alert.source', {("alert.source", "x")}, id="turned round"),
        pytest.param(
            "(team == 'a') && (hours == 'after')", {("team", "a"), ("hours", "after")}, id="parentheses"
        ),
        pytest.param("by_day && team == 'a'", {("hours", "business"), ("team", "a")}, id="inside a fact"),
        pytest.param(
            'alert.labels.env == "x" && alert.labels["a.b"] == "y"',
            {("alert.labels.env", "x"), ("alert.labels.a.b", "y")},
            id="labels in both spellings",
        ),
        pytest.param('alert.source == "x" || team == "a"', set(), id="or needs nothing"),
        pytest.param('alert.source == "x" && team == "a" || holiday', set(), id="or after and needs nothing"),
        pytest.param('holiday ? team == "b" : alert.count > 1 && team == "a"', set(), id="and in a choice"),
        pytest.param('alert.source == "x" ? true : false', set(), id="a choice needs nothing"),
        pytest.param('!(alert.source == "x")', set(), id="not needs nothing"),
        pytest.param('alert.source == "a\\nb"', set(), id="escapes are left alone"),
        pytest.param('alert.source == r"x"', set(), id="raw strings are left alone"),
        pytest.param('alert.source + "y" == "xy"', set(), id="a sum is no path"),
        pytest.param('alert.details.x == "y"', set(), id="a detail may be an error"),
        pytest.param('alert.source == "x" && alert.count > 3', {("alert.source", "x")}, id="one of two"),
    ],
)
def test_what_a_condition_needs(text: str, needs: set[tuple[str, str]]) -> None:
    expressions = Expressions()
    expressions.define("by_day", 'hours == "business"')
    condition = expressions.condition(text)
    assert isinstance(condition, Conjunction)
    assert set(condition.needs) == needs


def test_clauses_are_those_that_were_written() -> None:
    expressions = Expressions()
    expressions.define("urgent", 'alert.severity in ["critical", "high"]')
    condition = expressions.condition('team == "a"  &&  (urgent) && (hours == "x" || holiday)')
    assert isinstance(condition, Conjunction)
    assert [clause.text for clause in condition.clauses] == [
        'team == "a"',
        "(urgent)",
        '(hours == "x" || holiday)',
    ]


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        pytest.param("pool exhausted", "ERROR: Pool Exhausted on db", True, id="letter case does not count"),
        pytest.param("connection (failed|refused)", "Connection refused", True, id="a choice"),
        pytest.param("^disk", "the disk", False, id="an anchor"),
        pytest.param("é", "CAFÉ", True, id="letters beyond English"),
        pytest.param("x", "\ud800x", True, id="half a character in the text"),
    ],
)
def test_patterns(pattern: str, text: str, found: bool) -> None:
    assert TextPattern(pattern).found_in(text) is found


def test_a_hostile_text_costs_a_pattern_no_time() -> None:
    pattern = TextPattern("(a+)+$")
    start = time.process_time()
    assert not pattern.found_in("a" * 20_000 + "b")
    assert time.process_time() - start < 0.5


@given(
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=4),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=6,
    ),
    st.text(max_size=20),
)
def test_no_alert_makes_a_safe_condition_fail(labels: dict[str, str], detail: object, title: str) -> None:
    sheet = facts(title=title, labels=labels, details={"any": detail})
    assert compiled('alert.labels.zzzzzz == "" && alert.source == "prometheus"').holds(sheet)


def test_a_label_whose_name_ends_in_nul_does_no_harm() -> None:
    sheet = facts(labels={"": "", "\x00": "", "a": "1", "a\x00b": "2"})
    assert compiled('alert.labels.a == "1" && alert.labels.b == ""').holds(sheet)


@pytest.mark.parametrize("odd", ["\ud800", "a\x00b", "\uffff"])
def test_odd_characters_do_no_harm(odd: str) -> None:
    sheet = facts(title=odd, labels={odd: odd}, tags=(odd,), details={odd: [odd, 2**80, {odd: 1}]})
    assert compiled('alert.source == "prometheus" && size(alert.tags) == 1').holds(sheet)


@given(st.text(alphabet="ab.[]()'\"&|!=? \n/\\rlabeltsv", max_size=30))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    with contextlib.suppress(ExpressionFault):
        assert compiled(text).text in (text.strip(), "true")


@given(st.text(max_size=40))
def test_no_text_stops_the_rewriting(text: str) -> None:
    assert isinstance(text_of(rewritten(tokens_of(text))), str)


def test_asking_is_quick() -> None:
    condition = compiled('alert.labels.heals == "true" && !(alert.severity == "critical") && team == "a"')
    sheet = facts(labels={"heals": "true"})
    condition.holds(sheet)
    start = time.process_time()
    for _ in range(1000):
        condition.holds(sheet)
    assert (time.process_time() - start) / 1000 < 100e-6  # about 3 us; ten times that on a busy machine


@pytest.mark.parametrize(
    ("text", "literals"),
    [
        pytest.param('alert.title.contains("disk")', (("title", "disk"),), id="alone"),
        pytest.param('team == "a" && (alert.text.contains("x") && alert.title.contains("y"))', (("text", "x"), ("title", "y")), id="joined, in parentheses"),
        pytest.param('alert.title.contains("x") || team == "a"', (), id="one of two ways says nothing by itself"),
        pytest.param('!alert.title.contains("x")', (), id="denied"),
        pytest.param('alert.labels.env.contains("x")', (), id="a label is left to CEL"),
        pytest.param('alert.title.contains(alert.source)', (), id="no literal"),
        pytest.param('alert.title.contains("a\\"b")', (), id="an escape is left to CEL"),
    ],
)  # fmt: skip
def test_literals_that_must_stand_in_the_alert(text: str, literals: tuple[tuple[str, str], ...]) -> None:
    """What can be looked for before CEL is asked."""
    assert contained(tokens_of(text)) == literals


@given(st.text(max_size=40), st.text(alphabet="abc ü0", max_size=3))
def test_looking_for_a_literal_first_changes_no_answer(title: str, literal: str) -> None:
    """Asked both ways: once found beforehand, once hidden from that look by a double denial."""
    sheet = facts(title=title or "t")
    short = compiled(f'alert.title.contains("{literal}")').holds(sheet)
    long = compiled(f'!(!alert.title.contains("{literal}"))').holds(sheet)

    assert short is long


def test_a_failing_clause_beside_an_absent_literal_is_no_match_either_way() -> None:
    """false && error is false in CEL, so the short way hides no fault that CEL would tell."""
    sheet = facts(title="disk full", details={"word": "x"})

    assert not compiled('alert.details.none == "x" && alert.title.contains("cpu")').holds(sheet)
    assert not compiled('!(!(alert.details.none == "x" && alert.title.contains("cpu")))').holds(sheet)
