from __future__ import annotations

from tests.vldata.conftest import _prepared, open_eqa, prepared

__all__ = ["_prepared", "open_eqa", "prepared"]
