"""The rows of the five tutorials, replayed by `tests/e2e/rows.py`: one module a tutorial, one function a row."""
