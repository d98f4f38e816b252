"""The configuration folder that the demo's Home Assistant runs on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
import json
from pathlib import Path
import shutil
from typing import Final

from .errors import DemoError
from .jsons import JsonObject
from .process import ROOT

DOMAIN: Final = "wisun_route_b"

#: Marks a folder that the demo may empty.
_MARKER: Final = ".wisun_route_b-demo"

# Enough for the device page, history and the Energy dashboard. What `default_config` has beyond
# this looks for devices and accounts of the user who runs the demo.
_YAML: Final = """\
api:
config:
energy:
frontend:
history:
logbook:
system_health:
logger:
  default: warning
  logs:
"""
#: Loggers that say more than warnings.
_LOGS: Final = {f"custom_components.{DOMAIN}": "debug"}

_ONBOARDING: Final = {
    "version": 4,
    "minor_version": 1,
    "key": "onboarding",
    # The step "core_config" would add integrations that want the internet.
    "data": {"done": ["core_config", "analytics", "integration"]},
}


@dataclass(frozen=True, slots=True)
class Configuration:
    """The files of one demo, all below one folder."""

    folder: Path

    @property
    def home_assistant(self) -> Path:
        """Home Assistant's own configuration folder."""
        return self.folder / "config"

    @property
    def log(self) -> Path:
        """Home Assistant's log."""
        return self.home_assistant / "home-assistant.log"

    @property
    def dongle(self) -> Path:
        """The serial port of the emulated dongle."""
        return self.folder / "dongle"

    def write(
        self,
        port: int,
        more: str = "",
        stored: Iterable[JsonObject] = (),
        logs: Mapping[str, str] = _LOGS,
    ) -> None:
        """Write all files again; ``more`` are further lines of YAML.

        ``stored`` are more files of Home Assistant's storage, each with its key; ``logs`` are the
        loggers that say more than warnings, and their levels.

        Raises:
            DemoError: The folder holds something that no demo has made.
        """
        self._clear()
        storage = self.home_assistant / ".storage"
        storage.mkdir(parents=True)
        (self.folder / _MARKER).touch()
        levels = "".join(f"    {name}: {level}\n" for name, level in logs.items())
        yaml = _YAML + levels + more
        (self.home_assistant / "configuration.yaml").write_text(yaml, encoding="utf-8")
        files: tuple[Mapping[str, object], ...] = (_ONBOARDING, _http(port), *stored)
        for content in files:
            (storage / str(content["key"])).write_text(json.dumps(content), encoding="utf-8")
        components = self.home_assistant / "custom_components"
        components.mkdir()
        (components / DOMAIN).symlink_to(ROOT / "custom_components" / DOMAIN)

    def _clear(self) -> None:
        if not self.folder.exists():
            return
        if any(self.folder.iterdir()) and not (self.folder / _MARKER).exists():
            raise DemoError(f"{self.folder} is not empty and not from an earlier demo.")
        shutil.rmtree(self.folder)


def _http(port: int) -> dict[str, object]:
    """Return the stored settings of Home Assistant's HTTP server.

    The same settings in YAML would count as a trial, which Home Assistant takes back after five
    minutes unless it is confirmed.
    """
    stable = {
        "server_host": ["127.0.0.1"],
        "server_port": port,
        "cors_allowed_origins": ["https://cast.home-assistant.io"],
        "login_attempts_threshold": -1,
        "ip_ban_enabled": True,
        "ssl_profile": "modern_v6",
        "use_x_frame_options": True,
        "created_at": "2026-01-01T00:00:00+00:00",
        "error": None,
        "error_message": None,
    }
    data = {"stable": stable, "pending": None, "yaml_migration_done": True}
    return {"version": 3, "minor_version": 1, "key": "http", "data": data}
