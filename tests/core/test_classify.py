"""How bad is it, whose is it, and why: S3 in its order, rule by rule."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinds import PROVIDERS, SOURCES
from tocsin import policy as rules
from tocsin.core.classify import Classified, classify
from tocsin.core.model import Alert, AlertId, AlertStatus, CorrelationId
from tocsin.core.policy import Condition, Destination, Facts, Integration, Policy
from tocsin.core.severity import Severity
from tocsin.core.values import replace

C, H, M, L = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW
DAY = datetime(2026, 11, 18, 10, tzinfo=UTC)
EXAMPLE = Path(__file__).parents[2] / "examples" / "example.yaml"
ENV = {
    "PAGERDUTY_URL": "http://127.0.0.1:1",
    "OPSGENIE_URL": "http://127.0.0.1:1",
    "PAGERDUTY_API_KEY": "k",
    "OPSGENIE_API_KEY": "k",
    "AM_KEY": "alertmanager-key-0001",
    "PD_IN_KEY": "0123456789abcdef0123456789ABCDEF",
    "OG_IN_KEY": "2f6b0b5e-0f3c-4f0e-9f5a-0123456789ab",
    "WH_KEY": "webhook-key-00000001",
}


def load(text: str) -> Policy:
    return rules.load(
        text,
        env=ENV,
        known_sources=SOURCES,
        known_providers=PROVIDERS,
        file_name="hub.yaml",
    ).policy


@cache
def example() -> Policy:
    return load(EXAMPLE.read_text(encoding="utf-8"))


def alert(**more: Any) -> Alert:
    given: dict[str, Any] = {"title": "something", "source": "test", "integration": "i", **more}
    return Alert(
        id=AlertId(UUID(int=1)),
        scope="i",
        dedup_key="k",
        status=AlertStatus.QUEUED,
        correlation_id=CorrelationId("c"),
        first_event_at=DAY,
        last_event_at=DAY,
        **given,
    )


def integration(urgency: Severity | None = None, **destinations: str) -> Integration:
    return Integration(
        name="i",
        source="webhook",
        key_hash="",
        urgency=urgency,
        destinations=tuple(Destination(kind, name) for kind, name in destinations.items()),
    )


def reasons(found: Classified) -> list[str]:
    return [line.reason for line in found.reasons]


@pytest.mark.parametrize(
    ("given_alert", "urgency", "severity", "lifted_from", "why"),
    [
        pytest.param(
            {"sender_severity": M, "services": ("payment-service",)},
            None,
            H,
            M,
            ["sender_severity", "lift"],
            id="medium on a critical service becomes high",
        ),
        pytest.param(
            {"sender_severity": M, "services": ("web",)},
            None,
            M,
            None,
            ["sender_severity"],
            id="not elsewhere",
        ),
        pytest.param(
            {"sender_severity": L, "services": ("user-auth",)},
            None,
            L,
            None,
            ["sender_severity"],
            id="a lift is a table: low stays low",
        ),
        pytest.param(
            {"sender_severity": H, "services": ("user-auth",)},
            None,
            H,
            None,
            ["sender_severity"],
            id="a lift is applied once: high stays high",
        ),
        pytest.param(
            {"sender_severity": L, "source": "database", "title": "Connection REFUSED by db-3"},
            None,
            C,
            None,
            ["sender_severity", "service_matched", "rule"],
            id="a rule beats the sender",
        ),
        pytest.param(
            {"sender_severity": L, "source": "database", "title": "all fine"},
            None,
            L,
            None,
            ["sender_severity", "service_matched"],
            id="a rule whose patterns are not found does not hold",
        ),
        pytest.param(
            {"source": "database", "description": "pool exhausted"},
            L,
            C,
            None,
            ["service_matched", "rule"],
            id="patterns look at the description too",
        ),
        pytest.param(
            {"title": "p99 latency is up"},
            H,
            M,
            None,
            ["rule"],
            id="a rule for what has no severity beats urgency",
        ),
        pytest.param(
            {"title": "p99 latency is up", "sender_severity": H},
            None,
            H,
            None,
            ["sender_severity"],
            id="and leaves what has one",
        ),
        pytest.param({}, H, H, None, ["urgency"], id="urgency only where nothing else speaks"),
        pytest.param({}, None, M, None, ["severity_unset"], id="medium when nobody says anything"),
        pytest.param(
            {"services": ("payment-service",)},
            M,
            H,
            M,
            ["urgency", "lift"],
            id="lifts come after urgency",
        ),
    ],
)
def test_severity(
    given_alert: dict[str, Any],
    urgency: Severity | None,
    severity: Severity,
    lifted_from: Severity | None,
    why: list[str],
) -> None:
    """S3: the sender's, then the rules, then the urgency where it is empty, lifts last; a lift is a table, applied once."""
    found = classify(alert(**given_alert), integration(urgency), example(), DAY)
    assert (found.severity, found.lifted_from, reasons(found)) == (severity, lifted_from, why)


