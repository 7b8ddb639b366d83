"""The configuration: apply a text, compare it, take a stored version into use (RO-11, S50)."""

from __future__ import annotations

import asyncio
import difflib
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tocsin import policy as policies
from tocsin.core.alias import joining
from tocsin.core.errors import BadInput, FieldFault, Refusal
from tocsin.core.values import replace
from tocsin.engine import hook_secrets, mapped, snapshot, weigh
from tocsin.engine.acting import Acting, begun, tell
from tocsin.engine.hub import Active, Hub, RefusedFile, log
from tocsin.engine.seal import LOST_KEY, Unsealable
from tocsin.engine.snapshot import Snapshot
from tocsin.policy import Loaded, Present
from tocsin.store import aliases, configs, subscriptions, tokens
from tocsin.store.configs import Version
from tocsin.store.database import Connection
from tocsin.store.tokens import Token

_NAMED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply did: the version in force, whether it is new, the difference and the warnings.

    Of a comparison, `refusals` stand against applying it without force (S51)."""

    version: int
    changed: bool
    diff: str
    warnings: tuple[str, ...]
    refusals: tuple[FieldFault, ...] = ()


@dataclass(frozen=True, slots=True)
class Basis:
    """What a change of the configuration starts from: when it is another by then, the change is made anew."""

    version: Version | None
    sealed: Mapping[str, bytes]

    @property
    def document(self) -> Mapping[str, Any]:
        return self.version.document if self.version else {}

    def same_as(self, other: Basis) -> bool:
        numbers = [basis.version.version if basis.version else 0 for basis in (self, other)]
        return numbers[0] == numbers[1] and self.sealed == other.sealed


async def basis(connection: Connection) -> Basis:
    """The version in force and every credential, as they are stored now."""
    return Basis(await configs.latest(connection), await configs.sealed_secrets(connection))


def read(
    hub: Hub, text: str, over: Basis, *, environment: Mapping[str, str], file_name: str, start: bool = False, prune: bool = False
) -> Loaded:  # fmt: skip
    """Read and check a configuration that is laid over the one in force; raises BadInput with every fault and its line."""
    secrets, _ = opened(hub, over.sealed)
    loaded = policies.load(
        text, env=environment, known_sources=hub.known_sources, known_providers=hub.known_providers, file_name=file_name,
        check_settings=partial(settings_faults, hub),
        present=Present(document=over.document, secrets=secrets, start=start, prune=prune),
    )  # fmt: skip
    return with_told_sources(hub, loaded)


def read_stored(hub: Hub, document: Mapping[str, Any], secrets: Mapping[str, str], name: str) -> Loaded:
    """The same of a stored document, with these credentials; lines are those of `im config show`."""
    loaded = policies.load_stored(
        document, secrets=secrets, known_sources=hub.known_sources, known_providers=hub.known_providers, name=name,
        check_settings=partial(settings_faults, hub),
    )  # fmt: skip
    return with_told_sources(hub, loaded)


def settings_faults(hub: Hub, kind: str, settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a provider's folder finds wrong with a connector's settings: (dotted field, what)."""
    known = hub.providers.get(kind)
    return known.module.check_settings(settings) if known else []


def with_told_sources(hub: Hub, loaded: Loaded) -> Loaded:
    """With a warning for each integration whose source this hub has not."""
    later = [i.name for i in loaded.policy.integrations.values() if i.source not in hub.sources]
    told = tuple(
        f"integrations.{name}: its source comes with a later version; until then its address answers 404"
        for name in later
    )
    return replace(loaded, warnings=(*loaded.warnings, *told))


async def apply(
    hub: Hub, text: str, *, environment: Mapping[str, str], file_name: str, author: str, origin: str, force: bool = False,
    start: bool = False, prune: bool = False,
) -> Applied:  # fmt: skip
    """Make a text the configuration in force; the same text twice makes one version.

    What commands made stays unless `prune` (ADR 0029). Raises BadInput for what it cannot mean, Unsafe for what would
    cost pages now, unless `force`. `start` = the hub starts with it: providers are not asked whether what it names there
    exists, and what a command changed is not taken back by what the file said before.
    """

    def made(over: Basis) -> Loaded:
        return read(hub, text, over, environment=environment, file_name=file_name, start=start, prune=prune)

    return await change(hub, made, name=file_name, author=author, origin=origin, force=force, ask=not start)


async def change(
    hub: Hub, made: Callable[[Basis], Loaded], *, name: str, author: str, origin: str, force: bool, ask: bool = True,
    only: Collection[str] | None = None, adds: bool = False,
) -> Applied:  # fmt: skip
    """Put in force what `made` makes of the version in force, in one transaction. `ask` = providers are asked first
    whether what it names there exists, those of the connectors `only`, where given. `adds` = see `foreseen`. Raises
    what `made` raises, and Unsafe unless `force`."""
    over = await hub.database.read(basis)
    loaded = made(over)
    there = await mapped.look_up(hub, loaded, only) if ask else mapped.UNASKED

    async def work(connection: Connection) -> Applied:
        await configs.one_at_a_time(connection)
        now = await basis(connection)
        newest = loaded if now.same_as(over) else made(now)
        return await install(
            connection, hub, newest, name=name, author=author, origin=origin, force=force, there=there, adds=adds
        )  # fmt: skip

    return await hub_takes(hub, work)


