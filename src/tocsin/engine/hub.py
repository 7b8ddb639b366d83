"""What every verb of the engine is handed: database, clock, the configuration in force, the folders found."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from tocsin.core.alias import Joining
from tocsin.core.errors import FieldFault
from tocsin.core.hold import Gate, Hold, gate
from tocsin.core.kinds import ProviderFacts, SourceFacts
from tocsin.core.model import Json
from tocsin.core.policy import Connector, Integration, Policy, TimedMute
from tocsin.core.ports import Call, ConnectorSettings, Effect, EffectKind, RemoteRef
from tocsin.core.redact import Redactor
from tocsin.core.severity import Severity
from tocsin.core.throttle import Throttle
from tocsin.engine.attempts import Attempts
from tocsin.engine.counted import Counted
from tocsin.engine.hook_gate import HookGate
from tocsin.engine.hook_secrets import Given, laid_over
from tocsin.engine.logs import Logs
from tocsin.engine.owed import Owed
from tocsin.engine.patience import Patience
from tocsin.engine.refused import Refused
from tocsin.engine.seal import Seal
from tocsin.engine.seen import Seen
from tocsin.engine.together import Together
from tocsin.providers import ProviderKind
from tocsin.sources import SourceKind, announced
from tocsin.store.database import Database
from tocsin.store.tokens import Token

log = structlog.get_logger("tocsin")


@dataclass(frozen=True, slots=True)
class Active:
    """The configuration in force on this node. `secrets` maps "connectors.NAME.api_key" to the credential;
    `tokens` are those of the API by their hash, for the time without a database (S47);
    `unsealed` False = the secret key is not the one they were sealed with: connectors fail closed (S50);
    `joining` = where alerts are joined by title (S11); `hook_secrets` = what webhooks are proven by besides, and
    `subscribed` the connectors that have a subscription of which this is known."""

    policy: Policy = field(default_factory=Policy)
    secrets: Mapping[str, str] = field(default_factory=dict)
    by_key_hash: Mapping[str, Integration] = field(default_factory=dict)
    unsealed: bool = True
    tokens: Mapping[bytes, Token] = field(default_factory=dict)
    joining: Joining = field(default_factory=Joining)
    hook_secrets: Given = field(default_factory=dict)
    subscribed: frozenset[str] = frozenset()

    def settings_of(self, connector: Connector) -> ConnectorSettings:
        """A connector as its provider sees it: credentials filled in, with its `type`, since one folder may serve two."""
        filled = {**_filled(connector.settings, self.secrets), "type": connector.type}
        return laid_over(ConnectorSettings(name=connector.name, settings=filled), self.hook_secrets)

    def filled(self, value: Json) -> Json:
        """Anything of the configuration, credentials filled in."""
        return _fill(value, self.secrets)

    def options_of(self, integration: Integration) -> Mapping[str, Json]:
        """An integration's options, credentials filled in."""
        return _filled(integration.options, self.secrets) if integration.options else integration.options


def _filled(value: Mapping[str, Json], secrets: Mapping[str, str]) -> dict[str, Json]:
    return {name: _fill(inner, secrets) for name, inner in value.items()}


def _fill(value: Json, secrets: Mapping[str, str]) -> Json:
    if isinstance(value, Mapping):
        name = value.get("$secret")
        if isinstance(name, str) and len(value) == 1:
            return secrets.get(name, "")
        return _filled(value, secrets)
    if isinstance(value, (list, tuple)):
        return [_fill(inner, secrets) for inner in value]
    return value


_held: ContextVar[set[str] | None] = ContextVar("held", default=None)


