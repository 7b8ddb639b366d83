"""A stand-in for the hub: holds an embedded PostgreSQL until its standard input closes. Run by the tests.

    python hub.py DATA [UID]

Prints the address, or the refusal. With UID it changes to that account first, after all imports: an interpreter
in root's home could not be opened by the account.
"""

import asyncio
import os
import sys
from pathlib import Path


def main() -> int:
    data = Path(sys.argv[1])
    if len(sys.argv) > 2:
        import importlib.util  # noqa: F401

        os.setgroups([])
        os.setgid(int(sys.argv[2]))
        os.setuid(int(sys.argv[2]))
    return asyncio.run(hold(data))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def hold(data: Path) -> int:
    from tocsin.postgres import DataFolderInUse, EmbeddedPostgres, PostgresUnavailable

    database = EmbeddedPostgres(data)
    try:
        address = await database.start()
    except (DataFolderInUse, PostgresUnavailable) as refused:
        say(f"{type(refused).__name__}: {refused}")
        return 1
    say(address)
    await asyncio.to_thread(sys.stdin.read)
    await database.stop()
    return 0


if __name__ == "__main__":
    import asyncio.base_events
    import concurrent.futures.thread  # noqa: F401

    import tocsin.postgres  # noqa: F401

    sys.exit(main())
