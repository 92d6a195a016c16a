"""Reading recipes, ours and LLaMA-Factory's."""

from __future__ import annotations

from pathlib import Path

import pytest
from vltrain.llamafactory import known_keys
from vltrain.recipe import Recipe, read_recipe, read_yaml

from vldata.errors import UsageError

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "yaml"
GOOD = "model: m\ndata: d/n\noutput: o\n"
TUTORIAL = """\
model_name_or_path: model/Qwen3-VL-2B-Instruct
stage: sft
do_train: true
finetuning_type: lora
lora_target: all
lora_rank: 8
lora_alpha: 16
lora_dropout: 0.1
quantization_bit: 4
quantization_method: bitsandbytes
double_quantization: true
dataset: a, b
template: qwen3_vl_nothink
cutoff_len: 2048
output_dir: saves/x
warmup_ratio: 0.05
fp16: true
eval_strategy: steps
eval_steps: 25
save_steps: 25
val_size: 0.125
load_best_model_at_end: true
resume_from_checkpoint: false
overwrite_output_dir: true
report_to: tensorboard
freeze_vision_tower: true
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("text", ["1e-4", "1.0e-4", "1E-04", "0.0001", ".0001"])
def test_numbers_are_numbers(tmp_path: Path, text: str) -> None:
    recipe, _ = read_recipe(write(tmp_path, f"{GOOD}learning_rate: {text}\n"))
    assert recipe.learning_rate == 1e-4


def test_numbers_that_are_none_stay_text(tmp_path: Path) -> None:
    assert read_yaml(write(tmp_path, "a: 1.2.3\nb: e4\nc: 12\nd: true\ne: 2024-01\n")) == {
        "a": "1.2.3",
        "b": "e4",
        "c": 12,
        "d": True,
        "e": "2024-01",
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("method: fullest", "method: invalid enum value 'fullest'; there are lora, qlora, full"),
        ("val_size: 1.0", "val_size: 1 is every record"),
        ("batch_size: 99999999999999999999999", "batch_size: "),
        ("epochs: 1e30", "epochs: 1e+30 must be above 0 and at most 100,000"),
        ("keep_vision_gib: 1\ntrain_vision: true", "only a frozen tower makes the same of a picture again"),
        ("learning_rat: 1", "unknown key 'learning_rat'. Did you mean 'learning_rate'?"),
        ("rank: many", "rank: expected `int`, got `str`"),
        ("rank: 0", "rank: 0 must be at least 1"),
        ("targets: attention", "targets: no linear 'attention'. Did you mean"),
        ("learning_rate: -1", "learning_rate: -1.0 must be above 0"),
        ("precision: bf8", "precision: "),
        ("model: again", "the key 'model' stands twice"),
        ("val_size: 0.1\neval_data: d/v", "exclude each other"),
    ],
)
def test_faults_are_named(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        read_recipe(write(tmp_path, GOOD + line + "\n"))
    assert said in str(error.value) and "recipe.yaml" in str(error.value)


def test_groups_of_targets() -> None:
    assert Recipe(model="m", targets=("attn", "up_proj")).target_names == ("q_proj", "k_proj", "v_proj", "o_proj", "up_proj")


def test_a_llamafactory_training_yaml(tmp_path: Path) -> None:
    recipe, _ = read_recipe(write(tmp_path, TUTORIAL))
    assert recipe.data == ("data/a", "data/b")
    assert (recipe.method, recipe.rank, recipe.lora_alpha, recipe.dropout) == ("qlora", 8, 16, 0.1)
    assert (recipe.precision, recipe.warmup, recipe.eval_steps, recipe.keep_best) == ("fp16", 0.05, 25, True)
    assert (recipe.resume, recipe.cutoff, recipe.train_vision, recipe.tensorboard) == ("never", 2048, False, True)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("lora_rnk: 8", "unknown key 'lora_rnk'. Did you mean 'lora_rank'?"),
        ("deepspeed: ds.json", "deepspeed is LLaMA-Factory's, and not supported here"),
        ("report_to: comet", "report_to: 'comet' is not supported"),
        ("bf16: true", "exclude each other"),
    ],
)
def test_faults_of_a_llamafactory_yaml_are_named(tmp_path: Path, line: str, said: str) -> None:
    text = TUTORIAL.replace("report_to: tensorboard\n", "") if line.startswith("report") else TUTORIAL
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        read_recipe(write(tmp_path, text + line + "\n"))


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data/yaml, which is not here")
@pytest.mark.parametrize(
    ("name", "job"),
    [("openeqa_training_args", "sft"), ("openeqa_eval_args", "predict"), ("openeqa_merge", "merge"), ("qwen3vl_lora_sft", "sft")],
)
def test_the_tutorials_yaml_are_read_unchanged(name: str, job: str) -> None:
    assert read_recipe(SHARED / f"{name}.yaml")[0].job == job


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "train" / "recipes").glob("*.yaml")), ids=lambda path: path.stem)
def test_our_recipes_open_with_their_command(path: Path) -> None:
    assert path.read_text().startswith("# vltrain sft ") or path.read_text().startswith("# torchrun ")
    assert read_recipe(path)[0].job == "sft"


def test_every_llamafactory_key_stands_in_one_table() -> None:
    keys = known_keys()
    assert len(keys) == len(set(keys)) == 350, "of release 0.9.5 with its training arguments"


@pytest.mark.parametrize("line", ["adam_beta1: 0.9", "infer_backend: huggingface", "deepspeed:", "use_dora: false", "galore_rank: 16"])
def test_a_llamafactory_default_is_let_pass(tmp_path: Path, line: str) -> None:
    read_recipe(write(tmp_path, f"{TUTORIAL}{line}\n"))


@pytest.mark.parametrize("line", ["adam_beta1: 0", "adam_beta2: 0.95", "deepspeed: ds.json", "label_smoothing_factor: 0.1"])
def test_another_value_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(UsageError, match="not supported here"):
        read_recipe(write(tmp_path, f"{TUTORIAL}{line}\n"))


def test_llamafactory_compiles(tmp_path: Path) -> None:
    assert read_recipe(write(tmp_path, f"{TUTORIAL}torch_compile: true\n"))[0].compile


@pytest.mark.parametrize(
    "text",
    [
        "data: " + "[" * 50_000,
        "data: " + "[" * 400 + "]" * 400,
        "a0: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"a{n + 1}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)),
        "a: &a [*a]",
        "model: " + "x" * 2_000_000,
        "max_steps: " + "9" * 5_000,
        "a: 2024-13-45",
        "? [a, b]\n: c",
    ],
)
def test_hostile_yaml_is_refused_in_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_recipe(path)
    assert len(str(caught.value)) < 1_000


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_steps", "1e23"),
        ("max_steps", "100000000000000000000000"),
        ("rank", "10000000"),
        ("seed", "-1"),
        ("seed", "99999999999"),
        ("workers", "100000"),
        ("max_records", "0"),
        ("max_pixels", "-5"),
        ("alpha", "0"),
        ("alpha", ".inf"),
        ("save_limit", "0"),
        ("eval_batch_size", "-1"),
        ("weight_decay", "1e9"),
        ("warmup", ".nan"),
        ("generation", "{temperature: .inf}"),
        ("keep_vision_gib", "1e30"),
    ],
)
def test_absurd_numbers_are_refused(key: str, value: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(f"model: m\ndata: d/x\noutput: o\n{key}: {value}\n")
    with pytest.raises(UsageError, match=key if key != "generation" else "temperature"):
        read_recipe(path)


@pytest.mark.parametrize("line", ["dataset: ../../x", "dataset: /etc/x", "export_size: big", "max_samples: many", "dataset: 'a\\b'"])
def test_a_llamafactory_yaml_names_datasets_and_numbers(line: str, tmp_path: Path) -> None:
    path = tmp_path / "lf.yaml"
    path.write_text(f"model_name_or_path: m\nstage: sft\ndo_train: true\nfinetuning_type: lora\noutput_dir: o\n{line}\n")
    with pytest.raises(UsageError):
        read_recipe(path)
