"""Conversations as the model sees them: rendered by the model's own chat template, tokenised, pictures expanded, answers marked.

Training and evaluation share this module, so that both see the same tokens. It needs a model folder's tokenizer.json and template,
`tokenizers` and `jinja2`; neither torch nor transformers.

Answers are found by rendering: the text up to an assistant turn, and the text including it, are both prefixes of the whole. Nothing
searches for `<|im_start|>assistant`, which text of a user could imitate; and such text is escaped before it reaches a template.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from vldata.errors import DataError, MissingExtraError, UsageError
from vldata.files import strictjson
from vldata.models.families_of import folder_family, read_json
from vldata.models.layout import read_chat_template
from vldata.records.control_tokens import escape_control_tokens, pattern_of
from vldata.records.record import IMAGE_TAG, Message, Record
from vldata.records.tool_calls import ToolCallError, answers_of, read_calls, split_call

IMAGE_PAD = "<|image_pad|>"
THINKING_SWITCH = "enable_thinking"  # by which Qwen3.5, GLM-V, Gemma 4, InternVL and MiniCPM-V name it
_THOUGHT_KEYS = ("reasoning_content", "message.reasoning", "message.thinking")  # by which templates ask for a thought
Ids = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Clean = Callable[[str], str]


class Encoded(msgspec.Struct, frozen=True):
    """A conversation in tokens.

    `answer` marks what of the assistant is learned; `pictures` are the places of picture tokens, `first` where each begins. `passed_over`
    are answers before the last that are not learned, since the template shows them without their thoughts.
    """

    ids: Ids
    answer: Flags
    pictures: Flags
    first: tuple[int, ...]
    passed_over: int = 0


class Prompter:
    """Renders and tokenises with one model's template and tokenizer."""

    def __init__(self, folder: Path) -> None:
        try:
            import jinja2  # noqa: F401 - its absence is the message
            from tokenizers import Tokenizer
        except ImportError:
            raise MissingExtraError("counting a model's tokens", "train") from None
        template = read_chat_template(folder)
        if template is None:
            raise DataError("no chat template.", where=str(folder), cure="Copy chat_template.jinja from where the model was published.")
        try:
            self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the library raises bare Exception for a file it cannot read
            raise DataError(
                f"is not a tokenizer: {error}.", where=str(folder / "tokenizer.json"), cure="Copy it from the published model."
            ) from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._template = _compile(template)
        self._switches: dict[str, bool] = {}
        self._can_choose = THINKING_SWITCH in template
        self.thought_key = next((key for key in _THOUGHT_KEYS if key in template), "")
        added = self._tokenizer.get_added_tokens_decoder().values()
        self._clean = functools.partial(escape_control_tokens, also=pattern_of(token.content for token in added if token.special))
        family = folder_family(folder)
        self.image_token = family.image_token if family else self._configured_token(folder) or IMAGE_PAD
        pad: int | None = self._tokenizer.token_to_id(self.image_token)
        if pad is None:
            cure = "Take the tokenizer that was published with the model."
            raise DataError(f"the tokenizer has no {self.image_token}.", where=str(folder), cure=cure)
        self.image_pad = pad

    def _configured_token(self, folder: Path) -> str:
        """The token that config.json of an unknown model gives images; "" where it says nothing."""
        config = read_json(folder, "config.json")
        number = config.get("image_token_id", config.get("image_token_index"))
        return str(self._tokenizer.id_to_token(number) or "") if isinstance(number, int) else ""

    def render(self, messages: Sequence[Message], *, tools: str = "", ask: bool = False) -> str:
        """Render turns with the chat template; `ask` opens the assistant's next turn. Pictures are one token each."""
        turns = [turn for message in messages for turn in _as_turns(message, self.thought_key, self._clean)]
        listed = _escaped(strictjson.loads(tools), self._clean) if tools else None
        try:
            return str(self._template.render(messages=turns, tools=listed, add_generation_prompt=ask, **self._switches))
        except DataError:
            raise
        except Exception as error:  # a template is a program of somebody else's: it may raise anything
            what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            cure = "Copy the chat template from where the model was published, or leave such records out."
            raise DataError(f"the chat template fails on the conversation: {what}.", cure=cure) from None

    def choose_thinking(self, on: bool | None) -> None:
        """Set the switch of a template that can ask for a thought or not; None leaves it as the template has it.

        Raises:
            UsageError: the template has no such switch.
        """
        if on is not None and not self._can_choose:
            raise UsageError(
                "--thinking: the model's chat template has no switch for it.", cure="Leave it out: the model thinks, or does not."
            )
        self._switches = {} if on is None else {THINKING_SWITCH: on}

    def answer_spans(self, messages: Sequence[Message], *, tools: str = "") -> tuple[str, list[tuple[int, int]]]:
        """Render, and return where the turns that are learned stand in the text: content and `<|im_end|>`, without the line end.

        A template may show the thought of the last answer alone: answers before it, which would be learned as if given without a thought,
        have no place then.

        Raises:
            DataError: the template does not render a conversation as its prefix continued, or leaves a thought out.
        """
        whole = self.render(messages, tools=tools)
        spans = []
        for index, message in enumerate(messages):
            if not message.learned:
                continue
            before = self.render(messages[:index], tools=tools, ask=True)
            upto = whole if index + 1 == len(messages) else self.render(messages[: index + 1], tools=tools)
            if not (whole.startswith(before) and whole.startswith(upto)):
                if message.reasoning is not msgspec.UNSET and index + 1 < len(messages):
                    continue
                raise DataError(
                    f"the chat template rewrites earlier turns, so turn {index} cannot be told apart.",
                    cure="Train on single-turn records, or use the Instruct model's template.",
                )
            spans.append((len(before), len(upto) - (1 if upto.endswith("\n") else 0)))
            if message.thought and self._clean(message.thought).strip() not in whole[len(before) : len(upto)]:
                raise DataError(
                    f"the chat template leaves out the thought of turn {index}.",
                    cure="Convert with --thinking drop, or take another model.",
                )
        return whole, spans

    def encode(self, record: Record, picture_tokens: Sequence[int]) -> Encoded:
        """Tokenise a record whose pictures cost `picture_tokens` each, without their delimiters.

        Raises:
            DataError: pictures and tags differ, or there is no answer to learn.
        """
        tools = record.tools if isinstance(record.tools, str) else ""
        text, spans = self.answer_spans(record.messages, tools=tools)
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        ids = np.asarray(encoding.ids, dtype=np.int32)
        answer = np.zeros(len(ids), dtype=np.bool_)
        offsets = np.asarray(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        for start, end in spans:
            answer |= (offsets[:, 1] > start) & (offsets[:, 0] < end)
        pads = np.flatnonzero(ids == self.image_pad)
        if len(pads) != len(picture_tokens):
            raise DataError(
                f"{len(pads)} pictures in the text, but {len(picture_tokens)} in the record.", where=record.id, cure="Run: vldata validate"
            )
        if not answer.any():
            raise DataError(
                "has no answer to learn.", where=record.id, cure="Leave the record out: vldata filter, or vldata validate names it."
            )
        repeats = np.ones(len(ids), dtype=np.int64)
        repeats[pads] = picture_tokens
        pictures = np.repeat(ids == self.image_pad, repeats)
        starts = np.cumsum(repeats) - repeats
        first = tuple(int(starts[pad]) for pad in pads)
        passed_over = sum(message.learned for message in record.messages) - len(spans)
        return Encoded(np.repeat(ids, repeats), np.repeat(answer, repeats), pictures, first, passed_over)

    def encode_prompt(self, messages: Sequence[Message], picture_tokens: Sequence[int]) -> Ids:
        """Tokenise turns that ask for an answer, with pictures expanded.

        Raises:
            DataError: pictures and tags differ.
        """
        ids = np.asarray(self._tokenizer.encode(self.render(messages, ask=True), add_special_tokens=False).ids, dtype=np.int32)
        pads = np.flatnonzero(ids == self.image_pad)
        if len(pads) != len(picture_tokens):
            raise DataError(f"{len(pads)} pictures in the text, but {len(picture_tokens)} were given.", cure="Run: vldata validate")
        repeats = np.ones(len(ids), dtype=np.int64)
        repeats[pads] = picture_tokens
        return np.repeat(ids, repeats)

    def token_ids(self, text: str) -> list[int]:
        """Tokens of text as it stands, control tokens read as such."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Tokens back to text, control tokens shown."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))


def _as_turns(message: Message, thought_key: str, clean: Clean) -> list[dict[str, Any]]:
    """Write a turn as a template takes it: each answer of a tool is one; a thought under the template's own name, or as text."""
    if message.role == "observation":
        return [{"role": "tool", "content": _content(answer, clean)} for answer in answers_of(message.content)]
    if not message.answers:
        return [{"role": message.role, "content": _content(message.content, clean) if message.role == "user" else clean(message.content)}]
    said, calls = ("", message.content) if message.role == "assistant" else split_call(message.content)
    turn: dict[str, Any] = {"role": "assistant", "content": clean(message.content if message.role == "assistant" else said)}
    if message.role == "function_call":
        turn["tool_calls"] = _calls(calls, clean)
    if message.reasoning is not msgspec.UNSET and thought_key:
        turn[thought_key.rpartition(".")[2]] = clean(message.reasoning)
    elif message.thought or (message.reasoning is not msgspec.UNSET and message.role == "assistant"):
        turn["content"] = f"<think>\n{clean(message.thought)}\n</think>\n\n{turn['content']}"
    return [turn]


def _content(text: str, clean: Clean) -> str | list[dict[str, str]]:
    """A text of the user or of a tool, in parts where it shows images."""
    if IMAGE_TAG not in text:
        return clean(text)
    parts: list[dict[str, str]] = []
    for place, piece in enumerate(text.split(IMAGE_TAG)):
        if place:
            parts.append({"type": "image"})
        if piece:
            parts.append({"type": "text", "text": clean(piece)})
    return parts


def _calls(content: str, clean: Clean) -> list[dict[str, Any]]:
    try:
        calls = read_calls(content)
    except ToolCallError as error:
        raise DataError(f"a function call {error}.", cure="Run: vldata validate") from None
    return [{"type": "function", "function": _escaped(call, clean)} for call in calls]


def _escaped(value: Any, clean: Clean) -> Any:
    """Escape every text inside a JSON value; after reading, since JSON may write a bracket as its code."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_escaped(item, clean) for item in value]
    if isinstance(value, dict):
        return {_escaped(key, clean): _escaped(item, clean) for key, item in value.items()}
    return value


def _compile(template: str) -> Any:
    """Compile in the sandbox and with the settings that transformers uses, `{% generation %}` included."""
    import jinja2
    from jinja2.ext import Extension
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """Passes the body of `{% generation %}` through."""

        tags = {"generation"}  # noqa: RUF012 - jinja2's own attribute

        def parse(self, parser: Any) -> Any:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    def refuse(message: str) -> None:
        raise DataError(f"the chat template refuses the conversation: {message}")

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"])
    environment.filters["tojson"] = lambda value, indent=None: json.dumps(value, ensure_ascii=False, indent=indent)
    environment.globals["raise_exception"] = refuse
    try:
        return environment.from_string(template)
    except jinja2.TemplateSyntaxError as error:
        raise DataError(
            f"the chat template is broken at line {error.lineno}: {error.message}.", cure="Copy it from the published model."
        ) from None
