"""What can go wrong with the demo."""


class DemoError(Exception):
    """The demo cannot go on; the message is for the person who started it."""
