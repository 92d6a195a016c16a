"""`vldata verify`: the chain from data to a score, by digests, and where it breaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from vldata.api.params import OnProgress
from vldata.errors import UsageError
from vldata.flags import Arg, Flag
from vldata.jobs import JobResult
from vldata.wording import counted

if TYPE_CHECKING:
    from vldata.passports.layers import ChainFault, Layer
    from vldata.passports.links import Link

_SHOWN = 10


@dataclass(frozen=True, repr=False)
class Verification(JobResult):
    """Layers from data to score, the links between them, and every fault."""

    layers: tuple[Layer, ...]
    links: tuple[Link, ...]
    faults: tuple[ChainFault, ...]
    passport: Path | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing breaks the chain."""
        return not self.faults and all(link.good is not False for link in self.links)

    def lines(self) -> Iterator[str]:
        """Yield a line a layer, a line a link, and what breaks the chain."""
        for layer in self.layers:
            yield f"{layer.kind}: {layer.at}, {counted(len(layer.digests), 'file')}"
        for link in self.links:
            if link.good is not None:
                yield f"{'holds' if link.good else 'BROKEN'}: {link.what}"
        for fault in self.faults[:_SHOWN]:
            yield f"BROKEN: {fault.where} {fault.what}"
        if len(self.faults) > _SHOWN:
            yield f"... and {len(self.faults) - _SHOWN:,} more"
        yield "The chain holds." if self.ok else "The chain is broken."

    def asides(self) -> Iterator[str]:
        """Yield what could not be checked."""
        for layer in self.layers:
            yield from layer.unchecked
        yield from (f"Not checked: {link.what}" for link in self.links if link.good is None)
        if self.passport:
            yield f"Passport: {self.passport}; publish it with the result. Check it with: vldata verify {self.passport}"

    def document(self) -> dict[str, Any]:
        """Return layers, links and faults."""
        import msgspec

        return {
            "good": self.ok,
            "layers": [{"kind": layer.kind, "at": layer.at, "files": layer.digests} for layer in self.layers],
            "links": [{"good": link.good, "what": link.what} for link in self.links],
            "faults": msgspec.to_builtins(self.faults),
        }


def verify(
    paths: Annotated[tuple[Path, ...], Arg("DIR/NAME, model, adapter, predictions, score; or a passport.", "PATH...")],
    *,
    passport: Annotated[
        Path | None, Flag("Write the digest of every file of them into this one.", metavar="FILE", show_default=False)
    ] = None,
    on_progress: OnProgress | None = None,
) -> Verification:
    """Follow data -> adapter -> merged model -> predictions -> score by digests and say where the chain breaks; exit 1 where it does.

    Given the layers themselves, each is held to what it says of its files, and to be made of the others. Given a passport, every file that
    it names is held to the digest that it has there.

    Raises:
        DataError: a path is no layer of a result.
        UsageError: no path, or a passport to be written of a passport.
    """
    from vldata.passports.layers import in_order, open_layer
    from vldata.passports.links import links
    from vldata.passports.passport import hold, read_passport, write_passport

    given = [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    if not given:
        raise UsageError("nothing to verify.", cure="Give DIR/NAME, a model, an adapter, predictions, or a passport.")
    done = 0

    def on_file(name: str) -> None:
        nonlocal done
        done += 1
        if on_progress:
            on_progress(name, done, 0)

    layers: list[Layer] = []
    faults: list[ChainFault] = []
    for path in given:
        read = read_passport(path)
        if read is None:
            layer = open_layer(path, on_file)
            layers.append(layer)
            faults += layer.faults
            continue
        if passport is not None:
            raise UsageError("a passport is written of layers, not of a passport.", where=str(path), cure="Give what it names.")
        for layer, found in hold(read, path, on_file):
            layers.append(layer)
            faults += found
    ordered = in_order(layers)
    there = [layer for layer in ordered if layer.digests]
    result = Verification(tuple(ordered), tuple(links(there)), tuple(faults), passport)
    if passport is not None:
        if not result.ok:
            raise UsageError("the chain is broken, and no passport is written of it.", cure="Run vldata verify without --passport.")
        write_passport(passport, ordered)
    return result
