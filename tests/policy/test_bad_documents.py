"""Is every fault of a file told with its field and its line, and does nothing else happen?"""

import time
from collections.abc import Callable

import pytest

from tocsin.core.errors import FieldFault

FaultsOf = Callable[..., tuple[FieldFault, ...]]

BASE = (
    "users: {ada: {}}\n"
    "connectors: {p: {type: pagerduty, api_key: k}, seen: {type: jsm, api_key: k, sync_direction: inbound}}\n"
)
KEY = "key: sixteen-letters-16"


@pytest.mark.parametrize(
    ("text", "field", "line", "words"),
    [
        pytest.param(
            "teams:\n  ops:\n    timzone: Europe/Berlin\n",
            "teams.ops.timzone",
            3,
            'did you mean "timezone"',
            id="a misspelt key is named with its line",
        ),
        pytest.param("temas: {}\n", "temas", 1, 'did you mean "teams"', id="a misspelt section"),
        pytest.param(
            "teams: {a: {}}\nteams: {b: {}}\n",
            "teams",
            2,
            "twice, first on line 1",
            id="a section given twice",
        ),
        pytest.param("users:\n  a: {}\n  b: {}\n  a: {}\n", "users.a", 4, "twice", id="a user given twice"),
        pytest.param(
            "teams:\n  ops: {timezone: Europe/Berln}\n",
            "teams.ops.timezone",
            2,
            'no time zone "Europe/Berln"; did you mean "Europe/Berlin"',
            id="an unknown time zone",
        ),
        pytest.param(
            "teams: {ops: {business_hours: weekdays}}",
            "teams.ops.business_hours",
            1,
            "no hours",
            id="no hours",
        ),
        pytest.param(
            "teams: {a: {holidays: DE-XX}}", "teams.a.holidays", 1, "no region XX", id="no such region"
        ),
        pytest.param(
            "teams: {a: {holidays: Berlin}}", "teams.a.holidays", 1, "3166", id="a city is no region"
        ),
        pytest.param(
            "teams: {a: {holidays: {add: [24.12.2026]}}}",
            "teams.a.holidays.add",
            1,
            "2026-12-24",
            id="no date",
        ),
        pytest.param(
            "teams: {a: {members: [bob]}}", "teams.a.members", 1, 'no user "bob"', id="unknown member"
        ),
        pytest.param("teams: {a: {lead: bob}}", "teams.a.lead", 1, 'no user "bob"', id="unknown lead"),
        pytest.param("users: {a: {email: nobody}}", "users.a.email", 1, "no e-mail", id="no e-mail address"),
        pytest.param("services: {a: {team: x}}", "services.a.team", 1, 'no team "x"', id="unknown team"),
        pytest.param(
            "services: {a: {depends_on: [x]}}", "services.a.depends_on", 1, "no service", id="no service"
        ),
        pytest.param(
            "services:\n  a: {depends_on: [b]}\n  b: {depends_on: [c]}\n  c: {depends_on: [d, a]}\n  d: {}",
            "services.c.depends_on",
            4,
            "a -> b -> c -> a",
            id="a circle of parents (S16)",
        ),
        pytest.param(
            "connectors: {m: {type: email}}\nescalation_policies:\n  p:\n    - {failover: [m], hedge: 30s}",
            "escalation_policies.p.0.hedge",
            4,
            "second target",
            id="a hedge without a second target",
        ),
        pytest.param(
            "services: {a: {criticality: hihg}}", "services.a.criticality", 1, "high", id="no criticality"
        ),
        pytest.param(
            "services: {a: {match: {foo: x}}}", "services.a.match.foo", 1, "labels.NAME", id="no path"
        ),
        pytest.param(
            "defaults: {silent_after: 5m}",
            "defaults.silent_after",
            1,
            "must be from 1h to 30d",
            id="silent after minutes",
        ),
        pytest.param(
            "connectors: {m: {type: email}}\nrouting:\n  - {name: a, suppress: {to: [m]}}\n  - {name: z, page: {all: [m]}}",
            "routing.0.suppress.to",
            3,
            "it needs `review`",
            id="where a review goes, and none",
        ),
        pytest.param("defaults: {reopen: soon}", "defaults.reopen", 1, "no duration", id="no duration"),
        pytest.param(
            "defaults: {last_resort: [x]}", "defaults.last_resort", 1, "no connector", id="no last resort"
        ),
        pytest.param("defaults: 5", "defaults", 1, "must be a mapping", id="a number for a section"),
        pytest.param(
            "facts: {alert: 'true'}", "facts.alert", 1, "meaning of its own", id="a fact named alert"
        ),
        pytest.param(
            "facts:\n  a: b\n  b: '!a'\n", "facts.a", 2, "in a circle: a, b", id="facts that use each other"
        ),
        pytest.param(
            "facts:\n  bad: alert.sevrity == 'high'\n",
            "facts.bad",
            2,
            'alert has no field sevrity; did you mean "severity"',
            id="an unknown field of the alert",
        ),
        pytest.param(
            "classification:\n  - name: x\n    when: team == 3\n    set: {severity: low}\n",
            "classification.0.when",
            3,
            "no matching overload",
            id="a type error",
        ),
        pytest.param(
            "classification:\n  - name: x\n    when: teem == 'a'\n    set: {severity: low}\n",
            "classification.0.when",
            3,
            'there is no teem; did you mean "team"',
            id="an unknown name",
        ),
        pytest.param(
            "classification: [{name: x, when: team, set: {severity: low}}]",
            "classification.0.when",
            1,
            "must be true or false, but is of type string",
            id="a condition that is a text",
        ),
        pytest.param(
            "classification: [{name: x, when: 'team ==', set: {severity: low}}]",
            "classification.0.when",
            1,
            "is no CEL",
            id="half an expression",
        ),
        pytest.param(
            "classification:\n  - name: x\n    patterns:\n      - ok\n      - 'a(b'\n    set: {severity: low}\n",
            "classification.0.patterns",
            5,
            "no RE2 pattern: missing )",
            id="a pattern with an open parenthesis",
        ),
        pytest.param(
            "classification: [{name: x, patterns: ['(a)\\1'], set: {severity: low}}]",
            "classification.0.patterns",
            1,
            "no RE2 pattern",
            id="a pattern with a back reference",
        ),
        pytest.param(
            "classification: [{name: x, when: 'alert.title.matches(\"a(b\")', set: {severity: low}}]",
            "classification.0.when",
            1,
            "no RE2 pattern",
            id="a pattern inside CEL",
        ),
        pytest.param(
            "classification: [{name: x}]", "classification.0", 1, "does nothing", id="a rule without effect"
        ),
        pytest.param(
            "classification: [{name: x, lift: {high: medium}}]",
            "classification.0.lift.high",
            1,
            "only raises",
            id="a lift downwards",
        ),
        pytest.param(
            "classification: [{set: {severity: low}}]",
            "classification.0.name",
            1,
            "missing",
            id="a rule unnamed",
        ),
        pytest.param(
            "maintenance: [{name: x, every: 'sun 02:00-04:00', comment: c}]",
            "maintenance.0.owner",
            1,
            "missing",
            id="a mute without an owner",
        ),
        pytest.param(
            BASE + "maintenance: [{name: x, owner: ada, comment: c}]",
            "maintenance.0",
            3,
            "every mute has an end",
            id="a mute without an end",
        ),
        pytest.param(
            "grouping: [{name: x, by: alert.nope}]", "grouping.0.by", 1, "no field nope", id="no such key"
        ),
        pytest.param(
            BASE + "escalation_policies:\n  a:\n    - {all: [q]}\n",
            "escalation_policies.a.0.all",
            5,
            'no connector "q"',
            id="an unknown connector in a step",
        ),
        pytest.param(
            BASE + "escalation_policies: {a: [{all: [ada]}]}",
            "escalation_policies.a.0.all",
            3,
            'a person is written "user:ada"',
            id="a person without user:",
        ),
        pytest.param(
            BASE + "escalation_policies: {a: [{all: ['user:bob']}]}",
            "escalation_policies.a.0.all",
            3,
            'no user "bob"',
            id="an unknown user in a step",
        ),
        pytest.param(
            BASE + "escalation_policies: {a: [{all: [seen]}]}",
            "escalation_policies.a.0.all",
            3,
            "never written to",
            id="a step that names an inbound connector",
        ),
        pytest.param(
            BASE + "defaults: {last_resort: [seen]}",
            "defaults.last_resort",
            3,
            "never written to",
            id="S36: a last resort that is inbound",
        ),
        pytest.param(
            BASE + "defaults: {canary: {connectors: [seen]}}",
            "defaults.canary.connectors",
            3,
            "never written to",
            id="S36: a canary for an inbound connector",
        ),
        pytest.param(
            BASE + "routing: [{name: a, continue: true, channels: [seen]}, {name: d, page: {all: [p]}}]",
            "routing.0.channels",
            3,
            "never written to",
            id="a route that names an inbound connector",
        ),
        pytest.param(
            BASE
            + "routing:\n  - {name: quiet, digest: {to: [p], every: 1h}}\n  - {name: d, page: {all: [p]}}",
            "routing.0.digest.to",
            4,
            "makes an incident of all it is sent",
            id="a digest for a pager (S23)",
        ),
        pytest.param(
            BASE + "escalation_policies: {a: []}",
            "escalation_policies.a",
            3,
            "nobody",
            id="a policy without steps",
        ),
        pytest.param(
            BASE + "escalation_policies: {a: [{all: [p], failover: [p]}]}",
            "escalation_policies.a.0",
            3,
            "one of them",
            id="all and failover at once",
        ),
        pytest.param(
            BASE + "routing: [{name: d, page: nope}]",
            "routing.0.page",
            3,
            'no escalation policy "nope"',
            id="an unknown escalation policy",
        ),
        pytest.param(
            BASE + "routing: [{name: d, when: team == 'a', page: {all: [p]}}]",
            "routing.0",
            3,
            "the last rule must page",
            id="a last rule with a condition",
        ),
        pytest.param(
            BASE + "routing: [{name: d, suppress: true}]",
            "routing.0",
            3,
            "the last rule must page",
            id="a default that mutes",
        ),
        pytest.param(
            BASE + "routing: [{name: a, continue: true, page: {all: [p]}}, {name: d, page: {all: [p]}}]",
            "routing.0.page",
            3,
            "may only add",
            id="continue with a page",
        ),
        pytest.param(
            BASE + "routing:\n  - {name: d, page: {all: [p]}}\n  - {name: d, page: {all: [p]}}\n",
            "routing.1.name",
            5,
            "another routing rule",
            id="two rules of one name",
        ),
        pytest.param(
            "connectors:\n  p:\n    type: pagerduty\n",
            "connectors.p.api_key",
            2,
            "needs api_key or routing_key",
            id="a connector without credentials",
        ),
        pytest.param(
            "connectors: {p: {type: pagerdooty}}", "connectors.p.type", 1, '"pagerduty"', id="no such type"
        ),
        pytest.param("connectors: {p: {api_key: k}}", "connectors.p.type", 1, "missing", id="no type"),
        pytest.param(
            "connectors: {slack: {debug: true}}",
            "connectors.slack",
            1,
            "no connector type",
            id="no type named",
        ),
        pytest.param(
            "connectors: {p: {type: pagerduty, api_key: k, base_url: 'http://pd.example.com'}}",
            "connectors.p.base_url",
            1,
            "allow_http",
            id="http to a stranger",
        ),
        pytest.param(
            "connectors: {p: {type: pagerduty, api_key: k, base_url: 'pd.example.com'}}",
            "connectors.p.base_url",
            1,
            "https://",
            id="no address",
        ),
        pytest.param(
            "connectors: {p: {type: pagerduty, api_key: {$secret: x}}}",
            "connectors.p.api_key",
            1,
            "${ENV_NAME}",
            id="a marker of a stored version",
        ),
        pytest.param(
            "connectors:\n  p:\n    type: pagerduty\n    api_key: ${NOT_SET}\n",
            "connectors.p.api_key",
            4,
            "the environment variable NOT_SET is not set",
            id="a variable that is not set",
        ),
        pytest.param(
            "users:\n  a: {name: '${BAD NAME}'}\n",
            "users.a.name",
            2,
            "names no environment",
            id="no variable name",
        ),
        pytest.param(
            f"integrations: {{a: {{source: nagios5, {KEY}}}}}",
            "integrations.a.source",
            1,
            'no source "nagios5"',
            id="an unknown source",
        ),
        pytest.param("integrations: {a: {source: webhook}}", "integrations.a.key", 1, "missing", id="no key"),
        pytest.param(
            f"integrations: {{tocsin: {{source: webhook, {KEY}}}}}",
            "integrations.tocsin",
            1,
            "built in",
            id="the name of the hub's own alerts",
        ),
        pytest.param(
            "integrations: {a: {source: webhook, key: short}}",
            "integrations.a.key",
            1,
            "16 to 64",
            id="a short key",
        ),
        pytest.param(
            f"integrations: {{a: {{source: pagerduty_events, {KEY}}}}}",
            "integrations.a.key",
            1,
            "32 letters",
            id="a PagerDuty key of another form",
        ),
        pytest.param(
            f"integrations: {{a: {{source: opsgenie, {KEY}}}}}",
            "integrations.a.key",
            1,
            "UUID",
            id="an Opsgenie key of another form",
        ),
        pytest.param(
            f"integrations:\n  a: {{source: webhook, {KEY}}}\n  b: {{source: webhook, {KEY}}}\n",
            "integrations.b.key",
            3,
            "also the key of a",
            id="two integrations with one key",
        ),
        pytest.param(
            f"integrations: {{a: {{source: webhook, {KEY}, destinations: [{{team: x}}]}}}}",
            "integrations.a.destinations.0.team",
            1,
            'no team "x"',
            id="a destination that is not there",
        ),
        pytest.param(
            f"integrations: {{a: {{source: webhook, {KEY}, auto_resolve: 1m}}}}",
            "integrations.a.auto_resolve",
            1,
            "must be from 15m to 30d, but is 1m",
            id="auto-resolve after a minute",
        ),
        pytest.param(
            f"integrations:\n  a:\n    source: webhook\n    {KEY}\n    auto_aggregate: 14m\n",
            "integrations.a.auto_aggregate",
            5,
            "must be from 15m to 30d, but is 14m",
            id="IN-6: it looks back too short",
        ),
        pytest.param(
            f"integrations:\n  a:\n    source: webhook\n    {KEY}\n    auto_aggregate: 2592000001\n",
            "integrations.a.auto_aggregate",
            5,
            "must be from 15m to 30d, but is 2592000001",
            id="IN-6: it looks back too far, in ms",
        ),
        pytest.param(
            f"integrations: {{a: {{source: webhook, {KEY}, auto_aggregate: true}}}}",
            "integrations.a.auto_aggregate",
            1,
            "is no duration",
            id="IN-6: a switch is no look-back",
        ),
    ],
)
def test_a_fault_is_told_with_its_line(
    faults_of: FaultsOf, text: str, field: str, line: int, words: str
) -> None:
    found = faults_of(text)
    assert any(fault.field == field and fault.line == line and words in fault.message for fault in found), (
        found
    )


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        pytest.param("teams:\n\tops: {}\n", 2, "spaces, not with tabs", id="a tab"),
        pytest.param(
            "users: {a: {name: ${N}}}\n", 1, 'in quotes: "${NAME}"', id="a bare variable inside braces"
        ),
        pytest.param("teams: {ops: {\n", None, "", id="an open brace"),
        pytest.param("just words: and: more: colons", 1, "", id="not YAML"),
        pytest.param("\x00\x01\x02", None, "", id="bytes that are no text"),
        pytest.param("{a: 1}\n---\n{b: 2}\n", 2, "second document", id="two documents"),
        pytest.param("? [a, b]\n: c\n", 1, "a key must be", id="a list for a key"),
        pytest.param("users: &a\n  x: *a\n", 2, "holds itself", id="an alias that holds itself"),
        pytest.param("users: *nobody\n", 1, "stands before", id="an alias of nothing"),
        pytest.param("users: " + "[" * 5000, 1, "nested deeper", id="five thousand brackets"),
        pytest.param("users: {a: '" + "x" * 10_000_000 + "'}", None, "larger than 5 MiB", id="ten megabytes"),
        pytest.param(
            "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
            + "\n".join(
                f"{after}: &{after} [{','.join(['*' + before] * 10)}]"
                for before, after in zip("abcdefghi", "bcdefghij", strict=True)
            ),
            None,
            "aliases",
            id="a billion laughs",
        ),
        pytest.param("\ud800: x", None, "", id="half a character"),
    ],
)
def test_what_cannot_be_read_is_refused_at_once(
    faults_of: FaultsOf, text: str, line: int | None, words: str
) -> None:
    start = time.process_time()
    (fault,) = faults_of(text)
    assert time.process_time() - start < 2
    assert words in fault.message
    assert line is None or fault.line == line


