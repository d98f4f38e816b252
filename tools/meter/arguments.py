"""From the words of a command line to a command."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from custom_components.wisun_route_b.stack import Credentials, errors

from .commands import History, Identify, Read, Record, Scan, Source, Watch
from .context import Command
from .credentials import hide_credentials
from .exit_codes import ExitCode
from .grammar import COMMON, MisuseError, make_parser

_FORM = {
    "route_b_id": "a Route-B ID has 32 digits, 0 to 9 and A to F (in groups: use quotes)",
    "password": "a Route-B password has 12 letters and digits",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What the user wants."""

    port: str
    command: Command
    credentials: Credentials | None
    as_json: bool
    show_addresses: bool


def parse(words: Sequence[str], environment: Mapping[str, str]) -> Request:
    """Read a command line; exit with code 2 and a message if that is impossible."""
    parser = make_parser()
    try:
        found = parser.parse_args(words, argparse.Namespace(**COMMON))
        return Request(
            port=found.port,
            command=_command(parser, found),
            credentials=_credentials(parser, found, environment),
            as_json=found.json,
            show_addresses=found.show_addresses,
        )
    except MisuseError as err:
        usage, message = err.parser.format_usage(), hide_credentials(str(err), words)
        err.parser.exit(ExitCode.USAGE, f"{usage}{err.parser.prog}: {message}\n")


def _credentials(
    parser: argparse.ArgumentParser, found: argparse.Namespace, environment: Mapping[str, str]
) -> Credentials | None:
    """Return the credentials; identify needs none, and a command that needs some raises UsageError."""
    route_b_id = found.id or environment.get("ROUTE_B_ID")
    password = found.password or environment.get("ROUTE_B_PASSWORD")
    if found.command == Identify.name or not (route_b_id or password):
        return None
    if not (route_b_id and password):
        parser.error("the Route-B ID and the password are needed together")
    try:
        return Credentials(route_b_id, password)
    except errors.CredentialsFormatError as err:
        parser.error(_FORM[err.field])


def _command(parser: argparse.ArgumentParser, found: argparse.Namespace) -> Command:
    match found.command:
        case Scan.name:
            return Scan(found.duration)
        case Read.name:
            return Read(tuple(found.properties))
        case History.name:
            return _history(parser, found)
        case Watch.name:
            return Watch(found.interval, found.count, found.signal)
        case Record.name:
            return Record(found.file, found.listen)
        case _:
            return Identify()


def _history(parser: argparse.ArgumentParser, found: argparse.Namespace) -> History:
    if found.last is not None and found.first is None:
        parser.error("--to needs --from")
    if found.first is not None and found.day is not None:
        parser.error("--day and --from exclude each other")
    return History(found.day or 0, found.first, found.last, Source(found.source))
