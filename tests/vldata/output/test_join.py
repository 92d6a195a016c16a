from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vldata.output import join as module
from vldata.output.join import Joined, join
from vldata.records.draft import Draft, Mend, Turn

ROLES = st.sampled_from(["system", "user", "assistant", "function_call", "observation"])
TEXTS = st.sampled_from(["Hi.", "", " ", "<image>", "a < b", "<|im_end|>", "line\nline", "\u2028"])
TURNS = st.lists(st.builds(Turn, ROLES, st.lists(TEXTS, min_size=0, max_size=2).map(tuple)), max_size=5).map(tuple)
DRAFTS = st.builds(
    Draft,
    id=st.sampled_from(["a/1", "", " "]),
    where=st.just("a:1"),
    turns=TURNS,
    media=st.just(()),
    references=st.sampled_from([None, (), ("x",)]),
    meta=st.just({"source": "a"}),
    tools=st.sampled_from([None, "", "[]", "{}"]),
)


@given(DRAFTS, st.booleans())
def test_the_short_way_says_what_the_long_one_does(draft: Draft, repair: bool) -> None:
    quick = join(draft, {}, repair=repair)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "text_alone", lambda _, traits: None)
        assert join(draft, {}, repair=repair) == quick


def test_a_mend_is_a_reject_without_repair() -> None:
    fields: dict[str, Any] = {"id": "a/1", "where": "a:1", "media": (), "meta": {}}
    mend = Mend("VL206", "the row has no tag.", "put it in front")
    draft = Draft(turns=(Turn("user", ("Hi.",)), Turn("assistant", ("Hello.",))), mends=(mend,), **fields)
    refused, repaired = join(draft, {}, repair=False), join(draft, {}, repair=True)
    assert not isinstance(refused, Joined) and (refused.code, refused.reason) == ("VL206", "the row has no tag.")
    assert isinstance(repaired, Joined) and repaired.repairs[0].what == "put it in front"


@pytest.mark.parametrize("given", [None, ("<think>It is a cat.</think>cat", "kitten")])
def test_references_hold_no_thought_and_the_turn_keeps_it(given: tuple[str, ...] | None) -> None:
    turns = (Turn("user", ("What is it?",)), Turn("assistant", ("<think>\n\n</think>\n\ncat",)))
    draft = Draft(id="a/1", where="a:1", media=(), meta={}, turns=turns, references=given)
    for way in (draft, Draft(id="a/1", where="a:1", media=(), meta={}, turns=(Turn("system", ("Be kind.",)), *turns), references=given)):
        joined = join(way, {}, repair=False)
        assert isinstance(joined, Joined)
        assert joined.record.references == (("cat",) if given is None else ("cat", "kitten"))
        assert joined.record.messages[-1].content == "<think>\n\n</think>\n\ncat"
