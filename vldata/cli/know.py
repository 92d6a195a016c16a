"""`vldata stats`, `budget`, `info`, `doctor`: knowing the data and the machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vldata.cli import options as opt
from vldata.wording import counted

if TYPE_CHECKING:
    from vldata.datasets.budget import Budget
    from vldata.datasets.info import Entry
    from vldata.output.contract import Spread

Tokenizer = Annotated[
    str, typer.Option(help="Model folder or tokenizer.json: count text exactly instead of estimating it.", show_default=False)
]


def stats(
    target: opt.Target,
    by: Annotated[str, typer.Option(help="Meta key of the table; by default category.", show_default=False)] = "",
    tokenizer: Tokenizer = "",
    json_output: opt.Json = False,
) -> None:
    """Count records, pictures and tokens of a dataset, per category; opens no picture."""
    import msgspec

    from vldata.datasets.stats import compute_stats
    from vldata.terminal import say, say_json

    result = compute_stats(target, by=by, tokenizer=tokenizer)
    if json_output:
        say_json(msgspec.to_builtins(result))
        return
    videos = f", {counted(result.videos, 'video')}, {result.video_bytes / 2**20:,.1f} MiB" if result.videos else ""
    pictures = f"{counted(result.pictures, 'picture')}, {result.picture_bytes / 2**20:,.1f} MiB"
    say(f"{result.name}: {counted(result.records, 'record')}, {pictures}{videos}")
    say(f"{'a record':<28} {'mean':>10} {'p50':>8} {'p95':>8} {'max':>8}")
    text = "text tokens" if result.text_counted else "text tokens (estimated)"
    rows = (("pictures", result.images_per_record), ("vision tokens", result.vision_tokens), (text, result.text_tokens))
    for name, spread in (*rows, ("all tokens", result.total_tokens)):
        say(_row(name, spread))
    say(f"longest record: {result.longest_id}")
    if result.videos:
        say("Videos are counted as Qwen3-VL's processor samples them (2 frames a second, 4 to 768); their marks of time are estimated.")
    if result.sizes:
        say("sizes: " + ", ".join(f"{size} ({count:,})" for size, count in result.sizes.items()))
    if len(result.categories) > 1:
        say(f"\n{'all tokens by ' + result.by:<28} {'mean':>10} {'p50':>8} {'p95':>8} {'max':>8} {'records':>8}")
        for name, category in result.categories.items():
            say(f"{_row(name or '(none)', category.tokens)} {category.records:>8,}")


def _row(name: str, spread: Spread) -> str:
    return f"{name[:28]:<28} {spread.mean:>10,.1f} {spread.p50:>8,} {spread.p95:>8,} {spread.max:>8,}"


def budget(
    target: opt.Target,
    cutoff: Annotated[int, typer.Option(help="Tokens a record may have (cutoff_len).", min=1)] = 2048,
    tokenizer: Tokenizer = "",
    json_output: opt.Json = False,
) -> None:
    """Solve for the largest --max-pixels, or the most pictures, with which every record fits a cutoff."""
    import msgspec

    from vldata.datasets.budget import solve_budget
    from vldata.terminal import say, say_json

    result = solve_budget(target, cutoff=cutoff, tokenizer=tokenizer)
    if json_output:
        say_json(msgspec.to_builtins(result))
        return
    estimated = "" if result.text_counted else " (text estimated)"
    say(f"{result.over:,} of {result.records:,} records are over {result.cutoff:,} tokens; the longest has {result.longest:,}{estimated}.")
    if result.max_pixels is None:
        say(_no_budget(result))
    else:
        most = counted(result.max_pictures, "picture")
        say(f"--max-pixels {result.max_pixels} fits every record; at the dataset's own budget at most {most} a record fit.")


def _no_budget(result: Budget) -> str:
    if result.longest_text >= result.cutoff:
        return f"No budget fits them all: the longest text alone has {result.longest_text:,} tokens. Raise --cutoff, or filter by tokens."
    if not result.max_pictures:
        return "No budget fits them all, and at the dataset's own not one picture fits beside the longest text. Raise --cutoff."
    fit = counted(result.max_pictures, "picture")
    return f"No budget fits them all: at the dataset's own at most {fit} a record fit. Take fewer, or raise --cutoff."


def info(
    folder: Annotated[Path, typer.Argument(help="Output folder.")] = Path("prepared"),
    rename: Annotated[tuple[str, str], typer.Option(metavar="OLD NEW", help="Give a dataset another name.", show_default=False)] = ("", ""),
    merge: Annotated[Path | None, typer.Option(help="Take over every dataset of another output folder.", show_default=False)] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Remove pictures and videos that no registered dataset uses.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --prune: only say what would go.")] = False,
    json_output: opt.Json = False,
) -> None:
    """List what an output folder holds; rename, merge and prune."""
    import msgspec

    from vldata.datasets import info as care
    from vldata.output.folder import DatasetPaths
    from vldata.terminal import note, say, say_json

    if any(rename):
        care.rename(DatasetPaths(folder, rename[0]), rename[1])
        note(f"Renamed {rename[0]!r} to {rename[1]!r}.")
    if merge is not None:
        for name in care.merge_folder(folder, merge):
            note(f"Took over {name!r} from {merge}.")
    if prune:
        files, size = care.prune(folder, dry_run=dry_run)
        note(f"{'Would remove' if dry_run else 'Removed'} {counted(files, 'unused file')}, {size / 2**20:,.1f} MiB.")
    entries = care.list_datasets(folder)
    if json_output:
        say_json([msgspec.to_builtins(entry) for entry in entries])
        return
    if not entries:
        say(f"{folder} registers no dataset.")
    for entry in entries:
        say(_describe(entry))


def _describe(entry: Entry) -> str:
    contract = entry.contract
    if contract is None:
        return f"{entry.name}: another tool's or your own"
    pixels = contract.pixels
    videos = f" {counted(contract.counts.videos, 'video')}," if contract.counts.videos else ""
    counts = contract.counts
    held = f"{counted(counts.written, 'record')}, {counted(counts.pictures, 'picture')}"
    shown = f"{held},{videos} {pixels.processor} up to {pixels.max_pixels:,} px"
    return f"{entry.name}: {shown}, from {contract.converter}" + (f"; {entry.note}" if entry.note else "")


def doctor(json_output: opt.Json = False) -> None:
    """Say what is installed, what is missing, and which traps are set here; exit 1 when something is bad."""
    import msgspec

    from vldata.installation import examine
    from vldata.terminal import say, say_json

    lines = examine(Path())
    if json_output:
        say_json(msgspec.to_builtins(lines))
    else:
        for line in lines:
            say(f"{line.level:<5} {line.what}" + (f"\n      {line.cure}" if line.cure else ""))
    if any(line.level == "bad" for line in lines):
        raise typer.Exit(1)