def test_a_file_that_is_a_list_is_refused(faults_of: FaultsOf) -> None:
    assert "must be a mapping" in faults_of("- a\n- b\n")[0].message


def test_every_fault_is_told_not_only_the_first(faults_of: FaultsOf) -> None:
    found = faults_of(
        "teams:\n  ops: {timzone: UTC, lead: bob}\nusers: {a: {email: x}}\nrouting:\n  - {name: d, page: z}\n"
    )
    assert [fault.line for fault in found] == [2, 2, 3, 5]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("k{0}: v", id="unknown keys"),
        pytest.param("same: {0}", id="one key again and again"),
        pytest.param("? ${{GONE{0}}}\n: x", id="variables that are not set"),
    ],
)
def test_a_large_file_of_another_kind_is_refused_soon(faults_of: FaultsOf, line: str) -> None:
    start = time.process_time()
    found = faults_of("\n".join(line.format(index) for index in range(20_000)))
    assert len(found) == 200
    assert time.process_time() - start < 3


def test_ten_thousand_unknown_teams_are_refused_soon(faults_of: FaultsOf) -> None:
    start = time.process_time()
    lines = [f"  s{index}: {{team: t{index}, depends_on: [x{index}]}}" for index in range(10_000)]
    found = faults_of("teams: {ops: {}}\nservices:\n" + "\n".join(lines))
    assert len(found) == 200
    assert time.process_time() - start < 5


