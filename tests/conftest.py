"""What every test stands on: a property has no deadline of its own, which a busy machine would miss; pytest's timeout ends a hang."""

from __future__ import annotations

try:
    from hypothesis import settings
except ImportError:  # the venvs of the heavy proofs have pytest alone
    pass
else:
    settings.register_profile("vlkit", deadline=None)
    settings.load_profile("vlkit")
