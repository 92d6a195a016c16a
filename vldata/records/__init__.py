"""What a record is, and what is wrong with one.

Promises: one frozen type crosses every package boundary; the writer and `validate` judge by the same rules; nothing here opens an image.
May import: `media` for the types of references and grid arithmetic, `files`, and the root's small modules.
"""