def test_one_lost_variable_is_one_fault(faults_of: FaultsOf) -> None:
    (fault,) = faults_of("integrations:\n  a: {source: webhook, key: '${GONE}'}\n")
    assert (fault.line, fault.field) == (2, "integrations.a.key")


def test_a_lost_variable_in_a_key_hides_nothing_else(faults_of: FaultsOf) -> None:
    found = faults_of("users: 5\n${GONE}: x\n")
    assert [(fault.field, fault.line) for fault in found] == [("users", 1), ("${GONE}", 2), ("", 2)]


def test_a_wrong_key_is_not_repeated_in_the_fault(faults_of: FaultsOf) -> None:
    found = faults_of("integrations: {a: {source: webhook, key: hushhush}}")
    assert "hushhush" not in str(found)


def test_the_providers_own_check_is_asked_with_the_credentials(faults_of: FaultsOf) -> None:
    seen = []

    def check(kind: str, settings: object) -> list[tuple[str, str]]:
        seen.append((kind, settings))
        return [("custom.from_email", "is missing")]

    (fault,) = faults_of(
        "connectors:\n  p:\n    type: pagerduty\n    api_key: k\n    custom: {service_id: P1}\n",
        check_settings=check,
    )
    assert (fault.field, fault.line) == ("connectors.p.custom.from_email", 5)
    settings = {"api_key": "k", "custom": {"service_id": "P1"}, "allow_http": False, "type": "pagerduty"}
    assert seen == [("pagerduty", settings)]
