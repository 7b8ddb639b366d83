"""Add, change and remove one connector: which change of the configuration is it, and who would miss the connector?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.core.errors import BadInput, Conflict, FieldFault, NotFound, Refusal
from tocsin.core.policy import Policy
from tocsin.core.values import replace
from tocsin.engine import edit
from tocsin.engine.configure import Applied
from tocsin.engine.hub import Hub
from tocsin.engine.weigh import Unsafe, unsafe
from tocsin.store import figures

SECTION = "connectors"


async def add(
    hub: Hub, name: str, entry: Mapping[str, Any], *, author: str, origin: str, force: bool, dry_run: bool
) -> Applied:
    """A new one. Raises Conflict when there is one of this name, BadInput whose faults are named as in `entry`.

    What is missing besides it (nobody behind it, nothing tested yet) is told and not refused: with it more is paged
    than before. Something it names that is not at its provider is refused, unless `force`.
    """

    def change(before: Any) -> Any:
        if before is not None:
            fault = FieldFault("name", "is in use already")
            raise Conflict(
                f"There is a connector {name} already; nothing was changed", faults=(fault,),
                hint=f"im connector update {name} and im connector config {name} change it",
            )  # fmt: skip
        return dict(entry)

    return await _changed(hub, name, change, author, origin, force=force, dry_run=dry_run, adds=True)


async def patch(
    hub: Hub, name: str, wanted: Mapping[str, Any], *, author: str, origin: str, force: bool, dry_run: bool
) -> Applied:
    """Merge `wanted` into it as RFC 7396 has it: what is not named stays, credentials too, and null takes away.

    What was told of the rest before is not told again. Raises NotFound, BadInput, Unsafe unless `force`."""

    def change(before: Any) -> Any:
        if before is None:
            raise NotFound(f"There is no connector {name}", hint="`im connector list` shows them")
        return merged(before, wanted)

    done = await _changed(
        hub, name, change, author, origin, force=force, dry_run=dry_run, adds=resumes(wanted)
    )
    about = tuple(w for w in done.warnings if w.startswith(f"{SECTION}.{name}") or w.endswith("(forced)"))
    return done if wanted.get("paused") else replace(done, warnings=about)


async def remove(
    hub: Hub, name: str, *, author: str, origin: str, force: bool, dry_run: bool
) -> tuple[Applied, int]:
    """Take it away; with it the number of calls that wait for it and will not be made.

    Raises NotFound, Conflict that names what would be left pointing at nothing (no force helps there), Unsafe while
    incidents are open at it unless `force`."""
    if hub.policy.version and name not in hub.policy.connectors:
        raise NotFound(f"There is no connector {name}", hint="`im connector list` shows them")
    waiting = (await hub.database.read(figures.queues)).get(name, 0)

    def change(before: Any) -> Any:
        if before is None:
            raise NotFound(f"There is no connector {name}", hint="`im connector list` shows them")

    try:
        return await _changed(hub, name, change, author, origin, force=force, dry_run=dry_run), waiting
    except BadInput as fault:
        raise Conflict(
            f"{name} is still named by {_listed(places(hub.policy, fault.faults))}; nothing was changed", faults=fault.faults,
            hint="take it out there first, or pause it: im connector pause keeps everything and asks it for nothing",
        ) from None  # fmt: skip


def resumes(wanted: Mapping[str, Any]) -> bool:
    """True for a patch that asks a paused connector again and nothing else: more is paged with it than before."""
    return set(wanted) == {"paused"} and not wanted["paused"]


def merged(value: Any, patch: Any) -> Any:
    """A JSON merge patch (https://www.rfc-editor.org/rfc/rfc7396, read 2026-12-01)."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(value) if isinstance(value, Mapping) else {}
    for key, wanted in patch.items():
        if wanted is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), wanted)
    return result


def places(policy: Policy, faults: tuple[FieldFault, ...]) -> list[str]:
    """Where the document would name what is gone: "routing.night", "escalation_policies.standard", "defaults.last_resort"."""
    found = []
    for fault in faults:
        section, _, rest = fault.field.partition(".")
        name = rest.partition(".")[0]
        if section == "routing" and name.isdigit() and int(name) < len(policy.routing):
            name = policy.routing[int(name)].name
        found.append(f"{section}.{name}")
    return list(dict.fromkeys(found))


def own_fields(refusal: Refusal, name: str, given: str = "") -> Refusal:
    """The refusal with its faults named as the caller named them: those of the connector itself without its path."""
    path = f"{SECTION}.{name}"

    def field(fault: FieldFault) -> str:
        if fault.field == path:
            return given or "name"
        return fault.field.removeprefix(f"{path}.")

    faults = tuple(FieldFault(field(fault), fault.message) for fault in refusal.faults)
    if isinstance(refusal, Unsafe):
        return unsafe(name, faults)
    message = refusal.message.removeprefix(f"{path}: ").replace(f"{path}.", "", 1)
    again = type(refusal)(message, faults=faults, hint=refusal.hint)
    return again


async def _changed(
    hub: Hub, name: str, change: Any, author: str, origin: str, *, force: bool, dry_run: bool, adds: bool = False
) -> Applied:  # fmt: skip
    try:
        return await edit.change_entry(
            hub, SECTION, name, change, author=author, origin=origin, force=force, dry_run=dry_run, adds=adds
        )
    except (BadInput, Conflict, Unsafe) as refusal:
        raise own_fields(refusal, name) from None


def _listed(names: list[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
