"""How do the connectors, and with them the whole hub, fare? One gathering for every page that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tocsin.api import shapes, states, views
from tocsin.core.errors import NotFound
from tocsin.engine.hub import Hub
from tocsin.store import divergences, figures, outbox
from tocsin.store.database import Connection

FIGURES_OVER = timedelta(hours=1)
SYNCED_OVER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Fleet:
    """Every configured connector, in the order of the configuration."""

    connectors: tuple[shapes.Connector, ...]

    @property
    def by_type(self) -> dict[str, states.Integrations]:
        """Connector type -> whether all of that type are healthy."""
        types: dict[str, list[shapes.Connector]] = {}
        for connector in self.connectors:
            types.setdefault(connector.type, []).append(connector)
        return {
            kind: states.Integrations(
                healthy=all(c.healthy for c in found), connectors=[c.name for c in found]
            )
            for kind, found in types.items()
        }


async def fleet(hub: Hub) -> Fleet:
    """Gather it; one connection, four statements."""

    async def work(connection: Connection) -> Fleet:
        states = await outbox.states(connection)
        outcomes = await figures.outcomes_since(connection, hub.now() - FIGURES_OVER)
        queues = await figures.queues(connection)
        differ = await divergences.counts(connection)
        return Fleet(
            tuple(
                views.connector(
                    hub, known, states.get(name), outcomes.get(name, figures.Outcomes()), queues.get(name, 0)
                ).model_copy(update={"divergences": differ.get(name, 0)})
                for name, known in hub.policy.connectors.items()
            )
        )

    return await hub.database.read(work)


async def one(hub: Hub, name: str) -> shapes.ConnectorStatus:
    """One connector; raises NotFound."""
    found = next((c for c in (await fleet(hub)).connectors if c.name == name), None)
    if found is None:
        raise NotFound(f"There is no connector {name}", hint="`im connector list` shows them")
    since = hub.now() - SYNCED_OVER
    synced, errors = await hub.database.read(lambda c: figures.synced_since(c, name, since))
    return shapes.ConnectorStatus(
        **found.model_dump(), webhook_enabled=hub.policy.connectors[name].enable_webhook,
        incidents_synced=synced, sync_errors=errors,
    )  # fmt: skip
