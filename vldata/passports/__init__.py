"""From data to a score by digests: which file is of which run, where the chain breaks, and one file to publish with a result."""
