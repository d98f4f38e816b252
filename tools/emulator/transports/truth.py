"""The truth socket: returns the meter's true values.

The question is a moment in ISO form, or nothing for now; the answer is JSON (see meter/ground_truth.py).
"""

from collections.abc import Callable
from datetime import datetime
import json

from ..meter.clock import parse_moment
from ..meter.ground_truth import Truth
from .control_socket import ControlSocket

#: Answers what the meter's values were at a moment; None = now.
type Ask = Callable[[datetime | None], Truth]


async def open_truth_socket(ask: Ask, where: str) -> ControlSocket:
    """Listen on a port of this computer (digits) or on a Unix socket (a path)."""
    return await ControlSocket.open(lambda line: _answer(ask, line), where)


def _answer(ask: Ask, line: str) -> str:
    try:
        answer = ask(parse_moment(line) if line else None)
    except ValueError, OverflowError:
        answer = {"error": "not a moment in ISO form"}
    return json.dumps(answer)
