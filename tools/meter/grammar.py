"""The words that a command line may have."""

import argparse
from datetime import date
from pathlib import Path
from typing import NoReturn, override

from custom_components.wisun_route_b.stack import properties, readings

from .commands import History, Identify, Read, Record, Scan, Source, Watch
from .commands.scan import DEFAULT_DURATION
from .commands.watch import DEFAULT_INTERVAL
from .exit_codes import EXIT_CODES

_DESCRIPTION = """\
Talks to a smart meter on the B route through a Wi-SUN dongle, without Home Assistant.

PORT is a serial device (/dev/ttyUSB0) or a URL (socket://host:port). Every command but identify
needs the Route-B ID and the password; better put them into ROUTE_B_ID and ROUTE_B_PASSWORD than
on the command line, where every user of the machine can see them. Results go to standard output,
progress and failures to standard error."""

_INTERVALS = (2.0, 3600.0)
_DURATIONS = range(4, 10)
_FOR_EVER = 1e6


class MisuseError(Exception):
    """A command line that cannot be parsed, and the parser that explains it."""

    def __init__(self, parser: argparse.ArgumentParser, message: str) -> None:
        """Take the message, which is not printed: it may quote a credential."""
        super().__init__(message)
        self.parser = parser


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises its errors instead of printing them."""

    @override
    def error(self, message: str) -> NoReturn:
        raise MisuseError(self, message)


def make_parser() -> Parser:
    """Return the parser; common options may stand before and behind a command."""
    common = _common()
    parser = Parser(
        prog="scripts/meter",
        description=_DESCRIPTION,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        parents=[common],
    )
    parser.add_argument("port", metavar="PORT")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, text: str, epilog: str | None = None) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            parents=[common],
        )

    add(Identify.name, "say within five seconds what is on the port")
    _scan(add(Scan.name, "show the networks that are received, and how well"))
    names = "\n".join(f"  {epc:02X}  {row.name}" for epc, row in properties.PROPERTIES.items())
    _read(add(Read.name, "read properties, or all that the meter offers", names))
    _history(add(History.name, "show half-hourly registers and the energy between them"))
    _watch(add(Watch.name, "show live values and what the meter pushes, until Ctrl-C"))
    _record(add(Record.name, "write the conversation down, redacted, for a bug report"))
    return parser


#: What the common options are when they are not given.
COMMON = {"json": False, "show_addresses": False, "id": None, "password": None}


def _common() -> Parser:
    """Options of every command; one that is not given leaves no trace, so COMMON stays."""
    parser = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--show-addresses",
        action="store_true",
        help="print MAC addresses and identification numbers as well",
    )
    parser.add_argument("--id", help="Route-B ID, 32 digits")
    parser.add_argument("--password", help="its password, 12 characters")
    return parser


def _scan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--duration",
        type=int,
        choices=_DURATIONS,
        default=DEFAULT_DURATION,
        help="each step doubles the time; 6 takes 9 s, and 18 s more on all channels if no meter is"
        " found (default: %(default)s)",
    )


def _read(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("properties", nargs="*", type=_property, metavar="EPC|NAME")


def _history(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--day", type=_day, metavar="N", help=f"days ago, 0 to {readings.HISTORY_DAYS} (default: 0)"
    )
    parser.add_argument("--from", dest="first", type=_date, metavar="DATE", help="as 2026-11-22")
    parser.add_argument("--to", dest="last", type=_date, metavar="DATE", help="default: today")
    parser.add_argument(
        "--source",
        choices=[source.value for source in Source],
        default=Source.DAYS.value,
        help="whole days (E2, E4), or six hours at a time (EC) (default: %(default)s)",
    )


def _watch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--interval",
        type=_interval,
        default=DEFAULT_INTERVAL,
        metavar="SECONDS",
        help="time from reading to reading, 2 to 3600 (default: %(default)s)",
    )
    parser.add_argument("--count", type=_count, metavar="N", help="end after so many readings")
    parser.add_argument(
        "--signal",
        action="store_true",
        help="show only how well the meter is received, to find a place for the dongle",
    )


def _record(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="must not exist yet")
    parser.add_argument(
        "--listen",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="after everything was read, wait for what the meter pushes (default: 0)",
    )


# --- Single words ------------------------------------------------------------------------


def _property(word: str) -> properties.AnyProperty:
    wanted = word.lower().replace("-", "_").removeprefix("0x")
    for epc, row in properties.PROPERTIES.items():
        if wanted in (row.name, f"{epc:02x}"):
            return row
    raise argparse.ArgumentTypeError(f"no property is called {word!r}; read --help lists them")


def _date(word: str) -> date:
    try:
        return date.fromisoformat(word)
    except ValueError as err:
        raise argparse.ArgumentTypeError(f"{word!r} is no date like 2026-11-22") from err


def _day(word: str) -> int:
    return _within(int(word), 0, readings.HISTORY_DAYS)


def _count(word: str) -> int:
    return _within(int(word), 1, _FOR_EVER)


def _interval(word: str) -> float:
    return _within(float(word), *_INTERVALS)


def _seconds(word: str) -> float:
    return _within(float(word), 0.0, _FOR_EVER)


def _within[N: (int, float)](number: N, least: float, most: float) -> N:
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{number} is not within {least:g} to {most:g}")
    return number
