"""What does the ack link of a mail open? A page that reads by GET and acts by the POST of its one button (S52).

No signing in, no cookie, no script: the link is the proof. It must not reach a log, here or by the Referer of a page
that is opened from it.
"""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tocsin.api import press_page
from tocsin.api.pace import Pace
from tocsin.core.press import Standing
from tocsin.engine import press
from tocsin.engine.hub import Hub, log
from tocsin.engine.ids import new_id
from tocsin.engine.press import PATH, NotFromThePage, Seen
from tocsin.store.database import DatabaseAway

A_MINUTE = 30
"""Openings and presses of one link, and links that are none of ours from one address. A good link is never refused for
what others behind the same address do."""

HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src '{press_page.STYLE_HASH}'; img-src data:; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}
STATUS = {
    Standing.OPEN: 200, Standing.YOURS: 200, Standing.TAKEN: 200, Standing.OVER: 410, Standing.OVER_SINCE: 410,
    Standing.TOO_OLD: 410, Standing.NOBODY: 410, Standing.NO_INCIDENT: 410, Standing.NOT_OURS: 404,
}  # fmt: skip
_MOST_FORM_BYTES = 4096


def routes(hub: Hub) -> list[Route]:
    """The page's one address. Asked before the dashboard's files."""
    links, strangers = Pace(A_MINUTE), Pace(A_MINUTE)

    async def page(request: Request) -> Response:
        text = request.path_params["link"]
        caller = request.client.host if request.client else ""
        try:
            if not press.is_ours(hub, text):
                return _stranger(hub, strangers.allows(caller), caller)
            if not links.allows(text):
                return _plain(hub, press_page.TOO_OFTEN, 429, {"Retry-After": "60"})
            if request.method == "POST":
                seen = await press.press(hub, text, await _form(request))
                _told(seen, caller)
            else:
                seen = await press.look(hub, text)
        except NotFromThePage:
            log.warning("ack_link_refused", address=caller, reason="a POST that no page has sent")
            return _plain(hub, press_page.NOT_FROM_HERE, 403)
        except DatabaseAway:
            return _plain(hub, press_page.AWAY, 503, {"Retry-After": "5"})
        except Exception as fault:  # noqa: BLE001 - the edge: told with an id, and never with the address, which is the link
            mark = str(new_id(hub.now()))
            log.error("ack_link_failed", id=mark, fault=type(fault).__name__, exc_info=fault)
            return _plain(hub, press_page.broken(mark), 500)
        return _answer(hub, seen)

    return [Route(PATH + "{link}", page, methods=["GET", "POST"])]


async def _form(request: Request) -> str:
    """What the form holds; "" for whatever is no form of ours."""
    body = await request.body()
    if len(body) > _MOST_FORM_BYTES:
        return ""
    try:
        return parse_qs(body.decode("ascii"), max_num_fields=5).get("press", [""])[0]
    except ValueError:
        return ""


def _told(seen: Seen, caller: str) -> None:
    log.info(
        "ack_link_pressed", incident=seen.incident.name if seen.incident else None, address=caller,
        by=seen.presser.name if seen.presser else None, stood=seen.before.value if seen.before else None,
        stands=seen.standing.value,
    )  # fmt: skip


def _stranger(hub: Hub, in_pace: bool, caller: str) -> Response:
    if not in_pace:
        return _plain(hub, press_page.TOO_OFTEN, 429, {"Retry-After": "60"})
    log.warning("ack_link_refused", address=caller, reason="not a link of ours")
    return _answer(hub, Seen(standing=Standing.NOT_OURS))


def _answer(hub: Hub, seen: Seen) -> Response:
    status = STATUS[seen.standing]
    if seen.before is Standing.TAKEN:
        status = 409
    return HTMLResponse(press_page.page_of(seen, hub.public_url, hub.now()), status, HEADERS)


def _plain(hub: Hub, said: press_page.Said, status: int, more: dict[str, str] | None = None) -> Response:
    return HTMLResponse(press_page.plain(said, hub.public_url), status, {**HEADERS, **(more or {})})