async def apply_at_start(hub: Hub, file: Path, environment: Mapping[str, str]) -> None:
    """Apply the file that the hub was started with.

    A hub that is started must run and page: with a version in force a file that is refused, or cannot be
    read, leaves that version in force, is said loudly and stays a finding of `im doctor` until another
    version is applied (ADR 0014). Without one, what is merely unsafe is applied, and the rest raises.
    """
    in_force = hub.policy.version
    try:
        text = await asyncio.to_thread(file.read_text, "utf-8")
        named = {name: environment[name] for name in _NAMED.findall(text) if name in environment}
        with begun(hub, Acting(origin="start", actor="start", kind="hub", via=hub.name, writes=False)):
            applied = await apply(
                hub, text, environment=named, file_name=str(file), author="start", origin="file", force=not in_force,
                start=True,
            )  # fmt: skip
    except (BadInput, weigh.Unsafe, OSError, UnicodeDecodeError) as fault:
        if not in_force:
            raise
        message = fault.message if isinstance(fault, Refusal) else f"{file}: {fault}"
        faults = fault.faults if isinstance(fault, Refusal) else ()
        hub.refused_file = RefusedFile(file=str(file), version=in_force, message=message, faults=faults)
        log.error(
            "configuration_refused", file=str(file), in_force=in_force, message=message,
            faults=[f"{f.line or '-'}: {f.field}: {f.message}" for f in faults],
            next="mend the file and `im apply -f` it, with --force if it is meant; until then the version in force pages",
        )  # fmt: skip
        return
    for warning in applied.warnings:
        log.warning("configuration", message=warning)


async def hub_takes(hub: Hub, work: Callable[[Connection], Awaitable[Applied]]) -> Applied:
    """Carry a change of the configuration out in one transaction and take it into use here."""
    applied = await hub.database.transact(work)
    await refresh(hub)
    log.info("configuration_applied", version=applied.version, changed=applied.changed)
    return applied


async def install(
    connection: Connection, hub: Hub, loaded: Loaded, *, name: str, author: str, origin: str, force: bool,
    there: mapped.There = mapped.UNASKED, adds: bool = False,
) -> Applied:  # fmt: skip
    """Make `loaded` the version in force, when it says anything else than the present one.

    Raises Unsafe when that would cost pages (S51); with `force` it is told instead.
    """
    now = hub.now()
    await configs.one_at_a_time(connection)
    before = await configs.latest(connection)
    expected = await foreseen(connection, hub, before, loaded, there, adds=adds)
    if expected.refusals and not force:
        raise weigh.unsafe(name, expected.refusals)
    changed = await _changed_secrets(connection, hub, loaded.secrets)
    sealed = {secret: hub.seal.close(secret, loaded.secrets[secret]) for secret in changed}
    await configs.save_secrets(connection, sealed, now, used=policies.secret_names(loaded.document))
    await weigh.now_in_force(connection, loaded.policy, now, changed)
    number = before.version if before else 0
    about = {
        "sealed_anew": sorted(changed),
        "forced": bool(expected.refusals),
        "origin": origin,
        "file": name,
    }
    if before is not None and not expected.changed:
        await configs.credentials_changed(connection)
        if changed:
            await tell(
                connection, hub, "configuration.credentials", f"version {number}", after=about, text=author
            )
        return expected
    if expected.refusals:
        origin += " (forced)"
    version = await configs.add(
        connection, hash=loaded.hash, author=author, origin=origin, document=loaded.document, now=now
    )
    told = tuple(f"{fault.field}: {fault.message} (forced)" for fault in expected.refusals)
    about |= {"version": version, "difference": expected.diff, "refusals": list(told)}
    await tell(
        connection, hub, "configuration.apply", f"version {version}", before={"version": number}, after=about, text=author
    )  # fmt: skip
    return replace(expected, version=version, warnings=(*expected.warnings, *told), refusals=())


async def _changed_secrets(connection: Connection, hub: Hub, given: Mapping[str, str]) -> set[str]:
    """Names of those that are not kept already with the same text; one that cannot be opened counts as changed."""
    kept, _ = opened(hub, await configs.sealed_secrets(connection))
    return {name for name, value in given.items() if kept.get(name) != value}


async def compare(
    hub: Hub, text: str, *, environment: Mapping[str, str], file_name: str, prune: bool = False
) -> Applied:
    """What an apply would do; nothing is changed."""

    def made(over: Basis) -> Loaded:
        return read(hub, text, over, environment=environment, file_name=file_name, prune=prune)

    return await rehearse(hub, made)


