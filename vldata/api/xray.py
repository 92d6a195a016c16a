"""`vldata xray`: what each trainer's own code makes of a few records, next to ours."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from vldata.errors import DataError, UsageError
from vldata.flags import Arg, Flag
from vldata.jobs import JobResult

if TYPE_CHECKING:
    from vldata.xrays.cases import Subject
    from vldata.xrays.run import AskedTrainer
    from vldata.xrays.views import XrayDocument

_FINER = 8  # of the tiny model's tokenizer: letters and pairs of them, where a published one has words
_NAMES = ("ours", "llamafactory", "swift", "trl", "transformers")


@dataclass(frozen=True, repr=False)
class XrayResult(JobResult):
    """What each trainer makes of the records, and where it parts from ours; `page` is the file that shows it."""

    xray: XrayDocument | None
    page: Path | None = None
    made: tuple[Path, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every trainer was asked and makes what ours makes, but for what costs nothing that is learned."""
        return self.xray is None or self.xray.same

    def lines(self) -> Iterator[str]:
        """Yield the records with each view and its divergences, then the first divergence of each trainer."""
        from vldata.xrays.report import xray_lines

        yield from (f"Made: {place}" for place in self.made)
        if self.xray is not None:
            yield from xray_lines(self.xray)
        if self.page is not None:
            yield f"Look at it: {self.page}"

    def asides(self) -> Iterator[str]:
        """Yield what was assumed."""
        yield from self.xray.said if self.xray else ()

    def document(self) -> dict[str, Any]:
        """Return everything that was seen; schemas/xray.schema.json describes it."""
        import msgspec

        document: dict[str, Any] = msgspec.to_builtins(self.xray) if self.xray else {"made": [str(place) for place in self.made]}
        return document


def xray(
    path: Annotated[Path | None, Arg("DIR/NAME of a dataset, or a file or dataset_info.json as somebody has it.", "DIR/NAME")] = None,
    *,
    as_: Annotated[str, Flag(f"Whose eyes: of {', '.join(_NAMES)}.", ("--as",), metavar="NAME,...")] = "ours,llamafactory,swift,trl",
    rows: Annotated[str, Flag("Which rows, by number from 1: 1-3,17.", metavar="N[-N],...")] = "1-3",
    model: Annotated[
        Path | None, Flag("Model folder; by default a tiny random Qwen3-VL is made.", metavar="FOLDER", show_default=False)
    ] = None,
    env: Annotated[tuple[str, ...], Flag("Where a trainer is installed; may be given several times.", metavar="NAME=PYTHON_OR_VENV")] = (),
    setup: Annotated[
        str, Flag("First make these trainers' environments, at pinned versions.", metavar="NAME,...", show_default=False)
    ] = "",
    envs: Annotated[
        Path | None, Flag("Where --setup makes them; by default ~/.cache/vlkit/xray.", metavar="DIR", show_default=False)
    ] = None,
    set_: Annotated[
        tuple[str, ...], Flag("A setting of a trainer; may be given several times.", ("--set",), metavar="NAME.KEY=VALUE")
    ] = (),
    dataset: Annotated[str, Flag("Which entry of a dataset_info.json.", metavar="NAME", show_default=False)] = "",
    follow_links: Annotated[
        bool, Flag("Read a file that a dataset_info.json names outside its folder, for example on another disk.")
    ] = False,
    out: Annotated[Path | None, Flag("Also write a page to look at.", metavar="FILE.html", show_default=False)] = None,
    timeout_s: Annotated[float, Flag("Seconds that one trainer may take for all rows.", least=1, most=86_400)] = 900.0,
    tell: Callable[[str], None] = lambda _: None,
) -> XrayResult:
    """Show what each trainer's real code makes of a few rows: tokens, labels, positions, images, times; name where it parts from ours.

    Each trainer runs in an environment of its own. No code of a dataset or model folder is run, and nothing is fetched but by --setup.

    Raises:
        DataError: there is no such dataset, row or model, or an environment cannot be made.
        UsageError: no such trainer or setting.
    """
    from vldata.xrays.cases import refuse_model
    from vldata.xrays.environments import default_folder, find_trainer, set_up
    from vldata.xrays.run import take_xray

    names = list(dict.fromkeys(filter(None, (name.strip() for name in as_.split(",")))))
    for name in names:
        find_trainer(name)
    folder = Path(envs) if envs else default_folder()
    made = tuple(set_up(name.strip(), folder, tell) for name in filter(None, setup.split(",")))
    if path is None:
        if not made:
            raise UsageError("nothing to look at.", cure="Give DIR/NAME, or make an environment: vldata xray --setup trl")
        return XrayResult(None, made=made)
    if out is not None and not Path(out).absolute().parent.is_dir():
        raise UsageError(f"no folder for {str(out)!r}.", cure="Make it first, or choose another place.")
    asked = _asked(names, tuple(env or ()), folder, _settings(set_, names))
    with tempfile.TemporaryDirectory(prefix="vlkit-xray-") as drawn:
        work = Path(drawn)
        subject = _subject(Path(path), rows, dataset, work, is_tiny=model is None, follow_links=follow_links)
        place = Path(model) if model else _tiny(asked, work)
        if not place.is_dir():
            raise DataError("is no model folder.", where=str(place), cure="Give --model FOLDER.")
        refuse_model(place)
        seen = take_xray(subject, place, asked, work, timeout_s=timeout_s, tell=tell)
        if model is None:
            seen = _as_tiny(seen)
        page = _write_page(seen, work, Path(out)) if out else None
    return XrayResult(seen, page, made)


