"""Can this node open the credentials it needs? A lost secret key is the hub's own alarm (S50)."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.core.alarm import Alarm
from tocsin.engine import alarm
from tocsin.engine.hub import Hub

KEY = "secret-key"
LOST = "The stored credentials cannot be opened: TOCSIN_SECRET_KEY is not the one they were sealed with; alerts are taken, but no provider is called"
NEXT = "start the hub with the TOCSIN_SECRET_KEY it had, or give the credentials anew: im apply -f hub.yaml"

_ALARM = Alarm(
    key=KEY, title="The hub's secret key is not the one its credentials were sealed with",
    text="Connectors fail closed: alerts are taken and decided, and every page waits. Start the hub with the TOCSIN_SECRET_KEY that it"
    " had (every node the same), or apply the configuration again with its credentials; what waits is delivered then.",
)  # fmt: skip


@dataclass(slots=True)
class Watch:
    """One node's look at it, each time the configuration was read. `told` = what this node said last."""

    told: bool | None = None

    async def look(self, hub: Hub) -> None:
        """Raise the alarm when credentials cannot be opened, end it when they can again.

        A node says it once: two nodes with two keys would else raise and end it in turns.
        """
        if hub.active.unsealed == self.told:
            return
        if hub.active.unsealed:
            await alarm.clear(hub, KEY)
        else:
            await alarm.sound(hub, _ALARM)
        self.told = hub.active.unsealed
