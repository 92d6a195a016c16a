"""A thin LoRA and QLoRA trainer over vldata's records."""

from __future__ import annotations
