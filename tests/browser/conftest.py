"""One Home Assistant for all tests in a browser; a browser with an empty profile for each."""

from collections.abc import AsyncIterator, Generator, Iterator
from dataclasses import dataclass
import os
from pathlib import Path
import re
import shutil

from _pytest.fixtures import SubRequest
import pytest

from tools.demo.browser import Page, browser, find_chromium
from tools.demo.client import HomeAssistantClient
from tools.demo.configuration import DOMAIN
from tools.demo.dongle import PASSWORD, ROUTE_B_ID
from tools.demo.frontend import Frontend, all_text
from tools.demo.jsons import as_objects, as_text
from tools.demo.onboarding import sign_in
from tools.demo.set_up import set_up_integration
from tools.emulator import Emulator, EmulatorConfig

from .ha_instance import HomeAssistantInstance, running_instance

_ENTRIES = "/api/config/config_entries/entry"
#: Where a test that fails leaves what it saw.
_FAILED = Path(__file__).parents[2] / ".demo" / "failed-browser-tests"
#: Pictures of other brands come from the internet, and without it from nowhere.
_FOREIGN_BRAND = re.compile(rf"/api/brands/integration/(?!{DOMAIN}/)")
#: What the frontend had asked when its page was left (ERR_CONNECTION_LOST of home-assistant-js-websocket).
_PAGE_LEFT = '"error":{"code":3,"message":"Connection lost"}'
#: The Route-B ID of a second meter.
_SECOND_ID = "00112233445566778899AABBCCDDEEFF"
_OUTCOMES = pytest.StashKey[dict[str, pytest.TestReport]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the first test the time that a new machine needs to set up and start everything."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(900))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let fixtures know how their test ended."""
    report = yield
    item.stash.setdefault(_OUTCOMES, {})[report.when] = report
    return report


@pytest.fixture(scope="session")
def chromium() -> None:
    """Skip where there is no Chromium, but fail where changes are judged."""
    if find_chromium() is None:
        reason = "There is no Chromium on this machine (Debian: apt-get install chromium)."
        (pytest.fail if "CI" in os.environ else pytest.skip)(reason)


@pytest.fixture(scope="session")
def instance(
    chromium: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HomeAssistantInstance]:
    """A Home Assistant that runs, and has nothing to complain of when all is over."""
    with running_instance(tmp_path_factory.mktemp("browser") / "instance") as built:
        yield built
    assert built.complaints() == []


@pytest.fixture
async def client(
    instance: HomeAssistantInstance, socket_enabled: None
) -> AsyncIterator[HomeAssistantClient]:
    """What is behind the frontend, to bring Home Assistant into the state that a test begins with."""
    async with HomeAssistantClient(instance.url) as signed_in:
        yield signed_in


@pytest.fixture
async def frontend(
    instance: HomeAssistantInstance, client: HomeAssistantClient, request: SubRequest
) -> AsyncIterator[Frontend]:
    """A browser that is signed in. The console of the browser must be silent about us."""
    tokens = await sign_in(client)
    async with browser() as page:
        await page.sign_in(instance.url, tokens)
        yield Frontend(page, instance.url)
        report = request.node.stash.get(_OUTCOMES, {}).get("call")
        if report is not None and report.failed:
            await _keep(page, instance, request.node.name)
    assert [text for text in page.complaints if not _is_foreign(text)] == []


def _is_foreign(complaint: str) -> bool:
    return bool(_FOREIGN_BRAND.search(complaint)) or _PAGE_LEFT in complaint


async def _keep(page: Page, instance: HomeAssistantInstance, name: str) -> None:
    """Keep what there is to be seen after a failure; what is printed stands in pytest's report."""
    folder = _FAILED / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    await page.save_picture(folder / "screen.png")
    shutil.copy(instance.log_file, folder)
    (folder / "console.txt").write_text("\n".join(page.complaints), encoding="utf-8")
    text = await all_text(page.tab.locator("body"))
    print(f"On the screen of {page.tab.url} (picture and log: {folder}):\n{text}")  # noqa: T201


async def _entries(client: HomeAssistantClient) -> list[str]:
    entries = as_objects(await client.get(f"{_ENTRIES}?domain={DOMAIN}"))
    return [as_text(entry["entry_id"]) for entry in entries]


async def remove_meters(client: HomeAssistantClient) -> None:
    """Remove every entry of the integration."""
    for entry_id in await _entries(client):
        await client.delete(f"{_ENTRIES}/{entry_id}")


@pytest.fixture
async def meter(
    instance: HomeAssistantInstance, frontend: Frontend, client: HomeAssistantClient
) -> str:
    """A meter that is set up, with thirty days of its history; the id of its entry."""
    for entry_id in await _entries(client):
        return entry_id
    return await set_up_integration(
        client,
        {
            "device": instance.dongle,
            "route_b_id": ROUTE_B_ID,
            "password": PASSWORD,
            "import_days": "month",
        },
        lambda _: None,
    )


@pytest.fixture
async def no_meter(frontend: Frontend, client: HomeAssistantClient) -> None:
    """No meter that is set up."""
    await remove_meters(client)


@dataclass(frozen=True, slots=True)
class SecondDongle:
    """A dongle beside that of the instance, near another meter."""

    emulator: Emulator
    port: str
    route_b_id: str = _SECOND_ID


@pytest.fixture
async def second(tmp_path: Path) -> AsyncIterator[SecondDongle]:
    """A second dongle, whose waits are ten times shorter than real ones."""
    port = str(tmp_path / "second")
    config = EmulatorConfig(route_b_id=_SECOND_ID, password=PASSWORD, speed=10.0, seed=2)
    async with Emulator(config) as emulator:
        emulator.serve_pty(port)
        yield SecondDongle(emulator, port)
