"""Looking at a dataset: a self-contained HTML gallery, and the small table a notebook shows."""
