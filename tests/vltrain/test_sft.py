"""The whole way on the CPU: records in, an adapter that answers out; and what a run promises about itself."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from safetensors.torch import load_file
from vltrain.merging import merge
from vltrain.recipe import Levers, Recipe
from vltrain.training import TrainResult, run_sft, show_labels

from tests.vltrain.answers import exact_match
from tests.vltrain.conftest import load
from vldata.errors import DataError, UsageError


def recipe_for(tiny: Path, colours: str, output: Path, **changes: Any) -> Recipe:
    base = Recipe(
        model=str(tiny), data=(colours,), output=str(output), batch_size=8, learning_rate=1e-2, warmup=10, max_steps=150, precision="fp32",
        checkpointing=False, workers=0, tensorboard=False, plot=False, seed=0,
    )  # fmt: skip
    return msgspec.structs.replace(base, **changes)


@pytest.fixture(scope="module")
def trained(tiny: Path, colours: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainResult]:
    output = tmp_path_factory.mktemp("run") / "out"
    return output, run_sft(recipe_for(tiny, colours, output, plot=True, tensorboard=True))


def test_it_learns_the_colours(tiny: Path, colours: str, trained: tuple[Path, TrainResult]) -> None:
    from peft import PeftModel

    model = load(tiny)
    assert exact_match(model, tiny, colours) < 0.5
    assert exact_match(PeftModel.from_pretrained(model, trained[0]), tiny, colours) >= 0.9


def test_it_leaves_what_people_and_loaders_want(tiny: Path, trained: tuple[Path, TrainResult]) -> None:
    output, result = trained
    assert result.trainable_parameters == 16_384
    assert json.loads((output / "all_results.json").read_text())["steps"] == 150
    lines = [json.loads(line) for line in (output / "trainer_log.jsonl").read_text().splitlines()]
    assert [line["current_steps"] for line in lines] == list(range(10, 151, 10))
    assert lines[-1]["loss"] < lines[0]["loss"]
    assert (output / "training_loss.png").read_bytes().startswith(b"\x89PNG")
    assert list((output / "runs").rglob("events*"))
    for name in ("tokenizer.json", "chat_template.jinja", "preprocessor_config.json"):
        assert (output / name).read_bytes() == (tiny / name).read_bytes()
    manifest = json.loads((output / "run_manifest.json").read_text())
    assert len(next(iter(manifest["data"][0]["files"].values()))) == 64


def test_merging_changes_no_answer(tiny: Path, colours: str, trained: tuple[Path, TrainResult], tmp_path: Path) -> None:
    merged = merge(tiny, trained[0], tmp_path / "merged", shard_gb=0.0005)
    assert merged.max_logit_difference <= 1e-4 < merged.greatest_logit
    assert merged.merged_tensors == 14 and merged.shards > 1
    assert exact_match(load(tmp_path / "merged"), tmp_path / "merged", colours) >= 0.9
    assert (tmp_path / "merged" / "config.json").read_bytes() == (tiny / "config.json").read_bytes()
    assert not any("lm_head" in name for path in (tmp_path / "merged").glob("*.safetensors") for name in load_file(path))
    before = load_file(tiny / "model.safetensors")
    after = {name: tensor for path in (tmp_path / "merged").glob("*.safetensors") for name, tensor in load_file(path).items()}
    changed = {name for name, tensor in before.items() if not torch.equal(tensor, after[name])}
    assert len(changed) == 14 and all("language_model.layers" in name for name in changed)


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.parametrize("torn", [False, True])
def test_a_merge_goes_on_where_it_was_killed(
    torn: bool, tiny: Path, trained: tuple[Path, TrainResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge(tiny, trained[0], tmp_path / "whole", shard_gb=0.0005, verify=False)
    said: list[str] = []

    def die(line: str) -> None:
        said.append(line)
        if len(said) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        merge(tiny, trained[0], tmp_path / "merged", shard_gb=0.0005, verify=False, say=die)
    assert not (tmp_path / "merged").exists()
    if torn:
        newest = tmp_path / ".merged.partial" / "part-00001.safetensors"
        newest.write_bytes(newest.read_bytes()[:-9] + b"x" * 9)
    again: list[str] = []
    merge(tiny, trained[0], tmp_path / "merged", shard_gb=0.0005, verify=False, say=again.append)
    assert again[0] == f"{1 if torn else 2} parts are taken over from an interrupted merge."
    assert digests(tmp_path / "merged") == digests(tmp_path / "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["merged", "whole"]


def test_nothing_outside_a_model_folder_is_merged(tiny: Path, trained: tuple[Path, TrainResult], tmp_path: Path) -> None:
    (tmp_path / "id_rsa").write_text("secret")
    for name in ("notes.txt", "model.safetensors.index.json"):
        base = Path(shutil.copytree(tiny, tmp_path / f"base-{name}"))
        if name == "notes.txt":
            (base / name).symlink_to(tmp_path / "id_rsa")
        else:
            (base / name).write_text(json.dumps({"weight_map": {"a": "../id_rsa"}}))
        with pytest.raises(DataError, match=r"leads out of its folder|names the weights '\.\./id_rsa'"):
            merge(base, trained[0], tmp_path / "merged", verify=False)
        assert not (tmp_path / "merged").exists() and b"secret" not in b"".join(
            path.read_bytes() for path in tmp_path.glob(".merged.partial/*")
        )


def test_a_snapshot_of_the_hubs_cache_is_a_model_folder(tiny: Path, tmp_path: Path) -> None:
    from vldata.models.layout import check_model_folder

    repository = tmp_path / "models--me--tiny"
    (repository / "blobs").mkdir(parents=True)
    (repository / "snapshots" / "abc").mkdir(parents=True)
    for path in tiny.iterdir():
        shutil.copyfile(path, repository / "blobs" / path.name)
        (repository / "snapshots" / "abc" / path.name).symlink_to(f"../../blobs/{path.name}")
    check_model_folder(repository / "snapshots" / "abc")


def test_an_adapter_of_another_base_is_refused(tiny: Path, trained: tuple[Path, TrainResult], tmp_path: Path) -> None:
    from vldata.models.tiny import build_tiny_model

    other = build_tiny_model(tmp_path / "other", seed=1)
    with pytest.raises(DataError, match="another base"):
        merge(other, trained[0], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_a_quantised_base_is_refused(tiny: Path, trained: tuple[Path, TrainResult], tmp_path: Path) -> None:
    small = Path(shutil.copytree(tiny, tmp_path / "small"))
    config = json.loads((small / "config.json").read_text())
    (small / "config.json").write_text(json.dumps({**config, "quantization_config": {"load_in_4bit": True}}))
    with pytest.raises(DataError, match="quantised"):
        merge(small, trained[0], tmp_path / "merged")
    with pytest.raises(DataError, match="already quantised"):
        run_sft(recipe_for(small, "nowhere/none", tmp_path / "o", method="qlora", data=(_any_data(tmp_path),)))


def _any_data(tmp_path: Path) -> str:
    from fixtures.colours import convert_colours

    return convert_colours(tmp_path / "prepared", count=8)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_resumed_run_ends_bit_for_bit_the_same(tiny: Path, colours: str, tmp_path: Path, workers: int) -> None:
    settings = {"max_steps": 8, "save_steps": 4, "dropout": 0.1, "accumulate": 2, "batch_size": 4, "log_steps": 1, "workers": workers}
    uninterrupted = run_sft(recipe_for(tiny, colours, tmp_path / "whole", **settings))
    shutil.copytree(tmp_path / "whole", tmp_path / "killed")
    for name in ("checkpoint-8", "adapter_model.safetensors"):
        path = tmp_path / "killed" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    resumed = run_sft(recipe_for(tiny, colours, tmp_path / "killed", **settings))
    assert resumed.resumed_from == 4
    whole, again = (load_file(tmp_path / name / "adapter_model.safetensors") for name in ("whole", "killed"))
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    steps = [json.loads(line)["current_steps"] for line in (tmp_path / "killed" / "trainer_log.jsonl").read_text().splitlines()]
    assert steps == list(range(1, 9))
    assert resumed.train_loss == pytest.approx(uninterrupted.train_loss, rel=1e-5), "of all steps, not of the rest"
    if workers:  # what follows has nothing to do with them
        return
    with pytest.raises(UsageError, match="a finished adapter is here"):
        run_sft(recipe_for(tiny, colours, tmp_path / "killed", **settings))
    longer = run_sft(recipe_for(tiny, colours, tmp_path / "killed", **settings | {"max_steps": 9}))
    assert longer.resumed_from == 8 and longer.steps == 9


def test_a_run_that_died_between_its_last_checkpoint_and_its_adapter(tiny: Path, colours: str, tmp_path: Path) -> None:
    settings = {"max_steps": 4, "save_steps": 2, "batch_size": 4, "log_steps": 1}
    run_sft(recipe_for(tiny, colours, tmp_path / "run", **settings))
    whole = load_file(tmp_path / "run" / "adapter_model.safetensors")
    (tmp_path / "run" / "adapter_model.safetensors").unlink()
    again = run_sft(recipe_for(tiny, colours, tmp_path / "run", **settings))
    assert again.steps == 4 and again.resumed_from == 2
    found = load_file(tmp_path / "run" / "adapter_model.safetensors")
    assert all(torch.equal(whole[name], found[name]) for name in whole)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_damaged_picture_is_named_without_a_workers_traceback(tiny: Path, colours: str, tmp_path: Path, workers: int) -> None:
    folder = Path(shutil.copytree(Path(colours).parent, tmp_path / "data"))
    for picture in folder.glob("images/*/*"):
        picture.write_bytes(b"no picture")
    with pytest.raises(DataError) as caught:
        run_sft(recipe_for(tiny, str(folder / "colours"), tmp_path / "run", max_steps=2, workers=workers))
    assert str(caught.value).endswith("\n  Run: vldata validate") and "Traceback" not in str(caught.value)
    assert str(caught.value).startswith(str(folder / "images"))


def test_frozen_parts_stay_as_they_were(tiny: Path, colours: str, tmp_path: Path) -> None:
    from vltrain.adapters import add_adapters
    from vltrain.trainer import Featurizer, Samples, SftTrainer, make_collator, use_levers
    from vltrain.training import _arguments, prepare

    recipe = recipe_for(tiny, colours, tmp_path / "out", max_steps=3)
    model = add_adapters(load(tiny), recipe)
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    prepared, levers = prepare(recipe), Levers()
    use_levers(model, levers, checkpointing=True)
    data = Samples(prepared.train.examples, Featurizer(tiny))
    arguments = _arguments(recipe, "fp32", plain=False, prepared=prepared)
    SftTrainer(model=model, args=arguments, train_dataset=data, data_collator=make_collator(model, levers)).train()
    for name, parameter in model.named_parameters():
        assert torch.equal(before[name], parameter) != ("lora_" in name), name


def test_the_step_is_the_token_mean_however_it_is_cut(tiny: Path, colours: str, tmp_path: Path) -> None:
    for name, settings in {
        "one": {"batch_size": 8},
        "cut": {"batch_size": 2, "accumulate": 4},
        "padded": {"batch_size": 8, "packing": False},
    }.items():
        run_sft(recipe_for(tiny, colours, tmp_path / name, max_steps=2, warmup=0, **settings))
    tensors = {name: load_file(tmp_path / name / "adapter_model.safetensors") for name in ("one", "cut", "padded")}
    for other in ("cut", "padded"):
        for key, tensor in tensors["one"].items():
            assert torch.allclose(tensor, tensors[other][key], atol=2e-4), (other, key)


def test_evaluation_keeps_the_best_and_draws_it(tiny: Path, colours: str, tmp_path: Path) -> None:
    settings = {"max_steps": 4, "save_steps": 2, "eval_steps": 2, "keep_best": True, "val_size": 0.25, "plot": True}
    result = run_sft(recipe_for(tiny, colours, tmp_path / "out", **settings))
    assert result.best_checkpoint in ("checkpoint-2", "checkpoint-4")
    assert result.eval_loss is not None and result.eval_loss > 0
    assert (tmp_path / "out" / "training_eval_loss.png").is_file()


def test_labels_are_shown(tiny: Path, colours: str, tmp_path: Path) -> None:
    (shown,) = show_labels(recipe_for(tiny, colours, tmp_path))
    assert shown.startswith("colours/0000: 85 tokens, 64 of pictures, 2 learned")
    assert shown.endswith("<|im_start|>assistant\n«red<|im_end|>»\n")


def test_half_precision_needs_a_gpu(tiny: Path, colours: str, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(DataError, match="no GPU here"):
        run_sft(recipe_for(tiny, colours, tmp_path / "o", precision="fp16"))


def test_what_would_fail_stops_the_run(tiny: Path, colours: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="over cutoff"):
        run_sft(recipe_for(tiny, colours, tmp_path / "o", cutoff=50))
    with pytest.raises(UsageError, match="keep_best"):
        run_sft(recipe_for(tiny, colours, tmp_path / "o", keep_best=True))
    assert not (tmp_path / "o").exists()


def test_what_it_says_is_not_on_stdout(tiny: Path, colours: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    changes = {"max_steps": 2, "val_size": 4, "eval_steps": 2, "log_steps": 1}
    result = run_sft(recipe_for(tiny, colours, tmp_path / "out", **changes), say=said.append)
    assert capsys.readouterr().out == ""
    steps = [line for line in said if line.startswith("step ")]
    assert [line.split(":")[0] for line in steps] == ["step 1 of 2", "step 2 of 2", "step 2 of 2"], "and evaluates once"
    assert f"evaluation loss {result.eval_loss:.4g}" in steps[-1]
    assert result.parallel == "none"
