"""Links from the dialogs to the documentation, in Home Assistant's language."""

from typing import Final
from urllib.parse import quote

from homeassistant.core import HomeAssistant, callback

#: Address of the project, as in the manifest.
PROJECT: Final = "https://github.com/wisun-route-b/wisun-route-b"
#: Language -> page and heading about the repair issues.
_REPAIRS: Final = {
    "en": ("docs/troubleshooting.md", "repairs"),
    "ja": ("docs/troubleshooting.ja.md", "修復"),
}


@callback
def repairs_url(hass: HomeAssistant) -> str:
    """Return the address of the section about the repair issues."""
    language = hass.config.language.partition("-")[0]
    page, heading = _REPAIRS.get(language, _REPAIRS["en"])
    return f"{PROJECT}/blob/HEAD/{page}#{quote(heading)}"
