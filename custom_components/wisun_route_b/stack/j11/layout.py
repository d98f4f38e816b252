"""What each part of a frame's data is: to show a frame without what identifies a household.

The layouts are those of :mod:`.parser` and :mod:`.commands`. Whatever does not fit, and everything in
a frame whose code is not listed, is :attr:`Part.SECRET`: behind the end of a response that has become too
long, another frame may stand.
"""

from collections.abc import Iterator, Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from .addresses import IP_SIZE, MAC_SIZE
from .codes import (
    DAMAGED_HEADER,
    RESPONSE_BIT,
    UNKNOWN_COMMAND,
    CommandCode,
    NotificationCode,
)


class Part(Enum):
    """Kinds of data."""

    PLAIN = auto()
    MAC = auto()
    IP = auto()
    PAN = auto()
    #: An ECHONET Lite frame.
    PAYLOAD = auto()
    #: A key, a part of one, or bytes of which nothing is known.
    SECRET = auto()


type _Field = tuple[Part, int]

_MAC: Final = (Part.MAC, MAC_SIZE)
_IP: Final = (Part.IP, IP_SIZE)
_PAN: Final = (Part.PAN, 2)
#: More than a frame can have: all that is left.
_ALL: Final = 0xFFFF
_PAYLOAD: Final = (Part.PAYLOAD, _ALL)
_SECRET: Final = (Part.SECRET, _ALL)


def _plain(size: int) -> _Field:
    return (Part.PLAIN, size)


def _response(command: CommandCode) -> int:
    return command | RESPONSE_BIT


#: Fields in the order of the frame; a tuple of its own at the end repeats.
type _Layout = tuple[_Field | tuple[_Field, ...], ...]

_LAYOUTS: Final[Mapping[int, _Layout]] = MappingProxyType(
    {
        # A request without a layout of its own has no data, and a response nothing but its result.
        **{_response(code): (_plain(1),) for code in CommandCode},
        DAMAGED_HEADER: (_plain(1),),
        UNKNOWN_COMMAND: (_plain(1),),
        CommandCode.OPEN_PORT: (_plain(2),),
        CommandCode.CLOSE_PORT: (_plain(2),),
        CommandCode.SET_UP: (_plain(4),),
        CommandCode.ENERGY_SCAN: (_plain(4),),
        CommandCode.SET_NEIGHBOR_SOLICITATION: (_plain(1),),
        CommandCode.SET_FLOW_CONTROL: (_plain(1),),
        CommandCode.SET_CREDENTIALS: (_SECRET,),
        CommandCode.SCAN: (_plain(6), _SECRET),
        CommandCode.TRANSMIT: (_IP, _plain(6), _PAYLOAD),
        CommandCode.PING: (_IP, _plain(3), _SECRET),
        _response(CommandCode.STATUS): (_plain(4),),
        # Of the lists of ports and levels, which are not used, no more than the number and one port.
        _response(CommandCode.OPEN_PORTS): (_plain(4),),
        _response(CommandCode.ENERGY_SCAN): (_plain(2),),
        _response(CommandCode.TRANSMIT): (_plain(7),),
        _response(CommandCode.VERSION): (_plain(9),),
        _response(CommandCode.NEIGHBOR_SOLICITATION): (_plain(2),),
        _response(CommandCode.SETTINGS): (_plain(5),),
        _response(CommandCode.FLOW_CONTROL): (_plain(2),),
        _response(CommandCode.OWN_IP): (_plain(1), _IP),
        _response(CommandCode.OWN_MAC): (_plain(1), _MAC),
        _response(CommandCode.CONNECTIONS): (_plain(3), (_MAC, _PAN, _plain(3))),
        _response(CommandCode.START): (_plain(2), _PAN, _MAC, _plain(1)),
        _response(CommandCode.PAN_ID): (_plain(1), _PAN),
        _response(CommandCode.TERMINALS): (_plain(3), (_IP, _plain(2))),
        NotificationCode.SCAN_RESULT: (_plain(3), (_MAC, _PAN, _plain(1))),
        NotificationCode.DATAGRAM: (_IP, _plain(4), _PAN, _plain(5), _PAYLOAD),
        NotificationCode.STARTED_UP: (),
        NotificationCode.CONNECTION_CHANGED: (_plain(1), _MAC, _plain(1)),
        NotificationCode.PANA_RESULT: (_plain(1), _MAC),
        NotificationCode.RECEPTION_FAILED: (_plain(1), _IP, _plain(4), _SECRET),
        NotificationCode.PING_RESULT: (_plain(1), _IP, _plain(4), _SECRET),
    }
)


def parts(code: int, data: bytes) -> Iterator[tuple[Part, bytes]]:
    """Return the data of a frame part by part: together they are the data."""
    at = 0
    for part, size in _fields(_LAYOUTS.get(code, (_SECRET,))):
        if at >= len(data):
            return
        taken = data[at : at + size]
        # A field that breaks off is shown only if it is harmless in pieces as well.
        whole = len(taken) == size or size == _ALL or part is Part.PLAIN
        yield (part if whole else Part.SECRET), taken
        at += len(taken)
    if at < len(data):
        yield Part.SECRET, data[at:]


def _fields(layout: _Layout) -> Iterator[_Field]:
    for field in layout:
        match field:
            case (Part() as part, int(size)):
                yield part, size
            case group:
                while True:
                    yield from group


def title(code: int) -> str:
    """Return what a frame is called: "start response", "datagram"; "unknown" if it is not listed."""
    if code in NotificationCode:
        return _words(NotificationCode(code).name)
    if code in CommandCode:
        return _words(CommandCode(code).name)
    if code & RESPONSE_BIT and (request := code & ~RESPONSE_BIT) in CommandCode:
        return f"{_words(CommandCode(request).name)} response"
    return "rejection" if code in (DAMAGED_HEADER, UNKNOWN_COMMAND) else "unknown"


def _words(name: str) -> str:
    return name.lower().replace("_", " ")
