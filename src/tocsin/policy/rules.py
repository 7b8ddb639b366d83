"""What is decided about an alert: the sections `facts`, `classification`, `maintenance`, `grouping`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

from tocsin.core.policy import (
    ClassificationRule,
    Condition,
    GroupingRule,
    MuteKind,
    Pattern,
    TimedMute,
)
from tocsin.core.severity import Severity
from tocsin.policy.cel_text import ExpressionFault
from tocsin.policy.expressions import Always, Expressions, TextPattern, definition_order, fact_name_fault
from tocsin.policy.fields import Section
from tocsin.policy.times import instant, spans, zone_fault

MOST_FACTS = 1000


def read_facts(section: Section, expressions: Expressions) -> tuple[tuple[str, Condition], ...]:
    """`facts`: named conditions, in the order of the file; each may use the others."""
    if len(section.entries) > MOST_FACTS:
        section.fault("", f"holds more than {MOST_FACTS} named facts")
        return ()
    written = {name: section.text(name, required=True) for name in section.entries}
    for name in list(written):
        fault = fact_name_fault(name)
        if fault:
            section.fault(name, fault)
            del written[name]
    order, circle = definition_order(written)
    if circle:
        section.fault(circle[0], f"goes round in a circle: {', '.join(circle)}")
    compiled: dict[str, Condition] = {}
    for name in order:
        try:
            compiled[name] = expressions.define(name, written[name])
        except ExpressionFault as error:
            section.fault(name, str(error))
            expressions.define(name, "false")  # So that each use of it is not a fault of its own.
    for name in circle:
        expressions.define(name, "false")
    return tuple((name, compiled[name]) for name in written if name in compiled)


def condition(entry: Section, expressions: Expressions, key: str = "when") -> Condition:
    """A compiled `when`; always true when absent."""
    text = entry.text(key)
    if key in entry.entries and not text.strip():
        entry.fault(key, "is empty; leave it out for a rule that always holds")
    try:
        return expressions.condition(text)
    except ExpressionFault as error:
        entry.fault(key, str(error))
        return Always()


def rule_name(entry: Section, taken: set[str], what: str) -> str:
    """The name of a rule: needed, because every decision names its rule, and used once."""
    name = entry.text("name", required=True)
    if name in taken:
        entry.fault("name", f'another {what} is named "{name}"')
    taken.add(name)
    return name


def read_classification(
    document: Section, expressions: Expressions, services: Collection[str], teams: Collection[str]
) -> tuple[ClassificationRule, ...]:
    """`classification`: rules that set or lift severity, service and team."""
    found: list[ClassificationRule] = []
    names: set[str] = set()
    for entry in document.items("classification"):
        sets = entry.section("set")
        rule = ClassificationRule(
            name=rule_name(entry, names, "classification rule"),
            when=condition(entry, expressions),
            line=entry.line or 0,
            patterns=_patterns(entry),
            set_severity=sets.severity("severity"),
            set_service=sets.name("service", services, "service"),
            set_team=sets.name("team", teams, "team"),
            lift=_lift(entry.section("lift")),
        )
        if not (sets.entries or "lift" in entry):
            entry.fault("", "does nothing: it needs `set` or `lift`")
        sets.done()
        entry.done()
        found.append(rule)
    return tuple(found)


def read_maintenance(
    document: Section, expressions: Expressions, users: Collection[str]
) -> tuple[TimedMute, ...]:
    """`maintenance`: windows that mute. Every mute has an end, an owner and a comment (S7)."""
    found: list[TimedMute] = []
    names: set[str] = set()
    for entry in document.items("maintenance"):
        zone = entry.text("timezone", "UTC")
        fault = zone_fault(zone)
        if fault:
            entry.fault("timezone", fault)
        every = tuple(
            span
            for text, line in entry.texts("every")
            for span in entry.made("every", spans, text, line) or ()
        )
        start, end = (
            entry.made(key, instant, entry.text(key)) if key in entry else None for key in ("from", "to")
        )
        if ("every" in entry) == ("to" in entry):
            entry.fault("", "needs either `every` or `from` and `to`: every mute has an end")
        if start and end and end <= start:
            entry.fault("to", "must be after `from`")
        severities = (entry.severity_of("except", text) for text, _ in entry.texts("except"))
        window = TimedMute(
            kind=MuteKind.MAINTENANCE,
            name=rule_name(entry, names, "maintenance window"),
            when=condition(entry, expressions),
            owner=entry.text("owner", required=True),
            comment=entry.text("comment", required=True),
            timezone="UTC" if fault else zone,
            every=every,
            start=start,
            end=end,
            except_severities=frozenset(severity for severity in severities if severity),
        )
        if window.owner:
            entry.known("owner", window.owner, users, "user")
        entry.done()
        found.append(window)
    return tuple(found)


def read_grouping(document: Section, expressions: Expressions) -> tuple[GroupingRule, ...]:
    """`grouping`: which alerts of a service share an incident."""
    found: list[GroupingRule] = []
    names: set[str] = set()
    least = timedelta(seconds=1)
    for entry in document.items("grouping"):
        by = None
        if "by" in entry:
            try:
                by = expressions.key(entry.text("by"))
            except ExpressionFault as error:
                entry.fault("by", str(error))
        built_in = GroupingRule(name="", when=Always())
        rule = GroupingRule(
            name=rule_name(entry, names, "grouping rule"),
            when=condition(entry, expressions),
            by=by,
            within=entry.duration("within", least=least) or built_in.within,
            at_most=entry.duration("at_most", least=least) or built_in.at_most,
        )
        entry.done()
        found.append(rule)
    return tuple(found)


def _patterns(entry: Section) -> tuple[Pattern, ...]:
    found: list[Pattern] = []
    for text, line in entry.texts("patterns"):
        pattern = entry.made("patterns", TextPattern, text, line)
        if pattern is not None:
            found.append(pattern)
    return tuple(found)


def _lift(section: Section) -> Mapping[Severity, Severity]:
    table = {}
    for word in section.entries:
        start, raised = section.severity_of(word, word), section.severity(word)
        if start is None or raised is None:
            continue
        if raised.rank <= start.rank:
            section.fault(word, f"lifts {start} to {raised}: a lift only raises")
        table[start] = raised
    return table
