"""`vldata verify`: a chain that holds, one that does not, and a bit that flips in each layer, by name."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import msgspec
import pytest

import vldata
from vldata.errors import DataError, UsageError
from vldata.models.fingerprint import file_digest, fingerprint, weights_digest
from vldata.output.contract import read_contract
from vldata.output.folder import DatasetPaths


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())


@pytest.fixture
def chain(prepared: Path, tmp_path: Path) -> list[Path]:
    """Data, base, adapter, merged model, predictions and score, as the commands leave them; the weights are noise."""
    root = tmp_path / "chain"
    shutil.copytree(prepared, root / "prepared")
    noise = random.Random(0).randbytes
    contract = read_contract(DatasetPaths(root / "prepared", "openeqa"))
    base, adapter, merged = root / "base", root / "adapter", root / "merged"
    _write(base / "config.json", {"model_type": "tiny"})
    _write(base / "model.safetensors", noise(5_000))
    _write(adapter / "adapter_config.json", {"r": 8})
    _write(adapter / "adapter_model.safetensors", noise(3_000))
    manifest = {
        "data": [{"target": "prepared/openeqa", "files": {file.name: file.sha256 for file in contract.files}}],
        "model": {"path": "base", "weights": weights_digest(base)},
    }
    _write(adapter / "run_manifest.json", manifest)
    _write(merged / "config.json", {"model_type": "tiny"})
    _write(merged / "model.safetensors", noise(5_000))
    origin = {
        "base": weights_digest(base),
        "adapter": fingerprint(adapter),
        "weights": {"model.safetensors": file_digest(merged / "model.safetensors")},
    }
    _write(merged / "merged_from.json", origin)
    _write(root / "preds.jsonl", b'{"id": "a", "prediction": "b"}\n')
    run = {"dataset_files": msgspec.to_builtins(contract.files), "digests": {"merged": fingerprint(merged)}}
    _write(root / "preds.jsonl.run.json", run)
    read = {"files": {"preds.jsonl": file_digest(root / "preds.jsonl")}}
    _write(root / "score.json", {"metrics": {"exact_match": 0.5}, "read": read})
    return [root / "prepared" / "openeqa", base, adapter, merged, root / "preds.jsonl", root / "score.json"]


def test_a_whole_chain_holds(chain: list[Path]) -> None:
    result = vldata.verify(tuple(reversed(chain)))
    text = "\n".join(result.lines())
    assert result.ok and text.endswith("The chain holds.")
    for said in (
        "adapter was trained on the records",
        "stands on",
        "was merged from",
        "answers the records",
        "was answered by",
        "score.json scores",
    ):
        assert said in text, text
    assert [layer.kind for layer in result.layers] == ["data", "model", "adapter", "merged", "predictions", "score"]


def test_a_passport_names_the_file_of_every_flipped_bit(chain: list[Path], tmp_path: Path) -> None:
    passport = tmp_path / "chain" / "passport.json"
    vldata.verify(tuple(chain), passport=passport)
    assert vldata.verify((passport,)).ok
    root = tmp_path / "chain"
    picture = next((root / "prepared" / "images").rglob("*.*"))
    files = [
        *(root / "prepared" / f"openeqa.{end}" for end in ("jsonl", "contract.json", "media.jsonl")),
        picture,
        *(root / "base" / name for name in ("config.json", "model.safetensors")),
        *(root / "adapter" / name for name in ("adapter_config.json", "adapter_model.safetensors", "run_manifest.json")),
        *(root / "merged" / name for name in ("model.safetensors", "merged_from.json")),
        *(root / name for name in ("preds.jsonl", "preds.jsonl.run.json", "score.json")),
    ]
    for file in files:
        whole = file.read_bytes()
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 1
        file.write_bytes(bytes(flipped))
        result = vldata.verify((passport,))
        assert not result.ok
        named = " ".join(f"{fault.where} {fault.what}" for fault in result.faults)
        assert file.name in named, (file, named)
        file.write_bytes(whole)
    assert vldata.verify((passport,)).ok


def test_without_a_passport_links_tell_of_other_data_and_models(chain: list[Path], prepared: Path) -> None:
    data, base, adapter, merged, predictions, _ = chain
    (base / "model.safetensors").write_bytes(b"x" * 5_000)
    (merged / "model.safetensors").write_bytes(b"y" * 5_000)
    manifest = json.loads((adapter / "run_manifest.json").read_text())
    manifest["data"][0]["files"] = {"openeqa.jsonl": "0" * 64}
    _write(adapter / "run_manifest.json", manifest)
    result = vldata.verify((data, base, adapter, merged, predictions))
    broken = [link.what for link in result.links if link.good is False]
    assert len(broken) == 4 and any("other records" in what for what in broken), broken
    assert any("merged_from.json says another digest" in fault.what for fault in result.faults)


def test_a_score_of_other_predictions_is_named(chain: list[Path]) -> None:
    predictions, score = chain[4:]
    predictions.write_text('{"id": "a", "prediction": "c"}\n')
    broken = [link.what for link in vldata.verify((predictions, score)).links if link.good is False]
    assert broken == [f"{score} scores other predictions (preds.jsonl) than {predictions}."]
    _write(score, {"metrics": {}})
    assert any("names no digests" in line for line in vldata.verify((predictions, score)).asides())
    _write(score, b"{")
    assert not vldata.verify((score,)).ok


def test_what_is_not_given_is_said_and_not_counted_as_broken(chain: list[Path]) -> None:
    result = vldata.verify((chain[2], chain[4]))
    assert result.ok and sum(link.good is None for link in result.links) >= 2
    assert any("its data are not given" in line for line in result.asides())


def test_bad_input_ends_in_a_sentence(tmp_path: Path, chain: list[Path]) -> None:
    with pytest.raises(DataError, match="is not there"):
        vldata.verify((tmp_path / "none",))
    with pytest.raises(DataError, match="is no layer of a result"):
        vldata.verify((tmp_path,))
    _write(tmp_path / "bad.json", b'{"schema": "vlkit.passport/1", "layers": 3}')
    with pytest.raises(DataError, match="is no passport"):
        vldata.verify((tmp_path / "bad.json",))
    with pytest.raises(UsageError, match="nothing to verify"):
        vldata.verify(())
    (chain[0].parent / "openeqa.jsonl").write_text("{}\n")
    with pytest.raises(UsageError, match="the chain is broken"):
        vldata.verify(tuple(chain), passport=tmp_path / "p.json")


@pytest.mark.parametrize("at", ["/etc/ssl/openssl.json", "~/x.json", "a\n.json", "", "..\\x.json"])
def test_a_passport_names_places_relative_to_it(at: str, tmp_path: Path) -> None:
    passport = tmp_path / "passport.json"
    page = {"kind": "score", "at": at, "files": {}}
    passport.write_text(json.dumps({"schema": "vlkit.passport/1", "version": "0", "layers": [page]}))
    result = vldata.verify((passport,))
    assert not result.ok and "nothing of it is read" in result.faults[0].what and not result.layers[0].digests
