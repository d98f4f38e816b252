"""Numbers of Route B that do not depend on the protocol of the dongle."""

from typing import Final

#: UDP port of ECHONET Lite, 3610 (ECHONET Lite specification 1.14, part 2, 1.2).
ECHONET_PORT: Final = 0x0E1A
#: UDP port of PANA, 716 (RFC 5191, 10.1); what it carries holds the Route-B ID and is never shown.
PANA_PORT: Final = 0x02CC
#: Largest payload of a datagram in bytes (BP35A1 and BP35C2 manuals, SKSENDTO; J11 UART IF
#: specification v1.2, 0008).
MAX_PAYLOAD: Final = 0x04D0
#: The bit of an EUI-64, as an integer of 64 bits, that means "universal"; an IPv6 interface identifier
#: has it inverted (RFC 4291, appendix A).
UNIVERSAL_BIT: Final = 1 << 57