def _subject(path: Path, rows: str, dataset: str, work: Path, *, is_tiny: bool, follow_links: bool) -> Subject:
    """A dataset of ours where a contract is next to its name, else a file as somebody has it."""
    from vldata.api.convert import convert
    from vldata.output.folder import DatasetPaths, can_name_files
    from vldata.xrays.cases import open_dataset, open_foreign, parse_rows

    numbers = parse_rows(rows)
    name = path.name.removesuffix(".jsonl")
    if can_name_files(name) and DatasetPaths(path.parent, name).contract.is_file():
        return open_dataset(path, numbers, finer=_FINER if is_tiny else 1)
    if not path.exists():
        raise DataError("is not there.", where=str(path), cure="Give DIR/NAME of a dataset, or a file of rows.")
    return open_foreign(path, numbers, dataset, work, convert, follow_links=follow_links)


def _asked(names: list[str], env: tuple[str, ...], folder: Path, settings: dict[str, dict[str, Any]]) -> list[AskedTrainer]:
    from vldata.xrays.environments import find_python, parse_environments
    from vldata.xrays.run import AskedTrainer

    given, asked = parse_environments(env), []
    for name in names:
        try:
            asked.append(AskedTrainer(name, find_python(name, given, folder), settings.get(name, {})))
        except UsageError as error:
            asked.append(AskedTrainer(name, None, settings.get(name, {}), " ".join(str(error).split())))
    if not any(one.python for one in asked):
        raise UsageError("none of the trainers can be asked.", cure="; ".join(one.error for one in asked))
    return asked


def _settings(given: tuple[str, ...] | None, names: list[str]) -> dict[str, dict[str, Any]]:
    """Read NAME.KEY=VALUE, the value as YAML reads values."""
    import yaml

    found: dict[str, dict[str, Any]] = {}
    for one in given or ():
        left, mark, value = one.partition("=")
        name, dot, key = left.partition(".")
        if not (mark and dot and key) or name not in names:
            raise UsageError(f"--set {one!r} is no NAME.KEY=VALUE of {', '.join(names)}.", cure="For example: --set trl.max_length=1024")
        try:
            found.setdefault(name, {})[key] = yaml.safe_load(value)
        except yaml.YAMLError:
            found.setdefault(name, {})[key] = value
    return found


def _tiny(asked: list[AskedTrainer], work: Path) -> Path:
    """Have the first Python that has torch and transformers make the tiny model.

    Raises:
        DataError: none has.
    """
    from vldata.models import tiny

    said = ""
    for python in dict.fromkeys(one.python for one in reversed(asked) if one.python):
        done = subprocess.run([str(python), tiny.__file__, str(work / "tiny")], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return work / "tiny"
        said = " ".join(done.stderr.split())[-200:]
    raise DataError(f"no tiny model could be made: {said}", cure="Give --model FOLDER.")


def _as_tiny(seen: XrayDocument) -> XrayDocument:
    import msgspec

    note = "The model is a tiny random Qwen3-VL, of 512 tokens: images, labels and structure are as with the real one, text is cut finer."
    return msgspec.structs.replace(seen, model="tiny", said=(*seen.said, note))


def _write_page(seen: XrayDocument, work: Path, out: Path) -> Path:
    from vldata.files.durable import write_atomic
    from vldata.xrays.page import page_text

    write_atomic(out, page_text(seen, work).encode())
    return out
