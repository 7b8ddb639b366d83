"""The configuration: apply a text, compare it, take a stored version into use (RO-11, S50)."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

from tocsin import policy as policies
from tocsin.engine.hub import Active, Hub, log
from tocsin.engine.seal import Unsealable
from tocsin.policy import Loaded
from tocsin.store import configs
from tocsin.store.configs import Version
from tocsin.store.database import Connection

LATER_SOURCES = ("opsgenie",)
"""Sources a configuration may name already, so that it need not change when they arrive."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply did: the version in force, whether it is new, the difference and the warnings."""

    version: int
    changed: bool
    diff: str
    warnings: tuple[str, ...]


def read(hub: Hub, text: str, *, environment: Mapping[str, str], file_name: str) -> Loaded:
    """Read and check a configuration; raises BadInput with every fault and its line."""

    def check(kind: str, settings: Mapping[str, Any]) -> list[tuple[str, str]]:
        known = hub.providers.get(kind)
        return known.module.check_settings(settings) if known else []

    loaded = policies.load(
        text, env=environment, known_sources=[*hub.sources, *LATER_SOURCES], known_providers=list(hub.providers), file_name=file_name,
        check_settings=check,
    )  # fmt: skip
    later = [i.name for i in loaded.policy.integrations.values() if i.source not in hub.sources]
    told = tuple(
        f"integrations.{name}: its source comes with a later version; until then its address answers 404"
        for name in later
    )
    return replace(loaded, warnings=(*loaded.warnings, *told))


async def apply(
    hub: Hub, text: str, *, environment: Mapping[str, str], file_name: str, author: str, origin: str
) -> Applied:
    """Make a text the configuration in force; the same text twice makes one version."""
    loaded = read(hub, text, environment=environment, file_name=file_name)
    sealed = {name: hub.seal.close(name, value) for name, value in loaded.secrets.items()}

    async def work(connection: Connection) -> Applied:
        now = hub.now()
        before = await configs.latest(connection)
        old = before.document if before else {}
        await configs.save_secrets(connection, sealed, now)
        if before is not None and before.hash == loaded.hash:
            await configs.credentials_changed(connection)
            return Applied(before.version, False, "", loaded.warnings)
        version = await configs.add(
            connection, hash=loaded.hash, author=author, origin=origin, document=loaded.document, now=now
        )
        return Applied(version, True, difference(old, loaded.document), loaded.warnings)

    applied = await hub.database.transact(work)
    await refresh(hub)
    log.info("configuration_applied", version=applied.version, changed=applied.changed, author=author)
    return applied


async def compare(hub: Hub, text: str, *, environment: Mapping[str, str], file_name: str) -> Applied:
    """What an apply would do; nothing is changed."""
    loaded = read(hub, text, environment=environment, file_name=file_name)
    before = await hub.database.read(configs.latest)
    old = before.document if before else {}
    changed = before is None or before.hash != loaded.hash
    return Applied(
        before.version if before else 0, changed, difference(old, loaded.document), loaded.warnings
    )


async def refresh(hub: Hub) -> None:
    """Take the newest stored version into use on this node; cheap when it is in use already."""

    async def fetch(connection: Connection) -> tuple[Version | None, dict[str, bytes]]:
        return await configs.latest(connection), await configs.sealed_secrets(connection)

    version, sealed = await hub.database.read(fetch)
    if version is None:
        hub.active = Active(
            policy=policies.load(
                "{}", env={}, known_sources=(), known_providers=(), file_name="built-in"
            ).policy
        )
        return
    secrets, unsealed = _opened(hub, sealed)
    compiled = policies.compile_document(version.document, version=version.version)
    by_hash = {integration.key_hash: integration for integration in compiled.integrations.values()}
    hub.active = Active(policy=compiled, secrets=secrets, by_key_hash=by_hash, unsealed=unsealed)


def _opened(hub: Hub, sealed: Mapping[str, bytes]) -> tuple[dict[str, str], bool]:
    secrets: dict[str, str] = {}
    whole = True
    for name, value in sealed.items():
        try:
            secrets[name] = hub.seal.open(name, value)
        except Unsealable as fault:
            whole = False
            log.error("secret_lost", name=name, message=str(fault))
    return secrets, whole


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """A unified diff of two documents as YAML; credentials appear as names only."""
    a, b = (_lines(document) for document in (old, new))
    return "".join(difflib.unified_diff(a, b, "in force", "new", n=2))


def _lines(document: Mapping[str, Any]) -> list[str]:
    if not document:
        return []
    plain = json.loads(json.dumps(document))
    return yaml.safe_dump(plain, sort_keys=True, allow_unicode=True, width=120).splitlines(keepends=True)


def hash_of_key(key: str) -> str:
    """The lower-hex SHA-256 of an integration key, as `Integration.key_hash` holds it."""
    return hashlib.sha256(key.encode()).hexdigest()
