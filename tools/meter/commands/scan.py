"""``scan``: which networks are received, and how well."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, override

from custom_components.wisun_route_b.stack import FoundNetwork, survey

from ..context import Command, Context
from ..exit_codes import ExitCode
from ..screen import Json

#: See the passes of a search in the stack; 8.7 s, and 17.5 s more if no meter is found.
DEFAULT_DURATION = 6
_ROW = "{:<16}{:<6}{:>4}{:>11}  {:<6}{}"


@dataclass(frozen=True, slots=True)
class Scan(Command):
    """Listen where meters are, else on all channels. Ours is the network that shows our pairing ID."""

    name: ClassVar = "scan"
    duration: int = DEFAULT_DURATION

    @override
    async def run(self, context: Context) -> ExitCode:
        found = await survey(
            context.connector, context.require_credentials(), self.duration, context.screen.progress
        )
        ours = any(network.ours for network in found.networks)
        context.screen.result(
            {
                "dongle": found.dongle.protocol,
                "duration": self.duration,
                "networks": [
                    _document(network, address=context.show_addresses) for network in found.networks
                ],
            },
            _lines(found.networks, addresses=context.show_addresses),
        )
        if not ours:
            context.screen.note(
                "No network has this Route-B ID. Move the dongle closer, check the ID, or listen"
                f" longer (--duration {self.duration + 1})."
            )
        return ExitCode.OK if ours else ExitCode.LINK


def _document(found: FoundNetwork, *, address: bool) -> Json:
    network = found.network
    return {
        "channel": network.channel,
        "pan_id": f"{network.pan_id:04X}",
        "lqi": found.lqi,
        "dbm": None if found.dbm is None else round(found.dbm, 1),
        "ours": found.ours,
        **({"address": network.address} if address else {}),
    }


def _lines(networks: tuple[FoundNetwork, ...], *, addresses: bool) -> Iterator[str]:
    if not networks:
        yield "No network was found."
        return
    last = "address" if addresses else ""
    yield _ROW.format("channel", "PAN", "LQI", "strength", "ours", last).rstrip()
    for found in networks:
        network = found.network
        yield _ROW.format(
            f"{network.channel} ({network.frequency_mhz:.1f} MHz)",
            f"{network.pan_id:04X}",
            "-" if found.lqi is None else found.lqi,
            "-" if found.dbm is None else f"{found.dbm:.0f} dBm",
            "yes" if found.ours else "no",
            network.address if addresses else "",
        ).rstrip()
