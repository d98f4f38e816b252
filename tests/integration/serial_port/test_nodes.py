"""Ports compared by their device numbers: in a container, names mean other ports or none."""

from collections.abc import Iterator
import os
from pathlib import Path
import pty

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_DEVICE
from homeassistant.core import HomeAssistant
import pytest

from custom_components.wisun_route_b.const import CONF_USB
from custom_components.wisun_route_b.serial_port import listing, names
from tests.stack.scripted import ScriptedDongle

from ..conftest import set_up
from ..flow.dialogs import FORM, open_form, submit
from .usb_ports import Machine, device, known, other_stick

#: A node that every container has, and its device number.
NULL, NULL_NUMBER = "/dev/null", "1:3"


class Container:
    """The host's list of ports, by the kernel's numbers, and a node of the container."""

    def __init__(self, kernel: Path, node: str) -> None:
        self._kernel = kernel
        self.node = node
        number = Path(node).stat().st_rdev
        self.number = f"{os.major(number)}:{os.minor(number)}"

    def lists(self, name: str, number: str) -> None:
        """Have the kernel list a port under this name, with this number."""
        (self._kernel / name).mkdir(parents=True)
        (self._kernel / name / "dev").write_text(f"{number}\n")


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Container]:
    monkeypatch.setattr(listing, "_KERNEL_PORTS", tmp_path / "sys")
    monkeypatch.setattr(listing, "_DEVICES", Path("/dev/pts"))
    master, slave = pty.openpty()
    yield Container(tmp_path / "sys", os.ttyname(slave))
    os.close(master)
    os.close(slave)


@pytest.fixture
def machine(dongle: ScriptedDongle, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


async def test_node_with_another_name_than_the_listed_one_is_kept(
    hass: HomeAssistant, machine: Machine, container: Container, dongle: ScriptedDongle
) -> None:
    container.lists("ttyUSB90", container.number)
    machine.listed = [device("/dev/ttyUSB90")]
    machine.dongles[container.node] = dongle
    entry = known(container.node)

    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.LOADED
    assert machine.opened == [container.node]


async def test_name_that_the_host_gives_to_another_port_is_kept(
    hass: HomeAssistant, machine: Machine, container: Container, dongle: ScriptedDongle
) -> None:
    # As with "--device /dev/ttyUSB91:/dev/null": the name is that of another port of the host.
    container.lists("null", "188:90")
    container.lists("ttyUSB91", NULL_NUMBER)
    machine.listed = [other_stick(NULL), device("/dev/ttyUSB91")]
    machine.dongles[NULL] = dongle
    entry = known(NULL)

    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.LOADED
    assert machine.opened == [NULL]


async def test_dongle_that_has_moved_is_opened_at_the_node_that_the_container_has(
    hass: HomeAssistant, machine: Machine, container: Container, dongle: ScriptedDongle
) -> None:
    container.lists("ttyUSB91", container.number)
    machine.listed = [device("/dev/ttyUSB91")]
    machine.dongles[container.node] = dongle
    entry = known("/dev/ttyUSB90")

    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.LOADED
    assert entry.data[CONF_DEVICE] == container.node


async def test_dongle_that_the_container_has_no_node_of_leaves_the_port_as_it_was(
    hass: HomeAssistant, machine: Machine, container: Container
) -> None:
    container.lists("ttyUSB91", "188:91")
    machine.listed = [device("/dev/ttyUSB91")]
    entry = known("/dev/ttyUSB90")

    await set_up(hass, entry)

    assert entry.error_reason_translation_key == "port_not_found"
    assert entry.data[CONF_DEVICE] == "/dev/ttyUSB90"


@pytest.mark.parametrize("number", [None, "0001", "DK00TEST"])
@pytest.mark.parametrize("twins", [True, False], ids=["twins", "one"])
async def test_name_that_two_devices_share_is_not_stored(
    hass: HomeAssistant,
    machine: Machine,
    container: Container,
    *,
    dongle: ScriptedDongle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: str | None,
    twins: bool,
) -> None:
    by_id, by_socket = tmp_path / "by-id", tmp_path / "by-path" / "pci-0000:00:14.0-usb-0:2:1.0"
    by_socket.parent.mkdir()
    for link in (by_id, by_socket):
        link.symlink_to(container.node)
        machine.dongles[str(link)] = dongle
    monkeypatch.setattr(names, "_BY_SOCKET", by_socket.parent)
    monkeypatch.setattr("homeassistant.components.usb.get_serial_by_id", lambda _: str(by_id))
    machine.listed = [device(container.node, number)]
    if twins:
        machine.listed.append(device("/dev/ttyUSB91", number))
    flow_id = await open_form(hass)

    result = await submit(hass, flow_id, FORM, device=container.node)

    assert result["data"][CONF_DEVICE] == str(by_socket if twins else by_id)
    assert (result["data"][CONF_USB] is None) is (twins or number != "DK00TEST")


async def test_another_device_is_known_by_its_number_under_any_name(
    hass: HomeAssistant, machine: Machine, container: Container, dongle: ScriptedDongle
) -> None:
    container.lists("ttyUSB90", container.number)
    machine.listed = [other_stick("/dev/ttyUSB90")]
    machine.dongles[container.node] = dongle
    entry = known(container.node)

    await set_up(hass, entry)

    assert entry.error_reason_translation_key == "other_device"
    assert machine.opened == []


async def test_devices_that_cannot_be_looked_through_leave_the_port_as_it_was(
    hass: HomeAssistant,
    machine: Machine,
    container: Container,
    *,
    dongle: ScriptedDongle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listing, "_DEVICES", tmp_path / "none")
    container.lists("ttyUSB91", "188:91")
    machine.listed = [device("/dev/ttyUSB91")]
    machine.dongles["/dev/ttyUSB90"] = dongle
    entry = known("/dev/ttyUSB90")

    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.LOADED
    assert machine.opened == ["/dev/ttyUSB90"]
