"""Who may import whom: the stack must stand on its own feet."""

from pathlib import Path
import subprocess
import sys

ROOT = Path(__file__).parent.parent

# Runs in a fresh interpreter. Importing a part of a package runs the __init__ of its parents, and
# that of wisun_route_b is Home Assistant's; empty parents with the right __path__ stand in.
_IMPORT_THE_STACK_ALONE = """
import importlib, pkgutil, sys, types

BLOCKED = ("homeassistant", "probatio", "voluptuous")

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"{name} is blocked", name=name)

sys.meta_path.insert(0, Blocker())
for name in ("custom_components", "custom_components.wisun_route_b"):
    parent = types.ModuleType(name)
    parent.__path__ = [name.replace(".", "/")]
    sys.modules[name] = parent

stack = importlib.import_module("custom_components.wisun_route_b.stack")
modules = [module.name for module in pkgutil.walk_packages(stack.__path__, stack.__name__ + ".")]
for name in modules:
    importlib.import_module(name)
assert not [name for name in sys.modules if name.partition(".")[0] in BLOCKED]
print("\\n".join(modules))
"""


# With an empty parent for the stack as well, whose __init__ imports all of it.
_IMPORT_THE_SEAM_ALONE = """
import importlib, sys, types

for name in (
    "custom_components",
    "custom_components.wisun_route_b",
    "custom_components.wisun_route_b.stack",
):
    parent = types.ModuleType(name)
    parent.__path__ = [name.replace(".", "/")]
    sys.modules[name] = parent

importlib.import_module("custom_components.wisun_route_b.stack.dongle.dongle")
print("\\n".join(name for name in sys.modules if ".stack." in name))
"""


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_stack_imports_without_home_assistant() -> None:
    result = _run(sys.executable, "-c", _IMPORT_THE_STACK_ALONE)

    assert result.returncode == 0, result.stderr
    assert "custom_components.wisun_route_b.stack.link.client" in result.stdout.splitlines()


def test_stack_alone_is_really_cut_off_from_home_assistant() -> None:
    result = _run(sys.executable, "-c", _IMPORT_THE_STACK_ALONE + "import homeassistant")

    assert result.returncode != 0
    assert "homeassistant is blocked" in result.stderr


def test_the_seam_for_dongles_loads_no_protocol_and_no_driver() -> None:
    result = _run(sys.executable, "-c", _IMPORT_THE_SEAM_ALONE)

    stack = "custom_components.wisun_route_b.stack"
    assert result.returncode == 0, result.stderr
    assert set(result.stdout.split()) == {
        f"{stack}.credentials",
        f"{stack}.dongle",
        f"{stack}.dongle.dongle",
        f"{stack}.dongle.scan_passes",
        f"{stack}.errors",
    }


def test_import_contracts_are_kept() -> None:
    result = _run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache")

    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout
