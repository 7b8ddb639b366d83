"""How is JSM Operations read back? By its REST API, since its integration events API tells no state.

Contract: https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v1/ (2026-11-20): Basic e-mail and API
token, `GET /v1/alerts?query=` answers `{"values": [...]}`, `GET /v1/alerts/{id}` the alert without a wrapper.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from tocsin.core.model import Json
from tocsin.core.ports import Call, RemoteRef, Request, Response
from tocsin.providers.opsgenie import alerts, answers, options
from tocsin.providers.opsgenie.options import Settings

STEP = "cloud"
BATCH = 20  # aliases in one search: the address stays under 4 KB
NOBODYS = "tocsin-probe"


def calls(refs: list[RemoteRef], settings: Settings) -> list[Call]:
    """One read for one alert that is known by id, else one search for each BATCH aliases; none without the
    settings of the REST API."""
    if not options.reads_jsm(settings):
        return []
    if len(refs) == 1 and refs[0].remote_id:
        return [_get(settings, f"/{quote(refs[0].remote_id, safe='', errors='replace')}", f"{STEP}:one")]
    keys = [ref.key for ref in refs if ref.key]
    return [_search(settings, keys[at : at + BATCH]) for at in range(0, len(keys), BATCH)]


def alerts_in(call: Call, body: Json) -> Json:
    """What the answer holds, in the shape of Opsgenie's: a list of alerts, or one."""
    return body if call.step == f"{STEP}:one" else answers.mapping(body).get("values")


def probe(settings: Settings) -> Call:
    """A read of the REST API where it is set up; else the state of a request that nobody made."""
    if options.reads_jsm(settings):
        return _get(settings, "?size=1", f"{STEP}:list")
    return Call(events_probe(settings), "probe", reads=True)


def events_probe(settings: Settings) -> Request:
    """The state of a request that nobody made: proves the key of the integration events API."""
    url = f"{options.address(settings)}/v2/alerts/requests/{NOBODYS}"
    headers = {"Authorization": f"GenieKey {options.word(settings, 'api_key')}"}
    return Request(method="GET", url=url, headers=headers)


def proves(answer: Response) -> bool:
    """True for the answer of either probe: a list, or "Request not found", which only a good key hears."""
    body: Mapping[str, Json] = answers.mapping(answers.json_of(answer.body))
    if answer.status == 404:
        return answers.text(body.get("message")).lower().startswith("request not found")
    return answer.status == 200 and isinstance(body.get("values"), list)


def _search(settings: Settings, keys: list[str]) -> Call:
    named = " OR ".join('"' + alerts.wire_alias(key).replace('"', "") + '"' for key in keys)
    query = urlencode({"query": f"alias: ({named})", "size": 100}, errors="replace")
    return _get(settings, f"?{query}", f"{STEP}:list")


def _get(settings: Settings, tail: str, step: str) -> Call:
    who = f"{options.word(settings, 'email')}:{options.word(settings, 'api_token')}".encode()
    headers = {"Authorization": f"Basic {base64.b64encode(who).decode()}", "Accept": "application/json"}
    return Call(
        Request(method="GET", url=options.cloud_address(settings) + tail, headers=headers), step, reads=True
    )
