"""How is a call of the REST API written down?

Contract: https://developer.pagerduty.com/api-reference and its OpenAPI file, PagerDuty/api-schema@91a06fb (2026-11-20).
"""

from __future__ import annotations

import hashlib
from urllib.parse import quote, urlencode

from tocsin.core.model import Json
from tocsin.core.ports import Call, Effect, Request
from tocsin.providers.pagerduty import answers, options
from tocsin.providers.pagerduty.options import Settings

LONGEST_KEY = 255


def wire_key(key: str) -> str:
    """The key as PagerDuty takes it: at most 255 characters, else its SHA-256 (S8)."""
    return key if len(key) <= LONGEST_KEY else hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def request(
    settings: Settings, method: str, path: str, body: Json = None, query: str = "", sender: str = ""
) -> Request:
    """A signed request; `path` begins with a slash. `sender` = the address of who acts, "" = the connector's user."""
    headers = {
        "Authorization": f"Token token={options.word(settings, 'api_key')}",
        "Accept": "application/vnd.pagerduty+json;version=2",
    }
    if body is not None:
        headers |= {
            "Content-Type": "application/json",
            "From": sender or options.word(settings, "from_email"),
        }
    url = options.address(settings, "base_url", options.REST) + path + (f"?{query}" if query else "")
    return Request(method=method, url=url, headers=headers, body=answers.dumped(body))


def path(remote_id: str) -> str:
    """The path of one incident."""
    return f"/incidents/{quote(remote_id, safe='', errors='replace')}"


def who(settings: Settings, email: str, more: str) -> Call:
    """Reads who there has that address; `more` is given back with the answer, as the rest of the step "who"."""
    query = urlencode([("query", email), ("limit", "100")], errors="replace")
    return Call(request(settings, "GET", "/users", query=query), f"who:{more}", reads=True)


def user_in(body: Json, email: str) -> str:
    """The id of the user with exactly that address in the answer to `who`; "" when there is none."""
    found = [
        u
        for u in answers.items(body.get("users"))
        if answers.text(u.get("email")).casefold() == email.casefold()
    ]
    return answers.text(found[0].get("id")) if found else ""


def in_words(effect: Effect, settings: Settings, remote_id: str) -> Call:
    """What cannot be done there, said in a note."""
    note = {"note": {"content": effect.words or f"Assigned to {effect.assignee}"}}
    return Call(request(settings, "POST", f"{path(remote_id)}/notes", note), "told")
