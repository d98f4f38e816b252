"""Every fault that a world's dongle can have."""

from .faults import Fault, common_faults
from .j11_faults import j11_faults
from .world import World


def catalogue(world: World) -> dict[str, Fault]:
    """Return all faults by name, in an order that never changes."""
    faults = common_faults(world.vocabulary)
    if world.emulator.config.j11 is not None:
        faults += j11_faults()
    return {fault.name: fault for fault in faults}
