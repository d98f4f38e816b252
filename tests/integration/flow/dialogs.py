"""How a test goes through a dialog, as a browser does."""

from typing import Any

from homeassistant.config_entries import SOURCE_USER, ConfigFlowResult
from homeassistant.const import CONF_DEVICE, CONF_PASSWORD
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from custom_components.wisun_route_b.const import CONF_ROUTE_B_ID, DOMAIN
from tests.stack.scripted import PASSWORD, ROUTE_B_ID

from ..conftest import SCRIPTED_PORT

FORM = {CONF_DEVICE: SCRIPTED_PORT, CONF_ROUTE_B_ID: ROUTE_B_ID, CONF_PASSWORD: PASSWORD}


async def open_form(hass: HomeAssistant) -> str:
    """Begin to add a meter; return the id of the flow."""
    result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "user"
    assert not result["errors"]
    return result["flow_id"]


async def submit(
    hass: HomeAssistant, flow_id: str, form: dict[str, Any], **changes: str
) -> ConfigFlowResult:
    """Send the form, and wait for what comes after the progress, as a browser does."""
    result = await hass.config_entries.flow.async_configure(flow_id, {**form, **changes})
    while result["type"] is FlowResultType.SHOW_PROGRESS:
        await hass.async_block_till_done()
        result = await hass.config_entries.flow.async_configure(flow_id)
    await hass.async_block_till_done()
    return result
