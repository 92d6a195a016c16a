"""What every test stands on.

A property has no deadline of its own, which a busy machine would miss; pytest's timeout ends a hang. `make test` draws the same examples
every time, so that a change is never blamed for what was there before it; `make thorough` draws new ones.
"""

from __future__ import annotations

from tests.effort import examples

try:
    from hypothesis import Phase, settings
except ImportError:  # the venvs of the heavy proofs have pytest alone
    pass
else:
    settings.register_profile("vlkit", deadline=None, derandomize=examples(1) == 1)
    settings.load_profile("vlkit")
    # tests/mutants.py wants to know whether a property fails, not the smallest example, which takes seconds to find
    settings.register_profile("mutants", settings.get_profile("vlkit"), phases=(Phase.explicit, Phase.generate))
