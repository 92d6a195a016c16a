"""What the documentation types exists: every command and option in it, in both languages; `make tutorials` runs the pages."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tools.docs.commands import command_pages
from tools.run_pages import Block, blocks, missing_line, run_page

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "README.zh-CN.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "tutorials").glob("*.md")),
]
TUTORIALS = [page for page in PAGES if page.parent.name == "tutorials" and page.stem.removesuffix(".zh") not in ("README", "rows")]
COMMANDS = {page.words: page.command for page in command_pages()}
_TYPED = re.compile(r"^(?:\$ )?((?:vldata|vleval|vltrain) .*)$")


def typed(page: Path) -> list[str]:
    """Command lines of a page, in fenced blocks (continued lines joined, comments cut) and in its sentences."""
    lines = []
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.language in ("", "bash", "console", "text"):
            for line in block.text.replace("\\\n", " ").splitlines():
                if found := _TYPED.match(line):
                    lines.append(re.split(r"\s{2,}|\s#|\s[|>]|\s&&|\s&$", found[1])[0])
    prose = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
    return lines + [" ".join(span.split()) for span in re.findall(r"`((?:vldata|vleval|vltrain) [^`]+)`", prose)]


def find(words: list[str]) -> tuple[Any, list[str]]:
    """The command that a line calls, and the rest of its words; of `vldata convert SOURCE`, that of any source."""
    if words[1] == "convert" and (words[2].isupper() or words[2].startswith("--")):
        words = [*words[:2], "sharegpt", *(words[3:] if words[2].isupper() else words[2:])]
    for length in (3, 2):
        if command := COMMANDS.get(tuple(words[:length])):
            return command, words[length:]
    raise AssertionError(f"no such command: {' '.join(words[:3])}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_that_a_page_types_exists(page: Path) -> None:
    for line in typed(page):
        words = shlex.split(line)
        if len(words) < 2 or words[1].startswith(("-", "<", "[", ".", "…", "{")) or words[1:] == ["convert"]:
            continue
        command, rest = find(words)
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}
        for word in rest:
            if re.fullmatch(r"--[a-z][\w-]*", word) or re.fullmatch(r"--[a-z][\w-]*=.*", word):
                assert word.split("=")[0] in known, (page.name, line, word)


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.name)
def test_a_tutorial_types_and_shows(page: Path) -> None:
    found = list(blocks(page.read_text(encoding="utf-8")))
    assert sum(block.language == "bash" for block in found) >= 3
    assert any(block.language == "text" for block in found) and not any(block.language == "" for block in found)


@pytest.mark.parametrize("page", [page for page in TUTORIALS if page.stem.endswith(".zh")], ids=lambda page: page.name)
def test_both_languages_type_the_same(page: Path) -> None:
    english = page.with_name(page.name.replace(".zh.md", ".md"))

    def shown(path: Path) -> list[tuple[str, str, str]]:
        return [(block.language, block.title, block.text) for block in blocks(path.read_text(encoding="utf-8"))]

    assert shown(page) == shown(english)


def test_what_a_page_shows_is_held_to_what_is_printed(tmp_path: Path) -> None:
    printed = "one 1\ntwo 22\nthree\n"
    assert missing_line("one 1\nthree\n", printed) == ""
    assert missing_line("two …\n", printed) == ""
    assert missing_line("three\none 1\n", printed) == "one 1"  # in order
    assert missing_line("two\n", printed) == "two"  # whole lines
    page = tmp_path / "page.md"
    page.write_text('```yaml title="a.yaml"\nx: 1\n```\n\n```bash\ncat a.yaml\n```\n\n```text\nx: 2\n```\n')
    assert "page.md:9" in run_page(page, tmp_path) and "x: 2" in run_page(page, tmp_path)
    page.write_text("```bash\nfalse\n```\n")
    assert "ended with 1" in run_page(page, tmp_path)


def test_blocks_know_their_line() -> None:
    assert list(blocks("a\n\n```bash\nls\n```\n")) == [Block("bash", "", "ls\n", 3)]
