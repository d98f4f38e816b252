"""momonga, unchanged, in a process whose sleeps are cut short.

It sleeps for 15 s while it opens, and reads its port for two more to empty it: time that only a
real dongle and a real meter need.
"""

import time
from types import SimpleNamespace
from typing import Any

from momonga import momonga, momonga_session_manager, momonga_sk_wrapper

_MOMENT = 0.001


def keep_awake() -> None:
    """Have no session of momonga's in this process sleep; its timeouts stay as they are."""
    awake: Any = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: time.sleep(_MOMENT))
    for module in (momonga, momonga_session_manager):
        vars(module)["time"] = awake
    # It waits for what an earlier program may have left in the line.
    wrapper: Any = momonga_sk_wrapper.MomongaSkWrapper
    wrapper._clear_buf = lambda _: None
