"""Which secrets do webhooks come with that no configuration names? Those that providers gave us (ADR 0030)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from tocsin.core.model import Json
from tocsin.core.ports import ConnectorSettings
from tocsin.core.values import replace
from tocsin.engine.seal import Seal, Unsealable
from tocsin.store.subscriptions import Kept

Given = Mapping[str, tuple[tuple[str, str], ...]]
"""Connector -> (setting, secret) of each subscription, the oldest first."""


def seal_name(connector: str, subscription: str) -> str:
    """What a secret is sealed with, so that it opens nowhere else."""
    return f"webhooks.{connector}.{subscription}"


def opened(seal: Seal, kept: Sequence[Kept]) -> tuple[Given, dict[str, str]]:
    """The secrets that the hub's key opens: by connector, and by the name they are sealed with. One that it does not
    open proves nothing: what comes by it is kept aside and asked for again (S45)."""
    given: dict[str, tuple[tuple[str, str], ...]] = {}
    named: dict[str, str] = {}
    for one in kept:
        if one.sealed is None:
            continue
        with suppress(Unsealable):
            name = seal_name(one.connector, one.id)
            named[name] = seal.open(name, one.sealed)
            given[one.connector] = (*given.get(one.connector, ()), (one.setting, named[name]))
    return given, named


def laid_over(settings: ConnectorSettings, given: Given) -> ConnectorSettings:
    """Settings with these besides those that are written; where they are written, in `custom` or beside it."""
    found = given.get(settings.name, ())
    if not found:
        return settings
    merged = dict(settings.settings)
    for setting, secret in found:
        custom = merged.get("custom")
        if isinstance(custom, Mapping) and custom.get(setting):
            merged["custom"] = {**custom, setting: [*_listed(custom[setting]), secret]}
        else:
            merged[setting] = [*_listed(merged.get(setting)), secret]
    return replace(settings, settings=merged)


def _listed(value: Json) -> list[Json]:
    return list(value) if isinstance(value, list | tuple) else [value] if value else []
