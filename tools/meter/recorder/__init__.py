"""Writes down a serial conversation, without its secrets, in the notation of the captures.

It reads the wire by itself, not with the stack's reader: what that one gets wrong is what a
bug report is about.
"""

from .masker import Masker
from .recorder import Recorder
from .recording_connector import recorded

__all__ = ["Masker", "Recorder", "recorded"]
