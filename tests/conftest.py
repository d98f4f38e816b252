"""What all tests share: where custom components come from, and how hard hypothesis tries."""

import os

from hypothesis import HealthCheck, settings

# The test harness brings a package of the same name; the one that is imported first stays.
import custom_components  # noqa: F401

# No deadline: the machines that run this are slow at times, and pytest-timeout watches anyway.
settings.register_profile(
    "dev",
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# The same examples in every run, so that a red build is red because of its change.
settings.register_profile(
    "ci",
    settings.get_profile("dev"),
    max_examples=300,
    derandomize=True,
    print_blob=True,
)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if "CI" in os.environ else "dev")
)
