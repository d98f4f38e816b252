"""JSON as it comes from outside, and the functions that give it a type."""

from .errors import DemoError

type Json = dict[str, Json] | list[Json] | str | int | float | bool | None
type JsonObject = dict[str, Json]


def as_object(value: Json) -> JsonObject:
    """Return a JSON object."""
    if not isinstance(value, dict):
        raise DemoError(f"An object was expected, not {value!r}.")
    return value


def as_list(value: Json) -> list[Json]:
    """Return a list."""
    if not isinstance(value, list):
        raise DemoError(f"A list was expected, not {value!r}.")
    return value


def as_objects(value: Json) -> list[JsonObject]:
    """Return a list of JSON objects."""
    return [as_object(item) for item in as_list(value)]


def as_text(value: Json) -> str:
    """Return a string."""
    if not isinstance(value, str):
        raise DemoError(f"A string was expected, not {value!r}.")
    return value
