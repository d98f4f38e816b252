"""Errors of the demo."""


class DemoError(Exception):
    """The demo cannot go on; the message is for the user who started it."""


class NoAnswerError(DemoError):
    """Home Assistant does not answer, or not in time."""
