"""The two dialects of SKSTACK IP; the name of a product does not show which one it uses."""

from enum import Enum, auto

from .messages import Info


class Dialect(Enum):
    """How many networks the firmware serves, hence how many arguments it wants."""

    #: Route B only: BP35A1, RL7023 Stick-D/IPS.
    SINGLE = auto()
    #: Route B and HAN, distinguished by a "side" argument: BP35C0, BP35C2, RS-WSUHA-P,
    #: RL7023 Stick-D/DSS, MB-RL7023-11.
    DUAL = auto()

    @classmethod
    def from_info(cls, info: Info) -> Dialect:
        """Return the dialect by SKINFO, whose answer ends with a side on dual firmware only."""
        return cls.SINGLE if info.side is None else cls.DUAL

    @property
    def other(self) -> Dialect:
        """The dialect to try where this one earned ``FAIL ER05``."""
        return Dialect.DUAL if self is Dialect.SINGLE else Dialect.SINGLE
