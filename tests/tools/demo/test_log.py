"""What counts as a complaint about the integration in Home Assistant's log."""

from tools.demo.log import complaints

_STAMP = "2026-11-22 21:58:20.406+00:00"
_FINE = f"{_STAMP} DEBUG (MainThread) [custom_components.wisun_route_b] all is well\n"
_NOTICE = (
    f"{_STAMP} WARNING (SyncWorker_0) [homeassistant.loader] We found a custom integration"
    " wisun_route_b which has not been tested by Home Assistant.\n"
)
_BUSY = (
    f"{_STAMP} WARNING (MainThread) [homeassistant.helpers.entity] Updating state for"
    " sensor.smart_meter_current_r (<class 'custom_components.wisun_route_b.sensor.PropertySensor'>)"
    " took 0.940 seconds. Please create a bug report at https://example.org/wisun_route_b/issues\n"
)
_FOREIGN = f"""\
{_STAMP} ERROR (MainThread) [haffmpeg.core] FFmpeg fails
Traceback (most recent call last):
  File "/home/me/.cache/wisun_route_b/python3.14/lib/asyncio/subprocess.py", line 1, in start
    start()
FileNotFoundError: [Errno 2] No such file or directory: 'ffmpeg'
"""
_WARNING = f"{_STAMP} WARNING (MainThread) [custom_components.wisun_route_b.sensor] Oh"
_TRACEBACK = f"""\
{_STAMP} ERROR (MainThread) [homeassistant.core] Error doing job
Traceback (most recent call last):
  File "/config/custom_components/wisun_route_b/sensor.py", line 1, in update
    1 / 0
ZeroDivisionError: division by zero"""


def test_nothing_is_said_of_a_good_log() -> None:
    assert complaints("", "wisun_route_b") == []
    assert complaints(_FINE + _NOTICE + _BUSY + _FOREIGN, "wisun_route_b") == []


def test_a_warning_that_names_the_integration_is_found() -> None:
    assert complaints(_FINE + _WARNING + "\n" + _FINE, "wisun_route_b") == [_WARNING]


def test_a_traceback_through_the_integration_is_found_whole() -> None:
    log = _FOREIGN + _TRACEBACK + "\n" + _FINE

    assert complaints(log, "wisun_route_b") == [_TRACEBACK]


def test_a_traceback_is_found_at_any_level() -> None:
    quiet = _TRACEBACK.replace("ERROR", "DEBUG", 1)

    assert complaints(quiet, "wisun_route_b") == [quiet]


def test_path_of_the_interpreter_in_a_message_of_another_is_no_complaint() -> None:
    text = "Thread is still running at shutdown: File /home/user/.cache/wisun_route_b/python3.14/thread.py"
    log = f"{_STAMP} WARNING (Thread-5) [homeassistant.util.executor] {text}"

    assert complaints(log, "wisun_route_b") == []
