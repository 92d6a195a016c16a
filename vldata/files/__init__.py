"""Paths, names, locks and bytes on disk: what every room uses to open and write files.

Promises: a path that a file names is checked before it is opened; a file is written whole or not at all; JSON is read strictly.
May import: the root's small modules only. It knows nothing of records or datasets.
"""
