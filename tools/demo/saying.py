"""Messages to the user at the terminal."""

import sys


def say(text: str) -> None:
    """Print a message on standard error. Standard output is for results."""
    print(text, file=sys.stderr, flush=True)
