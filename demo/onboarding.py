"""Makes the demo's user and tells Home Assistant where it lives."""

from typing import Final

from .client import HomeAssistantClient
from .jsons import JsonObject, as_object, as_text

USERNAME: Final = "demo"
PASSWORD: Final = "demo"


async def onboard(home_assistant: HomeAssistantClient, language: str) -> JsonObject:
    """Create the user, sign in, and settle in Tokyo. Returns the tokens of the sign-in."""
    # As the frontend names itself when it is opened at this address.
    client_id = f"{home_assistant.url}/"
    user = {"name": "Demo", "username": USERNAME, "password": PASSWORD, "language": language}
    created = as_object(
        await home_assistant.post("/api/onboarding/users", {"client_id": client_id, **user})
    )
    tokens = as_object(
        await home_assistant.post_form(
            "/auth/token",
            {
                "client_id": client_id,
                "grant_type": "authorization_code",
                "code": as_text(created["auth_code"]),
            },
        )
    )
    home_assistant.sign_in(as_text(tokens["access_token"]))
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
    # Else the frontend goes by the language of the browser.
    await home_assistant.command(
        "frontend/set_user_data",
        key="language",
        value={"language": language, "number_format": "language"},
    )
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
