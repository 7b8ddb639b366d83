"""How do the built pages reach the browser? Precompressed, cached by their names, under strict headers.

`web/` is built into `static/` beside this file (hatch_build.py); the styles and scripts are files of their own, so
the policy allows nothing inline.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from tocsin.api import problems
from tocsin.core.errors import NotFound

STATIC = Path(__file__).parent / "static"
CSP = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; "
    "img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_FOREVER, _ASK = "public, max-age=31536000, immutable", "no-cache"
_PACKED = (("br", ".br"), ("gzip", ".gz"))
_MISSING = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Tocsin: no dashboard</title>
<h1>The dashboard is not in this installation</h1><p>The hub works; use <code>im list</code>, or <a href="/docs">the API</a>.</p></html>
"""


class _File(Route):
    """Never takes what belongs to the API, so that a wrong address or method there is told as such."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and scope["path"].startswith("/api/"):
            return Match.NONE, {}
        return super().matches(scope)


def routes(static: Path = STATIC) -> list[Route]:
    """The page at /, /index.html and /i/…; files by their names. Asked after everything else."""
    root = static.resolve()

    async def page(request: Request) -> Response:
        file = root / "index.html"
        if not file.is_file():
            return HTMLResponse(_MISSING, headers={**SECURITY_HEADERS, "Cache-Control": _ASK})
        return _served(request, file, _ASK)

    async def file(request: Request) -> Response:
        name = request.path_params["path"]
        found = _inside(root, name)
        if found is None:
            return problems.response(
                NotFound(f"There is nothing at /{name[:200]}", hint="/docs lists every address")
            )
        return _served(request, found, _FOREVER if name.startswith("assets/") else _ASK)

    return [
        _File("/", page),
        _File("/index.html", page),
        _File("/i/{path:path}", page),
        _File("/{path:path}", file),
    ]


def _inside(root: Path, name: str) -> Path | None:
    """The file called so under `root`; None when it is elsewhere, hidden or not there."""
    if (
        "\x00" in name
        or any(part.startswith(".") for part in name.split("/"))
        or name.endswith((".br", ".gz"))
    ):
        return None
    try:
        found = (root / name).resolve()
        return found if found.is_relative_to(root) and found.is_file() else None
    except (OSError, ValueError):
        return None


def _served(request: Request, file: Path, cache: str) -> Response:
    headers = {**SECURITY_HEADERS, "Cache-Control": cache, "Vary": "Accept-Encoding"}
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    accepted = _accepted(request.headers.get("accept-encoding", ""))
    for encoding, suffix in _PACKED:
        packed = file.with_name(file.name + suffix)
        if encoding in accepted and packed.is_file():
            return FileResponse(packed, media_type=kind, headers={**headers, "Content-Encoding": encoding})
    return FileResponse(file, media_type=kind, headers=headers)


def _accepted(header: str) -> frozenset[str]:
    """Encodings a browser takes; `br;q=0` is one it does not."""
    taken = set()
    for entry in header.split(","):
        name, _, weight = entry.strip().lower().partition(";")
        if weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            taken.add(name.strip())
    return frozenset(taken)
