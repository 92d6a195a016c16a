"""Running a function whose places are URLs: fetch what it reads, let it work on this machine, send what it made.

The result speaks of the URLs. An upload that was killed registers nothing; the same call finishes it without working again.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from vldata.aliases import named
from vldata.errors import UsageError, VlkitError
from vldata.files import inside
from vldata.files.lock import hold_below
from vldata.files.urls import Url, find_url
from vldata.jobs import JobResult
from vldata.output.dataset_info import read_dataset_info
from vldata.output.folder import DATASET_INFO
from vldata.remote import pulling
from vldata.remote.mirror import Mirror
from vldata.remote.outbox import Outbox, Resumed, ToldResult, command_digest, drop_outbox, read_outbox, refuse_other, write_outbox
from vldata.remote.reach import Tell, flat, listener
from vldata.remote.relative import make_relative
from vldata.remote.sending import Snapshot, refuse_foreign, send, snapshot


def run_at_urls(function: Callable[..., Any], bound: inspect.BoundArguments, roles: Mapping[str, str]) -> Any:
    """Call `function` with folders of this machine in place of its URLs.

    Raises:
        UsageError: two places that cannot go together, or a store that is not written to.
        VlkitError: as the function, with the URLs' names; a store that refuses.
    """
    call = _Call(function, bound, roles, listener())
    try:
        return call.run()
    except VlkitError as error:
        error.what, error.where, error.cure = named(error.what), named(error.where), named(error.cure)
        raise


class _Call:
    """One call: its mirrors, and the one place that it writes to."""

    def __init__(self, function: Callable[..., Any], bound: inspect.BoundArguments, roles: Mapping[str, str], tell: Tell) -> None:
        self._function, self._bound, self._roles, self._tell = function, bound, roles, tell
        self._given = dict(flat(bound.signature, bound.arguments))
        self._mirrors: dict[tuple[str, str, str], Mirror] = {}
        self._command = command_digest(f"{function.__module__}.{function.__name__}", self._given)

    def run(self) -> Any:
        """Fetch, work, send."""
        out = self._written()
        if out is None:
            self._replace_all()
            result = self._function(*self._bound.args, **self._bound.kwargs)
            self._settle_mirrors()
            return result
        if out.scheme == "hf":
            raise UsageError("hf:// is read, not written.", cure="Write to this machine; vldata export --to hf --push uploads.")
        mirror = self._mirror(out, "work")
        state = out.key.replace("%", "%25").replace("/", "%2F") or "%"
        with hold_below(mirror.state, f"{state}/lock", f"the mirror of {out}"), self._outbox_kept(mirror.state / state):
            return self._run_writing(mirror, out, mirror.state / state)

    def _run_writing(self, mirror: Mirror, out: Url, state: Path) -> Any:
        if (waiting := read_outbox(state)) is not None:
            if self._given.get("fresh"):
                drop_outbox(state)
            elif waiting.command != self._command:
                raise refuse_other(waiting, state)
            else:
                self._tell(f"Going on with the upload to {out} that was interrupted.")
                send(mirror, out, waiting, self._tell)
                drop_outbox(state)
                return self._told_again(waiting.told)
        self._replace_all()
        folder = mirror.path(out)
        before, registered = snapshot(folder), read_dataset_info(folder) if folder.is_dir() else {}
        made: list[Any] = []
        on_made = self._given.get("on_made")
        if "on_made" in self._bound.signature.parameters:  # what it would say is true when all is there
            self._put("on_made", made.append)
        result = self._function(*self._bound.args, **self._bound.kwargs)
        self._settle_mirrors()
        if not any(name.endswith(".contract.json") for name in snapshot(folder)):
            made_here = [name for name, state in snapshot(folder).items() if before.get(name) != state]
            make_relative(folder, made_here)
        outbox = self._outbox(out, folder, before, registered, _told(result))
        if outbox.files or outbox.entries or outbox.unregister:
            refuse_foreign(mirror, out, outbox, registered)
            write_outbox(state, outbox)
            send(mirror, out, outbox, self._tell)
            drop_outbox(state)
        for one in made:
            if on_made is not None:
                on_made(one)
        return result

    def _told_again(self, told: ToldResult) -> Resumed:
        """What the earlier run had to say; where lines are printed as they come (`convert`), here."""
        if "on_made" in self._bound.signature.parameters:
            for line in told.lines:
                self._tell(line)
        return Resumed(told)

    @contextlib.contextmanager
    def _outbox_kept(self, state: Path) -> Iterator[None]:
        """Say how an upload goes on that something has ended."""
        try:
            yield
        except KeyboardInterrupt:
            if (state / "outbox.json").is_file():
                self._tell("The upload is not finished and nothing is registered: the same command goes on with it.")
            raise

    def _outbox(self, out: Url, folder: Path, before: Snapshot, registered: dict[str, Any], told: ToldResult) -> Outbox:
        after = snapshot(folder)
        entries = read_dataset_info(folder) if (folder / DATASET_INFO).is_file() else {}
        files = [name for name, state in after.items() if before.get(name) != state and name != DATASET_INFO]
        new = {name: entry for name, entry in entries.items() if registered.get(name) != entry or _of(name, files)}
        return Outbox(
            command=self._command,
            place=str(out),
            files=tuple(files),
            removed=tuple(name for name in before if name not in after),
            media=tuple(name for name in files if name.endswith(".media.jsonl") and "/" not in name),
            entries=new,
            unregister=tuple(name for name in registered if name not in entries),
            told=told,
        )

    def _written(self) -> Url | None:
        """The folder that the call writes to, where that is a URL."""
        found: list[Url] = []
        for name, role in self._roles.items():
            for url in _urls(self._given.get(name)) if role in ("out", "derive", "file_out") else ():
                found.append(url if role == "out" else url.parent)
        if len(set(found)) > 1:
            raise UsageError(f"two places are written: {found[0]} and {found[-1]}.", cure="Give places of one folder.")
        return found[0] if found else None

    def _replace_all(self) -> None:
        """Fetch what each URL stands for, and put the folder in its place."""
        for name, role in self._roles.items():
            value = self._given.get(name)
            if value is None or not (urls := _urls(value)):
                continue
            local = {str(url): self._pull(url, role) for url in urls}
            self._put(name, _replaced(value, local))

    def _pull(self, url: Url, role: str) -> Path:
        mirror = self._mirror(url, "work" if role in ("out", "derive", "file_out") else "read")
        if role == "out":
            return pulling.pull_registry(mirror, url)
        if role == "file_out":
            inside.make_folder(mirror.tree.parent, f"{mirror.tree.name}/{url.parent.key}".rstrip("/"))
            return mirror.path(url)
        if role in ("dataset", "derive", "pictures", "split"):
            return pulling.pull_dataset(mirror, url, pictures=role in ("pictures", "split"), family=role == "split")
        if role == "registry":
            return pulling.pull_registry(mirror, url)
        if role == "folder":
            wanted = not self._given.get("no_files", False)
            return pulling.pull_folder(mirror, url, pictures=wanted)
        return pulling.pull_answers(mirror, url) if role == "answers" else pulling.pull_tree(mirror, url)

    def _mirror(self, url: Url, use: str) -> Mirror:
        key = (use, url.scheme, url.bucket)
        if key not in self._mirrors:
            self._mirrors[key] = Mirror(url, use, self._tell)  # type: ignore[arg-type]
        return self._mirrors[key]

    def _settle_mirrors(self) -> None:
        for (use, *_), mirror in self._mirrors.items():
            if use == "read":
                mirror.refuse_changed()

    def _put(self, name: str, value: Any) -> None:
        parameters, arguments = self._bound.signature.parameters, self._bound.arguments
        if name in parameters and parameters[name].kind is not inspect.Parameter.VAR_KEYWORD:
            arguments[name] = value
        else:
            many = next(key for key, parameter in parameters.items() if parameter.kind is inspect.Parameter.VAR_KEYWORD)
            arguments[many] = {**arguments.get(many, {}), name: value}


def _urls(value: Any) -> list[Url]:
    if isinstance(value, str) or not isinstance(value, list | tuple | dict):
        found = find_url(value)
        return [found] if found else []
    return [url for one in value if (url := find_url(str(one).partition("=")[0])) is not None]


def _replaced(value: Any, local: Mapping[str, Path]) -> Any:
    """The argument with folders of this machine in place of its URLs, weights kept."""
    if isinstance(value, dict):
        return {_replaced(one, local): weight for one, weight in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_replaced(one, local) for one in value)
    text, sign, weight = str(value).partition("=")
    if (url := find_url(text)) is None:
        return value
    return Path(f"{local[str(url)]}{sign}{weight}") if not sign else f"{local[str(url)]}{sign}{weight}"


def _of(name: str, files: list[str]) -> bool:
    return any(file == f"{name}.contract.json" for file in files)


def _told(result: Any) -> ToldResult:
    if not isinstance(result, JobResult):
        return ToldResult(True, (), (), None)
    return ToldResult(result.ok, tuple(map(named, result.lines())), tuple(map(named, result.asides())), result.document())
