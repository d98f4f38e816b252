"""What Home Assistant's log says about an integration."""

from datetime import UTC, datetime

from tools.bench.in_home_assistant.log_records import count_lines, set_up_began

_LOG = """\
2026-11-24 09:00:01.250+00:00 INFO (MainThread) [homeassistant.setup] Setting up usb
2026-11-24 09:00:02.500+00:00 INFO (MainThread) [homeassistant.setup] Setting up wisun_route_b
2026-11-24 09:00:03.000+00:00 WARNING (MainThread) [homeassistant.loader] We found wisun_route_b
2026-11-24 09:00:04.000+00:00 ERROR (MainThread) [momonga.momonga] It failed
Traceback (most recent call last):
  File "x.py", line 1
2026-11-24 09:00:05.000+00:00 INFO (MainThread) [momonga.momonga] Trying again
2026-11-24 09:00:06.000+00:00 WARNING (SyncWorker_1) [homeassistant.components.usb] Something
"""


def test_begin_of_a_set_up_is_found_by_its_domain() -> None:
    began = datetime(2026, 11, 24, 9, 0, 2, 500_000, UTC)

    assert set_up_began(_LOG, "wisun_route_b") == began
    assert set_up_began(_LOG, "wisun") is None


def test_only_what_is_logged_by_default_counts_and_a_traceback_belongs_to_its_error() -> None:
    assert count_lines(_LOG, ("momonga",)) == 3
    assert count_lines(_LOG, ("custom_components.wisun_route_b",)) == 0
    assert count_lines(_LOG, ("momonga", "homeassistant.components.usb")) == 4
