"""J11, the binary protocol of some Wi-SUN Route-B dongles. No I/O, no clock.

:class:`Receiver` turns bytes into messages, :mod:`.commands` makes the bytes to write.
"""

from . import commands, messages
from .addresses import link_local
from .codes import CommandCode, NotificationCode
from .commands import Command
from .frames import FRAME_GAP_S
from .messages import Message
from .receiver import Receiver, ReceiverStatistics
from .results import (
    ConnectionChange,
    PanaOutcome,
    Reaction,
    ReceptionFault,
    ResultCode,
    TransmitStatus,
)

__all__ = [
    "FRAME_GAP_S",
    "Command",
    "CommandCode",
    "ConnectionChange",
    "Message",
    "NotificationCode",
    "PanaOutcome",
    "Reaction",
    "Receiver",
    "ReceiverStatistics",
    "ReceptionFault",
    "ResultCode",
    "TransmitStatus",
    "commands",
    "link_local",
    "messages",
]
