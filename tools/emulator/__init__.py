"""A Wi-SUN dongle with a smart meter behind it, in software.

It shares no code with what it tests: it formats and parses its own text.
"""

from .config import DUMMY_ID, DUMMY_PASSWORD, EmulatorConfig
from .emulator import Emulator
from .faults import Faults
from .meter.clock import JST, Clock, frozen
from .meter.grid_power import INSTALLED, LoadProfile
from .meter.model import FIRST_GENERATION, MINIMAL, MODELS, SECOND_GENERATION, MeterModel
from .products import J11_PRODUCTS, PRODUCTS
from .rates import Rates
from .storm import ALL, ALL_J11, Incident, Kind, Storm
from .transports.in_process import Connector

__all__ = [
    "ALL",
    "ALL_J11",
    "DUMMY_ID",
    "DUMMY_PASSWORD",
    "FIRST_GENERATION",
    "INSTALLED",
    "J11_PRODUCTS",
    "JST",
    "MINIMAL",
    "MODELS",
    "PRODUCTS",
    "SECOND_GENERATION",
    "Clock",
    "Connector",
    "Emulator",
    "EmulatorConfig",
    "Faults",
    "Incident",
    "Kind",
    "LoadProfile",
    "MeterModel",
    "Rates",
    "Storm",
    "frozen",
]
