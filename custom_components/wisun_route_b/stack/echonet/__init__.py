"""ECHONET Lite: frames and property maps. No I/O, no clock."""

from . import property_map
from .frame import (
    CONTROLLER,
    ESV,
    MAX_FRAME_SIZE,
    METER,
    NODE_PROFILE,
    Eoj,
    Frame,
    Property,
)

__all__ = [
    "CONTROLLER",
    "ESV",
    "MAX_FRAME_SIZE",
    "METER",
    "NODE_PROFILE",
    "Eoj",
    "Frame",
    "Property",
    "property_map",
]
