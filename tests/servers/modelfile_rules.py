"""What Ollama's parser takes of a Modelfile, written down from its rules (parser/parser.go and api/types.go at fb30760, August 2026).

`tests/servers/modelfile_go.py` asks Ollama's own parser where Go and its source are at hand, and holds these rules to it.
"""

from __future__ import annotations

import re

COMMANDS = frozenset(
    ("from", "license", "template", "system", "adapter", "draft", "renderer", "parser", "parameter", "message", "requires")
)
ROLES = frozenset(("system", "user", "assistant"))
WHOLE = frozenset(
    "num_ctx num_batch num_gpu main_gpu num_thread draft_num_predict num_keep seed num_predict top_k repeat_last_n".split()  # noqa: SIM905
)
BROKEN = frozenset(("top_p", "min_p", "typical_p", "temperature", "repeat_penalty", "presence_penalty", "frequency_penalty"))
SWITCHES = frozenset(("use_mmap",))
TEXTS = frozenset(("stop",))
# Names of model/renderers/renderer.go and model/parsers/parsers.go that are of families that vlkit knows.
RENDERERS = frozenset(("qwen3-vl-instruct", "qwen3-vl-thinking"))
_VALUE = re.compile(r'"""(?P<long>.*?)"""|(?!""")"(?P<quoted>[^"]*)"|(?P<plain>[^"\n][^\n]*)', re.DOTALL)


def read_modelfile(text: str) -> list[tuple[str, str]]:
    """The commands of a Modelfile, in order; a parameter by its own name.

    Raises:
        ValueError: Ollama would not take it; the message says what and where.
    """
    found, place = [], 0
    while True:
        while place < len(text) and text[place] in " \t\r\n":
            place += 1
        if place >= len(text):
            break
        if text[place] == "#":
            end = text.find("\n", place)
            place = len(text) if end < 0 else end
            continue
        line = text.count("\n", 0, place) + 1
        name, place = _word(text, place, r"[A-Za-z]+", line)
        name = name.lower()
        if name not in COMMANDS:
            raise ValueError(f"line {line}: no command {name!r}")
        role = ""
        if name == "parameter":
            name, place = _word(text, place, r"[A-Za-z0-9_]+", line)
        elif name == "message":
            role, place = _word(text, place, r"[A-Za-z]+", line)
            if role not in ROLES:
                raise ValueError(f"line {line}: no role {role!r}")
        value = _VALUE.match(text, place)
        if value is None:
            raise ValueError(f"line {line}: {name} has no value, or a quote that never ends")
        place = value.end()
        said = next(part for part in value.groups() if part is not None)
        said = said.strip() if value["plain"] is not None else said
        found.append((name, f"{role}: {said}" if role else said))
    if not any(name == "from" for name, _ in found):
        raise ValueError("no FROM line")
    return found


def _word(text: str, place: int, letters: str, line: int) -> tuple[str, int]:
    match = re.compile(f"({letters})[ \t]+").match(text, place)
    if match is None:
        raise ValueError(f"line {line}: {text[place : place + 20]!r} is no command with a value")
    return match[1], match.end()


def modelfile_fault(text: str) -> str:
    """Why Ollama would not make a model of this, or ""."""
    try:
        commands = read_modelfile(text)
    except ValueError as error:
        return str(error)
    for name, value in commands:
        if name in COMMANDS:
            if name in ("renderer", "parser") and value not in RENDERERS:
                return f"no {name} {value!r}"
        elif name in WHOLE:
            if not re.fullmatch(r"[+-]?\d+", value):
                return f"{name} {value!r} is no whole number"
        elif name in BROKEN:
            try:
                float(value)
            except ValueError:
                return f"{name} {value!r} is no number"
        elif name in SWITCHES:
            if value not in ("true", "false", "1", "0"):
                return f"{name} {value!r} is neither true nor false"
        elif name not in TEXTS:
            return f"no parameter {name!r}"
    return ""
