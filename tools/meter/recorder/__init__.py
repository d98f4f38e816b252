"""Writes down a serial conversation, without its secrets, in the notation of the captures.

It splits the bytes by itself, not with the stack's reader, as bug reports may be about errors of
that one.
"""

from .masker import Masker
from .recorder import Recorder
from .recording_connector import recorded

__all__ = ["Masker", "Recorder", "recorded"]
