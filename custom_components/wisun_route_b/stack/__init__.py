"""A native asyncio stack for Japanese smart meters on the B route.

meter = SmartMeter(serial_connector("/dev/ttyUSB0"), Credentials(route_b_id, password))
await meter.connect()
report = await meter.read([properties.INSTANTANEOUS_POWER])
print(report.value(properties.INSTANTANEOUS_POWER), "W")
await meter.close()

Five names are modules: ``properties`` (the property table), ``readings`` (typed values), ``half_hours``
(histories as registers and energies), ``errors`` (everything that is raised) and ``j11_layout`` (what in a
frame of the J11 protocol identifies a household).
"""

from . import errors
from .controller.counters import LinkStatistics
from .credentials import Credentials
from .dongle.dongle import DongleIdentity, FoundNetwork, Network
from .dongle.port import Connector, serial_connector
from .errors import RouteBError
from .j11 import layout as j11_layout
from .link.cache import Signal
from .link.client import SmartMeter
from .link.connection import Condition
from .link.keeper import LinkKeeper
from .link.leftover_session import end_session
from .link.link_status import LinkState, LinkStatus, RecoveryStep
from .link.progress import Progress, ProgressCallback, Stage
from .link.survey import Survey, identify, probe, survey
from .meter import half_hours, properties, readings, schedule
from .meter.clock import clock_offset
from .meter.description import MeterDescription
from .meter.manufacturers import manufacturer_name
from .meter.readings import JST
from .meter.report import ReadReport
from .meter.scale import Scale
from .redact import Redactor, redact
from .trace.line_log import LineLog, TraceDirection

__all__ = [
    "JST",
    "Condition",
    "Connector",
    "Credentials",
    "DongleIdentity",
    "FoundNetwork",
    "LineLog",
    "LinkKeeper",
    "LinkState",
    "LinkStatistics",
    "LinkStatus",
    "MeterDescription",
    "Network",
    "Progress",
    "ProgressCallback",
    "ReadReport",
    "RecoveryStep",
    "Redactor",
    "RouteBError",
    "Scale",
    "Signal",
    "SmartMeter",
    "Stage",
    "Survey",
    "TraceDirection",
    "clock_offset",
    "end_session",
    "errors",
    "half_hours",
    "identify",
    "j11_layout",
    "manufacturer_name",
    "probe",
    "properties",
    "readings",
    "redact",
    "schedule",
    "serial_connector",
    "survey",
]
