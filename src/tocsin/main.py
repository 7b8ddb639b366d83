"""The command `im`: the client's commands, and those that run something. The only place that joins them.

Imports are inside the commands, so that `im --help` and `im list` do not pay for the server.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli.app import build_app

_SERVER = "Server"


def main() -> None:
    """Run `im`."""
    app = build_app()
    app.command("serve", rich_help_panel=_SERVER)(serve)
    app.command("demo", rich_help_panel=_SERVER)(demo)
    app.command("sandbox", rich_help_panel=_SERVER)(sandbox)
    app(prog_name="im")


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on. [TOCSIN_HOST, else 127.0.0.1]")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on. [TOCSIN_PORT, else 8000]")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Data folder. [TOCSIN_DATA, else ~/.local/share/tocsin]")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Configuration applied at start. [TOCSIN_CONFIG]")
    ] = None,
    role: Annotated[str | None, typer.Option(help="all, api or worker. [TOCSIN_ROLE, else all]")] = None,
) -> None:
    """Run the hub until SIGTERM or Ctrl-C.

    im serve --config hub.yaml --data /var/lib/tocsin
    """
    given = {
        "TOCSIN_HOST": host,
        "TOCSIN_PORT": port,
        "TOCSIN_DATA": data,
        "TOCSIN_CONFIG": config,
        "TOCSIN_ROLE": role,
    }

    async def work() -> None:
        from tocsin.config import Settings
        from tocsin.daemon import run

        settings = Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
        await run(settings)

    _run(work())


def demo(
    port: Annotated[int, typer.Option(help="Port of the hub; a free one when it is taken.")] = 8000,
    sandbox_port: Annotated[
        int, typer.Option(help="First port of the sandbox; free ones when they are taken.")
    ] = 8900,
    data: Annotated[
        Path | None, typer.Option(help="Data folder; without it a new one that goes at the end.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop after the story instead of serving on.")] = False,
) -> None:
    """Show one alert's whole way with a hub, its database and a sandboxed PagerDuty and Opsgenie.

    im demo
    """

    async def work() -> None:
        from tocsin.demo import run

        await run(port=port, sandbox_port=sandbox_port, data=data, once=once)

    _run(work())


def sandbox(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Control port; the simulated APIs follow it.")] = 8900,
    data: Annotated[
        Path | None, typer.Option(help="Folder that keeps the CA; without it one that goes at the end.")
    ] = None,
) -> None:
    """Run simulated PagerDuty and Opsgenie APIs, to rehearse against.

    im sandbox --port 8900
    """

    async def work() -> None:
        from tocsin.sandbox.server import SandboxSettings, run

        await run(SandboxSettings(host=host, port=port, data=data))

    _run(work())


def _run(work: object) -> None:
    """Run to the end; a refusal to start is a sentence and exit code 1, a bug is a traceback."""
    import asyncio

    from tocsin.core.errors import Refusal
    from tocsin.daemon import PortTaken
    from tocsin.postgres import DataFolderInUse, PostgresUnavailable
    from tocsin.store.database import DatabaseAway
    from tocsin.store.migrate import NewerDatabase

    try:
        try:
            import uvloop
        except ImportError:  # no wheel for this machine: asyncio's own loop does the same, slower
            asyncio.run(work)  # type: ignore[arg-type]
        else:
            uvloop.run(work)  # type: ignore[arg-type]
    except KeyboardInterrupt:
        sys.exit(130)
    except Refusal as refusal:
        lines = [
            f"  {'line ' + str(f.line) + ': ' if f.line else ''}{f.field}: {f.message}"
            for f in refusal.faults
        ]
        _fail("\n".join([refusal.message, *lines] + ([refusal.hint] if refusal.hint else [])))
    except DatabaseAway as fault:
        _fail(
            f"The database cannot be reached: {fault}. Check DATABASE_URL, or leave it out to use the embedded one."
        )
    except (DataFolderInUse, PostgresUnavailable, PortTaken, NewerDatabase, OSError, ValueError) as fault:
        _fail(str(fault))


def _fail(message: str) -> None:
    sys.stderr.write(f"im: {message}\n")
    sys.exit(1)


if __name__ == "__main__":
    main()
