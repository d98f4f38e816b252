"""Keeps what was typed as a credential out of error messages."""

from collections.abc import Iterator, Sequence
import re

_OPTIONS = ("--id", "--password")
_MASK = "****"


def hide_credentials(message: str, words: Sequence[str]) -> str:
    """Mask every word that may be a part of a credential.

    An ID is printed in groups on the letter; typed so without quotes, all but its first group
    look like other arguments, and argparse would repeat them.
    """
    parts = sorted(set(_parts(words)), key=len, reverse=True)
    if not parts:
        return message
    return re.sub("|".join(map(re.escape, parts)), _MASK, message)


def _parts(words: Sequence[str]) -> Iterator[str]:
    open_option = False
    for word in words:
        name, equals, value = word.partition("=")
        if name in _OPTIONS:
            open_option = True
            if equals and value:
                yield value
        elif word.startswith("-"):
            open_option = False
        elif open_option and word:
            yield word
