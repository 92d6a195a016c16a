from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vldata.splits.digests import Digests, PackedNames

few = st.lists(st.text("ab", max_size=2), max_size=12)


@given(few, few)
def test_what_two_sets_share_is_what_dictionaries_say(first: list[str], second: list[str]) -> None:
    ours, theirs = Digests(), Digests()
    for found, texts in ((ours, first), (theirs, second)):
        for row, text in enumerate(texts):
            found.add(text, row)
    shared = [(one.first, one.second) for one in ours.shared(theirs)]
    wanted = {text: ([r for r, t in enumerate(first) if t == text], [r for r, t in enumerate(second) if t == text]) for text in first}
    assert shared == [rows for rows in wanted.values() if rows[1]]


def test_names_come_back_as_they_were() -> None:
    names = PackedNames()
    for text in ("", "a", "图像", "\ud800"):
        names.append(text)
    assert [names[place] for place in range(len(names))] == ["", "a", "图像", "\ud800"]
