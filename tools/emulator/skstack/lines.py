"""The lines that a dongle prints, in the form of its firmware."""

from collections.abc import Callable
from dataclasses import dataclass

from ..products import Product
from ..radio_environment import Datagram, Pan

CRLF = b"\r\n"


@dataclass(frozen=True, slots=True)
class Lines:
    """Formats the output of a dongle. Every method returns whole lines."""

    product: Product
    mac: str
    address: str
    """The dongle's own IPv6 address."""

    def event(self, number: int, address: str, parameter: int | None = None) -> bytes:
        """Return an EVENT; on a dual stack with the side, which is always 0 on Route B."""
        parts = ["EVENT", f"{number:02X}", address]
        if self.product.dual:
            parts.append("0")
        if parameter is not None:
            parts.append(f"{parameter:02X}")
        return _line(" ".join(parts))

    def info(self, channel: int, pan_id: int) -> bytes:
        """Return an EINFO; its last token distinguishes the dialects."""
        side = "0" if self.product.dual else "FFFE"
        text = f"EINFO {self.address} {self.mac} {channel:02X} {pan_id:04X} {side}"
        return _line(text + self.product.info_end)

    def pan_description(self, pan: Pan, *, with_pair_id: bool) -> bytes:
        """Return the block that describes a PAN that was received."""
        fields = [
            f"Channel:{pan.channel:02X}",
            "Channel Page:09",
            f"Pan ID:{pan.pan_id:04X}",
            f"Addr:{pan.mac}",
            f"LQI:{pan.lqi:02X}",
        ]
        if self.product.dual:
            fields.append("Side:0")
        if with_pair_id:
            fields.append(f"PairID:{pan.pair_id}")
        return b"EPANDESC\r\n" + b"".join(_line("  " + field) for field in fields)

    def energy_scan(self, levels: list[tuple[int, int]]) -> bytes:
        """Return an EEDSCAN: on a single stack without a side, but with an empty line."""
        pairs = " ".join(f"{channel:02X} {level:02X}" for channel, level in levels)
        text = f"0 {pairs}" if self.product.dual else pairs
        return _line("EEDSCAN") + _line(text) + (b"" if self.product.dual else CRLF)

    def pong(self, address: str) -> bytes:
        """Return an EPONG."""
        return _line(f"EPONG 0 {address}" if self.product.dual else f"EPONG {address}")

    def datagram(self, datagram: Datagram, *, binary: bool, with_rssi: bool) -> bytes:
        """Return an ERXUDP; the length counts bytes of payload in both forms of output."""
        parts = [
            "ERXUDP",
            datagram.source,
            datagram.destination or self.address,
            f"{datagram.port:04X}",
            f"{datagram.port:04X}",
            datagram.mac,
        ]
        if with_rssi and self.product.dual:
            parts.append(f"{datagram.lqi:02X}")
        parts.append(f"{int(datagram.secured)}")
        if self.product.dual:
            parts.append("0")
        parts.append(f"{len(datagram.payload):04X}")
        head = (" ".join(parts) + " ").encode()
        if binary:
            return head + datagram.payload + CRLF
        return head + datagram.payload.hex().upper().encode() + CRLF


@dataclass(frozen=True, slots=True)
class Printer:
    """Lines, and where they go."""

    lines: Lines
    emit: Callable[[bytes], None]

    def event(self, number: int, address: str, parameter: int | None = None) -> None:
        """Print an EVENT."""
        self.emit(self.lines.event(number, address, parameter))


def _line(text: str) -> bytes:
    return text.encode() + CRLF
