"""The order program: one order to the control socket of a running emulator."""

import argparse
import asyncio
from collections.abc import Sequence
import sys

_DESCRIPTION = """\
Sends one order to a running emulator and prints its answer: "ok", what was asked for, or
"error: ..." (then the exit code is 1). The orders are listed by scripts/emulator --help.
"""


async def send(where: str, order: str) -> str:
    """Send an order to a control socket: a port of this computer (digits), or a path.

    Raises OSError if nothing listens there.
    """
    if where.isdigit():
        reader, writer = await asyncio.open_connection("127.0.0.1", int(where))
    else:
        reader, writer = await asyncio.open_unix_connection(where)
    writer.write(f"{order}\n".encode())
    await writer.drain()
    answer = (await reader.readline()).decode(errors="replace").strip()
    writer.close()
    return answer


def main(arguments: Sequence[str] | None = None) -> int:
    """Send what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/emulator-order", description=_DESCRIPTION)
    parser.add_argument("socket", help="port or path that was given to scripts/emulator --control")
    parser.add_argument("order", nargs="+", help='such as "unplug" or "terminate 27"')
    chosen = parser.parse_args(arguments)
    try:
        answer = asyncio.run(send(chosen.socket, " ".join(chosen.order)))
    except OSError as err:
        sys.stderr.write(f"{chosen.socket} cannot be reached: {err.strerror or err}\n")
        return 1
    sys.stdout.write(f"{answer}\n")
    return 1 if answer.startswith("error") else 0


if __name__ == "__main__":
    sys.exit(main())
