"""`vleval parity`: whether backends get the same input."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from vldata.errors import UsageError
from vldata.flags import Flag, OptionGroup
from vldata.jobs import JobResult
from vleval.api.predict import Data
from vleval.inference.ask import MOST_SEED, MOST_TOKENS
from vleval.inference.options import AnswerTimeout, Dtype

if TYPE_CHECKING:
    from vleval.crosscheck.run import Parity


class Comparing(OptionGroup, frozen=True, kw_only=True):
    """How backends are compared."""

    PANEL: ClassVar[str] = "Comparing"

    model: Annotated[str, Flag("Model of the backends that name none.", show_default=False)] = ""
    adapter: Annotated[str, Flag("LoRA adapter folder of an hf that names no model.", metavar="DIR", show_default=False)] = ""
    rendering: Annotated[
        Path | None,
        Flag("Model folder whose template and tokenizer say what is expected; by default that of hf.", metavar="DIR", show_default=False),
    ] = None
    limit: Annotated[int, Flag("Records to show.", metavar="N", least=1)] = 3
    max_tokens: Annotated[int, Flag("Most tokens of an answer.", metavar="N", least=1, most=MOST_TOKENS)] = 32
    seed: Annotated[int, Flag("Seed sent to the server.", least=0, most=MOST_SEED)] = 0
    dtype: Dtype = "auto"
    timeout_s: AnswerTimeout = 300.0


@dataclass(frozen=True, repr=False)
class ParityResult(JobResult):
    """What each backend makes of a few records; see `vleval.crosscheck.run.Parity`."""

    parity: Parity
    strict: bool
    page: Path | None = None

    @property
    def ok(self) -> bool:
        """Whether the backends get the same input; with `strict`, also where only probes show a difference."""
        return self.parity.same and not (self.strict and self.parity.first)

    def lines(self) -> Iterator[str]:
        """Yield the records as each backend sees them, and the first difference."""
        from vleval.crosscheck.text import parity_lines

        yield from parity_lines(self.parity)
        if self.page is not None:
            yield f"Look at it: {self.page}"

    def document(self) -> dict[str, Any]:
        """Return everything that was seen."""
        from vleval.crosscheck.run import document

        return document(self.parity)


def parity(
    data: Data,
    backends: Annotated[
        str,
        Flag(
            "Two or more; each is compared with the first. URL by default: the backend's usual port on this machine.",
            metavar="NAME[@MODEL[+ADAPTER]][=URL],...",
        ),
    ],
    *,
    comparing: Comparing = Comparing(),
    strict: Annotated[bool, Flag("Exit 1 also for differences that only probes show.")] = False,
    out: Annotated[Path | None, Flag("Also write a page to look at, as vldata xray does.", metavar="FILE.html", show_default=False)] = None,
    api_key: str = "",
    tell: Callable[[str], None] = lambda _: None,
) -> ParityResult:
    """Show what each backend makes of a few records, and name the first thing in which they differ.

    Looked for, in the order of effect: template, order, resize, EXIF, colour, re-encoding, sampler, numerics.

    Raises:
        UsageError: an unknown backend, fewer than two, or one without a model.
        DataError: the dataset cannot be read, or no server answers.
    """
    from vldata.datasets.dataset import Dataset
    from vldata.files.durable import write_atomic
    from vleval.crosscheck.backends import open_backend, parse_backends
    from vleval.crosscheck.page import parity_page
    from vleval.crosscheck.run import compare_backends
    from vleval.inference.ask import Sampler

    if out is not None and not Path(out).absolute().parent.is_dir():
        raise UsageError(f"no folder for {str(out)!r}.", cure="Make it first, or choose another place.")
    specs = parse_backends(backends, comparing.model, comparing.adapter)
    dataset = Dataset(data)
    sampler = Sampler(max_tokens=comparing.max_tokens, seed=comparing.seed)
    opened = [open_backend(spec, sampler=sampler, dtype=comparing.dtype, timeout_s=comparing.timeout_s, key=api_key) for spec in specs]
    found = compare_backends(dataset, opened, sampler=sampler, limit=comparing.limit, rendering=comparing.rendering, note=tell)
    page = None
    if out is not None:
        folder = comparing.rendering or next((Path(backend.folder) for backend in opened if backend.folder), None)
        with tempfile.TemporaryDirectory(prefix="vlkit-parity-") as work:
            write_atomic(Path(out), parity_page(found, dataset, folder, Path(work)).encode())
        page = Path(out)
    return ParityResult(found, strict, page)