def test_a_lift_is_shown_as_the_rule_it_is() -> None:
    found = classify(alert(sender_severity=M, services=("payment-service",)), None, example(), DAY)
    line = found.reasons[-1]
    assert line.text == "Rule “critical services lift their alerts” lifts medium to high."
    assert line.data["rule"] == "critical services lift their alerts"


def test_several_lifts_take_the_highest_and_do_not_add_up() -> None:
    """S3."""
    policy = load(
        "classification:\n"
        "  - {name: a, lift: {low: medium}}\n  - {name: b, lift: {low: high, medium: critical}}\n"
        "  - {name: c, lift: {low: medium, high: critical}}\n"
    )
    found = classify(alert(sender_severity=L), None, policy, DAY)
    assert (found.severity, found.lifted_from) == (H, L)
    assert reasons(found) == ["sender_severity", "lift", "lift", "lift"]


def test_later_rules_see_what_earlier_ones_set_and_the_last_one_wins() -> None:
    policy = load(
        "teams: {ops: {}}\nservices: {db: {team: ops, criticality: critical}}\n"
        "classification:\n"
        "  - {name: find, set: {service: db}}\n"
        '  - {name: worse, when: \'service.criticality == "critical" && team == "ops"\', set: {severity: high}}\n'
        '  - {name: not any more, when: alert.severity == "", set: {severity: low}}\n'
        '  - {name: still, when: alert.severity == "high", set: {severity: critical}}\n'
    )
    found = classify(alert(), None, policy, DAY)
    assert (found.severity, found.services, found.team) == (C, ("db",), "ops")
    assert [line.data.get("rule") for line in found.reasons] == ["find", "worse", "still"]


MATCHES = (
    "teams: {a: {}, b: {}}\n"
    "services:\n"
    "  first:  {team: a, match: {source: s}}\n"
    "  second: {team: b, match: {source: s}}\n"
    "  both:   {match: {source: s, labels.job: web}}\n"
    "  other:  {match: {labels.job: api}}\n"
    "  empty:  {match: {source: t, labels.job: ''}}\n"
    "  deep:   {match: {details.host.name: h1}}\n"
    "classification: [{name: tagged, when: '\"x\" in alert.tags', set: {service: second}}]\n"
)


