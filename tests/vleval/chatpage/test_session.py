"""The session behind the page; the page itself is driven by `make test-web`."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

from fixtures.openeqa import draw_openeqa
from vldata.api.convert import convert
from vldata.datasets.dataset import Dataset
from vldata.errors import DataError, UsageError
from vleval.chatpage.session import Manner, Session, describe, open_session, read_manner, transcript
from vleval.chatpage.words import CHINESE, ENGLISH
from vleval.crosscheck.views import Reply
from vleval.inference.ask import Ask, Sampler


class Echo:
    """A backend that keeps what it is asked."""

    label = "echo"

    def __init__(self) -> None:
        self.asked: list[Ask] = []
        self.samplers: list[Sampler] = []

    def stream(self, ask: Ask, sampler: Sampler) -> Iterator[Reply]:
        self.asked.append(ask)
        self.samplers.append(sampler)
        yield Reply(answer="ye")
        yield Reply(answer="yes", finish_reason="stop", prompt_tokens=40)


@pytest.fixture(scope="module")
def echo() -> Echo:
    return Echo()


@pytest.fixture(scope="module")
def session(echo: Echo) -> Iterator[Session]:
    manner = Manner(prompt="{images}{question}\nAnswer with one word.", system="Be brief.")
    with open_session(echo, manner) as opened:
        yield opened


@pytest.fixture
def sofa(tmp_path: Path) -> str:
    image = Image.new("RGB", (900, 700), (200, 190, 170))
    exif = image.getexif()
    exif[274] = 6
    image.save(tmp_path / "sofa.jpg", exif=exif)
    return str(tmp_path / "sofa.jpg")


def test_pictures_go_upright_on_the_grid_and_the_question_as_the_data_words_it(session: Session, echo: Echo, sofa: str) -> None:
    turn = session.ask([sofa, sofa], "  Is it blue? ")
    asked = echo.asked[-1]
    assert [(t.role, t.parts) for t in asked.turns] == [
        ("system", ("Be brief.",)),
        ("user", (None, None, "Is it blue?\nAnswer with one word.")),
    ]
    with Image.open(asked.images[0]) as shown:
        assert shown.size == (turn.pictures[0].width, turn.pictures[0].height) == (672, 864) and not shown.getexif()
    text = describe(turn)
    assert text.startswith("sofa.jpg: 672x864 px of 700x900 uploaded, 569 tokens\n")
    assert "40 tokens, 1,138 of pictures by our count - too few to hold them" in text
    assert text.endswith("System message:\nBe brief.\nAsked:\n<image><image>Is it blue?\nAnswer with one word.")


def test_a_question_without_pictures_can_be_asked(session: Session, echo: Echo) -> None:
    assert session.ask([], "Why?").prompt == "Why?\nAnswer with one word." and echo.asked[-1].images == ()


@pytest.mark.parametrize(("question", "words"), [(" ", "no question"), ("<image> what?", "control|structure"), ("<|im_end|>", "structure")])
def test_what_cannot_be_asked_is_said(question: str, words: str, session: Session, echo: Echo) -> None:
    before = len(echo.asked)
    with pytest.raises(UsageError, match=words):
        session.ask([], question)
    assert len(echo.asked) == before


def test_files_that_are_no_pictures_are_named(session: Session, echo: Echo, tmp_path: Path) -> None:
    before = len(echo.asked)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(DataError, match=r"text\.png: cannot be shown: it is no picture"):
        session.ask([str(tmp_path / "text.png")], "What?")
    with pytest.raises(UsageError, match="33 pictures are more than 32"):
        session.ask(["x.png"] * 33, "What?")
    assert len(echo.asked) == before


def test_the_manner_is_the_datasets(tmp_path: Path) -> None:
    draw_openeqa(tmp_path / "source", size=(384, 216))
    wording = tmp_path / "prompt.txt"
    wording.write_text("Look: {images}{question}")
    convert("openeqa", tmp_path / "source", frames=1, out=tmp_path / "prepared", workers=1, limit=1, max_pixels=131_072, prompt=wording)
    manner = read_manner(Dataset(tmp_path / "prepared" / "openeqa"))
    assert (manner.prompt, manner.pixels.max_pixels, manner.origin()) == ("Look: {images}{question}", 131_072, "as openeqa asks")


def test_without_gradio_the_command_names_the_extra(vleval: Any) -> None:
    if importlib.util.find_spec("gradio"):
        pytest.skip("gradio is installed here")
    ran = vleval("chat", "--model", "tiny")
    assert ran.code == 2 and ran.err.startswith("the chat page needs: pip install ") and "[web]" in ran.err
    assert json.dumps(ran.out) == '""'


def test_each_further_question_goes_with_the_turns_before(session: Session, echo: Echo, sofa: str) -> None:
    first = session.ask([sofa], "Is it blue?")
    broken = msgspec.structs.replace(first, reply=Reply(error="no server"))
    steps = list(session.stream([], "And now?", talks=[(first, broken)], system="Be kind.", sampler=Sampler(temperature=0.5, max_tokens=9)))
    assert [step[0].reply.answer for step in steps] == ["ye", "yes"]  # as it comes
    asked, (turn,) = echo.asked[-1], steps[-1]
    assert [t.role for t in asked.turns] == ["system", "user", "assistant", "user"]
    assert asked.turns[0].parts == ("Be kind.",) and asked.turns[2].parts == ("yes",)
    assert len(asked.images) == 1 and asked.turns[1].parts[0] is None and asked.turns[3].parts == ("And now?\nAnswer with one word.",)
    assert (echo.samplers[-1].temperature, echo.samplers[-1].max_tokens) == (0.5, 9)
    assert turn.before == 1 and "40 tokens, 569 of pictures by our count" in describe(turn)
    assert transcript((first, broken)) == "You: <image>Is it blue?\nAnswer with one word.\nModel: yes"
    with pytest.raises(UsageError, match="system message holds"):
        session.ask([], "x") and list(session.stream([], "x", system="<|im_start|>"))
    hostile = msgspec.structs.replace(first, reply=Reply(answer="<|im_end|>"))
    with pytest.raises(UsageError, match="earlier answer"):
        list(session.stream([], "x", talks=[(hostile,)]))


def test_two_models_are_asked_side_by_side(sofa: str) -> None:
    left, right = Echo(), Echo()
    with open_session([left, right], Manner()) as opened:
        assert opened.labels == ("echo", "echo")
        steps = list(opened.stream([sofa], "What?", talks=[(), ()]))
    assert [tuple(turn.reply.answer for turn in step) for step in steps] == [("ye", ""), ("yes", ""), ("yes", "ye"), ("yes", "yes")]
    assert len(left.asked) == len(right.asked) == 1 and left.asked[0].image_names == right.asked[0].image_names


def test_the_page_speaks_chinese_too(session: Session, sofa: str) -> None:
    assert "图片按我们的计数为" in describe(session.ask([sofa], "是蓝色吗?"), CHINESE)
    for english, chinese in zip(ENGLISH, CHINESE, strict=True):
        assert sorted(re.findall(r"\{\w*", english)) == sorted(re.findall(r"\{\w*", chinese)), english
