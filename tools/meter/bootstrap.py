"""Makes the stack importable where there is no Home Assistant, and quickly where there is.

Importing a part of a package runs the ``__init__`` of its parents, and that of the integration
is Home Assistant's. Empty parents with the right ``__path__`` stand in, so the stack keeps its
one canonical name.
"""

from pathlib import Path
import sys
from types import ModuleType

_ROOT = Path(__file__).parents[2]


def without_home_assistant() -> None:
    """Put the empty parents in place; must come before the first import of the stack."""
    for name in ("custom_components", "custom_components.wisun_route_b"):
        if name not in sys.modules:
            parent = ModuleType(name)
            parent.__path__ = [str(_ROOT.joinpath(*name.split(".")))]
            sys.modules[name] = parent
