"""How does a program talk to a Tocsin server? A small synchronous client of the public API.

    from tocsin.client import Client

    with Client("http://127.0.0.1:8000", token="tsn_…") as hub:
        for incident in hub.incidents(severity="critical").items:
            hub.acknowledge(incident.name, note="on it")

Every answer is a struct whose `raw` holds the API's own JSON. Nothing here needs more than msgspec
and the standard library, so that a command line built on it starts quickly.
"""

from tocsin.client.errors import (
    BadInput,
    ClientError,
    Conflict,
    NotAllowed,
    NotFound,
    Problem,
    ServerFault,
    TimedOut,
    UnexpectedAnswer,
    Unreachable,
)
from tocsin.client.hub import Client
from tocsin.client.stream import StreamEvent
from tocsin.client.transport import Answer

__all__ = [
    "Answer",
    "BadInput",
    "Client",
    "ClientError",
    "Conflict",
    "NotAllowed",
    "NotFound",
    "Problem",
    "ServerFault",
    "StreamEvent",
    "TimedOut",
    "UnexpectedAnswer",
    "Unreachable",
]
