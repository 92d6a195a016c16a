"""The pages that tools/make_docs.py writes, one module a page."""
