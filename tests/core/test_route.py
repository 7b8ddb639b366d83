"""Where does an alert go, by which rule, and is somebody paged whatever goes wrong (S2, S4)?"""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinds import PROVIDERS, SOURCES
from tocsin import policy as rules
from tocsin.core.classify import classify
from tocsin.core.facts import fact_sheet
from tocsin.core.model import Alert, AlertId, AlertStatus, CorrelationId
from tocsin.core.policy import (
    Destination,
    Facts,
    Integration,
    Mode,
    Policy,
    RouteKind,
    Service,
    Target,
    TargetKind,
    Team,
)
from tocsin.core.route import Route, explain_clauses, route
from tocsin.core.severity import Severity
from tocsin.core.values import replace

C, H, M, L = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW
WORKDAY = "2026-11-18T10:00Z"  # Wednesday, business hours in Berlin, London and Kolkata
NIGHT = "2026-11-18T22:00Z"
WEEKEND = "2026-11-21T10:00Z"
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
    at = datetime(2026, 11, 18, 10, tzinfo=UTC)
    return Alert(
        id=AlertId(UUID(int=1)),
        scope="i",
        dedup_key="k",
        status=AlertStatus.QUEUED,
        correlation_id=CorrelationId("c"),
        first_event_at=at,
        last_event_at=at,
        **given,
    )


def way(policy: Policy, at: str, *, explain: bool = False, **more: Any) -> Route:
    """Classify and route, as the hub does."""
    now = datetime.fromisoformat(at)
    each = alert(**more)
    known = classify(each, None, policy, now)
    service = policy.services.get(known.services[0]) if known.services else None
    each = replace(each, services=known.services)
    return route(each, known.severity, service, known.team, None, policy, now, explain=explain)


def targets(found: Route, step: int = 0) -> list[str]:
    return [target.shown for target in found.steps[step].targets]


PAYMENTS = {"services": ("payment-service",), "sender_severity": H}
DATABASE = {"services": ("database",), "sender_severity": C}


@pytest.mark.parametrize(
    ("given_alert", "at", "rule", "first", "mode"),
    [
        pytest.param(
            PAYMENTS,
            WORKDAY,
            "payments by day",
            ["prod-pagerduty", "prod-opsgenie", "ops-mail"],
            Mode.FAILOVER,
            id="payments to PagerDuty in business hours",
        ),
        pytest.param(
            PAYMENTS,
            NIGHT,
            "payments by night",
            ["prod-opsgenie", "prod-pagerduty", "ops-mail"],
            Mode.FAILOVER,
            id="payments to Opsgenie after hours",
        ),
        pytest.param(
            {**PAYMENTS, "sender_severity": M},
            WORKDAY,
            "payments by day",
            ["prod-pagerduty", "prod-opsgenie", "ops-mail"],
            Mode.FAILOVER,
            id="a medium payment alert is lifted to high and pages",
        ),
        pytest.param(
            PAYMENTS,
            "2026-04-06T10:00Z",
            "payments by night",
            ["prod-opsgenie", "prod-pagerduty", "ops-mail"],
            Mode.FAILOVER,
            id="payments on Easter Monday are after hours",
        ),
        pytest.param(
            PAYMENTS,
            "2026-03-27T07:30Z",
            "payments by night",
            ["prod-opsgenie", "prod-pagerduty", "ops-mail"],
            Mode.FAILOVER,
            id="7:30Z before the change to summer time is after hours",
        ),
        pytest.param(
            PAYMENTS,
            "2026-03-30T07:30Z",
            "payments by day",
            ["prod-pagerduty", "prod-opsgenie", "ops-mail"],
            Mode.FAILOVER,
            id="7:30Z after the change to summer time is business hours",
        ),
        pytest.param(
            {**PAYMENTS, "sender_severity": C},
            WORKDAY,
            "the worst go everywhere",
            ["prod-pagerduty", "prod-opsgenie"],
            Mode.ALL,
            id="critical on a critical service goes everywhere",
        ),
        *[
            pytest.param(
                {"services": ("user-auth",), "sender_severity": severity},
                at,
                "security goes everywhere",
                ["prod-pagerduty", "prod-opsgenie"],
                Mode.ALL,
                id=f"security to both always: {severity} {when}",
            )
            for severity in (C, L)
            for when, at in (("by day", "2026-11-18T15:00Z"), ("by night", "2026-11-19T03:00Z"))
        ],
        pytest.param(
            DATABASE,
            WEEKEND,
            "database at the weekend",
            ["prod-pagerduty", "prod-opsgenie"],
            Mode.FAILOVER,
            id="a weekend database failure takes its own way",
        ),
        pytest.param(
            DATABASE,
            "2026-08-31T10:00Z",
            "database at the weekend",
            ["prod-pagerduty", "prod-opsgenie"],
            Mode.FAILOVER,
            id="a bank holiday is a weekend",
        ),
        pytest.param(
            DATABASE,
            WORKDAY,
            "default",
            ["prod-pagerduty", "prod-opsgenie", "ops-mail"],
            Mode.FAILOVER,
            id="on a workday a database failure takes the usual way",
        ),
        pytest.param(
            DATABASE,
            "2026-11-20T23:59:59Z",
            "default",
            ["prod-pagerduty", "prod-opsgenie", "ops-mail"],
            Mode.FAILOVER,
            id="the weekend begins at midnight in London",
        ),
        pytest.param(
            {"services": ("nowhere",), "sender_severity": H},
            WORKDAY,
            "default",
            ["prod-pagerduty", "prod-opsgenie", "ops-mail"],
            Mode.FAILOVER,
            id="an unknown service pages by default",
        ),
    ],
)
def test_who_is_paged(given_alert: dict[str, Any], at: str, rule: str, first: list[str], mode: Mode) -> None:
    found = way(example(), at, **given_alert)
    assert (found.kind, found.rule, targets(found), found.steps[0].mode) == (
        RouteKind.PAGE,
        rule,
        first,
        mode,
    )
    assert found.failed == ()


