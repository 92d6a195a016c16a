"""Predictions in, numbers that can be trusted out."""

from __future__ import annotations
