"""Connectors as things that people manage: add, change, pause, remove; how each is set, without credentials."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from tocsin.api import connector_shapes, shapes
from tocsin.api.asking import Admin, Reader, TheHub, actor_of
from tocsin.api.auth import Principal
from tocsin.api.once import Keyed, asks_only
from tocsin.api.routes.answers import problems
from tocsin.core.errors import BadInput, FieldFault, NotFound
from tocsin.core.model import Json
from tocsin.engine import configure, connectors, mappings
from tocsin.engine.configure import Applied
from tocsin.engine.hub import Hub
from tocsin.policy import entry_of, marks_of
from tocsin.providers import ProviderKind
from tocsin.store import configs

router = APIRouter(prefix="/api/v1", tags=["connectors"], route_class=Keyed)
Asked = Annotated[connector_shapes.ChangeQuery, Query()]
_DIRECTION = "outbound"
"""Of a connector that is added without one, as the connector document has it."""


@router.get(
    "/connector-types", summary="List the kinds of provider", responses=problems(),
    response_model=shapes.Page[connector_shapes.ConnectorType],
)  # fmt: skip
async def list_types(hub: TheHub, who: Reader) -> shapes.Page[connector_shapes.ConnectorType]:
    """With what is asked for when one is added by hand; all on one page."""
    return shapes.Page(items=[_type(kind) for kind in hub.providers.values()], next_cursor=None)


def _type(kind: ProviderKind) -> connector_shapes.ConnectorType:
    words = _table(kind.manifest.get("words"))
    prompts = kind.manifest.get("prompts", [])
    return connector_shapes.ConnectorType(
        name=kind.name, title=str(kind.manifest["title"]), service_word=str(words.get("service", "Service")),
        service_prefix=str(words.get("service_prefix", "")), escalation_prefix=str(words.get("escalation_prefix", "")),
        prompts=[connector_shapes.Prompt.model_validate(prompt) for prompt in prompts],
    )  # fmt: skip


def _table(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


@router.post(
    "/connectors", summary="Add a connector", response_model=connector_shapes.ConnectorChange, status_code=201,
    responses=problems("bad_input", "conflict", "unsafe"),
)  # fmt: skip
async def add_connector(
    request: Request,
    response: Response,
    hub: TheHub,
    who: Admin,
    query: Asked,
    given: connector_shapes.NewConnector,
) -> connector_shapes.ConnectorChange:
    """The next version of the configuration has it. 409 when there is one of this name, or (`unsafe`) when something that
    it names is not at its provider."""
    entry = given.model_dump(exclude_unset=True)
    name = entry.pop("name")
    entry = {"type": given.type, "sync_direction": _DIRECTION} | _without_none(entry)
    done = await connectors.add(hub, name, entry, **_how(who, request, query))
    response.status_code = 200 if query.dry_run else 201
    response.headers["Location"] = f"/api/v1/connectors/{name}"
    return _change(hub, name, done, query)


@router.patch(
    "/connectors/{name}", summary="Change a connector", response_model=connector_shapes.ConnectorChange,
    responses=problems("bad_input", "not_found", "unsafe"),
)  # fmt: skip
async def change_connector(
    request: Request, hub: TheHub, who: Admin, query: Asked, name: str, given: connector_shapes.ConnectorPatch
) -> connector_shapes.ConnectorChange:
    """A JSON merge patch: what is not named stays, credentials too; null takes a setting, or one mapping, away."""
    patch = given.model_dump(exclude_unset=True)
    if not patch:
        raise BadInput("Nothing to change", faults=(FieldFault("body", "names no setting"),))
    if "name" in patch:
        fault = FieldFault("name", "cannot be changed: add another and remove this one")
        raise BadInput("A connector keeps its name", faults=(fault,))
    done = await connectors.patch(hub, name[:200], patch, **_how(who, request, query))
    return _change(hub, name, done, query)


@router.delete(
    "/connectors/{name}", summary="Remove a connector", response_model=connector_shapes.ConnectorChange,
    responses=problems("not_found", "conflict", "unsafe"),
)  # fmt: skip
async def remove_connector(
    request: Request, hub: TheHub, who: Admin, query: Asked, name: str
) -> connector_shapes.ConnectorChange:
    """409 names the routing rules, policies and services that still name it (`conflict`), or the incidents that are open
    at it (`unsafe`; force=true removes it all the same). What waits for it is never sent."""
    done, waiting = await connectors.remove(hub, name[:200], **_how(who, request, query))
    change = _change(hub, name, done, query)
    if waiting:
        word = "call waits" if waiting == 1 else "calls wait"
        change.warnings.append(f"{waiting} {word} for {name} and will not be made")
    return change


@router.post(
    "/connectors/{name}/pause", summary="Pause a connector", response_model=connector_shapes.ConnectorChange,
    responses=problems("not_found", "unsafe"),
)  # fmt: skip
async def pause_connector(
    request: Request, hub: TheHub, who: Admin, query: Asked, name: str
) -> connector_shapes.ConnectorChange:
    """From now on it is asked for nothing: pages go to the next target at once, what it is to be told waits."""
    done = await connectors.patch(hub, name[:200], {"paused": True}, **_how(who, request, query))
    return _change(hub, name, done, query)


@router.post(
    "/connectors/{name}/resume", summary="Resume a connector", response_model=connector_shapes.ConnectorChange,
    responses=problems("not_found", "unsafe"),
)  # fmt: skip
async def resume_connector(
    request: Request, hub: TheHub, who: Admin, query: Asked, name: str
) -> connector_shapes.ConnectorChange:
    """What waits for it is sent, without what is over by now."""
    done = await connectors.patch(hub, name[:200], {"paused": None}, **_how(who, request, query))
    return _change(hub, name, done, query)


@router.get(
    "/connectors/{name}/settings", summary="Show how a connector is set", responses=problems("not_found"),
    response_model=connector_shapes.ConnectorSettings,
)  # fmt: skip
async def show_settings(hub: TheHub, who: Reader, name: str) -> connector_shapes.ConnectorSettings:
    """Of a credential only when it was set last."""
    basis = await hub.database.read(configure.basis)
    entry = entry_of(basis.document, connectors.SECTION, name)
    if not isinstance(entry, Mapping) or name not in hub.policy.connectors:
        raise NotFound(f"There is no connector {name[:100]}", hint="`im connector list` shows them")
    changed = await hub.database.read(configs.secrets_changed)
    usable, _ = configure.opened(hub, basis.sealed)
    settings, credentials = _hidden(entry, changed, usable)
    mark = marks_of(basis.document).get((connectors.SECTION, name))
    return connector_shapes.ConnectorSettings(
        name=name, type=str(entry.get("type", "")), settings={k: v for k, v in settings.items() if k != "type"},
        credentials=credentials, by_command="" if mark is None else "made" if mark.made else "changed",
        webhook_url=_webhook_url(hub, name), public=bool(hub.public_url),
    )  # fmt: skip


def _hidden(
    entry: Mapping[str, Json], changed: Mapping[str, datetime], usable: Mapping[str, str]
) -> tuple[dict[str, Any], list[connector_shapes.Credential]]:
    """The settings with null for each credential, and what may be told of those."""
    found: list[connector_shapes.Credential] = []

    def hide(value: Json, path: str) -> Json:
        if isinstance(value, Mapping):
            name = value.get("$secret")
            if isinstance(name, str) and len(value) == 1:
                told = connector_shapes.Credential(
                    field=path, changed_at=changed.get(name), usable=name in usable
                )
                found.append(told)
                return None
            return {key: hide(inner, f"{path}.{key}".lstrip(".")) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [hide(inner, f"{path}.{index}") for index, inner in enumerate(value)]
        return value

    shown = hide(entry, "")
    return (dict(shown) if isinstance(shown, Mapping) else {}), found


@router.get(
    "/connectors/{name}/mappings", summary="Show what a connector maps", response_model=connector_shapes.Mappings,
    responses=problems("not_found"),
)  # fmt: skip
@asks_only
async def show_mappings(hub: TheHub, who: Reader, name: str) -> connector_shapes.Mappings:
    """Services, escalations by service, and escalation policies, each with the name its provider gives it now."""
    rows, fault = await mappings.of(hub, name[:200])
    kind = hub.policy.connectors[name].type
    title = str(hub.providers[kind].manifest["title"]) if kind in hub.providers else kind
    items = [
        connector_shapes.Mapping(
            kind=m.kind, here=m.here, remote=m.remote, remote_name=m.title, there=m.there, field=m.field
        )
        for m in rows
    ]
    return connector_shapes.Mappings(connector=name, type=kind, title=title, fault=fault, items=items)


def _how(who: Principal, request: Request, query: connector_shapes.ChangeQuery) -> dict[str, Any]:
    via = actor_of(who, request).via
    return {"author": who.name, "origin": via, "force": query.force, "dry_run": query.dry_run}


def _without_none(value: Any) -> Any:
    """A null in a new connector is a setting that is not given."""
    if isinstance(value, Mapping):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    return value


def _webhook_url(hub: Hub, name: str) -> str:
    return f"{hub.public_url.rstrip('/')}/connectors/{name}/webhook" if hub.public_url else ""


def _change(
    hub: Hub, name: str, done: Applied, query: connector_shapes.ChangeQuery
) -> connector_shapes.ConnectorChange:
    refusals = [shapes.Fault(field=f.field, message=f.message, line=None) for f in done.refusals]
    return connector_shapes.ConnectorChange(
        name=name, version=done.version, changed=done.changed, dry_run=query.dry_run, diff=done.diff,
        warnings=list(done.warnings), refusals=refusals, webhook_url=_webhook_url(hub, name),
    )  # fmt: skip