def test_a_weekend_database_failure_goes_straight_to_the_lead_next() -> None:
    found = way(example(), WEEKEND, **DATABASE)
    assert found.policy_name == "database-lead"
    assert targets(found, 1) == ["user:di"]
    assert (found.steps[1].after, found.steps[1].repeat) == (timedelta(minutes=10), timedelta(minutes=10))


@pytest.mark.parametrize(
    ("given_alert", "kind", "rule"),
    [
        pytest.param(
            {"sender_severity": L, "labels": {"env": "dev"}},
            RouteKind.SUPPRESS,
            "development is quiet",
            id="dev",
        ),
        pytest.param({"sender_severity": L}, RouteKind.DIGEST, "the quiet ones", id="the quiet ones"),
    ],
)
def test_what_does_not_page(given_alert: dict[str, Any], kind: RouteKind, rule: str) -> None:
    found = way(example(), WORKDAY, **given_alert)
    assert (found.kind, found.rule, found.steps, found.policy_name) == (kind, rule, (), "")
    if kind is RouteKind.DIGEST:
        assert (found.digest_to, found.digest_every) == (("ops-mail",), timedelta(hours=1))
        assert found.promote is not None
    else:
        assert found.review == timedelta(days=30)


@pytest.mark.parametrize(
    ("labels", "severity", "delay"),
    [
        pytest.param({"heals": "true"}, H, timedelta(minutes=5), id="what heals itself waits"),
        pytest.param({"heals": "true"}, C, None, id="unless it is the worst"),
        pytest.param({}, H, None, id="without the label nothing waits"),
    ],
)
def test_a_continue_rule_adds(labels: dict[str, str], severity: Severity, delay: timedelta | None) -> None:
    """S2: a rule with `continue` may only add."""
    found = way(example(), WORKDAY, services=("payment-service",), labels=labels, sender_severity=severity)
    assert found.kind is RouteKind.PAGE
    assert found.delay == delay
    assert ("rule_added" in [line.reason for line in found.reasons]) is (delay is not None)


CONNECTORS = (
    "connectors: {p: {type: pagerduty, api_key: k}, o: {type: opsgenie, api_key: k}, m: {type: email}}\n"
    "users: {ada: {}, bo: {}}\n"
)
BAD = "alert.details.load > 3"


