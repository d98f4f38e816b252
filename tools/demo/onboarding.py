"""Creates the demo's user and sets the home's location."""

from typing import Final

from .client import HomeAssistantClient
from .jsons import JsonObject, as_object, as_text

USERNAME: Final = "demo"
PASSWORD: Final = "demo"


async def onboard(home_assistant: HomeAssistantClient, language: str) -> JsonObject:
    """Create the user, sign in, and set the location to Tokyo. Returns the tokens of the sign-in."""
    # As the frontend names itself when it is opened at this address.
    client_id = f"{home_assistant.url}/"
    user = {"name": "Demo", "username": USERNAME, "password": PASSWORD, "language": language}
    created = as_object(
        await home_assistant.post("/api/onboarding/users", {"client_id": client_id, **user})
    )
    tokens = await _trade(home_assistant, client_id, as_text(created["auth_code"]))
    await home_assistant.command(
        "config/core/update",
        location_name="自宅" if language == "ja" else "Home",
        language=language,
        country="JP",
        currency="JPY",
        time_zone="Asia/Tokyo",
        latitude=35.681,
        longitude=139.767,
        unit_system="metric",
    )
    await choose_language(home_assistant, language)
    return tokens


async def choose_language(home_assistant: HomeAssistantClient, language: str) -> None:
    """Choose the language of the frontend; its times are to be those of Home Assistant."""
    # Else the frontend uses the language and the time zone of the browser.
    await home_assistant.command(
        "frontend/set_user_data",
        key="language",
        value={"language": language, "number_format": "language", "time_zone": "server"},
    )


async def sign_in(home_assistant: HomeAssistantClient) -> JsonObject:
    """Sign in as the user that exists; return the tokens."""
    client_id = f"{home_assistant.url}/"
    flow = as_object(
        await home_assistant.post(
            "/auth/login_flow",
            {
                "client_id": client_id,
                "handler": ["homeassistant", None],
                "redirect_uri": client_id,
            },
        )
    )
    result = as_object(
        await home_assistant.post(
            f"/auth/login_flow/{as_text(flow['flow_id'])}",
            {"client_id": client_id, "username": USERNAME, "password": PASSWORD},
        )
    )
    return await _trade(home_assistant, client_id, as_text(result["result"]))


async def _trade(home_assistant: HomeAssistantClient, client_id: str, code: str) -> JsonObject:
    """Exchange the code of a sign-in for tokens, and use them."""
    tokens = as_object(
        await home_assistant.post_form(
            "/auth/token",
            {"client_id": client_id, "grant_type": "authorization_code", "code": code},
        )
    )
    home_assistant.sign_in(as_text(tokens["access_token"]))
    return tokens


async def sign_in_again(home_assistant: HomeAssistantClient, tokens: JsonObject) -> JsonObject:
    """Get a new token for the same user; return all tokens."""
    renewed = as_object(
        await home_assistant.post_form(
            "/auth/token",
            {
                "client_id": f"{home_assistant.url}/",
                "grant_type": "refresh_token",
                "refresh_token": as_text(tokens["refresh_token"]),
            },
        )
    )
    home_assistant.sign_in(as_text(renewed["access_token"]))
    return {**tokens, **renewed}
