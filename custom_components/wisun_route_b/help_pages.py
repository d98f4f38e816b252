"""Where people read on: pages of the documentation in the language of the house."""

from typing import Final
from urllib.parse import quote

from homeassistant.core import HomeAssistant, callback

#: Where the project is: the documentation of the manifest.
PROJECT: Final = "https://github.com/wisun-route-b/wisun-route-b"
#: Language -> page and heading about the repair issues.
_REPAIRS: Final = {
    "en": ("docs/troubleshooting.md", "repairs"),
    "ja": ("docs/troubleshooting.ja.md", "修復"),
}


@callback
def repairs_url(hass: HomeAssistant) -> str:
    """Return the address of what is written about the repair issues."""
    language = hass.config.language.partition("-")[0]
    page, heading = _REPAIRS.get(language, _REPAIRS["en"])
    return f"{PROJECT}/blob/HEAD/{page}#{quote(heading)}"
