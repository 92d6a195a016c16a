"""Text and data on their way into a page: nothing that a model wrote can become markup."""

from __future__ import annotations

from html import escape

import msgspec

from vldata.web.visible import visible


def text(value: str) -> str:
    """Escaped for an element or a quoted attribute."""
    return escape(visible(value), quote=True)


def bdi(value: str) -> str:
    """Escaped, and isolated so that its direction cannot touch what stands around it."""
    return f'<bdi dir="auto">{text(value)}</bdi>'


def embed(value: object) -> str:
    """JSON that cannot end the script element it stands in."""
    encoded = msgspec.json.encode(value).decode("utf-8")
    for character in "<>&\u2028\u2029":
        encoded = encoded.replace(character, f"\\u{ord(character):04x}")
    return encoded
