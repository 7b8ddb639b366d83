"""The contract of connectors as things that people manage: what is written, what comes back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tocsin.api import shapes
from tocsin.api.asking import Strict, Word

Map = dict[str, Word | None]


class Custom(BaseModel):
    """What the kind of provider takes; the rest is checked by the provider's own folder."""

    model_config = ConfigDict(extra="allow", title="ConnectorCustom")

    service_id: Word | None = None
    from_email: Word | None = None
    escalation_policy_id: Word | None = None
    urgency_mapping: Map | None = None
    priority_mapping: Map | None = None
    service_mappings: dict[str, Word | list[Word] | None] | None = None
    policy_mappings: dict[str, Word | list[Word] | None] | None = None
    escalation_mappings: dict[str, Word | list[Word] | None] | None = None
    auto_resolve: bool | None = None
    sync_notes: bool | None = None


class Target(BaseModel):
    """Times of a severity."""

    model_config = ConfigDict(extra="allow", title="SlaTarget")

    ack: Word | None = None
    resolve: Word | None = None


class ConnectorPatch(BaseModel):
    """Settings of a connector, as `connectors.NAME` of the configuration has them. In a PATCH what is not named stays
    as it is, credentials too, and null takes a setting away. An unknown key is a fault."""

    model_config = ConfigDict(extra="allow")

    type: Word | None = Field(
        None, description="The kind of provider: GET /api/v1/connector-types lists them."
    )
    base_url: Word | None = None
    events_url: Word | None = None
    region: Word | None = None
    api_key: Word | None = Field(None, description="Kept encrypted; never told again.")
    routing_key: Word | None = None
    sync_direction: Word | None = Field(None, description="outbound, inbound or bidirectional.")
    sync_interval: Word | int | None = Field(None, description="Such as 5m; a number is milliseconds.")
    enable_webhook: bool | None = None
    paused: bool | None = Field(None, description="Asked for nothing; what it is to be told waits.")
    custom: Custom | None = None
    custom_field_mappings: dict[str, Word | None] | None = None
    sla_mapping: dict[str, Target | None] | None = None


class NewConnector(ConnectorPatch):
    """A connector that is to be added. Without `sync_direction` it is outbound."""

    name: Word = Field(min_length=1, description="Letters, digits, '.', '_' and '-'.")
    type: Word = Field(description="The kind of provider: GET /api/v1/connector-types lists them.")


class ChangeQuery(Strict):
    """How to change it."""

    dry_run: bool = Field(False, description="Say what would change; change nothing.")
    force: bool = Field(False, description="Also when somebody would not be paged any more.")


class ConnectorChange(BaseModel):
    """What a change of a connector did, or with dry_run would do: `refusals` stand against it then."""

    name: str
    version: int
    changed: bool
    dry_run: bool
    diff: str
    warnings: list[str]
    refusals: list[shapes.Fault]
    webhook_url: str = Field(description="Where its provider sends webhooks; empty without a public address.")


class Credential(BaseModel):
    """A credential that is set; its text is never told."""

    field: str
    changed_at: datetime | None
    usable: bool = Field(description="False: it cannot be opened with the present TOCSIN_SECRET_KEY.")


class ConnectorSettings(BaseModel):
    """How a connector is set, without credentials."""

    name: str
    type: str
    settings: dict[str, Any] = Field(description="As the configuration has them; a credential is null.")
    credentials: list[Credential]
    by_command: str = Field(description='"" = as the file has it; else made or changed (by command).')
    webhook_url: str
    public: bool = Field(description="This hub has a public address.")


class Mapping(BaseModel):
    """What is mapped to what. `there` null: it could not be asked."""

    kind: str = Field(
        description="service, escalation (of a service) or policy (an escalation policy of ours)."
    )
    here: str = Field(description='A name of ours; "default" takes what is not mapped.')
    remote: str
    remote_name: str = Field(description="As its provider calls it; empty when that is not known.")
    there: bool | None
    field: str


class Mappings(BaseModel):
    """Every mapping of a connector, the default last. `fault` = why its provider could not be asked, "" = it was."""

    connector: str
    type: str
    title: str
    fault: str
    items: list[Mapping]


class Prompt(BaseModel):
    """A setting that is asked for when a connector is added by hand."""

    field: str
    label: str
    default: str = ""
    hint: str = Field("", description="Where it is found there.")
    secret: bool = False
    required: bool = False
    several: bool = Field(False, description="A list; commas part its entries.")
    choices: list[str] = []


class ConnectorType(BaseModel):
    """A kind of provider."""

    name: str
    title: str
    service_word: str = Field(description="What a service is mapped to there, such as service or team.")
    escalation_prefix: str = Field(
        description="What stands before the name of an escalation, such as escalation:."
    )
    service_prefix: str
    prompts: list[Prompt]