async def rehearse(
    hub: Hub, made: Callable[[Basis], Loaded], only: Collection[str] | None = None, *, adds: bool = False
) -> Applied:
    """What `change` would do with the same; nothing is changed."""
    loaded = made(await hub.database.read(basis))
    there = await mapped.look_up(hub, loaded, only)

    async def look(connection: Connection) -> Applied:
        return await foreseen(connection, hub, await configs.latest(connection), loaded, there, adds=adds)

    return await hub.database.transact(look)


async def foreseen(
    connection: Connection,
    hub: Hub,
    before: Version | None,
    loaded: Loaded,
    there: mapped.There = mapped.UNASKED,
    *,
    adds: bool = False,
) -> Applied:
    """What putting `loaded` in force would do and cost; its version is the one in force now. `adds` = nothing that paged
    before goes with it, so what is still missing is told, and what it names that is not there is refused all the same.
    """
    old = before.document if before else {}
    number = before.version if before else 0
    if before is not None and before.hash == loaded.hash:
        told = tuple(f"{fault.field}: {fault.message}" for fault in there.gone)
        return Applied(number, False, "", (*loaded.warnings, *there.told, *told))
    verdict = await weigh.weighed(connection, hub, before, loaded)
    if adds:
        told = tuple(f"{fault.field}: {fault.message}" for fault in verdict.refusals)
        verdict = weigh.Verdict(warnings=(*verdict.warnings, *told))
    return Applied(
        number,
        True,
        difference(old, loaded.document),
        (*loaded.warnings, *verdict.warnings, *there.told),
        (*verdict.refusals, *there.gone),
    )


async def refresh(hub: Hub) -> None:
    """Take the newest stored version into use on this node, and keep it beside the database; cheap when it is
    in use already."""

    async def fetch(connection: Connection) -> tuple[Version | None, dict[str, bytes], dict[bytes, Token]]:
        sealed = await configs.sealed_secrets(connection)
        return await configs.latest(connection), sealed, await tokens.valid(connection)

    version, sealed, known = await hub.database.read(fetch)
    seen = Snapshot(
        installation=hub.installation, version=version.version if version else 0, sealed=sealed,
        document=version.document if version else {}, tokens=tuple((digest, _unused(t)) for digest, t in known.items()),
    )  # fmt: skip
    # what joined under the one before stays joined; for those that other nodes joined, a look at each new version
    still = set(hub.active.joining.scopes)
    if seen.version != hub.policy.version:
        still |= await hub.database.read(aliases.scopes)
    kept = await hub.database.read(subscriptions.every)
    use(hub, seen, still)
    given, named = hook_secrets.opened(hub.seal, kept)
    hub.active = replace(
        hub.active, hook_secrets=given, secrets={**hub.active.secrets, **named},
        subscribed=frozenset(one.connector for one in kept),
    )  # fmt: skip
    await snapshot.keep(hub, seen)


def use(hub: Hub, seen: Snapshot, still: Collection[str] = ()) -> None:
    """Put a configuration into force, wherever it was read from. `still` = where alerts were joined by title
    before it (S11)."""
    known = dict(seen.tokens)
    if not seen.version:
        empty = policies.load("{}", env={}, known_sources={}, known_providers={}, file_name="built-in")
        hub.active = Active(policy=empty.policy, tokens=known)
        return
    if hub.refused_file is not None and hub.refused_file.version != seen.version:
        hub.refused_file = None
    used = policies.secret_names(seen.document)
    secrets, unsealed = opened(hub, {name: value for name, value in seen.sealed.items() if name in used})
    for name in sorted(used & seen.sealed.keys() - secrets.keys()):
        log.error("secret_lost", name=name, message=LOST_KEY)
    compiled = policies.compile_document(
        seen.document,
        version=seen.version,
        known_sources=hub.known_sources,
        known_providers=hub.known_providers,
    )
    by_hash = {integration.key_hash: integration for integration in compiled.integrations.values()}
    hub.active = Active(
        policy=compiled, secrets=secrets, by_key_hash=by_hash, unsealed=unsealed, tokens=known,
        joining=joining(compiled.integrations, still),
    )  # fmt: skip


def _unused(token: Token) -> Token:
    """Without what changes with each use: the snapshot is written when something was decided."""
    return replace(token, last_used_at=None)


def opened(hub: Hub, sealed: Mapping[str, bytes]) -> tuple[dict[str, str], bool]:
    """The credentials that the hub's secret key opens, and whether those are all."""
    secrets: dict[str, str] = {}
    for name, value in sealed.items():
        with suppress(Unsealable):
            secrets[name] = hub.seal.open(name, value)
    return secrets, len(secrets) == len(sealed)


def difference(
    old: Mapping[str, Any], new: Mapping[str, Any], names: tuple[str, str] = ("in force", "new")
) -> str:
    """A unified diff of two documents as YAML; credentials appear as names only."""
    a, b = (policies.shown(json.loads(json.dumps(d))).splitlines(keepends=True) for d in (old, new))
    return "".join(difflib.unified_diff(a, b, *names, n=2))


def hash_of_key(key: str) -> str:
    """The lower-hex SHA-256 of an integration key, as `Integration.key_hash` holds it."""
    return hashlib.sha256(key.encode()).hexdigest()
