"""The dongles that can be emulated, and how they differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

type ProductName = Literal["bp35a1", "bp35c2", "rl7023-dss", "rl7023-ips"]
type J11ProductName = Literal["bp35c0-j11", "rs-wsuha-j11"]
type DongleName = ProductName | J11ProductName
type Output = Literal["ascii", "binary"]


@dataclass(frozen=True, slots=True)
class Product:
    """One kind of dongle that speaks SKSTACK IP."""

    name: ProductName
    version: str
    """What SKVER answers."""
    app_version: str | None
    """What SKAPPVER answers; None = the command does not exist."""
    oui: str
    """First digits of the MAC address."""
    dual: bool
    """Route B and HAN in one firmware: "side" tokens everywhere."""
    info_end: str = ""
    """What EINFO has behind its last token."""
    long_port_table: bool = False
    """SKTABLE E prints four more numbers (BP35A1 rev26e, capture 14)."""

    @property
    def has_options(self) -> bool:
        """WOPT, ROPT, WUART and RUART exist; without them data is always hexadecimal."""
        return self.app_version is not None


#: SKVER of an RL7023 is quoted nowhere; the values are those of the firmware family.
PRODUCTS: dict[str, Product] = {
    product.name: product
    for product in (
        Product("bp35a1", "1.2.10", "rev26e", "001D1290", dual=False, long_port_table=True),
        Product("bp35c2", "1.5.2", "rev15", "001D1291", dual=True),
        Product("rl7023-dss", "1.5.2", None, "100723FFFE", dual=True),
        Product("rl7023-ips", "1.2.10", None, "100723FFFE", dual=False, info_end=" "),
    )
}


@dataclass(frozen=True, slots=True)
class J11Product:
    """One kind of dongle that speaks J11."""

    name: J11ProductName
    oui: str = "001D1291"
    """First digits of the MAC address (of the module)."""
    firmware: int = 0x0400
    """HAN and Route B; no other is known."""
    major: int = 1
    minor: int = 3
    revision: int = 0x158A


#: Firmware 1.3 rev 158A is that of a BP35C0-J11 (j11 captures 20 and 31); the RS-WSUHA-J11 holds the
#: same module, with another firmware.
J11_PRODUCTS: Mapping[str, J11Product] = MappingProxyType(
    {product.name: product for product in (J11Product("bp35c0-j11"), J11Product("rs-wsuha-j11"))}
)


def link_local(mac: str) -> str:
    """Return the IPv6 address of a MAC address of 16 hex digits: FE80::, U/L bit flipped."""
    interface = f"{int(mac, 16) ^ 1 << 57:016X}"
    groups = (interface[at : at + 4] for at in range(0, 16, 4))
    return "FE80:0000:0000:0000:" + ":".join(groups)
