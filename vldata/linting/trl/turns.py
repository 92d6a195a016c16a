"""Turns and their images as TRL puts them together (1.16.0, data_utils.py: prepare_multimodal_messages)."""

from __future__ import annotations

from typing import Any, NamedTuple

from vldata.linting.outcomes import RowFinding

_ROLES = frozenset({"user", "assistant", "system", "tool"})
Piece = str | None  # a text, or None where an image stands


class TrlPrepared(NamedTuple):
    """Turns as pieces: role and what stands in it; `inside` are images named in parts, `placed`: parts say where images stand."""

    turns: list[tuple[str, list[Piece]]]
    inside: tuple[Any, ...] = ()
    placed: bool = False


def prepare(messages: Any, images: int) -> TrlPrepared | RowFinding:
    """Put as many images into turns as there are, or say why the collator stops."""
    if type(messages) is not list or not all(type(turn) is dict for turn in messages):
        return RowFinding("TR13", f"{messages!r:.60}")
    turns: list[tuple[str, list[Piece]]] = []
    included, holders = False, 0
    inside: list[Any] = []
    placed = False
    for turn in messages:
        role = turn.get("role")
        if "role" not in turn:
            return RowFinding("TR13", f"a turn with {', '.join(map(repr, turn))}")
        if type(role) is not str or role not in _ROLES:
            return RowFinding("TR14", f"Invalid role in message: {role}.")
        if role == "user" and "content" not in turn:
            return RowFinding("TR13", "KeyError: 'content'")
        content = turn.get("content")
        if type(content) is str:
            first = role == "user" and not included
            included = included or role == "user"
            pieces: list[Piece] = [*([None] * images if first else []), content]
            holders += images if first else 0
        elif not content:
            pieces = []
        else:
            read = _parts(content)
            if isinstance(read, RowFinding):
                return read
            pieces, own = read
            placed = placed or None in pieces
            inside += own
            holders += sum(piece is None for piece in pieces) - len(own) if role != "tool" else 0
        turns.append((role, pieces))
    if holders != images:
        return RowFinding("TR15", f"Number of images provided ({images}) does not match number of image placeholders ({holders}).")
    return TrlPrepared(turns, tuple(inside), placed)


def _parts(content: Any) -> tuple[list[Piece], list[Any]] | RowFinding:
    if type(content) is not list:
        return RowFinding("TR17", f"{content!r:.60}")
    pieces: list[Piece] = []
    own: list[Any] = []
    for part in content:
        if type(part) is not dict:
            return RowFinding("TR17", f"{part!r:.60}")
        if "type" not in part:
            return RowFinding("TR16", f"a part with {', '.join(map(repr, part))}")
        if part["type"] == "image":
            pieces.append(None)
            own += [part["image"]] if part.get("image") is not None else []
        elif part["type"] == "text" and part.get("image") is not None:
            return RowFinding("TR15", "a text part with an image in it")
        elif part["type"] == "text":
            pieces.append(str(part.get("text") or ""))
    return pieces, own
