"""How is a provider told where its webhooks go, and how is it seen that they arrive?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tocsin.core.checks import Heard, Here
from tocsin.core.ports import Call, ConnectorSettings, Request, Response, WireFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One webhook that is set up there. `off` = why nothing comes by it, "" = it is on; `lacks` = events that we read
    and it does not send."""

    id: str
    address: str
    off: str = ""
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What is set up there: `ours` go to our address, `elsewhere` to the same connector's at another host, as after a
    move. `fault` = why it could not be read, with the next step; "" = it was."""

    ours: tuple[Subscription, ...] = ()
    elsewhere: tuple[Subscription, ...] = ()
    fault: str = ""
    step: str = ""
    unreachable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A subscription just made. `secret` proves its deliveries and belongs into the setting `setting`."""

    id: str = ""
    setting: str = ""
    secret: str = ""
    fault: str = ""
    step: str = ""


class Subscribable(Protocol):
    """What a provider with the ability `subscribe` has besides."""

    def subscription_calls(self, connector: ConnectorSettings, here: Here, heard: Heard) -> list[Call]:
        """Reads of what is set up there; [] = nothing more."""

    def subscriptions(self, connector: ConnectorSettings, here: Here, heard: Heard) -> Listed:
        """What those reads say."""

    def subscribe(self, connector: ConnectorSettings, here: Here, secret: str, scope: str) -> Call:
        """Make one that goes to `here.address`. `secret` is a proposal, for providers that choose none; `scope` ""
        = all there is, else what the provider limits it to (a service's id)."""

    def subscribed(self, answer: Response | WireFault, secret: str) -> Made:
        """What came of that."""

    def mend(self, connector: ConnectorSettings, subscription: Subscription) -> list[Call]:
        """Switch it on, and have it send all that we read; [] = it is right."""

    def unsubscribe(self, connector: ConnectorSettings, subscription: str) -> Call:
        """Take it away."""

    def ping(self, connector: ConnectorSettings, subscription: str) -> Call | None:
        """Have a test delivery sent; None where a provider has none: then a canary shows it."""

    def refused(self, answer: Response | WireFault) -> str:
        """ "" when the answer to one of these three says it is done, else why not."""

    def delivered_by(self, request: Request) -> str:
        """Id of the subscription that sent a delivery, "" when it does not tell."""
