"""The configuration: look, compare, apply."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field, ValidationError

from tocsin.api import shapes
from tocsin.api.asking import Admin, Reader, Strict, TheHub, Word
from tocsin.api.once import Keyed, asks_only
from tocsin.api.problems import from_validation
from tocsin.api.routes.answers import problems
from tocsin.core.errors import BadInput, FieldFault
from tocsin.engine import configure
from tocsin.engine.configure import Applied
from tocsin.store import configs

router = APIRouter(prefix="/api/v1/config", tags=["configuration"], route_class=Keyed)
_YAML = ("text/yaml", "application/yaml", "application/x-yaml", "text/x-yaml", "text/plain")


class Envelope(Strict):
    """A configuration with the variables that its ${NAMES} take."""

    text: str = Field(description="The YAML document.")
    environment: dict[str, str] = Field(default={}, description="What the ${NAMES} in it stand for.")
    file: Word = Field("hub.yaml", description="Its name, for messages.")


class ApplyQuery(Strict):
    """How to apply."""

    force: bool = Field(False, description="Reserved: nothing needs it yet.")


async def _envelope(request: Request) -> Envelope:
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in _YAML:
        try:
            return Envelope(text=body.decode("utf-8-sig"), file="hub.yaml")
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


@router.get("", summary="The configuration in force", response_model=shapes.Config, responses=problems())
async def show_config(hub: TheHub, who: Reader) -> shapes.Config:
    """Without credentials; version 0 is the built-in one."""
    found = await hub.database.read(configs.latest)
    if found is None:
        return shapes.Config(version=0, hash="", author="", applied_at=None, document={})
    return shapes.Config(
        version=found.version, hash=found.hash, author=found.author, applied_at=found.applied_at,
        document=dict(found.document),
    )  # fmt: skip


@router.post(
    "/diff", summary="Compare a configuration", response_model=shapes.ConfigChange, openapi_extra=_BODY,
    responses=problems("bad_input", "too_large"),
)  # fmt: skip
@asks_only
async def diff_config(hub: TheHub, who: Reader, given: Given) -> shapes.ConfigChange:
    """What an apply would change; nothing is changed."""
    return _change(
        await configure.compare(hub, given.text, environment=given.environment, file_name=given.file)
    )


@router.post(
    "", summary="Apply a configuration", response_model=shapes.ConfigChange, openapi_extra=_BODY,
    responses=problems("bad_input", "too_large"),
)  # fmt: skip
async def apply_config(
    hub: TheHub, who: Admin, query: Annotated[ApplyQuery, Query()], given: Given
) -> shapes.ConfigChange:
    """Make it the one in force; the same text twice makes one version."""
    return _change(
        await configure.apply(
            hub, given.text, environment=given.environment, file_name=given.file, author=who.name, origin=who.via
        )
    )  # fmt: skip


def _change(done: Applied) -> shapes.ConfigChange:
    return shapes.ConfigChange(
        version=done.version, changed=done.changed, diff=done.diff, warnings=list(done.warnings)
    )


@router.get(
    "/versions", summary="Configurations applied", response_model=shapes.Page[shapes.ConfigVersion],
    responses=problems(),
)  # fmt: skip
async def list_versions(hub: TheHub, who: Reader) -> shapes.Page[shapes.ConfigVersion]:
    """The latest hundred, the newest first."""
    found = await hub.database.read(configs.versions)
    return shapes.Page(
        items=[
            shapes.ConfigVersion(version=v.version, hash=v.hash, author=v.author, applied_at=v.applied_at, origin=v.origin)
            for v in found
        ],
        next_cursor=None,
    )  # fmt: skip
