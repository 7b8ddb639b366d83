"""What do these incidents look like at their provider, as far as its limits let us ask?

What is read goes through the same door as a webhook (`engine/follow.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tocsin.core.breaker import BreakerState
from tocsin.core.bucket import Rate, tokens_now
from tocsin.core.divergence import missing
from tocsin.core.policy import Connector
from tocsin.core.ports import Call, RemoteRef, RemoteState, RemoteStatus, Response, WireFault
from tocsin.core.reading import changes_of, is_about
from tocsin.engine.deliver import rate_of
from tocsin.engine.diverge import differ, end_agreed
from tocsin.engine.follow import follow
from tocsin.engine.hub import Hub
from tocsin.engine.line import Line
from tocsin.engine.respond import rung
from tocsin.engine.wire import Wire
from tocsin.store import incidents, outbox, remotes
from tocsin.store.database import Connection
from tocsin.store.outbox import Remote
from tocsin.store.sheet import Sheet, save

SINGLY = 10
"""Incidents that a list did not mention are read one by one, this many in one turn."""

PAGES = 100
"""Pages of the list of what is open that one turn reads at most."""

_OPEN_THERE = (RemoteStatus.TRIGGERED, RemoteStatus.ACKNOWLEDGED)
_TOGETHER = 20
_DEFAULT_HOLD = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One remote that was read: how both sides stand afterwards, and what was found and decided, in words."""

    incident: str
    service: str
    remote_id: str
    ours: str
    theirs: str
    decided: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Report:
    """What reading one connector brought. `held_back` = why not all of it could be read; "" = it was."""

    connector: str
    read: int = 0
    calls: int = 0
    held_back: str = ""
    findings: list[Finding] = field(default_factory=list)


@dataclass(slots=True)
class _Turn:
    """One reading under way: what the answers said, and what stood in the way."""

    hub: Hub
    wire: Wire
    connector: Connector
    report: Report
    began: datetime
    tries: bool
    sent: list[tuple[Call, Response]] = field(default_factory=list)
    states: list[RemoteState] = field(default_factory=list)
    absent: dict[int, str] = field(default_factory=dict)


async def read_these(
    hub: Hub,
    wire: Wire,
    connector: Connector,
    wanted: list[Remote],
    report: Report,
    *,
    over: bool = False,
    tries: bool = False,
) -> None:
    """Read these now, and follow what is found. `over` = read the list of what is open there too, and follow what on
    it is over here: it was reopened. What is not on it is not asked for, and says nothing (S41). `tries` = read also
    while the breaker is not closed: whoever says so comes back only after a while when it fails."""
    turn = _Turn(hub, wire, connector, report, hub.now(), tries)
    if len(wanted) > 1:
        await _ask(turn, [_ref(r) for r in wanted])
    if not report.held_back:
        silent = [r for r in wanted if not any(is_about(_ref(r), s) for s in turn.states)]
        for remote in silent[:SINGLY]:
            await _ask_for_one(turn, remote)
    back = await _reopened(turn) if over and not report.held_back else []
    told = False
    every = [*wanted, *back]
    for at in range(0, len(every), _TOGETHER):
        some = every[at : at + _TOGETHER]
        findings = await hub.database.transact(lambda c, some=some: _apply(c, turn, some))  # type: ignore[misc]
        report.findings += findings
        told = told or any(f.decided for f in findings)
    report.read += len(every)
    if told:
        rung(hub)


async def _reopened(turn: _Turn) -> list[Remote]:
    """What is over here and open there, to the end of the list: what is reopened may stand behind hundreds that came
    since. A page that was read in this turn already is not read again."""
    hub, connector = turn.hub, turn.connector
    module = hub.providers[connector.type].module
    calls = module.list_open(hub.active.settings_of(connector))
    for _ in range(PAGES):
        await _send(turn, [call for call in calls if not any(call == sent for sent, _ in turn.sent)])
        if turn.report.held_back:
            break
        calls = [more for sent, answer in turn.sent if sent in calls for more in module.further(sent, answer)]
        if not calls:
            break
    there = [s.remote_id for s in turn.states if s.remote_id and s.status in _OPEN_THERE]
    return await hub.database.read(lambda c: remotes.over_here(c, connector.name, there))


def _ref(remote: Remote) -> RemoteRef:
    return RemoteRef(key=remote.key, remote_id=remote.remote_id)


async def _ask_for_one(turn: _Turn, remote: Remote) -> None:
    """Not mentioned in a list means little; asked for by itself the answer says what is the matter (S41)."""
    if turn.report.held_back:
        return
    before = len(turn.states)
    answers = await _ask(turn, [_ref(remote)])
    if turn.report.held_back or any(is_about(_ref(remote), s) for s in turn.states[before:]):
        return
    refused = next((a.status for a in answers if a.status in (403, 404)), None)
    turn.absent[remote.id] = f"not there ({refused})" if refused else "not mentioned"


async def _ask(turn: _Turn, refs: list[RemoteRef]) -> list[Response]:
    """Send what the provider says for these."""
    hub, connector = turn.hub, turn.connector
    calls = hub.providers[connector.type].module.read_states(refs, hub.active.settings_of(connector))
    if not calls:
        turn.report.held_back = "it tells no state with these settings"
    return await _send(turn, calls)


