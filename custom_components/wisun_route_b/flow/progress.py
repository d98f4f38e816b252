"""How far a sign-in has come, for the dialog: a text for each phase, one rising fraction."""

from typing import Final

from ..stack import Progress, Stage

#: Stage -> text under ``config.progress``, and its share of the whole. Looking for the meter
#: takes 5 to 65 s, the sign-in 2 to 10 s; the rest is over in a second or two.
_PHASES: Final[dict[Stage, tuple[str, float, float]]] = {
    Stage.OPENING: ("identify", 0.0, 0.02),
    Stage.IDENTIFYING: ("identify", 0.02, 0.05),
    Stage.SCANNING: ("scan", 0.05, 0.65),
    Stage.JOINING: ("join", 0.65, 0.92),
    Stage.DESCRIBING: ("read", 0.92, 1.0),
}

PROGRESS_ACTIONS: Final = frozenset(action for action, _, _ in _PHASES.values())


def progress_action(stage: Stage) -> str:
    """Return the key of the text to show during a stage."""
    return _PHASES[stage][0]


def overall_fraction(progress: Progress) -> float:
    """Return how much of the whole attempt is done, 0 to 1, in steps of a hundredth."""
    _, start, end = _PHASES[progress.stage]
    return round(start + (end - start) * progress.fraction, 2)
