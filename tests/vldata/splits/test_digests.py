from __future__ import annotations

from contextlib import ExitStack
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vldata.splits.spilled import small_pieces
from vldata.splits import digests
from vldata.splits.columns import PackedNames
from vldata.splits.digests import Digests, digest_of, iter_parts, shared_firsts, shared_rows

few = st.lists(st.text("ab", max_size=2), max_size=12)


def colliding(text: str) -> bytes:
    """Digests of which many agree in half of their bits."""
    whole = digest_of(text)
    return whole[:1] * 8 + whole[8:] if len(text) % 2 else whole[:8] + whole[8:9] * 8


@given(few, few, st.booleans(), st.booleans())
def test_what_two_sets_share_is_what_dictionaries_say(first: list[str], second: list[str], spilled: bool, collide: bool) -> None:
    with ExitStack() as stack:
        if spilled:
            stack.enter_context(small_pieces())
        if collide:
            stack.enter_context(patch.object(digests, "digest_of", colliding))
        ours, theirs = Digests(), Digests()
        for found, texts in ((ours, first), (theirs, second)):
            for row, text in enumerate(texts):
                found.add(text, row)
        rows = [{text: [r for r, t in enumerate(side) if t == text] for text in side} for side in (first, second)]
        both = [(rows[0][text], rows[1][text]) for text in rows[0] if text in rows[1]]
        here, there = shared_firsts(ours, theirs)
        assert list(zip(here, there, strict=True)) == sorted((mine[0], others[0]) for mine, others in both)
        packed = shared_rows(ours, theirs)
        for which in (0, 1):
            wanted = sorted((mine[0] << 32 | row) for mine, others in both for row in (mine, others)[which])
            assert packed[which].tolist() == wanted
        parts = list(iter_parts((ours, theirs)))
        assert sum(int(part.present(0).sum()) for part in parts) == len(rows[0])
        assert sorted(r for part in parts for r in part.lasts(1).tolist() if r >= 0) == sorted(r[-1] for r in rows[1].values())


@pytest.mark.parametrize("spilled", [False, True])
def test_names_come_back_as_they_were(spilled: bool) -> None:
    texts = ["", "a", "图像", "\ud800", "long " * 30]
    with small_pieces() if spilled else ExitStack():
        names = PackedNames()
        for text in texts:
            names.append(text)
        assert [names[place] for place in range(len(names))] == texts
