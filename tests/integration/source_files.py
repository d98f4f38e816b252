"""The source files of Home Assistant's side of the integration, for tests that read them."""

from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).parents[2] / "custom_components" / "wisun_route_b"
#: Every file outside the stack, in any folder.
FILES: Final = sorted(
    path for path in PACKAGE.rglob("*.py") if PACKAGE / "stack" not in path.parents
)


def name_of(path: Path) -> str:
    """Return a file's path inside the integration, with slashes."""
    return path.relative_to(PACKAGE).as_posix()
