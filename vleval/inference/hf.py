"""The backend in this process: transformers generates, an adapter may sit on the model, batches are made by token count.

The prompt is rendered by `vldata.models.prompt`, the module that training uses too, and pictures go through the model's own image
processor, which leaves files on its grid as they are.
"""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from vldata.errors import DataError, MissingExtraError
from vldata.models.by_processor import ByProcessor, Conversation
from vldata.models.families_of import folder_family, folder_images, model_type_of
from vldata.models.layout import ADAPTER_CONFIG, check_model_folder, give_folder
from vldata.models.prompt import Prompter
from vleval.inference.ask import Ask, Sampler
from vleval.inference.client import Outcome
from vleval.inference.loading import add_adapter, choose_dtype, load_folder
from vleval.inference.messages import ask_messages, open_pictures
from vleval.inference.retry import Answer, AskFault

Keyed = tuple[str, Ask]
_BATCH_TOKENS_CPU = 4_096
_BATCH_TOKENS_GPU = 32_768
MOST_ROWS = 64
_WINDOW = 4_096  # asks sorted by length at a time
_UNKNOWN_TOKENS = 1_024  # of an image to a processor that is not known: only batches are sized by it


class _Prompt(msgspec.Struct, frozen=True):
    """An ask ready for a batch: token ids with pictures expanded, and its pixel patches."""

    key: str
    ask: Ask
    ids: np.ndarray[Any, np.dtype[np.int32]]
    pixels: Any
    grid: Any
    talk: Conversation | None = None  # of a model whose own processor makes the batch; `ids` are then only as many as it will make


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """One answer and all that led to it: the prompt, its tokens with pictures expanded, the patches, and how likely each token was."""

    text: str
    finished: bool
    prompt: str
    ids: tuple[int, ...]
    grid: tuple[tuple[int, int, int], ...]
    patches: str
    tokens: tuple[tuple[str, float], ...]


