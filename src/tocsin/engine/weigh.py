"""Is it safe to put this configuration in force now? Gathers what `core/safety.py` decides from (S51)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tocsin import policy as policies
from tocsin.core.errors import BadInput, FieldFault, Refusal
from tocsin.core.policy import Connector, Policy
from tocsin.core.safety import USED_WITHIN, Finding, Side, Stakes, Weighed, weigh
from tocsin.engine.hub import Hub
from tocsin.policy import Loaded
from tocsin.store import proofs
from tocsin.store.configs import Version
from tocsin.store.database import Connection

_NO_MATTER = frozenset(
    {
        "webhook_secrets", "webhook_token", "webhook_header", "custom_field_mappings", "sla_mapping", "rate_limit",
        "service_mappings", "policy_mappings", "escalation_mappings", "service_id", "escalation_policy_id", "urgency_mapping", "priority_mapping", "auto_resolve", "sync_notes",
    }
)  # fmt: skip
"""Settings that do not decide whether a connector takes a page at all: how it answers back, and where at the
provider a page goes. A wrong mapping is refused there at once and fails over (S28)."""


class Unsafe(Refusal):
    """Somebody would no longer be paged, or no longer be heard; each fault says what is at stake."""

    code = "unsafe"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`refusals` stand against it unless forced; `warnings` do not."""

    refusals: tuple[FieldFault, ...] = ()
    warnings: tuple[str, ...] = ()


async def weighed(connection: Connection, hub: Hub, before: Version | None, loaded: Loaded) -> Verdict:
    """What putting `loaded` in the place of `before` would cost now. What connectors have proved so far is
    kept on the way: their attempts are forgotten after a while."""
    old = _policy_of(hub, before)
    now = hub.now()
    prints = {name: print_of(connector) for name, connector in loaded.policy.connectors.items()}
    old_prints = {name: print_of(connector) for name, connector in old.connectors.items()}
    if before is not None:
        await proofs.in_force(connection, old_prints, before.applied_at, new_credentials=())
        await proofs.note(connection, old_prints)
    stakes = Stakes(
        last_used=await proofs.last_used(connection, _gone(old.integrations, loaded.policy.integrations), now - USED_WITHIN),
        open_at=await proofs.open_at(connection, list(old.connectors)),
    )  # fmt: skip
    found = weigh(
        _side(hub, old, await proofs.tested(connection, old_prints)),
        _side(hub, loaded.policy, await proofs.tested(connection, prints)),
        stakes,
        now,
    )
    return _verdict(found, loaded)


async def now_in_force(
    connection: Connection, policy: Policy, now: datetime, changed: Collection[str]
) -> None:
    """Note the settings that hold from now on. `changed` are the credentials that are new: what a connector did
    with another key proves nothing; that is told from the next apply on, for the old key may be worthless."""
    prints = {name: print_of(connector) for name, connector in policy.connectors.items()}
    rekeyed = [name for name in prints if any(_is_key_of(name, secret) for secret in changed)]
    await proofs.in_force(connection, prints, now, new_credentials=rekeyed)


def unsafe(name: str, refusals: Sequence[FieldFault]) -> Unsafe:
    """The refusal of a configuration called `name`."""
    first = refusals[0]
    where = f"{name}:{first.line}" if first.line else name
    more = f" (and {len(refusals) - 1} more)" if len(refusals) > 1 else ""
    return Unsafe(
        f"{where}: {first.field}: {first.message}{more}", faults=tuple(refusals),
        hint="mend what is named, or say --force (API: force=true) if it is meant; nothing was changed",
    )  # fmt: skip


def _is_key_of(connector: str, secret: str) -> bool:
    rest = secret.removeprefix(f"connectors.{connector}.")
    return rest != secret and rest.partition(".")[0] not in _NO_MATTER


def print_of(connector: Connector) -> str:
    """The settings that decide whether a connector takes a page at all, as a short text; credentials stand
    in it by name."""
    custom = connector.settings.get("custom")
    told = {
        key: value for key, value in connector.settings.items() if key not in _NO_MATTER and key != "custom"
    }
    if isinstance(custom, Mapping):
        told |= {f"custom.{key}": value for key, value in custom.items() if key not in _NO_MATTER}
    text = json.dumps([connector.type, told], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _policy_of(hub: Hub, version: Version | None) -> Policy:
    if version is not None:
        with suppress(BadInput):  # of an earlier hub, and no longer understood: nothing to compare with
            return policies.compile_document(
                version.document,
                version=version.version,
                known_sources=hub.known_sources,
                known_providers=hub.known_providers,
            )
    return Policy()


def _gone(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [name for name in old if name not in new]


def _side(hub: Hub, policy: Policy, tested: frozenset[str]) -> Side:
    outside = {name for name, facts in hub.known_providers.items() if facts.pages}
    return Side(
        policy=policy,
        tested=tested,
        native=frozenset(name for name, c in policy.connectors.items() if c.type not in outside),
        mails=any("mails_people" in hub.abilities_of(c.type) for c in policy.connectors.values()),
    )


def _is_outside_pager(hub: Hub, kind: str) -> bool:
    found = hub.providers.get(kind)
    return found is not None and found.facts.pages


def _verdict(found: Weighed, loaded: Loaded) -> Verdict:
    faults = tuple(
        FieldFault(_field(one, loaded), one.sentence, loaded.line_of(_field(one, loaded)))
        for one in found.refused
    )
    return Verdict(faults, tuple(f"{_field(one, loaded)}: {one.sentence}" for one in found.told))


def _field(one: Finding, loaded: Loaded) -> str:
    """Without a `routing` of its own the file asks every connector."""
    written = one.field.startswith("routing.") and "routing" not in loaded.document
    return "connectors" if written else one.field
