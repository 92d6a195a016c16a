"""`vltrain merge` and `vltrain quantize`: an adapter and its base to one model, and that made small."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from vldata.errors import UsageError
from vldata.flags import Arg, Flag
from vldata.jobs import JobResult
from vldata.wording import counted
from vltrain.api.params import ModelFolder

if TYPE_CHECKING:
    from vltrain.merging import Merged
    from vltrain.quantizing import Quantized


@dataclass(frozen=True, repr=False)
class MergeResult(JobResult):
    """The merged model; see `vltrain.merging.Merged`."""

    merged: Merged
    verified: bool

    def lines(self) -> Iterator[str]:
        """Yield what was merged, and how far the logits are apart."""
        found = self.merged
        yield f"{found.merged_tensors:,} tensors merged in {found.dtype}, {counted(found.shards, 'file')} in {found.output}."
        if self.verified:
            apart = f"{found.max_logit_difference:.2e} (greatest logit {found.greatest_logit:.2f})"
            yield f"Logits differ from adapter-on-base by at most {apart}."

    def document(self) -> Any:
        """Return every figure."""
        import msgspec

        return msgspec.to_builtins(self.merged)


def merge(
    recipe: Annotated[Path | None, Arg("A recipe, or a LLaMA-Factory YAML; none where --model is given.", "RECIPE.yaml")] = None,
    *,
    model: Annotated[
        str, Flag("Base model folder, without a recipe.", ("--model", "--model_name_or_path"), metavar="DIR", show_default=False)
    ] = "",
    adapter: Annotated[
        str,
        Flag("Adapter folder; by default the recipe's output.", ("--adapter", "--adapter_name_or_path"), metavar="DIR", show_default=False),
    ] = "",
    out: Annotated[
        str, Flag("Folder to write; by default the recipe's merge_to.", ("--out", "--export_dir"), metavar="DIR", show_default=False)
    ] = "",
    shard_gb: Annotated[
        float | None, Flag("Most GB of a weights file; by default 5.", ("--shard-gb", "--export_size"), least=0.001, show_default=False)
    ] = None,
    template: Annotated[
        str, Flag("LLaMA-Factory's name of the template. The model's own is used; another is refused.", ("--template",), show_default=False)
    ] = "",
    verify: Annotated[bool, Flag("Compare logits with those of adapter-on-base.", ("--verify/--no-verify",))] = True,
    tell: Callable[[str], None] = lambda _: None,
) -> MergeResult:
    """Merge an adapter onto its full-precision base: sharded safetensors, and every side file of the base.

    Raises:
        UsageError: no adapter or no folder to write is known.
        DataError: base or adapter cannot be read.
    """
    from vltrain.merging import merge as run
    from vltrain.quiet import hush
    from vltrain.recipe import Recipe, read_recipe
    from vltrain.ways import is_template_of

    if recipe is None and not model:
        raise UsageError("no recipe and no model.", cure="vltrain merge RECIPE.yaml, or --model DIR --adapter DIR --out DIR")
    read = read_recipe(Path(recipe))[0] if recipe is not None else Recipe(model=str(model), job="merge")
    if recipe is not None and model:
        raise UsageError("both a recipe and --model name the base.", cure="Give one of them.")
    if template and not is_template_of(template, Path(read.model)):
        raise UsageError(f"--template {template}: is not this model's.", cure="Leave it out: the model's own template is kept.")
    source, target = str(adapter) or read.adapter or read.output, str(out) or read.merge_to
    if not source or not target:
        fault = "adapter and merge_to must be known." if not source else "merge_to: where to write is missing."
        raise UsageError(fault, cure="Give --out FOLDER.")
    hush()
    merged = run(
        Path(read.model),
        Path(source),
        Path(target),
        shard_gb=shard_gb or read.shard_gb,
        verify=verify,
        own_code=read.trust_remote_code,
        say=tell,
    )
    return MergeResult(merged, verify)


@dataclass(frozen=True, repr=False)
class QuantizeResult(JobResult):
    """The model in four bits; see `vltrain.quantizing.Quantized`."""

    quantized: Quantized

    def lines(self) -> Iterator[str]:
        """Yield what became smaller, and by how much."""
        before, after = self.quantized.bytes_before / 1e6, self.quantized.bytes_after / 1e6
        linears = f"{self.quantized.quantized_linears:,} linears in nf4"
        yield f"{linears}: {before:,.1f} MB became {after:,.1f} MB in {self.quantized.output}."

    def document(self) -> Any:
        """Return every figure."""
        import msgspec

        return msgspec.to_builtins(self.quantized)


def quantize(
    model: ModelFolder,
    *,
    out: Annotated[Path, Flag("Folder to write.", metavar="DIR", show_default=False)],
    double: Annotated[bool, Flag("Quantise the scales too.", ("--double/--single",))] = True,
    compute: Annotated[Literal["bf16", "fp16", "fp32"], Flag("Type of the parts that stay wide, and of the arithmetic.")] = "bf16",
) -> QuantizeResult:
    """Quantise a merged model to four bits (nf4); vision tower and head stay in 16 bits.

    Raises:
        DataError: the model cannot be read.
        MissingExtraError: bitsandbytes is not installed.
    """
    from vltrain.quantizing import quantize as run
    from vltrain.quiet import hush

    hush()
    return QuantizeResult(run(Path(model), Path(out), double=double, compute=compute))
