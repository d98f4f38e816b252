"""The demo, as a person starts it: a real Home Assistant reads the emulated meter."""

from decimal import Decimal
import json
import subprocess

import pytest

from tests.e2e.demo_runs import run_demo
from tools.demo.configuration import DOMAIN
from tools.demo.dongle import PASSWORD, ROUTE_B_ID
from tools.demo.log import complaints

#: Environment, start, set-up and two polls take less than a minute; a fresh machine is slower.
_TIMEOUT_S = 900


@pytest.fixture(scope="module", params=["bp35c2", "rs-wsuha-j11"])
def demo(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run `scripts/demo --check` once for each protocol; return how it ended, and the log."""
    folder = tmp_path_factory.mktemp("demo")
    ended = run_demo("--check", "--dongle", request.param, folder=folder, timeout_s=_TIMEOUT_S)
    (log,) = folder.rglob("home-assistant.log")
    return ended, log.read_text(encoding="utf-8")


@pytest.mark.timeout(_TIMEOUT_S)
def test_every_sensor_shows_what_the_meter_had(
    demo: tuple[subprocess.CompletedProcess[str], str],
) -> None:
    ended, _ = demo
    assert ended.returncode == 0, ended.stderr
    shown = json.loads(ended.stdout)
    assert {key.removeprefix("sensor.smart_meter_") for key in shown} == {
        "power",
        "current_r",
        "current_t",
        "imported_energy",
        "exported_energy",
        "half_hour_import",
        "half_hour_export",
        "link_state",
        "binary_sensor.smart_meter_connectivity",
        "binary_sensor.smart_meter_fault",
    }
    assert shown.pop("sensor.smart_meter_link_state")["state"] == "connected"
    assert shown.pop("binary_sensor.smart_meter_connectivity")["state"] == "on"
    assert shown.pop("binary_sensor.smart_meter_fault")["state"] == "off"
    for state in shown.values():
        assert Decimal(state["state"]).is_finite()


@pytest.mark.timeout(_TIMEOUT_S)
def test_no_secret_is_in_the_log_at_debug_level(
    demo: tuple[subprocess.CompletedProcess[str], str],
) -> None:
    _, log = demo
    assert f"DEBUG (MainThread) [custom_components.{DOMAIN}" in log
    for secret in (ROUTE_B_ID, PASSWORD, ROUTE_B_ID[-8:], "FE80:0000:0000:0000:"):
        assert secret.lower() not in log.lower()
        assert secret.encode().hex() not in log.lower()


@pytest.mark.timeout(_TIMEOUT_S)
def test_the_log_complains_of_nothing_of_ours(
    demo: tuple[subprocess.CompletedProcess[str], str],
) -> None:
    _, log = demo
    assert complaints(log, DOMAIN) == []
