"""What is allowed and yet probably not meant?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tocsin.core.policy import Connector, Policy, RouteKind, TargetKind
from tocsin.core.severity import Severity

_PROVIDERS_THAT_PAGE = ("pagerduty", "opsgenie", "jsm")


def warnings_of(policy: Policy) -> Iterator[str]:
    """Sentences for the person who applies this configuration."""
    if not any(
        policy.policies[rule.policy].steps for rule in policy.routing if rule.policy in policy.policies
    ):
        yield "Nothing can be paged: there is no connector to write to. Add one under `connectors`."
    yield from _ends(policy)
    yield from _leads(policy)
    for connector in policy.connectors.values():
        yield from _mappings(policy, connector)


def _ends(policy: Policy) -> Iterator[str]:
    """S32: critical ends in a native or last-resort step."""
    if policy.defaults.last_resort:
        return
    pages = [
        rule.policy
        for rule in policy.routing
        if rule.kind is RouteKind.PAGE and _sees_critical(rule.when.text)
    ]
    for name in dict.fromkeys(pages):
        steps = policy.policies[name].steps if name in policy.policies else ()
        if steps and not any(
            target.kind is not TargetKind.CONNECTOR
            or policy.connectors[target.name].type not in _PROVIDERS_THAT_PAGE
            for target in steps[-1].targets
        ):
            yield (
                f'Escalation policy "{name}" ends at a provider: if none answers, a critical alert reaches nobody. '
                "End it with a person or set defaults.last_resort (S32)."
            )


def _sees_critical(when: str) -> bool:
    others = [f'alert.severity == "{severity.value}"' for severity in Severity if severity.rank < 4]
    return when not in others


def _leads(policy: Policy) -> Iterator[str]:
    asked = any(
        target.kind is TargetKind.LEAD
        for escalation in policy.policies.values()
        for step in escalation.steps
        for target in step.targets
    )
    if asked:
        for team in policy.teams.values():
            if not team.lead:
                yield f'Team "{team.name}" has no lead, but an escalation policy asks the lead.'


def _mappings(policy: Policy, connector: Connector) -> Iterator[str]:
    custom = connector.settings.get("custom")
    known = {"service_mappings": policy.services, "policy_mappings": policy.policies}
    for key, names in known.items():
        table = custom.get(key) if isinstance(custom, Mapping) else None
        for name in table if isinstance(table, Mapping) else ():
            if name != "default" and name not in names:
                yield f'connectors.{connector.name}.custom.{key}: there is no "{name}"; the entry has no effect.'