@pytest.mark.parametrize(
    ("given_alert", "destinations", "services", "team"),
    [
        pytest.param(
            {"services": ("b",), "source": "s"}, {}, ("b",), "", id="the event's service, known or not"
        ),
        pytest.param({"source": "s"}, {}, ("first",), "a", id="equal matches: the first of the file"),
        pytest.param(
            {"source": "s", "labels": {"job": "web"}}, {}, ("both",), "", id="the most specific match"
        ),
        pytest.param(
            {"source": "s", "labels": {"job": "api"}}, {}, ("first",), "a", id="one path each: the first"
        ),
        pytest.param({"source": "S"}, {}, (), "", id="matches are exact"),
        pytest.param({"source": "t"}, {}, ("empty",), "", id="an absent label matches nothing written"),
        pytest.param({"source": "t", "labels": {"job": "x"}}, {}, (), "", id="a present one does not"),
        pytest.param({"details": {"host": {"name": "h1"}}}, {}, ("deep",), "", id="deep in the details"),
        pytest.param({"source": "s", "tags": ("x",)}, {}, ("second",), "b", id="a rule beats the match"),
        pytest.param(
            {"services": ("first",), "tags": ("x",)}, {}, ("first",), "a", id="but not the event's own word"
        ),
        pytest.param({}, {"service": "first"}, ("first",), "a", id="a destination fills the service"),
        pytest.param({"source": "s"}, {"service": "other"}, ("first",), "a", id="only when unset"),
        pytest.param({}, {"team": "b"}, (), "b", id="a destination fills the team"),
        pytest.param({"source": "s"}, {"team": "b"}, ("first",), "a", id="the service's team comes first"),
        pytest.param(
            {"source": "s", "team": "z"}, {"team": "b"}, ("first",), "z", id="the event's team before it"
        ),
    ],
)
def test_service_and_team(
    given_alert: dict[str, Any], destinations: dict[str, str], services: tuple[str, ...], team: str
) -> None:
    """S4: `team` and `service` of an integration fill those facts when they are unset."""
    found = classify(alert(**given_alert), integration(**destinations), load(MATCHES), DAY)
    assert (found.services, found.team) == (services, team)


def test_an_unknown_service_is_kept_and_told() -> None:
    found = classify(alert(services=("nowhere", "web"), sender_severity=L), None, example(), DAY)
    assert found.services == ("nowhere", "web")
    assert "Service nowhere is not in the catalog." in [line.text for line in found.reasons]


def test_a_failing_rule_is_skipped_and_told() -> None:
    policy = load(
        "classification:\n"
        "  - {name: broken, when: alert.details.load > 3, set: {severity: low}}\n"
        "  - {name: lifting, when: alert.details.load > 3, lift: {high: critical}}\n"
        "  - {name: sound, set: {severity: high}}\n"
    )
    found = classify(alert(), None, policy, DAY)
    assert found.severity is H
    assert [name for name, _ in found.facts_failed] == ["broken", "lifting"]
    assert "load" in found.facts_failed[0][1]
    assert reasons(found) == ["rule_failed", "rule", "rule_failed"]


class Bug:
    """A condition with a fault of ours in it."""

    text = "bug"

    def holds(self, facts: Facts) -> bool:
        raise KeyError("oops")


def test_a_bug_in_one_rule_does_not_cost_the_others() -> None:
    policy = load("classification: [{name: a, set: {severity: low}}, {name: b, set: {severity: high}}]")
    bug: Condition = Bug()
    first, second = policy.classification
    broken = replace(policy, classification=(replace(first, when=bug), second), classification_index=None)
    found = classify(alert(), None, broken, DAY)
    assert found.severity is H
    assert found.facts_failed == (("a", "KeyError: 'oops'"),)


def test_enrichment_says_whose_it_is() -> None:
    found = classify(alert(services=("payment-service",)), None, example(), DAY)
    assert found.enrichment == {
        "team": "payments",
        "lead": "ada",
        "owner": "Ada",
        "runbook": "https://runbooks.example.com/payments",
        "dependencies": ["database"],
        "criticality": "critical",
    }


# ---- many rules -----------------------------------------------------------------------------------------

