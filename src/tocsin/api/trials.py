"""The contract of checks: does each thing hold that a connector needs?"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from tocsin.api.asking import Strict, Word
from tocsin.engine.trial import Tried


class CheckLine(BaseModel):
    """One thing that was looked at."""

    subject: str = Field(
        description="A stable word: api, write, service, user, policy, webhook, timer, clock …"
    )
    state: Literal["ok", "failed", "warning", "unknown"] = Field(
        description="unknown = it could not be asked."
    )
    text: str
    step: str = Field(description="What to do next; empty when nothing.")


class ConnectorTest(BaseModel):
    """What a check of a connector found; every line was looked at, whatever the others said."""

    connector: str
    type: str
    good: bool = Field(description="Nothing failed; warnings may stand.")
    unreachable: bool = Field(description="Something failed because nobody answered.")
    took_ms: float
    lines: list[CheckLine]


class Draft(Strict):
    """A connector's settings that are not stored."""

    name: Word = Field("draft", description="The name it is to have.")
    type: Word = Field(description="The kind of provider, as in `connectors.NAME.type`.")
    settings: dict[str, Any] = Field(
        default={}, description="As they would stand in the configuration, credentials in plain text."
    )
    partial: bool = Field(
        False, description="Still being typed in: what is missing is no fault and is not looked at."
    )


def tried(found: Tried) -> ConnectorTest:
    return ConnectorTest(
        connector=found.connector, type=found.type, good=found.verdict.good, unreachable=found.verdict.unreachable,
        took_ms=round(found.took_ms, 1),
        lines=[
            CheckLine(subject=line.subject, state=line.state.value, text=line.text, step=line.step)
            for line in found.verdict.lines
        ],
    )  # fmt: skip
