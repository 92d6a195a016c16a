"""What may not leak: splitting by groups, and proving a split from its files.

Promises: exact sizes, no group on two sides, and a certificate that is proved again from the files alone.
May import: `datasets` and the rooms below it.
"""
