"""What is allowed and yet probably not meant? What is dangerous: `core/safety.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tocsin.core.kinds import ProviderFacts
from tocsin.core.policy import Connector, Policy, TargetKind
from tocsin.policy.sla import disagreements


def warnings_of(policy: Policy) -> Iterator[str]:
    """Sentences for the person who applies this configuration."""
    if not any(
        policy.policies[rule.policy].steps for rule in policy.routing if rule.policy in policy.policies
    ):
        yield "Nothing can be paged: there is no connector to write to. Add one under `connectors`."
    yield from _leads(policy)
    yield from disagreements(policy)
    for connector in policy.connectors.values():
        yield from _mappings(policy, connector)


def reviews_for_nobody(policy: Policy, known: Mapping[str, ProviderFacts]) -> Iterator[str]:
    """A review without `to` goes to the connector that mails people (ADR 0025); where there is none, nothing is collected
    for it, and whoever wrote the rule believes that it is looked at."""
    kinds = [known.get(connector.type, ProviderFacts()) for connector in policy.connectors.values()]
    if any(facts.mails for facts in kinds):
        return
    for rule in policy.routing:
        if rule.review and not rule.digest_to:
            yield (
                f'The rule "{rule.name}" keeps alerts quiet and has a review, but no connector mails people: nothing is'
                " collected for it. Add an e-mail connector, or take `review` out."
            )


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
