"""What can be chosen on the command line."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from tools.emulator import J11_PRODUCTS, PRODUCTS

from .jsons import JsonObject

#: Kinds of dongle that can be emulated.
_DONGLES: Final = (*PRODUCTS, *J11_PRODUCTS)
_DONGLE: Final = "bp35c2"
#: The household whose values the demo's checks know.
SEED: Final = 1

#: The dongle's and the radio's waits are this many times shorter than real ones, so that set-up
#: takes seconds. The meter's clock and the household's power are never sped up.
_SPEED = 10.0


_SHORTEST = timedelta(minutes=20)
#: The recorder keeps states for ten days.
_LONGEST = timedelta(days=9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run the demo."""

    port: int | None = None
    """Port of the web page. 0 = any that is free; None = 8123, or any if that is taken."""
    language: str = "en"
    speed: float = _SPEED
    dongle: str = _DONGLE
    folder: Path | None = None
    """Where everything is kept; None = a temporary folder."""
    yaml: str = ""
    """More lines of Home Assistant's configuration."""
    core: bool = False
    """Whether Home Assistant's own Route B integration reads the meter from the start."""
    stored: tuple[JsonObject, ...] = ()
    """More files of Home Assistant's storage."""
    seed: int = SEED
    """Another number makes another meter and household."""
    start_code: str = ""
    """Python code that starts Home Assistant in another way than `python -m homeassistant`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The requested kind of demo."""

    options: Options
    fresh: bool
    check: bool
    outage: timedelta | None
    kills: int | None


def parse(arguments: Sequence[str] | None = None) -> Command:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="Run a real Home Assistant with a software dongle and meter. Ctrl-C ends it.",
    )
    parser.add_argument(
        "--port", type=int, help="port of the web page, 0 for any (default: 8123 if it is free)"
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--fresh", action="store_true", help="leave setting up the meter to you")
    kind.add_argument(
        "--core",
        action="store_true",
        help="have Home Assistant's own integration read the meter, and leave the take-over to you",
    )
    kind.add_argument(
        "--outage",
        metavar="LENGTH",
        type=_length,
        help="show an outage of 30m, 6h or 3d, and how its hours come back (on Linux)",
    )
    kind.add_argument(
        "--kills",
        metavar="COUNT",
        type=int,
        help="kill Home Assistant so many times during an import, and compare what is left",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="compare what is shown with the meter, print it as JSON and end with status 0 or 1",
    )
    parser.add_argument("--language", choices=("en", "ja"), default="en")
    parser.add_argument(
        "--dongle",
        choices=_DONGLES,
        default=_DONGLE,
        metavar="NAME",
        help=f"kind of dongle: {', '.join(_DONGLES)} (default: %(default)s)",
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=_SPEED,
        help="how many times faster than real time dongle and radio are (default: %(default)g)",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        help="keep configuration and log here; emptied at each start (default: a temporary one)",
    )
    chosen = parser.parse_args(arguments)
    if chosen.core and chosen.dongle in J11_PRODUCTS:
        parser.error("Home Assistant's own integration reads no J11 dongle")
    options = Options(
        port=chosen.port,
        language=chosen.language,
        speed=chosen.speed,
        dongle=chosen.dongle,
        folder=chosen.folder.absolute() if chosen.folder else None,
        core=chosen.core,
    )
    return Command(
        options=options,
        fresh=chosen.fresh or chosen.core,
        check=chosen.check,
        outage=chosen.outage,
        kills=chosen.kills,
    )


def _length(text: str) -> timedelta:
    """Read a length of time such as 30m, 6h or 3d; raise ArgumentTypeError for anything else."""
    unit = {"m": "minutes", "h": "hours", "d": "days"}.get(text[-1:])
    if unit is None or not text[:-1].isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form 30m, 6h or 3d")
    length = timedelta(**{unit: int(text[:-1])})
    if not _SHORTEST <= length <= _LONGEST:
        raise argparse.ArgumentTypeError("an outage takes twenty minutes to nine days")
    return length
