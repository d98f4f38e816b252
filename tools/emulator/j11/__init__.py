"""A dongle that speaks J11, ROHM's binary protocol.

Written from the fact sheet of the protocol: V12 is ROHM's J11 UART IF command specification v1.2,
"own choice" marks what is not documented. It shares meter, radio environment and the end of the
session at the meter with the SKSTACK dongle, and no code with the stack that is tested with it.
"""

from .dongle import J11Dongle

__all__ = ["J11Dongle"]