async def _send(turn: _Turn, calls: list[Call]) -> list[Response]:
    """Make these calls, as far as the rate limit allows; the answers, as far as there were any."""
    hub, connector, report = turn.hub, turn.connector, turn.report
    provider = hub.providers[connector.type].module
    granted, why = await hub.database.transact(
        lambda c: grant(c, hub, connector.name, len(calls), tries=turn.tries)
    )
    answers: list[Response] = []
    for call in calls[:granted]:
        answer = await Line(hub, turn.wire, connector).send(call.send)
        report.calls += 1
        if fault := _fault(answer):
            report.held_back = fault
            await hold_off(hub, connector.name, answer)
            return answers
        assert isinstance(answer, Response)
        answers.append(answer)
        turn.sent.append((call, answer))
        turn.states += provider.states_of(call, answer)
    if granted < len(calls):
        report.held_back = why
    return answers


def _fault(answer: Response | WireFault) -> str:
    if isinstance(answer, WireFault):
        return answer.message
    if answer.status == 429 or answer.status >= 500 or answer.status == 401:
        return f"it answered {answer.status} to a reading"
    return ""


async def hold_off(hub: Hub, name: str, answer: Response | WireFault) -> None:
    """Throttled: nobody calls there before the time it names, pages neither (they would be refused too)."""
    if not isinstance(answer, Response) or answer.status != 429:
        return
    told = next((answer.headers[h] for h in ("retry-after", "ratelimit-reset") if h in answer.headers), "")
    wait = timedelta(seconds=min(float(told), 3600)) if told.isdecimal() else _DEFAULT_HOLD

    async def work(connection: Connection) -> None:
        state = await outbox.lock_state(connection, name, hub.now())
        state.hold_until = hub.now() + wait
        await outbox.save_state(connection, state)

    await hub.database.transact(work)


async def grant(
    connection: Connection, hub: Hub, name: str, wanted: int, *, tries: bool = False
) -> tuple[int, str]:
    """How many calls may be read at a connector now, and why not more; a quarter of the bucket stays for pages. A reading never
    closes a breaker, since what reads may be well while what writes is not (S33). `tries` = also while it is not closed."""
    now = hub.now()
    if (known := hub.policy.connectors.get(name)) and known.paused:
        return 0, "it is paused"
    state = await outbox.lock_state(connection, name, now)
    if state.hold_until and now < state.hold_until:
        return 0, f"it asked to be left alone until {state.hold_until:%H:%M:%S} UTC"
    if state.breaker.state is not BreakerState.CLOSED and not tries:
        return 0, "its breaker is not closed: the next page tries it"
    rate = rate_of(hub, name)
    if not rate.per_minute:
        return wanted, ""
    tokens = tokens_now(rate, state.tokens, state.tokens_at, now)
    granted = max(0, min(wanted, int(tokens - for_pages(rate))))
    state.tokens, state.tokens_at = tokens - granted, now
    await outbox.save_state(connection, state)
    return granted, "its rate limit leaves room for pages alone"


def for_pages(rate: Rate) -> float:
    """Calls of the bucket that reading never takes; a bucket of less than four is shared."""
    return rate.burst / 4 if rate.burst >= 4 else 0.0


async def _apply(connection: Connection, turn: _Turn, wanted: Sequence[Remote]) -> list[Finding]:
    hub, connector, now = turn.hub, turn.connector, turn.hub.now()
    findings: list[Finding] = []
    sheet = Sheet()
    for known in await remotes.again(connection, [r.id for r in wanted]):
        said = [state for state in turn.states if is_about(_ref(known), state)]
        decided: list[str] = []
        for state in said:
            changes = changes_of(known, state, now, read_at=turn.began)
            decided += [await follow(connection, hub, connector, one, heard=False) for one in changes]
            await _learn(connection, known, state)
        if how := turn.absent.get(known.id):
            decided.append(await _absent(connection, sheet, known, how, now))
        findings.append(await _finding(connection, known, decided))
    await save(connection, sheet, now)
    await end_agreed(connection, now)
    return findings


async def _learn(connection: Connection, known: Remote, state: RemoteState) -> None:
    """What a reading says besides changes: the state of one never seen before, its age, its address."""
    facts: dict[str, object] = {}
    if known.status is RemoteStatus.UNKNOWN and state.status is RemoteStatus.TRIGGERED:
        facts["status"] = state.status.value
    if state.status is known.status and state.changed_at and known.there_at is None:
        facts["there_at"] = state.changed_at
    if state.remote_url and not known.remote_url:
        facts["remote_url"] = state.remote_url
    if state.remote_id and not known.remote_id:
        facts["remote_id"] = state.remote_id
    if state.status is not RemoteStatus.UNKNOWN and known.created_at is None and not state.merged_into:
        facts["created_at"] = known.read_at
    await outbox.update_remote(connection, known.id, facts)


async def _absent(connection: Connection, sheet: Sheet, known: Remote, how: str, now: datetime) -> str:
    kept = (await incidents.load(connection, [known.incident_id]))[known.incident_id]
    await outbox.update_remote(connection, known.id, {"status": RemoteStatus.UNKNOWN.value})
    found = missing(kept.incident.status_of(known.service), how)
    await differ(connection, sheet, kept.incident, known, found, now)
    return f"{how}: {found.decision}, {found.reason}"


async def _finding(connection: Connection, known: Remote, decided: list[str]) -> Finding:
    (after,) = await remotes.again(connection, [known.id])
    kept = (await incidents.load(connection, [known.incident_id]))[known.incident_id]
    return Finding(
        incident=kept.incident.name,
        service=known.service,
        remote_id=after.remote_id,
        ours=kept.incident.status_of(known.service).value,
        theirs=after.status.value,
        decided=tuple(decided),
    )
