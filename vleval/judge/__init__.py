"""A model as judge: marks from 1 to 5, cached by content, prompts pinned by hash, the answer kept inside a block of data."""