@pytest.mark.parametrize(
    ("routing", "rule", "kind"),
    [
        pytest.param(
            [f"a, when: {BAD}, page: {{all: [o]}}", "d, page: {all: [p]}"],
            "d",
            RouteKind.PAGE,
            id="a page rule fails: the default pages",
        ),
        pytest.param(
            [f"a, when: {BAD}, page: {{all: [o]}}", "b, page: {all: [m]}", "d, page: {all: [p]}"],
            "b",
            RouteKind.PAGE,
            id="a page rule fails, another one holds",
        ),
        pytest.param(
            [f"a, when: {BAD}, page: {{all: [o]}}", "s, suppress: true", "d, page: {all: [p]}"],
            "d",
            RouteKind.PAGE,
            id="a page rule fails: a suppress behind it may not profit",
        ),
        pytest.param(
            [f"a, when: {BAD}, page: {{all: [o]}}", "s, digest: {to: [m], every: 1h}", "d, page: {all: [p]}"],
            "d",
            RouteKind.PAGE,
            id="nor a digest",
        ),
        pytest.param(
            ["s, suppress: true", f"a, when: {BAD}, page: {{all: [o]}}", "d, page: {all: [p]}"],
            "s",
            RouteKind.SUPPRESS,
            id="a suppress before it wins",
        ),
        pytest.param(
            [f"a, when: {BAD}, suppress: true", "s, digest: {to: [m], every: 1h}", "d, page: {all: [p]}"],
            "s",
            RouteKind.DIGEST,
            id="a failing suppress does not hold, nothing else",
        ),
        pytest.param(
            [f"a, when: {BAD}, continue: true, delay: 1h", "d, page: {all: [p]}"],
            "d",
            RouteKind.PAGE,
            id="a failing delay does not hold",
        ),
    ],
)
def test_a_failing_rule(routing: list[str], rule: str, kind: RouteKind) -> None:
    """S2: a page rule that failed and none that matched: the default pages; what would mute does not hold."""
    policy = load(CONNECTORS + "routing:\n" + "".join(f"  - {{name: {each}}}\n" for each in routing))
    found = way(policy, WORKDAY)
    assert (found.rule, found.kind, found.delay) == (rule, kind, None)
    failed = [name for name, _ in found.failed]
    assert failed == (["a"] if rule != "s" or kind is RouteKind.DIGEST else [])


def test_additions_gather_until_a_rule_wins() -> None:
    policy = load(
        CONNECTORS + "routing:\n"
        "  - {name: one, continue: true, delay: 5m, channels: [m], fields: {tier: '1', who: one}}\n"
        "  - {name: two, continue: true, delay: 2m, channels: [m, o], fields: {tier: '2'}}\n"
        "  - {name: win, page: {all: [p]}, when: team == '', repeat: 10m, fields: {who: win}}\n"
        "  - {name: late, continue: true, delay: 1d}\n"
        "  - {name: default, page: {all: [o]}}\n"
    )
    found = way(policy, WORKDAY)
    assert found.delay == timedelta(minutes=5)
    assert [channel.shown for channel in found.channels] == ["m", "o"]
    assert found.fields == {"tier": "2", "who": "win"}
    assert found.repeat == timedelta(minutes=10)
    assert [line.data["rule"] for line in found.reasons] == ["one", "two", "win"]


OWN = (
    CONNECTORS
    + "services: {pay: {providers: both}}\nescalation_policies: {std: [{failover: [m]}, {after: 5m, all: ['user:ada']}]}\n"
)


@pytest.mark.parametrize(
    ("routing", "first", "mode", "steps"),
    [
        pytest.param("[{name: default, page: std}]", ["p", "o"], Mode.ALL, 2, id="on the default route"),
        pytest.param(
            "[{name: x, when: team == '', page: std}, {name: default, page: std}]",
            ["m"],
            Mode.FAILOVER,
            2,
            id="explicit rules win",
        ),
        pytest.param("[]", ["p", "o"], Mode.ALL, 1, id="on the built-in default"),
    ],
)
def test_a_services_own_providers(routing: str, first: list[str], mode: Mode, steps: int) -> None:
    """S4: they are the targets of the default route, all of them; explicit rules win."""
    found = way(load(f"{OWN}routing: {routing}\n"), WORKDAY, services=("pay",))
    assert (targets(found), found.steps[0].mode, len(found.steps)) == (first, mode, steps)


def test_a_destination_user_is_asked_besides() -> None:
    integration = Integration(
        name="i",
        source="webhook",
        key_hash="",
        destinations=(Destination("router", "default"), Destination("user", "ada")),
    )
    now = datetime.fromisoformat(WORKDAY)
    found = route(alert(), H, None, "", integration, example(), now)
    assert found.channels == (Target(TargetKind.USER, "ada"),)
    assert found.reasons[-1].reason == "destination_user"
    quiet = route(alert(), L, None, "", integration, example(), now)
    assert (quiet.kind, quiet.channels) == (RouteKind.DIGEST, ())


def test_an_origin_is_seen_only_by_rules_that_name_it() -> None:
    policy = load(
        CONNECTORS + "routing: [{name: mirror, when: alert.origin == 'p', page: {all: [o]}}, "
        "{name: default, page: {all: [p]}}]\n"
    )
    now = datetime.fromisoformat(WORKDAY)
    assert route(alert(), H, None, "", None, policy, now, origin="p").rule == "mirror"
    assert route(alert(), H, None, "", None, policy, now).rule == "default"


