"""Who may do what, address by address? Derived from the routes themselves.

`python -m tocsin.api.roles docs/roles.md` writes the committed table; a test compares it, and another walks every
address with every role.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from tocsin.api import inbound
from tocsin.api.app import bare_app
from tocsin.core.roles import NEEDS, Role

KEY, PROOF, OPEN, ANY = "key", "proof", "open", "any"

EXCEPTIONS: dict[tuple[str, str], tuple[str, str]] = {
    ("GET", "/healthz"): (OPEN, "says that the process lives"),
    ("HEAD", "/healthz"): (OPEN, "the same"),
    ("GET", "/readyz"): (OPEN, "says whether it is ready; names no thing of yours"),
    ("HEAD", "/readyz"): (OPEN, "the same"),
    ("GET", "/metrics"): ("read", "open to a scraper on the same machine"),
    ("POST", "/api/v1/session"): (OPEN, "takes a one-time code, a few wrong ones a minute"),
    ("GET", "/api/v1/openapi.json"): (
        OPEN,
        "the description of the API, the same for every hub of this version",
    ),
    ("GET", "/docs"): (OPEN, "the same for people"),
    ("GET", "/docs/style.css"): (OPEN, "its style"),
}
"""Addresses that do not say by a dependency what they ask for, with the reason."""

_INBOUND = {"/api/v1/alerts": "intake", "/api/v1/alerts/batch": "intake"}


@dataclass(frozen=True, slots=True)
class Rule:
    """What one address asks for: a scope (core/roles.py), "any" known caller, a "key" or "proof" of its own, or it is
    "open"."""

    method: str
    path: str
    needs: str
    tag: str
    why: str = ""

    @property
    def least(self) -> Role | None:
        """The least role that may; None where roles do not count."""
        return NEEDS.get(self.needs)


def rules(app: FastAPI) -> list[Rule]:
    """One for each method and address of an application and of the intake in front of it. Raises LookupError for an
    address that nothing is known about."""
    return [*(rule for route in routes_of(app) for rule in _of(route)), *_inbound()]


def routes_of(app: FastAPI) -> Iterator[APIRoute]:
    """Every route of an application, those of its routers too."""
    for one in app.routes:
        inner = getattr(getattr(one, "original_router", None), "routes", [one])
        yield from (route for route in inner if isinstance(route, APIRoute))


def _of(route: APIRoute) -> Iterator[Rule]:
    tag = str(route.tags[0]) if route.tags else "other"
    for method in sorted(route.methods or ()):
        known = EXCEPTIONS.get((method, route.path))
        asked = list(_asked(route.dependant))
        if known is not None:
            yield Rule(method, route.path, known[0], tag, known[1])
        elif asked:
            yield Rule(method, route.path, max(asked, key=_rank) or ANY, tag)
        else:
            raise LookupError(
                f"{method} {route.path} asks for nothing: give it Reader, Writer, Manager, Admin or Anyone"
            )


def _rank(scope: str) -> int:
    return NEEDS[scope].rank if scope else -1


def _asked(dependant: Any) -> Iterator[str]:
    needed = getattr(dependant.call, "needed", None)
    if needed is not None:
        yield needed
    for inner in dependant.dependencies:
        yield from _asked(inner)


def _inbound() -> Iterator[Rule]:
    for path, methods in inbound.paths().items():
        for method in methods:
            if path in _INBOUND:
                yield Rule(method.upper(), path, _INBOUND[path], "alerts")
            elif path.startswith("/connectors/"):
                yield Rule(method.upper(), path, PROOF, "incoming", "the provider's signature or token")
            else:
                yield Rule(method.upper(), path, KEY, "incoming", "the integration's key")


_HEAD = """# Who may do what

A user of the configuration, and a token, has one of four roles; each may all that those before it may.

| role | is for | may |
|---|---|---|
| `viewer` | a screen on the wall, a report, a guest | read everything but the audit log and tokens |
| `responder` | whoever is paged | declare, acknowledge, resolve, note, silence, send alerts, end a hold |
| `manager` | who plans: team leads | maintenance windows and the audit log besides |
| `admin` | who runs the hub | the configuration and so the users, tokens, the audit log's export |

```yaml
teams:
  payments: {lead: cy}
users:
  ada: {name: Ada, email: ada@example.com, role: admin}
  bo:  {name: Bo, email: bo@example.com}                                     # responder, unless said otherwise
  cy:  {name: Cy, email: cy@example.com, role: responder, teams: [payments]}  # acts for payments alone
```

```sh
im user list                                   # who there is, and what they may
im user invite bo                              # a link that signs bo in, once, within a day: who acts is known then
im token create deploys --role responder --team payments --expires 90d
im token create bo-laptop --user bo            # may what bo may, as long as bo may
im token rotate ID                             # a new text; the old one is useless at once
```

A role in the configuration holds from the moment it is applied, for sessions and tokens that exist too; who is no user any more is a stranger.
Who acts for some teams alone reads everything, and changes incidents that have a part of theirs or that belong to nobody, silences that name the team (`--match team=payments`), and nothing that is about the whole hub.
Nobody makes a token that may more than they may; the last token of an administrator for the whole hub is not revoked.
A refusal says which role it needs and who can give it, and is in the [audit log](howto/audit.md).

Tokens that were made with scopes keep them: `read` is what a viewer may, `write` what a manager may, `intake` sends alerts and nothing else, `admin` everything.

## Address by address

Nothing else answers without a token or a session; in demo mode, and only there, a caller on the same machine needs none.
The link of a mail carries a proof of its own and acknowledges the one incident that it names.
`key`: the integration's own key. `proof`: the provider's signature or token. `any`: every known caller. `open`: everybody.

"""


def table(app: FastAPI) -> str:
    """The document."""
    by_tag: dict[str, list[Rule]] = {}
    for rule in rules(app):
        by_tag.setdefault(rule.tag, []).append(rule)
    parts = [_HEAD.rstrip("\n"), ""]
    for tag in sorted(by_tag):
        parts += [f"### {tag.capitalize()}", "", "| address | least role | |", "|---|---|---|"]
        parts += [_row(rule) for rule in sorted(by_tag[tag], key=lambda one: (one.path, one.method))]
        parts.append("")
    return "\n".join(parts)


def _row(rule: Rule) -> str:
    who = rule.least.value if rule.least is not None else rule.needs
    why = rule.why or ("or a token with the scope `intake`" if rule.needs == "intake" else "")
    path = re.sub(r"\{(?:\w+_)?(\w+)\}", lambda name: name[1].upper(), rule.path)  # as documents write them
    return f"| `{rule.method} {path}` | {who} | {why} |"


def main() -> None:
    """Write the document to the file named, or to standard output."""
    text = table(bare_app())
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
