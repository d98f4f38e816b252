"""What a command answers when it is executed."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """What stands behind the result of a success, and what then begins by itself."""

    data: bytes = b""
    then: Callable[[], None] | None = None