class Bug:
    """A condition with a fault of ours in it."""

    text = "bug"

    def holds(self, facts: Facts) -> bool:
        raise ZeroDivisionError("oops")


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        pytest.param(lambda policy: policy, "default", id="sound"),
        pytest.param(
            lambda policy: replace(
                policy,
                routing=tuple(replace(each, when=Bug()) for each in policy.routing),
                routing_index=None,
            ),
            "default",
            id="every rule fails",
        ),
        pytest.param(lambda policy: replace(policy, routing=()), "default", id="no rule at all"),
        pytest.param(
            lambda policy: replace(policy, routing=(), routing_index=None), "default", id="no rule, no index"
        ),
        pytest.param(lambda policy: replace(policy, policies={}), "default", id="no escalation policy"),
        pytest.param(
            lambda policy: replace(policy, teams={"": Team(name="", timezone="Mars/Olympus")}),
            "default",
            id="a zone that is gone",
        ),
        pytest.param(lambda policy: replace(policy, services=None), "default", id="a broken catalog"),
    ],
)
def test_whatever_is_broken_somebody_is_paged(damage: Any, rule: str) -> None:
    policy = damage(example())
    now = datetime.fromisoformat(WORKDAY)
    found = route(alert(), H, None, "", None, policy, now)
    assert (found.kind, found.rule) == (RouteKind.PAGE, rule)
    assert sorted(targets(found)) == ["ops-mail", "prod-opsgenie", "prod-pagerduty"]
    assert found.reasons


def test_the_policy_of_an_empty_installation_pages_nobody_without_failing() -> None:
    found = route(alert(), C, None, "", None, Policy(), datetime.fromisoformat(WORKDAY))
    assert (found.kind, found.rule, found.steps) == (RouteKind.PAGE, "default", ())


# ---- explaining -----------------------------------------------------------------------------------------


def test_explain_says_for_each_rule_why_not() -> None:
    found = way(example(), WORKDAY, explain=True, **PAYMENTS)
    assert found.rule == "payments by day"
    assert dict(found.not_taken) == {
        "heals itself": 'alert.labels.heals == "true" does not hold',
        "security goes everywhere": 'team == "security" does not hold',
        "the worst go everywhere": "worst does not hold",
        "database at the weekend": 'service.name == "database" does not hold; weekend does not hold',
    }
    assert way(example(), WORKDAY, **PAYMENTS).not_taken == ()


def test_explain_tells_a_clause_that_failed() -> None:
    policy = load(
        CONNECTORS + f"routing: [{{name: a, when: '{BAD} && team == \"\"', page: {{all: [o]}}}}, "
        "{name: default, page: {all: [p]}}]\n"
    )
    facts = fact_sheet(
        alert(),
        severity=H,
        services=(),
        team="",
        integration=None,
        policy=policy,
        now=datetime.fromisoformat(WORKDAY),
    )
    (bad, first), (good, second) = explain_clauses(policy.routing[0].when, facts)
    assert (bad, good, second) == (BAD, 'team == ""', "holds")
    assert first.startswith("failed: ")
    assert way(policy, WORKDAY, explain=True).not_taken[0][1].startswith(f"{BAD} failed: ")


def test_the_winning_reason_names_rule_and_hours() -> None:
    line = way(example(), NIGHT, **PAYMENTS).reasons[-1]
    assert line.text == "Rule “payments by night” takes the alert (wed, after hours)."
    assert line.data["rule"] == "payments by night"
    assert line.data["line"] > 0


# ---- the index --------------------------------------------------------------------------------------------


@given(
    st.sampled_from(["payment-service", "user-auth", "database", "web", "nowhere", ""]),
    st.sampled_from(Severity),
    st.dictionaries(st.sampled_from(["heals", "env"]), st.sampled_from(["true", "dev", ""])),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_an_index_never_changes_the_route(
    name: str, severity: Severity, labels: dict[str, str], now: datetime
) -> None:
    policy = example()
    service: Service | None = policy.services.get(name)
    each = alert(services=(name,) if name else (), labels=labels)
    team = service.team if service else ""
    naive = replace(policy, routing_index=None)
    found = route(each, severity, service, team, None, policy, now, explain=True)
    assert found == route(each, severity, service, team, None, naive, now, explain=True)
    assert found.steps or found.kind is not RouteKind.PAGE