WHENS = (
    'alert.source == "{a}"',
    'alert.labels.k == "{a}"',
    'alert.labels["k"] == "{b}" && alert.severity == "low"',
    'service.name == "{a}"',
    'team == "{b}" && alert.source == "{a}"',
    'alert.severity == "{s}"',
    'alert.source == "{a}" && alert.details.x > 1',
    'alert.details.x > 1 && alert.source == "{a}"',
    'alert.source != "{a}"',
    'alert.source == "{a}" || team == "{b}"',
    'alert.labels.k == ""',
    "named_{a}",
    "true",
)
SETS = (
    "severity: low",
    "severity: high",
    "service: a",
    "service: b",
    "team: ta",
    "severity: medium, service: c",
)
LETTER = st.sampled_from("abc")


@st.composite
def documents(draw: Callable[..., Any]) -> str:
    """A catalog and rules that name few words often, so that they meet."""
    paths = ("source", "labels.k", "labels.j", "integration")
    lines = ["teams: {ta: {}, tb: {}}", "facts:"]
    lines += [f"  named_{name}: alert.source == '{name}' && team == 'ta'" for name in "abc"]
    lines.append("services:")
    for name in "abcdef":
        match = {draw(st.sampled_from(paths)): draw(LETTER) for _ in range(draw(st.integers(0, 2)))}
        lines.append(f"  {name}: {{team: t{draw(st.sampled_from('ab'))}, match: {match}}}")
    lines.append("classification:")
    for index in range(draw(st.integers(1, 8))):
        when = draw(st.sampled_from(WHENS)).format(
            a=draw(LETTER), b=draw(LETTER), s=draw(st.sampled_from((L, H)))
        )
        does = draw(
            st.sampled_from([f"set: {{{each}}}" for each in SETS] + ["lift: {low: medium, high: critical}"])
        )
        more = draw(st.sampled_from(["", ", lift: {low: high}"])) if does.startswith("set") else ""
        lines.append(f"  - {{name: r{index}, when: '{when}', {does}{more}}}")
    return "\n".join(lines)


@settings(max_examples=150, deadline=None)
@given(
    documents(),
    LETTER,
    st.dictionaries(st.sampled_from("kj"), LETTER),
    st.lists(st.sampled_from("abcz"), max_size=1),
    st.none() | st.sampled_from(Severity),
)
def test_an_index_never_changes_the_result(
    document: str, source: str, labels: dict[str, str], services: list[str], severity: Severity | None
) -> None:
    policy = load(document)
    naive = replace(policy, classification_index=None, catalog_index=None, catalog=None)
    each = alert(
        source=source, labels=labels, services=tuple(services), sender_severity=severity, integration="a"
    )
    assert classify(each, None, policy, DAY) == classify(each, None, naive, DAY)


def many(count_rules: int, count_services: int) -> Policy:
    lines = ["services:"]
    lines += [f"  s{index}: {{match: {{labels.job: j{index}}}}}" for index in range(count_services)]
    lines.append("classification:")
    lines += [
        f"  - {{name: r{index}, when: 'alert.source == \"x{index}\"', set: {{severity: high}}}}"
        for index in range(count_rules)
    ]
    return load("\n".join(lines))


def best_of(policy: Policy) -> float:
    each = alert(source="x5", labels={"job": "j5", "env": "prod"})
    assert classify(each, None, policy, DAY).services == ("s5",)
    best = 1.0
    for _ in range(30):
        start = time.process_time()
        for _ in range(20):
            classify(each, None, policy, DAY)
        best = min(best, (time.process_time() - start) / 20)
    return best


def test_a_thousand_rules_cost_hardly_more_than_ten() -> None:
    few, lots = best_of(many(10, 10)), best_of(many(1000, 2000))
    assert lots <= few * 1.5 + 50e-6, (few, lots)


def test_a_rule_that_held_lifts_although_it_changed_what_it_asked_for() -> None:
    policy = load(
        "classification: [{name: a, when: alert.severity == 'high', set: {severity: low}, lift: {low: medium}}]"
    )
    found = classify(alert(sender_severity=H), None, policy, DAY)
    assert (found.severity, found.lifted_from) == (M, L)
