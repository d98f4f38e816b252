"""SKSTACK IP, the text protocol of Wi-SUN Route-B dongles. No I/O, no clock.

:class:`Receiver` turns bytes into messages, :mod:`.commands` makes the bytes to write.
"""

from . import commands
from .addresses import link_local
from .commands import Command, ReplyKind
from .dialects import Dialect
from .events import EventNumber, FailCode, SendResult, rssi_dbm
from .messages import (
    AppVersion,
    Datagram,
    Echo,
    Event,
    Fail,
    Info,
    LinkLocalAddress,
    Message,
    Ok,
    PanDescription,
    Register,
    Unknown,
    Version,
)
from .receiver import Receiver, ReceiverStatistics

__all__ = [
    "AppVersion",
    "Command",
    "Datagram",
    "Dialect",
    "Echo",
    "Event",
    "EventNumber",
    "Fail",
    "FailCode",
    "Info",
    "LinkLocalAddress",
    "Message",
    "Ok",
    "PanDescription",
    "Receiver",
    "ReceiverStatistics",
    "Register",
    "ReplyKind",
    "SendResult",
    "Unknown",
    "Version",
    "commands",
    "link_local",
    "rssi_dbm",
]
