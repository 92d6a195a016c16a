"""Probes: each runs in a trainer's own Python, without the rest of this package, and writes what that trainer makes of a few rows."""
