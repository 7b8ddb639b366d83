"""What is promised: `defaults.sla`, `services.NAME.sla`, and `sla_mapping` of a connector (IM-4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from tocsin.core.explain import span
from tocsin.core.policy import Policy
from tocsin.core.severity import Severity
from tocsin.core.targets import SlaSettings, SlaTarget, Targets
from tocsin.policy.fields import Section

_LEAST, _MOST = timedelta(minutes=1), timedelta(days=90)
_HOURS = {"always": False, "business": True}


def read_settings(section: Section) -> SlaSettings:
    """`defaults.sla`: targets by severity, `hours` of all of them, and `warn_at`."""
    warn_at = SlaSettings().warn_at
    if text := section.text("warn_at"):
        share = text.strip().removesuffix("%")
        if share.isdigit() and 1 <= int(share) <= 100:
            warn_at = int(share) / 100
        else:
            section.fault("warn_at", f'must be a share such as 80%, 1% to 100%, but is "{text}"')
    return SlaSettings(targets=read_targets(section), warn_at=warn_at)


def read_targets(section: Section) -> Targets:
    """Severity -> what is promised; `hours` beside the severities holds for those that say nothing."""
    business = _business(section, False)
    found: dict[Severity, SlaTarget] = {}
    for word in section.entries:
        if word in ("hours", "warn_at"):
            continue
        severity = section.severity_of(word, word)
        entry = section.section(word)
        target = SlaTarget(
            ack=entry.duration("ack", least=_LEAST, most=_MOST),
            resolve=entry.duration("resolve", least=_LEAST, most=_MOST),
            business=_business(entry, business),
        )
        entry.done()
        if target.ack and target.resolve and target.ack > target.resolve:
            entry.fault("ack", "is later than resolve: nobody resolves before somebody has it")
        if severity:
            if severity in found:
                section.fault(word, f"stands here twice, as {severity.value} and as {severity.sev}")
            found[severity] = target
    section.done()
    return found


def _business(section: Section, default: bool) -> bool:
    text = section.text("hours")
    if not text:
        return default
    if text not in _HOURS:
        section.fault("hours", f'must be always or business, but is "{text}"')
        return default
    return _HOURS[text]


def disagreements(policy: Policy) -> Iterator[str]:
    """Where a connector's `sla_mapping` says something else than `defaults.sla`, which goes first."""
    ours = policy.defaults.sla.targets
    for connector in policy.connectors.values():
        for severity, theirs in connector.sla.items():
            own = ours.get(severity)
            if own is None:
                continue
            for word in ("ack", "resolve"):
                here, there = getattr(own, word), getattr(theirs, word)
                if there is not None and here != there:
                    says = span(here) if here else "nothing"
                    yield (
                        f"connectors.{connector.name}.sla_mapping.{severity.sev}.{word} is {span(there)}, but"
                        f" defaults.sla says {says}: defaults.sla holds here; make them agree, also at the provider"
                    )
