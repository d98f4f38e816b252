"""Talks to the person at the terminal."""

import sys


def say(text: str) -> None:
    """Tell the person something. Standard output is for results."""
    print(text, file=sys.stderr, flush=True)
