"""Whether each layer of a result was made of the others that are given: data -> adapter -> merged model -> predictions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from vldata.passports.layers import Layer


class Link(NamedTuple):
    """One link between two layers: whether it holds (None: it could not be checked), and in one sentence why."""

    good: bool | None
    what: str


def links(layers: list[Layer]) -> Iterator[Link]:
    """Yield every link among layers in order."""
    data = [layer for layer in layers if layer.kind == "data"]
    models = [layer for layer in layers if layer.kind in ("model", "merged", "adapter")]
    for layer in layers:
        if layer.kind == "adapter":
            yield from _to_data(layer, data, "was trained on")
            yield from _to_weights(layer, layer.made_of.get("weights"), models)
        elif layer.kind == "merged":
            yield from _to_weights(layer, layer.made_of.get("weights"), models)
            yield from _to_adapter(layer, models)
        elif layer.kind == "predictions":
            yield from _to_data(layer, data, "answers")
            yield from _to_models(layer, models)
        elif layer.kind == "score":
            yield _to_predictions(layer, [one for one in layers if one.kind == "predictions"])


def _to_data(layer: Layer, data: list[Layer], verb: str) -> Iterator[Link]:
    noted = [files for files in layer.made_of.get("records", []) if isinstance(files, dict)]
    if not noted:
        return
    if not data:
        yield Link(None, f"{layer.at}: its data are not given.")
        return
    known = [one.identity["records"] for one in data]
    for files in noted:
        if _among(files, known):
            at = next(one.at for one in data if _same(files, one.identity["records"]))
            yield Link(True, f"{layer.at} {verb} the records of {at}.")
        else:
            where = ", ".join(one.at for one in data)
            yield Link(False, f"{layer.at} {verb} other records ({', '.join(files)}) than those of {where}.")


def _among(files: dict[str, Any], known: list[dict[str, Any]]) -> bool:
    return any(_same(files, records) for records in known)


def _same(files: dict[str, Any], records: dict[str, Any]) -> bool:
    return sorted(map(str, files.values())) == sorted(map(str, records.values()))


def _to_weights(layer: Layer, noted: Any, models: list[Layer]) -> Iterator[Link]:
    if not noted:
        return
    bases = [one for one in models if one.kind in ("model", "merged") and one is not layer]
    if not bases:
        yield Link(None, f"{layer.at}: its base ({layer.made_of.get('model_at') or 'a model'}) is not given.")
        return
    for base in bases:
        if base.identity.get("weights") == noted:
            yield Link(True, f"{layer.at} stands on {base.at}.")
            return
    if any(base.kind == "model" for base in bases):
        yield Link(False, f"{layer.at} stands on other weights than those of {', '.join(base.at for base in bases)}.")
    else:
        yield Link(None, f"{layer.at}: its base is not given.")


def _to_adapter(layer: Layer, models: list[Layer]) -> Iterator[Link]:
    noted = layer.made_of.get("adapter")
    adapters = [one for one in models if one.kind == "adapter"]
    if not noted or not adapters:
        yield Link(None, f"{layer.at}: its adapter is not given.")
        return
    good = next((one for one in adapters if one.identity.get("model") == noted), None)
    where = good.at if good else ", ".join(one.at for one in adapters)
    yield Link(
        good is not None, f"{layer.at} was merged from {where}." if good else f"{layer.at} was merged from another adapter than {where}."
    )


def _to_predictions(layer: Layer, predictions: list[Layer]) -> Link:
    noted = layer.made_of.get("predictions") or {}
    if not noted:
        return Link(None, f"{layer.at}: this score names no digests (`vleval score --json` does); the passport holds its own.")
    if not predictions:
        return Link(None, f"{layer.at}: the predictions that it scores ({', '.join(noted)}) are not given.")
    good = next((one for one in predictions if set(noted.values()) & {one.digests.get(Path(one.at).name)}), None)
    if good:
        return Link(True, f"{layer.at} scores {good.at}.")
    return Link(False, f"{layer.at} scores other predictions ({', '.join(noted)}) than {', '.join(one.at for one in predictions)}.")


def _to_models(layer: Layer, models: list[Layer]) -> Iterator[Link]:
    noted = layer.made_of.get("models") or {}
    if not noted:
        yield Link(None, f"{layer.at}: a server answered; its model has no digest.")
    for name, digest in noted.items():
        good = next((one for one in models if digest and one.identity.get("model") == digest), None)
        if good:
            yield Link(True, f"{layer.at} was answered by {good.at}.")
        elif any(one.kind == "merged" or Path(one.at).name == Path(name).name for one in models):
            yield Link(False, f"{layer.at} was answered by another model than those given ({name}).")
        else:
            yield Link(None, f"{layer.at}: the model that answered ({name}) is not given.")
