"""Operations on registered datasets: read, select, derive, measure.

Promises: a dataset is read by its contract and never changed in place; what is derived from one names its origin.
May import: `output`, `models`, `web` and the rooms below them.
"""
