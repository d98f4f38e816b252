"""Outcomes for a session whose lifetime is over."""

from typing import Literal

#: The dongle joins again and succeeds, it fails, or it does not even try.
type Renewal = Literal["module", "fails", "none"]
