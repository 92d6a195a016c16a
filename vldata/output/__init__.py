"""The output folder as a store: a dataset is in it whole or not at all.

Promises: one writer at a time, an interrupted command resumes to the same bytes, and `dataset_info.json` is written last.
May import: `records`, `media`, `files`, and the root's small modules.
"""
