"""The ask: where a text is cut, and what makes two requests the same."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vldata.datasets.dataset import Dataset
from vldata.records.record import IMAGE_TAG
from vleval.inference.ask import Ask, AskTurn, Sampler, iter_asks, request_key, split_places


@given(st.lists(st.sampled_from([IMAGE_TAG, "a", " ", "\n", "<image", "é"])))
def test_a_cut_text_put_together_is_the_text(pieces: list[str]) -> None:
    text = "".join(pieces)
    parts = split_places(text)
    assert "".join(IMAGE_TAG if part is None else part for part in parts) == text
    assert parts.count(None) == text.count(IMAGE_TAG) and "" not in parts


def key_of(ask: Ask, *, backend: str = "vllm", model: str = "tiny", sampler: Sampler | None = None) -> str:
    return request_key(ask, backend=backend, model=model, sampler=sampler or Sampler())


UNSEEN = {"id": "x", "references": ("x",), "meta": {"a": "b"}, "question": "x", "images": ("x",)}


@pytest.mark.parametrize("field", UNSEEN)
def test_what_the_model_does_not_see_is_no_part_of_a_request(field: str, prepared: Path) -> None:
    ask = next(iter_asks(Dataset(prepared / "openeqa")))
    assert key_of(msgspec.structs.replace(ask, **{field: UNSEEN[field]})) == key_of(ask)


def test_whatever_decides_an_answer_is_part_of_the_request(prepared: Path) -> None:
    ask = next(iter_asks(Dataset(prepared / "openeqa")))
    keys = [
        key_of(ask),
        key_of(ask, backend="ollama"),
        key_of(ask, model="other"),
        key_of(ask, sampler=Sampler(temperature=0.5)),
        key_of(msgspec.structs.replace(ask, turns=(AskTurn("user", ("Other?",)),))),
        key_of(msgspec.structs.replace(ask, image_names=tuple(reversed(ask.image_names)))),
    ]
    assert len(set(keys)) == len(keys)
