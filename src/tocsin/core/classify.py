"""How bad is an alert, whose is it, and why (CL-1 to CL-4, S2, S3)?

In this order: the sender's severity; every classification rule that holds, in the order of the file, each
seeing what the rules before it set; the integration's urgency where severity is still empty; lifts last.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from tocsin.core.facts import FactSheet, fact_sheet, read
from tocsin.core.index import candidates, catalog_needs
from tocsin.core.model import Alert, Json, Line
from tocsin.core.policy import ClassificationRule, ConditionError, Integration, Policy, Service
from tocsin.core.severity import Severity, worse

KIND = "classified"


class Classified(msgspec.Struct, frozen=True, kw_only=True):
    """What classification found. `services` are names, the leading one first; unknown names are kept.
    `lifted_from` is the severity before a lift raised it. `facts_failed` are (rule, error) pairs."""

    severity: Severity
    services: tuple[str, ...] = ()
    team: str = ""
    lifted_from: Severity | None = None
    reasons: tuple[Line, ...] = ()
    enrichment: Mapping[str, Json] = {}
    facts_failed: tuple[tuple[str, str], ...] = ()


def classify(alert: Alert, integration: Integration | None, policy: Policy, now: datetime) -> Classified:
    """Classify an alert as its sender told it: `sender_severity`, `services` and `team` are the
    sender's own words. `now` is an aware instant. Never raises for a rule that fails: it is skipped
    and told."""
    work = _Work(alert, integration, policy, now)
    work.start()
    held = work.apply_rules()
    work.fill_severity()
    work.lift(held)
    return work.result()


class _Work:
    """One classification under way."""

    def __init__(self, alert: Alert, integration: Integration | None, policy: Policy, now: datetime) -> None:
        self.alert, self.integration, self.policy, self.now = alert, integration, policy, now
        self.severity = alert.sender_severity
        self.lifted_from: Severity | None = None
        self.services = alert.services
        self.rule_team = ""
        self.reasons: list[Line] = []
        self.failed: list[tuple[str, str]] = []
        self.sheet: FactSheet | None = None

    # ---- what is known so far ---------------------------------------------------------------------

    @property
    def team(self) -> str:
        """The event's team, a rule's, the service's, the destination's: the first there is."""
        service = self.policy.services.get(self.services[0]) if self.services else None
        return (
            self.alert.team
            or self.rule_team
            or (service.team if service else "")
            or _destination(self.integration, "team")
        )

    def facts(self) -> FactSheet:
        if self.sheet is None:
            self.sheet = fact_sheet(
                self.alert,
                severity=self.severity,
                services=self.services,
                team=self.team,
                integration=self.integration,
                policy=self.policy,
                now=self.now,
            )
        return self.sheet

    def tell(self, reason: str, text: str, **data: Json) -> None:
        self.reasons.append(Line(kind=KIND, reason=reason, text=text, data=data))

    # ---- the steps --------------------------------------------------------------------------------

    def start(self) -> None:
        if self.severity:
            self.tell("sender_severity", f"The sender says {self.severity}.", severity=self.severity.value)
        for name in self.services:
            if name not in self.policy.services:
                self.tell("service_unknown", f"Service {name} is not in the catalog.", service=name)
        if self.services:
            return
        match = _catalog_match(self.policy, self.facts())
        if match is not None:
            paths = ", ".join(f"{path} = {text}" for path, text in match.match.items())
            self._set_service(
                match.name, "service_matched", f"Service {match.name}: the catalog has {paths}."
            )
            return
        name = _destination(self.integration, "service")
        if name:
            text = f"Service {name}: the destination of integration {self.alert.integration}."
            self._set_service(name, "service_destination", text)

    def apply_rules(self) -> frozenset[int]:
        """Every rule that sets something, in order; the positions of those that held."""
        rules = self.policy.classification
        held: set[int] = set()
        waiting = self._candidates(-1)
        at = 0
        while at < len(waiting):
            position = waiting[at]
            at += 1
            rule = rules[position]
            if not (rule.set_severity or rule.set_service or rule.set_team) or not self._holds(rule):
                continue
            held.add(position)
            before = (self.severity, self.services, self.rule_team)
            self._apply(rule)
            if before != (self.severity, self.services, self.rule_team):
                self.sheet = None
                waiting, at = self._candidates(position), 0
        return frozenset(held)

    def fill_severity(self) -> None:
        if self.severity:
            return
        urgency = self.integration.urgency if self.integration else None
        if urgency:
            self.tell(
                "urgency",
                f"No severity from sender or rules: {urgency} is the urgency of {self.alert.integration}.",
                severity=urgency.value,
            )
        else:
            self.tell(
                "severity_unset",
                "No severity from sender, rules or integration: medium is assumed.",
                severity=Severity.MEDIUM.value,
            )
        self.severity = urgency or Severity.MEDIUM
        self.sheet = None

    def lift(self, held: frozenset[int]) -> None:
        """Lift tables, each read once with the severity before any lift; the highest counts."""
        start = self.severity
        highest = start
        for position in sorted(held.union(self._candidates(-1))):
            rule = self.policy.classification[position]
            raised = rule.lift.get(start) if start else None
            if raised is None:
                continue
            sets = rule.set_severity or rule.set_service or rule.set_team
            if not (position in held if sets else self._holds(rule)):
                continue
            self.tell(
                "lift",
                f"Rule “{rule.name}” lifts {start} to {raised}.",
                rule=rule.name,
                severity=raised.value,
            )
            highest = worse(highest, raised)
        if highest is not start:
            self.severity, self.lifted_from, self.sheet = highest, start, None

    def result(self) -> Classified:
        return Classified(
            severity=self.severity or Severity.MEDIUM,
            services=self.services,
            team=self.team,
            lifted_from=self.lifted_from,
            reasons=tuple(self.reasons),
            enrichment=self._enrichment(),
            facts_failed=tuple(self.failed),
        )

    # ---- parts of the steps -----------------------------------------------------------------------

    def _candidates(self, after: int) -> list[int]:
        count = len(self.policy.classification)
        found = candidates(self.policy.classification_index, count, self.facts()) if count else ()
        return [position for position in found if position > after]

    def _holds(self, rule: ClassificationRule) -> bool:
        try:
            if not rule.when.holds(self.facts()):
                return False
            text: str = self.facts()["alert"]["text"]
            return not rule.patterns or any(pattern.found_in(text) for pattern in rule.patterns)
        except ConditionError as error:
            problem = str(error)
        except Exception as error:  # noqa: BLE001 - a fault of ours in one rule must not cost the others.
            problem = f"{type(error).__name__}: {error}"
        if (rule.name, problem) not in self.failed:
            self.failed.append((rule.name, problem))
            self.tell("rule_failed", f"Rule “{rule.name}” was skipped: {problem}.", rule=rule.name)
        return False

    def _apply(self, rule: ClassificationRule) -> None:
        if rule.set_severity:
            self.severity = rule.set_severity
            text = f"Rule “{rule.name}” sets severity {rule.set_severity}."
            self.tell("rule", text, rule=rule.name, severity=rule.set_severity.value)
        if rule.set_team:
            self.rule_team = rule.set_team
            kept = f", but the sender named {self.alert.team}" if self.alert.team else ""
            text = f"Rule “{rule.name}” sets team {rule.set_team}{kept}."
            self.tell("rule", text, rule=rule.name, team=rule.set_team)
        if rule.set_service and self.alert.services:
            text = f"Rule “{rule.name}” sets service {rule.set_service}, but the sender named {self.alert.service}."
            self.tell("rule", text, rule=rule.name)
        elif rule.set_service:
            text = f"Rule “{rule.name}” sets service {rule.set_service}."
            self._set_service(rule.set_service, "rule", text, rule=rule.name)

    def _set_service(self, name: str, reason: str, text: str, **data: Json) -> None:
        self.services = (name,)
        self.sheet = None
        self.tell(reason, text, service=name, **data)

    def _enrichment(self) -> dict[str, Json]:
        service = self.policy.services.get(self.services[0]) if self.services else None
        team = self.policy.teams.get(self.team)
        lead = self.policy.users.get(team.lead) if team else None
        return {
            "team": self.team,
            "lead": team.lead if team else "",
            "owner": lead.name if lead else (service.team if service else self.team),
            "runbook": service.runbook if service else "",
            "dependencies": list(service.depends_on) if service else [],
            "criticality": service.criticality.value if service else "",
        }


def _catalog_match(policy: Policy, facts: FactSheet) -> Service | None:
    """The service whose `match` is exact on every path: the one with most paths, then the first."""
    catalog = policy.catalog
    if catalog is None:
        catalog = tuple(service for service in policy.services.values() if service.match)
    if not catalog:
        return None
    best: Service | None = None
    for position in candidates(policy.catalog_index, len(catalog), facts):
        service = catalog[position]
        needs = catalog_needs([service])[0]
        if (best is None or len(needs) > len(best.match)) and all(
            read(facts, path) == text for path, text in needs
        ):
            best = service
    return best


def _destination(integration: Integration | None, kind: str) -> str:
    if integration is None:
        return ""
    return next((entry.name for entry in integration.destinations if entry.kind == kind), "")
