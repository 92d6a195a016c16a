"""The version of vlkit: one place, which every contract, score and page names."""

__version__ = "0.1.0"
