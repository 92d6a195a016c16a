"""Benchmarks people quote: the official number of each, with its parts, from rows alone; the table says whose code each equals."""

from __future__ import annotations
