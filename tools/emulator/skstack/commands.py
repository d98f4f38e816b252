"""The SK commands and the product commands: what each answers, in both dialects."""

from collections.abc import Callable
from dataclasses import dataclass
import re

from ..defects import Defects
from ..pace import Span
from ..products import link_local
from .lines import Lines
from .radio import Radio
from .registers import Registers

OK = b"OK\r\n"
UNKNOWN, WRONG_COUNT, BAD_ARGUMENT, OVERRUN, NOT_DONE = 4, 5, 6, 9, 10

_QUICK: Span = (0.003, 0.012)
_COMPUTED: Span = (0.09, 0.11)
_RESTARTED: Span = (0.1, 0.4)
_ADDRESS = r"[0-9A-F]{4}(:[0-9A-F]{4}){7}"
_HANDLES = ("1", "2")
#: EVER 1.5.2 refuses 11 and more (capture 15).
_LONGEST_SCAN = 10


class RefusedError(Exception):
    """The command is answered with FAIL."""

    def __init__(self, code: int) -> None:
        super().__init__(f"FAIL ER{code:02}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Reply:
    """What to print, after how long, and what then begins by itself."""

    text: bytes = OK
    delay: Span = _QUICK
    then: Callable[[], None] | None = None


def _nothing() -> None:
    pass


type Handler = Callable[[list[str]], Reply]


class Commands:
    """Executes everything but SKSENDTO."""

    def __init__(self, lines: Lines, registers: Registers, radio: Radio, defects: Defects) -> None:
        """Prepare the table of commands: counts of arguments, and who executes it."""
        self._lines = lines
        self._product = lines.product
        self._registers = registers
        self._radio = radio
        self._defects = defects
        self._uart = "00"
        self.flash_writes = 0
        """Writes to flash, which lasts for about 10 000 of them."""
        dual = self._product.dual
        self._table: dict[str, tuple[tuple[int, ...], Handler]] = {
            "SKVER": ((0,), self._version),
            "SKAPPVER": ((0,), self._app_version),
            "SKINFO": ((0,), self._info),
            "SKSREG": ((1, 2), self._register),
            "SKRESET": ((0,), self._reset),
            "SKSETPWD": ((2,), self._set_password),
            "SKSETRBID": ((1,), self._set_id),
            "SKSCAN": ((4,) if dual else (3,), self._scan),
            "SKLL64": ((1,), self._link_local),
            "SKADDNBR": ((2,), self._add_neighbour),
            "SKJOIN": ((1,), self._join),
            "SKREJOIN": ((0,), self._rejoin),
            "SKTERM": ((0,), self._terminate),
            "SKPING": ((2,) if dual else (1,), self._ping),
            "SKUDPPORT": ((2,), lambda _: Reply()),
            "SKTABLE": ((1,), self._print_table),
            "SKSAVE": ((0,), self._save),
            "SKLOAD": ((0,), self._load),
            "SKERASE": ((0,), self._erase),
            "SKRFLO": ((1,), lambda _: Reply()),
            "SKSENDTO": ((), lambda _: Reply()),
        }
        if self._product.app_version is None:
            del self._table["SKAPPVER"]
        if self._product.has_options:
            self._table |= {
                "ROPT": ((0,), lambda _: Reply(f"OK {self._option()}\r".encode())),
                "WOPT": ((1,), self._write_option),
                "RUART": ((0,), lambda _: Reply(f"OK {self._uart}\r".encode())),
                "WUART": ((1,), self._write_uart),
            }

    def execute(self, words: list[str]) -> Reply:
        """Return the reply to a command line; raise RefusedError."""
        name, *arguments = words
        row = self._table.get(name)
        if row is None:
            raise RefusedError(UNKNOWN)
        counts, handler = row
        if len(arguments) not in counts:
            raise RefusedError(WRONG_COUNT)
        return handler(arguments)

    # --- Identity -------------------------------------------------------------------------

    def _version(self, _: list[str]) -> Reply:
        return Reply(f"EVER {self._product.version}\r\n".encode() + OK)

    def _app_version(self, _: list[str]) -> Reply:
        return Reply(f"EAPPVER {self._product.app_version}\r\n".encode() + OK)

    def _info(self, _: list[str]) -> Reply:
        registers = self._registers
        return Reply(self._lines.info(registers.channel, registers.pan_id) + OK)

    def _link_local(self, arguments: list[str]) -> Reply:
        """Answer with the address alone: there is no OK."""
        (mac,) = _checked(arguments, r"[0-9A-Fa-f]{16}")
        return Reply(link_local(mac).encode() + b"\r\n", _COMPUTED)

    # --- Registers and memory -------------------------------------------------------------

    def _register(self, arguments: list[str]) -> Reply:
        if len(arguments) == 1:
            value = self._registers.get(arguments[0])
            if value is None:
                raise RefusedError(BAD_ARGUMENT)
            return Reply(f"ESREG {value}\r\n".encode() + OK)
        if not self._registers.set(*arguments):
            raise RefusedError(BAD_ARGUMENT)
        return Reply()

    def _reset(self, _: list[str]) -> Reply:
        self._radio.reset()
        self._defects.cured_by("reset")
        self._registers.reset()
        return Reply(delay=_RESTARTED)

    def _save(self, _: list[str]) -> Reply:
        self.flash_writes += 1
        self._registers.save()
        return Reply()

    def _load(self, _: list[str]) -> Reply:
        if not self._registers.load():
            raise RefusedError(NOT_DONE)
        return Reply()

    def _erase(self, _: list[str]) -> Reply:
        self.flash_writes += 1
        self._registers.erase()
        return Reply()

    def _option(self) -> str:
        return "00" if self._radio.binary else "01"

    def _write_option(self, arguments: list[str]) -> Reply:
        (option,) = _checked(arguments, r"0?[01]")
        self.flash_writes += 1
        self._radio.binary = int(option) == 0
        return Reply(b"OK\r")

    def _write_uart(self, arguments: list[str]) -> Reply:
        (option,) = _checked(arguments, r"[0-9A-F]{2}")
        self.flash_writes += 1
        self._uart = option
        return Reply(b"OK\r")

    def _print_table(self, arguments: list[str]) -> Reply:
        """Print addresses, neighbours or ports; HAN tables of a dual stack are empty."""
        match arguments[0]:
            case "1":
                text = f"EADDR\r\n{self._lines.address}\r\n"
            case "2":
                text = "ENEIGHBOR\r\n" + "".join(
                    f"{address} {mac} FFFF\r\n" for address, mac in self._radio.neighbours()
                )
            case "E":
                text = "EPORT\r\n3610\r\n716\r\n0\r\n0\r\n0\r\n0\r\n"
                if self._product.long_port_table:
                    text += "\r\n3610\r\n0\r\n0\r\n0\r\n"
            case "9" | "A" if self._product.dual:
                text = "ENBR\r\n" if arguments[0] == "9" else "ESEC\r\n"
            case _:
                raise RefusedError(BAD_ARGUMENT)
        return Reply(text.encode() + OK)

    # --- Credentials and session ----------------------------------------------------------

    def _set_password(self, arguments: list[str]) -> Reply:
        size, password = arguments
        # Some hosts send the length in decimal, and it is taken (MB-RL7023-11).
        if size.upper() not in (f"{len(password):X}", f"{len(password)}"):
            raise RefusedError(BAD_ARGUMENT)
        self._radio.session.password = password
        return Reply()

    def _set_id(self, arguments: list[str]) -> Reply:
        (route_b_id,) = _checked(arguments, r"\S{32}")
        self._radio.session.route_b_id = route_b_id
        self._registers.set_pair_id(route_b_id[-8:])
        return Reply()

    def _scan(self, arguments: list[str]) -> Reply:
        mode, mask, duration, *side = arguments
        _checked([mode], r"[023]")
        _checked([mask], r"[0-9A-Fa-f]{1,8}")
        _checked([duration], r"[0-9A-Fa-f]{1,2}")
        _checked(side, r"0")
        # Hexadecimal by the manual; "10" worked and "11" did not, so "10" is taken as ten.
        length = int(duration, 10 if duration.isdigit() else 16)
        if length > _LONGEST_SCAN:
            raise RefusedError(BAD_ARGUMENT)
        return Reply(then=lambda: self._radio.scan(int(mode), int(mask, 16), length))

    def _add_neighbour(self, arguments: list[str]) -> Reply:
        (address,) = _checked(arguments[:1], _ADDRESS)
        (mac,) = _checked(arguments[1:], r"[0-9A-F]{16}")
        self._radio.add_neighbour(address, mac)
        return Reply()

    def _join(self, arguments: list[str]) -> Reply:
        (address,) = _checked(arguments, _ADDRESS)
        session = self._radio.session
        if session.route_b_id is None or session.password is None:
            raise RefusedError(NOT_DONE)
        return Reply(then=lambda: session.join(address))

    def _rejoin(self, _: list[str]) -> Reply:
        if not self._radio.session.keys:
            raise RefusedError(NOT_DONE)
        return Reply(then=self._radio.session.rejoin)

    def _terminate(self, _: list[str]) -> Reply:
        if not self._radio.session.keys:
            raise RefusedError(NOT_DONE)
        return Reply(then=self._radio.session.terminate)

    def _ping(self, arguments: list[str]) -> Reply:
        """Send an echo request; EPONG comes when it is answered, nothing if it is not."""
        *side, address = arguments
        _checked(side, r"0")
        _checked([address], _ADDRESS)
        return Reply(then=lambda: self._radio.ping(address))


def sendto_arguments(words: list[str]) -> tuple[str, int, int]:
    """Return address, port and security of a SKSENDTO header; raise RefusedError."""
    _, handle, address, port, security, *_ = words
    _checked([address], _ADDRESS)
    _checked([port], r"[0-9A-Fa-f]{4}")
    _checked([security], r"[012]")
    if handle not in _HANDLES:
        raise RefusedError(NOT_DONE)
    return address, int(port, 16), int(security)


def _checked(arguments: list[str], pattern: str) -> list[str]:
    if not all(re.fullmatch(pattern, argument) for argument in arguments):
        raise RefusedError(BAD_ARGUMENT)
    return arguments
