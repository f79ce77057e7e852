"""How the tests of hostile input search: the same examples each time, or PPGAN_HOSTILE_EXAMPLES=N random ones."""

import os

from hypothesis import HealthCheck, Phase, settings


def thorough(examples):
    """Hypothesis's settings for a test with so many examples, if the variable is unset."""
    return settings(
        max_examples=int(os.environ.get("PPGAN_HOSTILE_EXAMPLES", examples)),
        deadline=None,
        derandomize="PPGAN_HOSTILE_EXAMPLES" not in os.environ,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
