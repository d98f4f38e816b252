"""Everything about an emulator that can be chosen."""

from dataclasses import dataclass, field
import re
from typing import Literal

from .meter.clock import Clock, system_clock
from .meter.model import FIRST_GENERATION, MeterModel
from .products import J11_PRODUCTS, PRODUCTS, DongleName, J11Product, Output, Product

type Push = Literal["inf", "infc", "none"]

#: A scan with 4 missed a meter that one with 5 found (capture 02); none is known to have been
#: found with 4.
SHORTEST_SCAN = 5
#: Seconds, as announced by all four meters whose PANA packets are known (captures 01, 06, 09, 13).
SESSION_LIFETIME = 86_400.0
#: Credentials that are plainly no real ones.
DUMMY_ID = "0123456789ABCDEF0123456789ABCDEF"
DUMMY_PASSWORD = "0123456789AB"  # noqa: S105 - made up


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorConfig:
    """The choices, with defaults that make a well-behaved dongle beside its meter."""

    dongle: DongleName = "bp35c2"
    output: Output | None = None
    """How datagrams are printed; None = as from the factory (ROHM: binary, RL7023: ascii).

    SKSTACK only.
    """
    route_b_id: str = field(default=DUMMY_ID, repr=False)
    password: str = field(default=DUMMY_PASSWORD, repr=False)
    speed: float = 1.0
    """Waits of the dongle and the radio are this many times shorter; not the wall clock."""
    session_lifetime: float = SESSION_LIFETIME
    """Seconds at speed 1; the dongle renews the session by itself when 80 % of it are over."""
    seed: int = 0
    """Same seed, same meter, household, addresses, delays and splits."""
    clock: Clock = system_clock
    """The meter's wall clock."""
    model: MeterModel = FIRST_GENERATION
    echo: bool = True
    """What register SFE is at power-on and after SKRESET."""
    push: Push = "inf"
    """Kind of the half-hourly announcement of EA and EB."""
    neighbours: int = 0
    """Other meters in range, which a scan receives as well."""
    in_range: bool = True
    """False: no meter is in range."""
    shortest_scan: int = SHORTEST_SCAN
    """Our meter does not answer scans of a shorter duration."""
    whole_scans_only: bool = False
    """The dongle finds nothing if it does not scan all channels. SKSTACK only.

    One report describes that for a mask of a single channel.
    """
    sign_in_delay: float = 0.0
    """Seconds at speed 1 more than usual until the meter's first packet of a sign-in."""
    split_reads: bool = True
    """The in-process transport hands bytes to the host in pieces of random size."""

    def __post_init__(self) -> None:
        """Refuse combinations that no dongle has."""
        if self.dongle not in PRODUCTS and self.j11 is None:
            raise ValueError(f"The dongle is one of {', '.join((*PRODUCTS, *J11_PRODUCTS))}")
        if self.output is not None and self.j11 is not None:
            raise ValueError("A J11 dongle has no choice of output")
        if self.output == "binary" and not self.product.has_options:
            raise ValueError("An RL7023 prints datagrams in ascii only")
        if not re.fullmatch(r"[0-9A-F]{32}", self.route_b_id):
            raise ValueError("The Route-B ID has 32 digits, 0 to 9 and A to F")
        if not re.fullmatch(r"[0-9A-Za-z]{12}", self.password):
            raise ValueError("The password has 12 letters or digits")
        if self.whole_scans_only and self.j11 is not None:
            raise ValueError("Only SKSTACK dongles can do without some channels")
        if not self.sign_in_delay >= 0:
            raise ValueError("The delay of a sign-in is not negative")
        if not self.speed > 0:
            raise ValueError("The speed is a positive number")
        if not self.session_lifetime > 0:
            raise ValueError("The lifetime of a session is a positive number of seconds")

    @property
    def product(self) -> Product:
        """What the chosen SKSTACK dongle is like; KeyError if it speaks J11."""
        return PRODUCTS[self.dongle]

    @property
    def j11(self) -> J11Product | None:
        """What the chosen J11 dongle is like; None if it speaks SKSTACK."""
        return J11_PRODUCTS.get(self.dongle)

    @property
    def binary(self) -> bool:
        """Whether datagrams are printed as raw bytes at first."""
        if self.output is None:
            return self.product.has_options
        return self.output == "binary"
