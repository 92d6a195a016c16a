"""Boxes that a model named, drawn on the pictures it saw."""
