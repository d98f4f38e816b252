"""One module for each command."""

from .history import History, Source
from .identify import Identify
from .read import Read
from .record import Record
from .scan import Scan
from .watch import Watch

__all__ = ["History", "Identify", "Read", "Record", "Scan", "Source", "Watch"]
