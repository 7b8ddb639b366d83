"""Which alert does a key belong to where alerts are joined by title, and do its other keys still fire? (IN-6, S11)

The first key of an alert is its own; a further key that joins it by title is an alias of it, and belongs to it until
its sender resolves it. The alert is over when all of its keys are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from tocsin.core.dedup import TITLE_MOST, UNTITLED, Admission, Fresh, Reading, admit, sender_time
from tocsin.core.model import Action, Alert, Event
from tocsin.core.payload import one_line
from tocsin.core.policy import Integration
from tocsin.core.values import replace

_MOST_NAMED, _MOST_SHOWN = 3, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """One key of an alert, its own or a further one. `newest_sent_at` = the newest create under this key by its
    sender's clock (S13); `over_at` = when its sender resolved it, None = it fires."""

    key: str
    made_at: datetime
    newest_sent_at: datetime | None = None
    over_at: datetime | None = None


Keys = Mapping[str, Alias]
"""The keys of one alert. Empty = it has its own alone, and nothing was noted of it."""


@dataclass(frozen=True, slots=True)
class Joining:
    """Where alerts are joined by title: how far each integration looks back, and in which scopes a key may
    be an alias. A scope stays there while an alert of it may have several keys, whatever became of the option."""

    windows: Mapping[str, timedelta] = field(default_factory=dict)
    scopes: frozenset[str] = frozenset()


def joining(integrations: Mapping[str, Integration], still: Collection[str] = ()) -> Joining:
    """`still` = the scopes in which alerts joined under an earlier configuration."""
    windows = {name: i.auto_aggregate for name, i in integrations.items() if i.auto_aggregate}
    return Joining(windows, frozenset(scope_of(integrations[name]) for name in windows).union(still))


def scope_of(integration: Integration) -> str:
    """What its dedup keys are unique in (S12)."""
    return "*" if integration.key_scope == "account" else integration.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One event at the door, with the key that it is heard under: one of its own where the sender gave none."""

    event: Event
    key: str
    integration: str
    scope: str
    source: str
    fresh: Fresh
    now: datetime


def title_of(event: Event) -> str:
    """The title by which it joins; "" = by none: events without a title have nothing in common."""
    title = event.title[:TITLE_MOST]
    return "" if title == UNTITLED else title


def joins_by(alert: Alert) -> str:
    """The title by which it is joined; "" = it has none."""
    return "" if alert.title == UNTITLED else alert.title


def may_join(said: Said, alert: Alert, look_back: timedelta) -> bool:
    """True when a create under a key that nobody knows is one more of this alert. The look-back counts from the
    alert's first event, however often it was repeated."""
    return (
        alert.live
        and alert.integration == said.integration
        and joins_by(alert) == title_of(said.event) != ""
        and said.now - alert.first_event_at < look_back
    )


def admit_joined(said: Said, alert: Alert | None, keys: Keys) -> tuple[Admission, tuple[Alias, ...]]:
    """Decide one event against the live alert that its key belongs to, or that it joins by title (None =
    neither); (what it is, the alert's keys that changed by it)."""
    match said.event.action:
        case Action.CREATE if alert is None:
            admission = _plain(said, None)
            born = admission.alert
            assert born is not None
            return admission, (_own(born),)
        case Action.CREATE:
            assert alert is not None
            return _counted(said, alert, keys)
        case Action.RESOLVE if alert is not None and said.key in keys:
            return _over(said, alert, keys)
        case _:
            return _plain(said, alert), ()


def _counted(said: Said, alert: Alert, keys: Keys) -> tuple[Admission, tuple[Alias, ...]]:
    own = keys.get(alert.dedup_key) or _own(alert)
    further = said.key != alert.dedup_key
    known = keys.get(said.key) if further else own
    admission = _plain(said, alert)
    joins = known is None or (known.over_at is not None and further)
    if further:
        how = "because the title is the same" if joins else "as before: its key joined by the title"
        admission = replace(admission, reason=f"counted to alert {alert.id} {how}", key=said.key)
    sent_at = sender_time(said.event, alert, said.now, said.integration)
    newest = max((t for t in (known.newest_sent_at if known else None, sent_at) if t), default=None)
    made_at = said.now if joins or known is None else known.made_at
    after = Alias(key=said.key, made_at=made_at, newest_sent_at=newest)
    changed = (after,) if not further or alert.dedup_key in keys else (own, after)
    return admission, tuple(alias for alias in changed if keys.get(alias.key) != alias)


def _over(said: Said, alert: Alert, keys: Keys) -> tuple[Admission, tuple[Alias, ...]]:
    known = keys[said.key]
    fires = (key for key, alias in keys.items() if alias.over_at is None and key != said.key)
    firing = list(islice(fires, _MOST_NAMED + 1))
    if known.over_at is not None and firing:
        text = f"{named([said.key])} is over already, {_still(firing)}"
        return Admission(Reading.IGNORED, alert, text, said.key), ()
    # the sender's clock orders within one key only (S13)
    ruled = _plain(said, replace(alert, newest_sent_at=known.newest_sent_at))
    if ruled.reading is not Reading.RESOLVED or ruled.alert is None:
        return replace(ruled, alert=alert, key=said.key), ()
    after = (replace(known, over_at=said.now),)
    if firing:
        text = f"{named([said.key])} is over, {_still(firing)}: the alert goes on"
        return Admission(Reading.KEY_OVER, alert, text, said.key), after
    ended = replace(ruled.alert, newest_sent_at=alert.newest_sent_at)
    return replace(ruled, alert=ended, key=said.key), after


def told(alert: Alert, keys: Sequence[Alias]) -> tuple[str, ...]:
    """A sentence for each further key of an alert, for whoever asks why it is counted there."""
    further = [alias for alias in keys if alias.key != alert.dedup_key]
    return tuple(
        f"{named([alias.key])}: counted to alert {alert.id} since {alias.made_at:%Y-%m-%d %H:%M:%S} UTC because the title is the same"
        + (f"; over since {alias.over_at:%H:%M:%S} UTC" if alias.over_at else "")
        for alias in further
    )


def _plain(said: Said, alert: Alert | None) -> Admission:
    return admit(
        said.event, alert, integration=said.integration, scope=said.scope, source=said.source,
        fresh=said.fresh, now=said.now,
    )  # fmt: skip


def _own(alert: Alert) -> Alias:
    return Alias(key=alert.dedup_key, made_at=alert.first_event_at, newest_sent_at=alert.newest_sent_at)


def _still(firing: Collection[str]) -> str:
    return f"{named(firing)} still {'fires' if len(firing) == 1 else 'fire'}"


def named(keys: Collection[str]) -> str:
    """Some keys for a sentence: three at most by name."""
    ordered = sorted(one_line(key)[:_MOST_SHOWN] for key in keys)
    if len(ordered) > _MOST_NAMED:
        return f"{', '.join(ordered[:_MOST_NAMED])} and others"
    return " and ".join(filter(None, (", ".join(ordered[:-1]), *ordered[-1:])))
