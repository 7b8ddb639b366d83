"""Who is asked, in which order, and which rule says so: `escalation_policies` and `routing`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from tocsin.core.kinds import ProviderFacts
from tocsin.core.policy import (
    HEDGE,
    Connector,
    Direction,
    EscalationPolicy,
    Mode,
    Promotion,
    RouteKind,
    RoutingRule,
    Step,
    Target,
    TargetKind,
)
from tocsin.core.route import DEFAULT, built_in_steps
from tocsin.policy.expressions import Always, Expressions
from tocsin.policy.fields import Section
from tocsin.policy.rules import condition, rule_name

_SECOND = timedelta(seconds=1)
_NAMED = {kind.value: kind for kind in (TargetKind.USER, TargetKind.SCHEDULE, TargetKind.TEAM)}
_RESULTS = ("page", "digest", "suppress")


@dataclass(slots=True)
class Names:
    """What a target may be called."""

    connectors: Mapping[str, Connector]
    users: Collection[str]
    teams: Collection[str]
    schedules: Collection[str]
    policies: dict[str, EscalationPolicy] = field(default_factory=dict)
    providers: Mapping[str, ProviderFacts] = field(default_factory=dict)


def read_policies(section: Section, names: Names) -> None:
    """`escalation_policies`: their steps, into `names.policies`."""
    for name in section.entries:
        steps = [_step(entry, names) for entry in section.items(name)]
        if not steps:
            section.fault(name, "has no step: it would page nobody")
        names.policies[name] = EscalationPolicy(name=name, steps=tuple(steps))


def read_routing(
    document: Section, expressions: Expressions, names: Names, last_resort: tuple[str, ...]
) -> tuple[RoutingRule, ...]:
    """`routing`, in order; without any rule the built-in default that pages every connector."""
    taken: set[str] = set()
    rules = [_rule(entry, expressions, names, taken) for entry in document.items("routing")]
    if not rules:
        name = DEFAULT if DEFAULT not in names.policies else "built-in default"
        steps = built_in_steps(names.connectors.values(), last_resort)
        names.policies[name] = EscalationPolicy(name=name, steps=steps)
        return (RoutingRule(name=DEFAULT, when=Always(), kind=RouteKind.PAGE, policy=name, default=True),)
    last = rules[-1]
    if last.kind is not RouteKind.PAGE or last.continues or last.when.text != "true":
        document.faults.add(
            f"routing.{len(rules) - 1}",
            "the last rule must page without a `when`: {name: default, page: …}",
            last.line or None,
        )
    return tuple(rules)


def target_of(section: Section, key: str, text: str, line: int | None, names: Names) -> Target | None:
    """The target a text names; a fault and None when there is none of that name."""
    if text in (TargetKind.LEAD, TargetKind.ONCALL):
        return Target(TargetKind(text))
    kind, colon, name = text.partition(":")
    if colon and kind in _NAMED:
        known = {"user": names.users, "schedule": names.schedules, "team": names.teams}[kind]
        section.known(key, name, known, kind, line)
        return Target(_NAMED[kind], name)
    connector = names.connectors.get(text)
    if connector is None:
        section.known(key, text, [*names.connectors, "lead", "oncall"], "connector", line)
        if text in names.users:
            section.fault(key, f'a person is written "user:{text}"', line)
        return None
    if connector.direction is Direction.INBOUND:
        section.fault(key, f"{text} is inbound: it is never written to (S36)", line)
    return Target(TargetKind.CONNECTOR, text)


def _step(entry: Section, names: Names) -> Step:
    modes = [mode for mode in Mode if mode.value in entry]
    if len(modes) != 1:
        entry.fault("", "needs `all` or `failover` (one of them) with its targets")
    mode = modes[0] if modes else Mode.ALL
    targets = [target_of(entry, mode, text, line, names) for text, line in entry.texts(mode)]
    if modes and not targets:
        entry.fault(mode, "names no target: it would page nobody")
    ack = entry.text("ack", "any")
    if ack not in ("any", "each"):
        entry.fault("ack", "must be any or each")
    if ack == "each" and mode is Mode.FAILOVER:
        entry.fault("ack", "each belongs to `all`: a failover asks one side")
    within = entry.duration("within", least=timedelta(milliseconds=100))
    step = Step(
        mode=mode,
        targets=tuple(dict.fromkeys(target for target in targets if target)),
        after=entry.duration("after") or timedelta(0),
        within=within or Step(mode=mode, targets=()).within,
        hedge=_hedge(entry, mode, targets),
        ack=ack,
        repeat=entry.duration("repeat", least=timedelta(seconds=10)),
    )
    entry.done()
    return step


def _hedge(entry: Section, mode: Mode, targets: list[Target | None]) -> timedelta | None:
    """Of a failover; `none` = never."""
    if "hedge" not in entry:
        return HEDGE
    if mode is not Mode.FAILOVER:
        entry.fault("hedge", "belongs to `failover`: `all` asks everybody at once")
    elif len(targets) < 2:
        entry.fault("hedge", "needs a second target to ask when the first one is not known to ring (S30)")
    node = entry.node("hedge")
    if node is not None and node.value == "none":
        return None
    return entry.duration("hedge", least=_SECOND)


def _rule(entry: Section, expressions: Expressions, names: Names, taken: set[str]) -> RoutingRule:
    name = rule_name(entry, taken, "routing rule")
    when = condition(entry, expressions)
    continues = entry.flag("continue", False)
    results = [word for word in _RESULTS if word in entry]
    if continues and results:
        entry.fault(results[0], "a rule with `continue` may only add: delay, channels, fields (S2)")
    if not continues and len(results) != 1:
        entry.fault("", "needs one of page, digest or suppress (or `continue: true` with what it adds)")
    digest, suppress = entry.section("digest"), _suppress(entry)
    kind = RouteKind.ADD if continues else RouteKind(results[0] if results else "page")
    rule = RoutingRule(
        name=name,
        when=when,
        kind=kind,
        line=entry.line or 0,
        policy=_page(entry, names, name) if kind is RouteKind.PAGE and results else "",
        delay=entry.duration("delay"),
        repeat=entry.duration("repeat", least=timedelta(seconds=10)),
        channels=_channels(entry, "channels", names),
        fields=entry.mapping("fields"),
        digest_to=_digest_to(digest if "digest" in entry else suppress, names),
        digest_every=digest.duration("every", least=timedelta(minutes=1)),
        promote=_promotion(digest if "digest" in entry else suppress),
        review=suppress.duration("review", least=timedelta(minutes=1)),
        continues=continues,
        default=kind is RouteKind.PAGE and isinstance(when, Always),
    )
    if kind is RouteKind.DIGEST and not (rule.digest_to and rule.digest_every):
        digest.fault("", "needs `to` and `every`")
    if kind is RouteKind.SUPPRESS and rule.digest_to and not rule.review:
        suppress.fault("to", "says where a review goes: it needs `review`")
    if continues and not (rule.delay or rule.channels or rule.fields):
        entry.fault("", "adds nothing: it needs delay, channels or fields")
    for section in (digest, suppress, entry):
        section.done()
    return rule


def _suppress(entry: Section) -> Section:
    """`suppress: true` or a mapping."""
    node = entry.node("suppress")
    if node is not None and node.value == "true":
        return Section(None, entry.at("suppress"), entry.faults)
    return entry.section("suppress")


def _page(entry: Section, names: Names, rule: str) -> str:
    """The name of the escalation policy: given, or made for a step written in place."""
    node = entry.node("page")
    if node is None or isinstance(node.value, str):
        return entry.name("page", names.policies, "escalation policy")
    if isinstance(node.value, list):
        steps = [_step(section, names) for section in entry.items("page")]
    else:
        steps = [_step(entry.section("page"), names)]
    if not steps:
        entry.fault("page", "has no step: it would page nobody")
    name = f"rule: {rule}"
    names.policies[name] = EscalationPolicy(name=name, steps=tuple(steps))
    return name


def _channels(section: Section, key: str, names: Names) -> tuple[str, ...]:
    found = []
    for text, line in section.texts(key):
        section.known(key, text, names.connectors, "connector", line)
        connector = names.connectors.get(text)
        if connector and connector.direction is Direction.INBOUND:
            section.fault(key, f"{text} is inbound: it is never written to (S36)", line)
        found.append(text)
    return tuple(dict.fromkeys(found))


def _digest_to(digest: Section, names: Names) -> tuple[str, ...]:
    """Connectors that can tell what belongs to no one incident: a pager makes an incident of everything."""
    found = _channels(digest, "to", names)
    for text, line in digest.texts("to"):
        connector = names.connectors.get(text)
        facts = names.providers.get(connector.type) if connector else None
        if connector and facts and not facts.messages:
            why = f"{text} ({connector.type}) makes an incident of all it is sent; a digest goes to an e-mail connector"
            digest.fault("to", why, line)
    return found


def _promotion(section: Section) -> Promotion | None:
    own = section.section("promote")
    found = Promotion(count=own.integer("count", least=2), age=own.duration("age", least=_SECOND))
    own.done()
    return found if own.entries else None
