"""The configuration: look, compare, apply; its versions and the way back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field, ValidationError

from tocsin import policy as policies
from tocsin.api import config_shapes, shapes
from tocsin.api.asking import Admin, Paged, Reader, Strict, TheHub, Word, cursor_in, cursor_out
from tocsin.api.once import Keyed, asks_only
from tocsin.api.problems import from_validation
from tocsin.api.routes.answers import problems
from tocsin.core.errors import BadInput, FieldFault
from tocsin.engine import configure
from tocsin.engine import rollback as rollbacks
from tocsin.engine.configure import Applied
from tocsin.engine.hub import Hub
from tocsin.store import configs
from tocsin.store.configs import Heading

router = APIRouter(prefix="/api/v1/config", tags=["configuration"], route_class=Keyed)
_YAML = ("text/yaml", "application/yaml", "application/x-yaml", "text/x-yaml", "text/plain")


class Envelope(Strict):
    """A configuration with the variables that its ${NAMES} take."""

    text: str = Field(description="The YAML document.")
    environment: dict[str, str] = Field(default={}, description="What the ${NAMES} in it stand for.")
    file: Word = Field("hub.yaml", description="Its name, for messages.")
    force: bool = Field(False, description="The same as the query's.")
    prune: bool = Field(False, description="Remove what commands made and the document does not name.")


class ApplyQuery(Strict):
    """How to apply."""

    force: bool = Field(False, description="Also when somebody would not be paged any more.")
    prune: bool = Field(False, description="Remove what commands made and the document does not name.")


class DiffQuery(Strict):
    """Compared with what."""

    to: int | None = Field(
        None, ge=1, le=2**53, description="The other version; without it the one in force."
    )


class RollbackQuery(Strict):
    """How to roll back."""

    dry_run: bool = Field(False, description="Say what would change; change nothing.")
    force: bool = Field(False, description="Also when somebody would not be paged any more.")


Number = Annotated[int, Path(ge=1, le=2**53, description="The number of a version.")]


async def _envelope(request: Request) -> Envelope:
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in _YAML:
        try:
            return Envelope(text=body.decode("utf-8-sig"), file="hub.yaml", force=False, prune=False)
        except UnicodeDecodeError:
            raise BadInput(
                "The configuration is not UTF-8", faults=(FieldFault("body", "is not UTF-8"),)
            ) from None
    if kind != "application/json":
        fault = FieldFault("Content-Type", "should be text/yaml or application/json")
        raise BadInput("The configuration came as something else", faults=(fault,))
    try:
        return Envelope.model_validate_json(body)
    except ValidationError as invalid:
        raise from_validation(invalid.errors()) from None


_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": Envelope.model_json_schema()},
            "text/yaml": {"schema": {"type": "string"}},
        },
    }
}
Given = Annotated[Envelope, Depends(_envelope)]


@router.get(
    "", summary="The configuration in force", response_model=config_shapes.Config, responses=problems()
)
async def show_config(hub: TheHub, who: Reader) -> config_shapes.Config:
    """Without credentials; version 0 is the built-in one."""
    found = await hub.database.read(configs.latest)
    if found is None:
        return config_shapes.Config(version=0, hash="", author="", applied_at=None, document={})
    return config_shapes.Config(
        version=found.version, hash=found.hash, author=found.author, applied_at=found.applied_at,
        document=dict(found.document), refused_file=_refused(hub),
    )  # fmt: skip


def _refused(hub: Hub) -> config_shapes.RefusedFile | None:
    file = hub.refused_file
    if file is None:
        return None
    return config_shapes.RefusedFile(file=file.file, message=file.message, faults=_faults(file.faults))


def _faults(faults: Iterable[FieldFault]) -> list[shapes.Fault]:
    return [shapes.Fault(field=f.field, message=f.message, line=f.line) for f in faults]


@router.post(
    "/diff", summary="Compare a configuration", response_model=config_shapes.ConfigChange, openapi_extra=_BODY,
    responses=problems("bad_input", "too_large"),
)  # fmt: skip
@asks_only
async def diff_config(hub: TheHub, who: Reader, given: Given) -> config_shapes.ConfigChange:
    """What an apply would change; nothing is changed."""
    return _change(
        await configure.compare(
            hub, given.text, environment=given.environment, file_name=given.file, prune=given.prune
        )
    )


@router.post(
    "", summary="Apply a configuration", response_model=config_shapes.ConfigChange, openapi_extra=_BODY,
    responses=problems("bad_input", "too_large", "unsafe"),
)  # fmt: skip
async def apply_config(
    hub: TheHub, who: Admin, query: Annotated[ApplyQuery, Query()], given: Given
) -> config_shapes.ConfigChange:
    """Make it the one in force; the same text twice makes one version.

    Refused (409, `unsafe`) when somebody would no longer be paged or heard, unless it is forced.
    """
    return _change(
        await configure.apply(
            hub, given.text, environment=given.environment, file_name=given.file, author=who.name, origin=who.via,
            force=query.force or given.force, prune=query.prune or given.prune,
        )
    )  # fmt: skip


def _change(done: Applied) -> config_shapes.ConfigChange:
    return config_shapes.ConfigChange(
        version=done.version,
        changed=done.changed,
        diff=done.diff,
        warnings=list(done.warnings),
        refusals=_faults(done.refusals),
    )


@router.get(
    "/versions", summary="Configurations applied", response_model=shapes.Page[config_shapes.ConfigVersion],
    responses=problems("bad_input"),
)  # fmt: skip
async def list_versions(
    hub: TheHub, who: Reader, query: Annotated[Paged, Query()]
) -> shapes.Page[config_shapes.ConfigVersion]:
    """The newest first; a version never changes and is never deleted."""
    place = cursor_in(query.cursor, int)
    before = place[0] if place else None
    found = await hub.database.read(lambda c: configs.versions(c, query.limit + 1, before=before))
    newest = found[0].version if found and before is None else None
    page = found[: query.limit]
    return shapes.Page(
        items=[config_shapes.ConfigVersion(**_heading(v), in_force=v.version == newest) for v in page],
        next_cursor=cursor_out(page[-1].version) if len(found) > query.limit else None,
    )


@router.get(
    "/versions/{version}", summary="Show a version", response_model=config_shapes.ConfigText, responses=problems("not_found", "bad_input"),
)  # fmt: skip
async def show_version(hub: TheHub, who: Reader, version: Number) -> config_shapes.ConfigText:
    """As it was applied, without credentials."""
    found = await hub.database.read(lambda c: rollbacks.find(c, version))
    latest = await hub.database.read(configs.latest)
    return config_shapes.ConfigText(
        **_heading(found), in_force=latest is not None and latest.version == found.version,
        text=policies.shown(found.document), document=dict(found.document),
    )  # fmt: skip


@router.get(
    "/versions/{version}/diff", summary="Compare two versions", response_model=config_shapes.ConfigDifference,
    responses=problems("not_found", "bad_input"),
)  # fmt: skip
async def diff_versions(
    hub: TheHub, who: Reader, version: Number, query: Annotated[DiffQuery, Query()]
) -> config_shapes.ConfigDifference:
    """From `version` to `to`, in either order of age."""
    a, b, text = await rollbacks.compare(hub, version, query.to)
    return config_shapes.ConfigDifference(from_version=a, to_version=b, changed=bool(text), diff=text)


@router.post(
    "/versions/{version}/rollback", summary="Roll back to a version", response_model=config_shapes.ConfigChange,
    responses=problems("not_found", "bad_input", "unsafe"),
)  # fmt: skip
async def roll_back(
    hub: TheHub, who: Admin, version: Number, query: Annotated[RollbackQuery, Query()]
) -> config_shapes.ConfigChange:
    """Make a new version that says what `version` said, under the same checks as an apply.

    Credentials are today's; those that it needs and that are gone are named and refuse it.
    """
    done = await rollbacks.rollback(
        hub, version, author=who.name, via=who.via, dry_run=query.dry_run, force=query.force
    )
    return _change(done)


def _heading(of: Heading) -> dict[str, Any]:
    return {
        name: getattr(of, name) for name in ("version", "hash", "author", "applied_at", "origin", "incidents")
    }
