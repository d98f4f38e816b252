"""The command line as a program."""

import sys

from .bootstrap import without_home_assistant

without_home_assistant()

from .main import main  # noqa: E402 - imports the stack, which needs the line above

if __name__ == "__main__":
    sys.exit(main())
