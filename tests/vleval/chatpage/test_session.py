"""The session behind the page; the page itself is driven by `make test-web`."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fixtures.openeqa import draw_openeqa
from vldata.api.convert import convert
from vldata.datasets.dataset import Dataset
from vldata.errors import DataError, UsageError
from vleval.chatpage.session import Manner, Session, describe, open_session, read_manner
from vleval.crosscheck.views import Reply
from vleval.inference.ask import Ask


class Echo:
    """A backend that keeps what it is asked."""

    label = "echo"
    folder = ""

    def __init__(self) -> None:
        self.asked: list[Ask] = []

    def ask(self, ask: Ask, *, neutral: bool = False) -> Reply:
        self.asked.append(ask)
        return Reply(answer="yes", finish_reason="stop", prompt_tokens=40)


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
    assert (manner.prompt, manner.pixels.max_pixels, manner.origin) == ("Look: {images}{question}", 131_072, "as openeqa asks")


def test_without_gradio_the_command_names_the_extra(vleval: Any) -> None:
    if importlib.util.find_spec("gradio"):
        pytest.skip("gradio is installed here")
    ran = vleval("chat", "--model", "tiny")
    assert ran.code == 2 and ran.err.startswith("the chat page needs: pip install ") and "[web]" in ran.err
    assert json.dumps(ran.out) == '""'
