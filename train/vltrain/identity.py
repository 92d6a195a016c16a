"""Which weights a folder holds, told without reading them all."""

from __future__ import annotations

from vldata.models.fingerprint import weights_digest

__all__ = ["weights_digest"]
