"""What is counted here as it happens, for Prometheus and for the hours of each connector?

In memory, by the node that met it; `engine/hours.py` gives it to the database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from tocsin.core.allowance import Allowance
from tocsin.store.hours import Counts


@dataclass(slots=True)
class Counted:
    """Since it was last given away: `webhooks` by (connector, result), `calls` by (connector, outcome) and their `took`
    in ms by connector. `allowances` = what a connector's provider said last of its rate limit, and when. Who is in
    `heard_webhook` and `heard_call` is told each. `decisions` = alerts decided here since the start."""

    webhooks: Counter[tuple[str, str]] = field(default_factory=Counter)
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    took: Counter[str] = field(default_factory=Counter)
    allowances: dict[str, tuple[datetime, Allowance]] = field(default_factory=dict)
    decisions: int = 0
    heard_webhook: list[Callable[[str, str], None]] = field(default_factory=list)
    heard_call: list[Callable[[str, str, float], None]] = field(default_factory=list)

    def webhook(self, connector: str, result: str) -> None:
        """One came: connector "" = of none that there is."""
        self.webhooks[connector, result] += 1
        for tell in self.heard_webhook:
            tell(connector, result)

    def call(self, connector: str, outcome: str, ms: float) -> None:
        """One call of its provider, of whatever kind."""
        self.calls[connector, outcome] += 1
        self.took[connector] += round(ms)
        for tell in self.heard_call:
            tell(connector, outcome, ms)

    def taken(self) -> Counts:
        """All of it, which is no longer here."""
        found = {(name, "webhook", what): (n, 0.0) for (name, what), n in self.webhooks.items() if name}
        first: set[str] = set()
        for (name, what), n in self.calls.items():
            found[name, "call", what] = (n, 0.0 if name in first else float(self.took[name]))
            first.add(name)
        told = dict(self.allowances)
        for counted in (self.webhooks, self.calls, self.took, self.allowances):
            counted.clear()
        return Counts(found=found, allowances=told)

    def back(self, counts: Counts) -> None:
        """It could not be given away: it is here again."""
        for (name, kind, what), (n, ms) in counts.found.items():
            (self.webhooks if kind == "webhook" else self.calls)[name, what] += n
            self.took[name] += round(ms)
        self.allowances = {**counts.allowances, **self.allowances}
