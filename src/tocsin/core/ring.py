"""Which live alerts does a batch of events meet, by every key that is theirs? (S11)

Filled with what is kept, then changed event by event as `core/alias.py` decides; in the end it says what to keep.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

from tocsin.core.alias import Alias, Joining, Keys, Said, admit_joined, joins_by, may_join, title_of
from tocsin.core.dedup import Admission, Fresh, Reading
from tocsin.core.model import Action, Alert, AlertId, Event

Name: TypeAlias = tuple[str, str]
"""Scope and dedup key, or integration and title."""


class Ring:
    """Live alerts by every key that is theirs. `several` = alerts with more than one, which are never counted
    the short way: a repeat must tell which of its keys fires."""

    def __init__(self, joining: Joining) -> None:
        self.joining = joining
        self.several: set[AlertId] = set()
        self._alerts: dict[AlertId, Alert] = {}
        self._keys: dict[AlertId, dict[str, Alias]] = {}
        self._owner: dict[Name, AlertId] = {}
        self._titled: dict[Name, set[AlertId]] = defaultdict(set)
        self._changed: dict[tuple[AlertId, str], Alias] = {}
        self._seen: dict[AlertId, Alert] = {}

    def learn(self, alert: Alert, keys: Keys) -> None:
        """An alert that lives, with its keys as they are kept."""
        self._hold(alert, keys.values())

    def owner(self, scope: str, key: str) -> Alert | None:
        """The live alert that a key belongs to."""
        found = self._owner.get((scope, key))
        return self._alerts.get(found) if found is not None else None

    def take(
        self, event: Event, *, integration: str, scope: str, source: str, fresh: Fresh, now: datetime
    ) -> Admission:
        """Decide one event of a scope where keys may be aliases, and know the alert as it is afterwards."""
        key = event.dedup_key or str(fresh.alert_id)
        said = Said(
            event=event, key=key, integration=integration, scope=scope, source=source, fresh=fresh, now=now
        )
        alert = self.owner(scope, key)
        if alert is None and event.action is Action.CREATE:
            alert = self._by_title(said)
        admission, changed = admit_joined(said, alert, self._keys.get(alert.id, {}) if alert else {})
        if admission.alert is not None and admission.reading is not Reading.OTHER:
            self._note(admission.alert, changed)
        return admission

    @property
    def changed(self) -> list[tuple[Alert, Alias]]:
        """What is to be kept of the keys."""
        return [(self._seen[alert], alias) for (alert, _), alias in self._changed.items()]

    def _by_title(self, said: Said) -> Alert | None:
        """The alert that an unknown key joins: the one that began last, of those with its title."""
        look_back = self.joining.windows.get(said.integration)
        if look_back is None:
            return None
        known = [self._alerts[i] for i in self._titled.get((said.integration, title_of(said.event)), ())]
        found = [alert for alert in known if may_join(said, alert, look_back)]
        return max(found, key=lambda alert: (alert.first_event_at, alert.id), default=None)

    def _note(self, alert: Alert, changed: Sequence[Alias]) -> None:
        earlier = self._alerts.get(alert.id)
        keys = self._keys.get(alert.id, {})
        if alert.integration not in self.joining.windows and not keys:
            changed = ()  # nothing joins it
        own = keys.get(alert.dedup_key)
        if own and earlier and (earlier.title, earlier.live) != (alert.title, alert.live):
            # its row has its title, and whether it may be joined
            changed = (own, *changed)
        for alias in changed:
            self._changed[(alert.id, alias.key)] = alias
        self._hold(alert, changed)

    def _hold(self, alert: Alert, changed: Iterable[Alias]) -> None:
        earlier = self._alerts.get(alert.id)
        self._seen[alert.id] = alert
        if not alert.live:
            self._drop(alert.id)
            return
        keys = self._keys.setdefault(alert.id, {})
        for alias in changed:
            keys[alias.key] = alias
            if alias.over_at is None:
                self._owner.setdefault((alert.scope, alias.key), alert.id)
            elif self._owner.get((alert.scope, alias.key)) == alert.id:
                del self._owner[(alert.scope, alias.key)]
        self._alerts[alert.id] = alert
        # its own key is its own while it lives, also between two times that it fires
        self._owner[(alert.scope, alert.dedup_key)] = alert.id
        if earlier is not None and earlier.title != alert.title:
            self._titled[(alert.integration, joins_by(earlier))].discard(alert.id)
        self._titled[(alert.integration, joins_by(alert))].add(alert.id)
        if len(keys) > 1:
            self.several.add(alert.id)

    def _drop(self, alert: AlertId) -> None:
        known = self._alerts.pop(alert, None)
        if known is None:
            return
        for key in {known.dedup_key, *self._keys.pop(alert, {})}:
            if self._owner.get((known.scope, key)) == alert:
                del self._owner[(known.scope, key)]
        self._titled[(known.integration, joins_by(known))].discard(alert)
