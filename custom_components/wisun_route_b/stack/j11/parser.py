"""One frame to its message: a table of small pure functions, one for each code.

Layouts: V12 pages 40 to 72 and 111 to 118 (see :mod:`.frames`). They are exact: data that are
too short, too long or out of range make a :class:`~.messages.Malformed`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from ..errors import DecodeError
from ..route_b import MAX_PAYLOAD
from ._fields import Fields
from .codes import (
    DAMAGED_HEADER,
    RESPONSE_BIT,
    UNKNOWN_COMMAND,
    CommandCode,
    NotificationCode,
)
from .frames import Frame
from .messages import (
    Answer,
    Beacon,
    Choice,
    Connection,
    ConnectionChanged,
    Connections,
    Datagram,
    EnergyScan,
    Level,
    Malformed,
    Message,
    Network,
    OwnIp,
    OwnMac,
    PanaResult,
    PanId,
    PingResult,
    Ports,
    ReceptionFailed,
    Rejection,
    Response,
    ScanResult,
    Settings,
    StartedUp,
    Status,
    Terminal,
    Terminals,
    Transmission,
    Unknown,
    Version,
)
from .results import (
    ConnectionChange,
    PanaOutcome,
    ReceptionFault,
    ResultCode,
    TransmitStatus,
)

#: Most devices of one channel that a scan reports (V12 p60).
_MAX_BEACONS = 20
#: Most UDP ports that can be open (V12 p54).
_MAX_PORTS = 10
#: Lists without a documented limit: whatever fits into a frame.
_ANY_COUNT = 0xFF
_NOTHING_HEARD = 0x01
_ENCRYPTED = 0x02
_MULTICAST = 0x01


# --- Responses ---------------------------------------------------------------------------


def _version(fields: Fields) -> Version:
    return Version(fields.number(2), fields.number(), fields.number(), fields.number(4))


def _settings(fields: Fields) -> Settings:
    return Settings(fields.number(), fields.number(), fields.number(), fields.number())


def _status(fields: Fields) -> Status:
    return Status(fields.number(), fields.number(), fields.number())


def _ports(fields: Fields) -> Ports:
    return Ports(tuple(fields.number(2) for _ in fields.count(_MAX_PORTS)))


def _network(fields: Fields) -> Network:
    return Network(fields.channel(), fields.number(2), fields.mac(), fields.rssi())


def _transmission(fields: Fields) -> Transmission:
    queue, status = divmod(fields.number(), 0x10)
    known = TransmitStatus(status) if status in TransmitStatus else status
    return Transmission(known, queue, fields.head())


def _connections(fields: Fields) -> Connections:
    count = fields.count(_ANY_COUNT) if fields.flag() else range(0)
    return Connections(tuple(_connection(fields) for _ in count))


def _connection(fields: Fields) -> Connection:
    return Connection(
        fields.mac(), fields.number(2), fields.number(), fields.number(), fields.number()
    )


def _terminals(fields: Fields) -> Terminals:
    mode = fields.number()
    return Terminals(mode, tuple(_terminal(fields) for _ in fields.count(_ANY_COUNT)))


def _terminal(fields: Fields) -> Terminal:
    return Terminal(fields.ip(), fields.number(), fields.number())


def _energy_scan(fields: Fields) -> EnergyScan:
    count = fields.count(_ANY_COUNT)
    return EnergyScan(tuple(Level(fields.channel(), fields.number()) for _ in count))


#: What a command brings beside its result; those that are missing here bring nothing.
_ANSWERS: Final[Mapping[CommandCode, Callable[[Fields], Answer]]] = MappingProxyType(
    {
        CommandCode.STATUS: _status,
        CommandCode.OPEN_PORTS: _ports,
        CommandCode.TRANSMIT: _transmission,
        CommandCode.OWN_IP: lambda fields: OwnIp(fields.ip()),
        CommandCode.OWN_MAC: lambda fields: OwnMac(fields.mac()),
        CommandCode.CONNECTIONS: _connections,
        CommandCode.START: _network,
        CommandCode.PAN_ID: lambda fields: PanId(fields.number(2)),
        CommandCode.VERSION: _version,
        CommandCode.ENERGY_SCAN: _energy_scan,
        CommandCode.TERMINALS: _terminals,
        CommandCode.NEIGHBOR_SOLICITATION: lambda fields: Choice(fields.number()),
        CommandCode.SETTINGS: _settings,
        CommandCode.FLOW_CONTROL: lambda fields: Choice(fields.number()),
    }
)


def _response(command: CommandCode, fields: Fields) -> Response:
    """Read a response: what a command brings stands behind a success only."""
    result = _result(fields)
    if result != ResultCode.SUCCESS:
        return Response(command, result)
    read = _ANSWERS.get(command)
    response = Response(command, result, None if read is None else read(fields))
    fields.end()
    return response


def _rejection(fields: Fields) -> Rejection:
    return Rejection(_result(fields))


def _result(fields: Fields) -> ResultCode | int:
    value = fields.number()
    return ResultCode(value) if value in ResultCode else value


# --- Notifications -----------------------------------------------------------------------


def _scan_result(fields: Fields) -> ScanResult:
    nothing = fields.number() == _NOTHING_HEARD
    channel = fields.channel()
    count = range(0) if nothing else fields.count(_MAX_BEACONS)
    beacons = tuple(Beacon(fields.mac(), fields.number(2), fields.rssi()) for _ in count)
    return ScanResult(channel, beacons)


def _datagram(fields: Fields) -> Datagram:
    source, remote_port, local_port = fields.ip(), fields.number(2), fields.number(2)
    pan_id, kind, encryption = fields.number(2), fields.number(), fields.number()
    rssi, size = fields.rssi(), fields.number(2)
    if size > MAX_PAYLOAD:
        raise DecodeError("The datagram is too long")
    return Datagram(
        source=source,
        remote_port=remote_port,
        local_port=local_port,
        pan_id=pan_id,
        multicast=kind == _MULTICAST,
        secured=encryption == _ENCRYPTED,
        rssi=rssi,
        payload=fields.take(size),
    )


def _connection_changed(fields: Fields) -> ConnectionChanged:
    value = fields.number()
    change = ConnectionChange(value) if value in ConnectionChange else value
    return ConnectionChanged(change, fields.mac(), fields.rssi())


def _pana_result(fields: Fields) -> PanaResult:
    value = fields.number()
    outcome = PanaOutcome(value) if value in PanaOutcome else value
    return PanaResult(outcome, fields.mac())


def _reception_failed(fields: Fields) -> ReceptionFailed:
    value = fields.number()
    return ReceptionFailed(
        fault=ReceptionFault(value) if value in ReceptionFault else value,
        source=fields.ip(),
        sequence=fields.number(),
        fragmented=fields.flag(),
        tag=fields.number(2),
        head=fields.head(),
    )


def _ping_result(fields: Fields) -> PingResult:
    """Read whether there was an answer; the echoed data are not used."""
    answered = fields.flag()
    _ = fields.rest()
    return PingResult(answered)


_NOTIFICATIONS: Final[Mapping[NotificationCode, Callable[[Fields], Message]]] = MappingProxyType(
    {
        NotificationCode.SCAN_RESULT: _scan_result,
        NotificationCode.DATAGRAM: _datagram,
        NotificationCode.STARTED_UP: lambda _: StartedUp(),
        NotificationCode.CONNECTION_CHANGED: _connection_changed,
        NotificationCode.PANA_RESULT: _pana_result,
        NotificationCode.RECEPTION_FAILED: _reception_failed,
        NotificationCode.PING_RESULT: _ping_result,
    }
)


# --- Both --------------------------------------------------------------------------------


def parse(frame: Frame) -> Message:
    """Return the message of a frame; never raises."""
    read = _reader(frame.code)
    if read is None:
        return Unknown(frame.code, frame.data)
    fields = Fields(frame.data)
    try:
        message = read(fields)
        if not isinstance(message, Response):
            fields.end()
    except DecodeError:
        return Malformed(frame.code, frame.data)
    return message


def _reader(code: int) -> Callable[[Fields], Message] | None:
    if code in NotificationCode:
        return _NOTIFICATIONS[NotificationCode(code)]
    if code in (DAMAGED_HEADER, UNKNOWN_COMMAND):
        return _rejection
    request = code & ~RESPONSE_BIT
    if code != request and request in CommandCode:
        command = CommandCode(request)
        return lambda fields: _response(command, fields)
    return None
