"""The demo's folder and port: what it takes, and what it leaves alone."""

import json
from pathlib import Path
import socket
import sys

import pytest

from tools.demo.configuration import DOMAIN, Configuration
from tools.demo.errors import DemoError
from tools.demo.ports import chosen_port


def test_a_folder_of_an_earlier_demo_is_rebuilt(tmp_path: Path) -> None:
    configuration = Configuration(tmp_path / "demo")
    configuration.write(8123)
    (configuration.home_assistant / "left-over").touch()

    configuration.write(8124)

    assert not (configuration.home_assistant / "left-over").exists()
    stored = json.loads((configuration.home_assistant / ".storage" / "http").read_text())
    assert stored["data"]["stable"]["server_host"] == ["127.0.0.1"]
    assert stored["data"]["stable"]["server_port"] == 8124


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()

    with pytest.raises(DemoError, match="not from an earlier demo"):
        Configuration(tmp_path).write(8123)

    assert (tmp_path / "letter.txt").exists()


def test_home_assistant_finds_the_integration(tmp_path: Path) -> None:
    configuration = Configuration(tmp_path)
    configuration.write(8123)

    component = configuration.home_assistant / "custom_components" / DOMAIN
    assert (component / "manifest.json").exists()


def test_emptying_the_folder_leaves_the_integration_itself_alone(tmp_path: Path) -> None:
    configuration = Configuration(tmp_path)
    configuration.write(8123)
    manifest = configuration.home_assistant / "custom_components" / DOMAIN / "manifest.json"
    original = manifest.resolve()

    configuration.write(8123)

    assert original.exists()


@pytest.mark.usefixtures("socket_enabled")
def test_a_taken_port_is_told_and_not_replaced() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        with pytest.raises(DemoError, match=str(taken)), chosen_port(taken):
            pass


@pytest.mark.usefixtures("socket_enabled")
def test_any_free_port_can_be_had() -> None:
    with chosen_port(0) as port:
        assert port > 0


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.skipif(sys.platform != "linux", reason="Elsewhere no port can be kept")
def test_a_port_is_kept_for_home_assistant_until_the_demo_ends() -> None:
    with chosen_port(0) as port:
        for _ in range(2):  # a start, and a restart
            with socket.create_server(("127.0.0.1", port)):
                pass
        assert not _is_free(port)
    assert _is_free(port)


def _is_free(port: int) -> bool:
    """Return whether a port could be given to a program that asks for any."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