class Wake:
    """In-process bells beside NOTIFY: whoever makes work rings, whoever does it waits.

    A ring between two waits is not lost; a waiter also looks again by itself after its time-out.
    """

    def __init__(self) -> None:
        self._bells: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def ring(self, name: str) -> None:
        held = _held.get()
        if held is not None:
            held.add(name)
        else:
            self._bells[name].set()

    @contextmanager
    def held(self) -> Iterator[None]:
        """What is rung inside is heard at its end: only then the work is committed. Nothing is when it fails."""
        names: set[str] = set()
        token = _held.set(names)
        try:
            yield
        finally:
            _held.reset(token)
        for name in names:
            self.ring(name)

    async def wait(self, name: str, seconds: float) -> None:
        """Until `name` is rung, at most `seconds`. A cancellation at the moment of a ring counts."""
        bell = self._bells[name]
        try:
            async with asyncio.timeout(max(seconds, 0)):
                await bell.wait()
        except TimeoutError:
            pass
        finally:
            bell.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFile:
    """The file given at the start was not taken: version `version` stayed in force (S51)."""

    file: str
    version: int
    message: str
    faults: tuple[FieldFault, ...] = ()


@dataclass(slots=True)
class Hub:
    """One node's engine room. `awake_since` = when it began, or the database came back: what was due before
    was missed, not refused (S46). `away` = since when this node finds the database away, None while it is there.
    `name` = this node, for people; it is on duty until `duty_until` by the loop's clock.
    `hold` = what was there before it waits (S48); until `barrier_until` pages wait for what came in a downtime (S46).
    `skew` = how far this node's own clock is ahead of the database's, 0 while they agree (S49).
    `folder` = where it keeps what must survive without one; `snapshot` = what was last written there.
    `own_database` = the database's files lie in that folder; `refused` = whom it refused for want of room (S17).
    `attempts` = acts refused to callers that are known, until they are written down (TR-4); `wrong_tokens`,
    `wrong_codes` = how often which address showed one (TR-5);
    `owed` = what it has claimed and not yet written down; `lost` is told by whoever finds the database away.
    `logs` = what it says of its work; `own_secrets` = the process's own, which no line may hold either.
    `debugged` = the types whose connectors tell every call, by the process's environment."""

    database: Database
    now: Callable[[], datetime]
    installation: UUID
    seal: Seal
    sources: Mapping[str, SourceKind]
    providers: Mapping[str, ProviderKind]
    active: Active = field(default_factory=Active)
    wake: Wake = field(default_factory=Wake)
    public_url: str = ""
    demo: bool = False
    node: UUID | None = None
    outcomes: defaultdict[str, Together[Any]] = field(default_factory=lambda: defaultdict(Together))
    name: str = "this node"
    duty_until: float = 0.0
    awake_since: datetime | None = None
    away: datetime | None = None
    hold: Hold | None = None
    barrier_until: datetime | None = None
    skew: timedelta = timedelta(0)
    folder: Path | None = None
    snapshot: bytes = b""
    patience: Patience = field(default_factory=Patience)
    owed: Owed = field(default_factory=Owed)
    refused: Refused = field(default_factory=Refused)
    hook_gate: HookGate = field(default_factory=HookGate)
    wrong_tokens: Throttle = field(default_factory=Throttle)
    wrong_codes: Throttle = field(default_factory=Throttle)
    attempts: Attempts = field(default_factory=Attempts)
    audit_seen: Seen = field(default_factory=Seen)
    own_database: bool = False
    lost: Callable[[Exception], None] = lambda fault: log.warning("database_away", message=str(fault)[:200])
    refused_file: RefusedFile | None = None
    changed: list[Callable[[str], None]] = field(default_factory=list)
    silences: tuple[TimedMute, ...] = ()
    alarming: frozenset[str] = frozenset()
    """Names of the alarms that go on, as last read: who finds that something works again need not ask the
    database each time. It may lag by a moment."""
    own_secrets: tuple[str, ...] = ()
    counted: Counted = field(default_factory=Counted)
    debugged: frozenset[str] = frozenset()
    logs: Logs = field(init=False)
    _tells: tuple[Active, frozenset[str]] | None = None
    _hides: tuple[Active, Redactor] | None = None

    def __post_init__(self) -> None:
        self.logs = Logs(now=self.now, name=self.name, hides=self.redactor)
        if self.node is not None:
            self.logs.node = self.node

    @property
    def policy(self) -> Policy:
        return self.active.policy

    @property
    def mutes(self) -> tuple[TimedMute, ...]:
        """Every silence and maintenance window there is, compiled: of the configuration, and made by the API
        (`silences`, which holds maintenance windows too)."""
        return (*self.active.policy.maintenance, *self.silences)

    def redactor(self) -> Redactor:
        """What hides every credential of the configuration in force, and the process's own."""
        if self._hides is None or self._hides[0] is not self.active:
            self._hides = (self.active, Redactor((*self.own_secrets, *self.active.secrets.values())))
        return self._hides[1]

    @property
    def on_duty(self) -> bool:
        """True on the one node that does what must not be done twice."""
        return asyncio.get_running_loop().time() < self.duty_until

    def incident_url(self, name: str) -> str:
        """Where people see an incident; "" without a public address."""
        return f"{self.public_url}/i/{name}" if self.public_url else ""

    @property
    def gate(self) -> Gate:
        """What may leave now."""
        return gate(self.hold, self.barrier_until, self.now())

    def token_known(self, digest: bytes) -> Token | None:
        """The token with this hash as last read from the database; None for one that has run out since."""
        token = self.active.tokens.get(digest)
        over = token is not None and token.expires_at is not None and token.expires_at <= self.now()
        return None if over else token

    def reaches_here(self, connector: str) -> bool:
        """True when changes made here are written to that connector (S36)."""
        known = self.policy.connectors.get(connector)
        return known is not None and known.direction.value != "inbound"

    def abilities(self, connector: str) -> frozenset[str]:
        """What its provider can do, by its manifest; empty for one that is not configured."""
        known = self.policy.connectors.get(connector)
        return self.abilities_of(known.type) if known else frozenset()

    def abilities_of(self, kind: str) -> frozenset[str]:
        """What a provider can do, by its manifest; empty for one that is not there."""
        found = self.providers.get(kind)
        return frozenset(found.abilities) if found else frozenset()

    @property
    def known_sources(self) -> Mapping[str, SourceFacts]:
        """What a configuration must know of each source it may name; those that come later too."""
        return {**announced(), **{name: kind.facts for name, kind in self.sources.items()}}

    @property
    def known_providers(self) -> Mapping[str, ProviderFacts]:
        """The same of each type of connector."""
        return {name: kind.facts for name, kind in self.providers.items()}

    @property
    def mailer(self) -> str:
        """The connector that mails people: the first whose provider can, "" when there is none."""
        names = self.policy.connectors
        return next((name for name in names if "mails_people" in self.abilities(name)), "")

    @property
    def tells_notified(self) -> frozenset[str]:
        """Connectors that can be read for whether somebody was rung (rung three of S27): only there can a hedge
        know that nobody was (S30)."""
        if self._tells is None or self._tells[0] is not self.active:
            self._tells = (self.active, frozenset(filter(self._tells_it, self.policy.connectors)))
        return self._tells[1]

    def _tells_it(self, name: str) -> bool:
        if "notified" not in self.abilities(name):
            return False
        connector = self.policy.connectors[name]
        ref = [RemoteRef(key="tocsin", remote_id="1")]
        # over Events v2 alone PagerDuty can read nothing
        return bool(
            self.providers[connector.type].module.read_states(ref, self.active.settings_of(connector))
        )

    def can_snooze(self, connector: str) -> bool:
        """True when its provider can end an acknowledgement by itself later (S26); over Events v2 PagerDuty cannot."""
        known = self.policy.connectors.get(connector)
        if known is None or "snooze" not in self.abilities(connector):
            return False
        module, settings = self.providers[known.type].module, self.active.settings_of(known)
        effect = Effect(
            kind=EffectKind.SNOOZE, key="tocsin", incident="", title="", description="", severity=Severity.LOW,
            remote_id="1",
        )  # fmt: skip
        return isinstance(module.first_call(effect, settings), Call)

    def can_reopen(self, connector: str) -> bool:
        """True when its provider reopens in place (S37)."""
        return "reopen" in self.abilities(connector)