class HfModel:
    """A loaded model with its processor."""

    names: Sequence[str] = ()

    def __init__(
        self,
        model: str,
        *,
        adapter: str = "",
        device: str = "",
        dtype: str = "auto",
        sampler: Sampler | None = None,
        own_code: bool = False,
    ) -> None:
        try:
            import torch
            from transformers.utils.logging import disable_progress_bar
        except ImportError:
            raise MissingExtraError("the hf backend", "train") from None
        disable_progress_bar()
        folder = Path(model)
        if not any((folder / name).is_file() for name in ("config.json", ADAPTER_CONFIG)):
            raise DataError("is not a model folder: no config.json.", where=model, cure=give_folder(model))
        check_model_folder(folder)
        self._torch = torch
        self._sampler = sampler or Sampler()
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        family = folder_family(folder)
        self._family_images = folder_images(folder, family) if family else None
        known = family is not None and model_type_of(folder) in family.fast
        self._by = None if known else ByProcessor(folder, own_code=own_code)
        self._prompter = self._by.prompter if self._by else Prompter(folder)
        self._prompter.choose_thinking(self._sampler.thinks)
        self._images, self._model = load_folder(folder, choose_dtype(torch, dtype, self.device), own_code=own_code)
        if adapter:
            self._model = add_adapter(self._model, adapter)
        self._model = self._model.to(self.device).eval()
        self._pad = self._model.generation_config.pad_token_id or 0

    def answer(self, asks: Iterable[Keyed], on_done: Callable[[Outcome], None]) -> None:
        """Answer everything, a window of asks at a time; in each long prompts first: a batch that does not fit shows at once."""
        source = iter(asks)
        while window := list(itertools.islice(source, _WINDOW)):
            order = sorted(window, key=lambda keyed: -_rough_length(keyed[1]))
            for batch in self._batches(order, on_done):
                for outcome in self._answer(batch):
                    on_done(outcome)

    def look(self, ask: Ask, *, sampler: Sampler | None = None, on_text: Callable[[str], None] | None = None) -> Inspection:
        """Answer one ask and tell everything about it.

        Args:
            ask: the question.
            sampler: in place of the model's own.
            on_text: is told the answer so far at each token.

        Raises:
            DataError: a picture cannot be decoded, or pictures and their places differ in number.
        """
        torch = self._torch
        prompt = self._prepare("", ask)
        inputs, width = self._inputs([prompt])
        pixels = inputs.get("pixel_values")
        asked, listener = sampler or self._sampler, _Listener(self._prompter.decode, self._stops(), on_text) if on_text else None
        with torch.inference_mode():
            output = self._model.generate(
                **inputs, **self._generation(asked), output_logits=True, return_dict_in_generate=True, streamer=listener
            )
        row = output.sequences[0][width:].tolist()
        text, _, finished = self._cut(row, self._stops(), asked)
        likely = [float(torch.log_softmax(step[0].float(), dim=-1)[token]) for step, token in zip(output.logits, row, strict=False)]
        digest = hashlib.sha256()
        if prompt.pixels is not None:
            digest.update(prompt.grid.numpy().tobytes())
        if pixels is not None:
            digest.update(pixels.float().cpu().numpy().tobytes())
        return Inspection(
            text=text,
            finished=finished,
            prompt=self._prompter.render(ask_messages(ask), ask=True),
            ids=tuple(inputs["input_ids"][0].tolist()),
            grid=tuple(tuple(entry) for entry in prompt.grid.tolist()) if prompt.grid is not None else (),
            patches=digest.hexdigest()[:12] if pixels is not None else "",
            tokens=tuple((self._prompter.decode([token]), value) for token, value in zip(row, likely, strict=False)),
        )

    def _batches(self, asks: Sequence[Keyed], on_done: Callable[[Outcome], None]) -> Iterator[list[_Prompt]]:
        """Collect prompts until a padded batch would pass the token budget; a prompt that cannot be made is an error record."""
        budget = _BATCH_TOKENS_CPU if self.device == "cpu" else _BATCH_TOKENS_GPU
        batch: list[_Prompt] = []
        longest = 0
        for key, ask in asks:
            try:
                prompt = self._prepare(key, ask)
            except DataError as error:
                on_done(Outcome(key, ask, AskFault(fate="give_up", reason=str(error)), 1, -1.0))
                continue
            width = max(longest, len(prompt.ids)) + self._sampler.max_tokens
            if batch and ((len(batch) + 1) * width > budget or len(batch) >= MOST_ROWS):
                yield batch
                batch, longest = [], 0
            batch.append(prompt)
            longest = max(longest, len(prompt.ids))
        if batch:
            yield batch

    def _prepare(self, key: str, ask: Ask) -> _Prompt:
        messages = ask_messages(ask)
        pixels = grid = None
        counts: list[int] = []
        if self._by is not None:
            images = tuple(open_pictures(ask))
            known = self._family_images
            counts = [known.tokens(*image.size) if known else _UNKNOWN_TOKENS for image in images]
            return _Prompt(
                key, ask, self._prompter.encode_prompt(messages, counts), None, None, Conversation(tuple(messages), images, name=key)
            )
        if ask.images:
            inputs = self._images(images=open_pictures(ask), return_tensors="pt")
            pixels, grid = inputs["pixel_values"], inputs["image_grid_thw"]
            counts = (grid.prod(dim=1) // self._images.merge_size**2).tolist()
        return _Prompt(key, ask, self._prompter.encode_prompt(messages, counts), pixels, grid)

    def _answer(self, batch: list[_Prompt]) -> Iterator[Outcome]:
        torch = self._torch
        started = time.perf_counter()
        try:
            texts, lengths = self._generate(batch)
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                fault = AskFault(fate="give_up", reason="the GPU has no memory for this prompt")
                yield Outcome(batch[0].key, batch[0].ask, fault, 1, -1.0)
                return
            torch.cuda.empty_cache()
            half = len(batch) // 2
            yield from itertools.chain(self._answer(batch[:half]), self._answer(batch[half:]))
            return
        seconds = (time.perf_counter() - started) / len(batch)
        for prompt, length, (text, count, finished) in zip(batch, lengths, texts, strict=True):
            answer = Answer(
                text=text,
                finish_reason="stop" if finished else "length",
                model="hf",
                prompt_tokens=length,
                completion_tokens=count,
            )
            yield Outcome(prompt.key, prompt.ask, answer, 1, seconds)

    def _generate(self, batch: list[_Prompt]) -> tuple[list[tuple[str, int, bool]], list[int]]:
        """Generate for a batch; returns text, tokens, and whether the model ended by itself; and the tokens of each prompt."""
        inputs, width = self._inputs(batch)
        with self._torch.inference_mode():
            output = self._model.generate(**inputs, **self._generation())
        return [self._cut(row[width:].tolist(), self._stops()) for row in output], inputs["attention_mask"].sum(dim=1).tolist()

    def _inputs(self, batch: list[_Prompt]) -> tuple[dict[str, Any], int]:
        """The tensors of a left-padded batch and its width."""
        torch = self._torch
        if self._by is not None:
            made = self._by.prompts([prompt.talk for prompt in batch if prompt.talk is not None])
            wide = self._model.dtype
            moved = {name: value.to(self.device, wide if value.is_floating_point() else None) for name, value in made.items()}
            return moved, int(moved["input_ids"].shape[1])
        width = max(len(prompt.ids) for prompt in batch)
        ids = torch.full((len(batch), width), self._pad, dtype=torch.long)
        mask = torch.zeros((len(batch), width), dtype=torch.long)
        for row, prompt in enumerate(batch):
            ids[row, width - len(prompt.ids) :] = torch.as_tensor(prompt.ids.astype(np.int64))
            mask[row, width - len(prompt.ids) :] = 1
        inputs: dict[str, Any] = {"input_ids": ids.to(self.device), "attention_mask": mask.to(self.device)}
        shown = [prompt for prompt in batch if prompt.pixels is not None]
        if shown:
            inputs["pixel_values"] = torch.cat([prompt.pixels for prompt in shown]).to(self.device)
            inputs["image_grid_thw"] = torch.cat([prompt.grid for prompt in shown]).to(self.device)
            inputs["mm_token_type_ids"] = (ids == self._prompter.image_pad).long().to(self.device)
        return inputs, width

    def _stops(self) -> set[int]:
        ends = self._model.generation_config.eos_token_id
        return set(ends if isinstance(ends, list) else [ends])

    def _generation(self, sampler: Sampler | None = None) -> dict[str, Any]:
        sampler = sampler or self._sampler
        if sampler.temperature == 0:
            return {"do_sample": False, "max_new_tokens": sampler.max_tokens}
        if sampler.seed is not None:
            self._torch.manual_seed(sampler.seed)
        return {"do_sample": True, "temperature": sampler.temperature, "top_p": sampler.top_p, "max_new_tokens": sampler.max_tokens}

    def _cut(self, ids: list[int], stops: set[int], sampler: Sampler | None = None) -> tuple[str, int, bool]:
        end = next((place for place, token in enumerate(ids) if token in stops), None)
        kept = ids if end is None else ids[:end]
        text = self._prompter.decode(kept)
        finished = end is not None
        for stop in (sampler or self._sampler).stop:
            if (place := text.find(stop)) >= 0:
                text, finished = text[:place], True
        return text, len(kept), finished


class _Listener:
    """What transformers' `generate` tells each token to: first the prompt, then one call a token."""

    def __init__(self, decode: Callable[[list[int]], str], stops: set[int], on_text: Callable[[str], None]) -> None:
        self._decode, self._stops, self._on_text = decode, stops, on_text
        self._ids: list[int] = []
        self._prompted = False

    def put(self, value: Any) -> None:
        """Take the prompt's ids, or a token's."""
        if not self._prompted:
            self._prompted = True
            return
        self._ids += [token for token in value.reshape(-1).tolist() if token not in self._stops]
        text = self._decode(self._ids)
        if not text.endswith("\N{REPLACEMENT CHARACTER}"):  # half of a character
            self._on_text(text)

    def end(self) -> None:
        """Nothing more comes."""


def _rough_length(ask: Ask) -> int:
    return sum(path.size() for path in ask.images) // 100 + len(ask.question)
