"""Holds every name in our training files to the consumers' own sources: parameters of what the scripts call, keys of the YAML, flags.

    python -m tests.consumers.names SOURCES EXPORTS     # or through `make consumers`

SOURCES: a folder of unpacked wheels of the pinned versions (`names.sh` makes it); nothing of them is imported or run, so that Unsloth and
Axolotl, which need a GPU, are looked at too. EXPORTS: a folder that holds the training files. A class has the fields of those that it
inherits from; a parameter that a function takes by **kwargs alone counts as unknown.
"""

from __future__ import annotations

import argparse
import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml

# Where a class or function of a script is defined; several, where it moved or inherits from another module.
DEFINED = {
    "SFTConfig": ("trl/trainer/sft_config.py",),
    "DPOConfig": ("trl/trainer/dpo_config.py",),
    "KTOConfig": ("trl/trainer/kto_config.py", "trl/experimental/kto/kto_config.py"),
    "GRPOConfig": ("trl/trainer/grpo_config.py",),
    "SFTTrainer": ("trl/trainer/sft_trainer.py",),
    "DPOTrainer": ("trl/trainer/dpo_trainer.py",),
    "KTOTrainer": ("trl/trainer/kto_trainer.py", "trl/experimental/kto/kto_trainer.py"),
    "GRPOTrainer": ("trl/trainer/grpo_trainer.py",),
    "LoraConfig": ("peft/tuners/lora/config.py", "peft/config.py"),
    "BitsAndBytesConfig": ("transformers/utils/quantization_config.py",),
    "UnslothVisionDataCollator": ("unsloth_zoo/vision_utils.py",),
    "FastVisionModel.from_pretrained": ("unsloth/models/loader.py",),
    "FastVisionModel.get_peft_model": ("unsloth/models/vision.py",),
    "FastVisionModel.for_training": ("unsloth/models/vision.py",),
    "model.save_pretrained_merged": ("unsloth/save.py",),
    "model.save_pretrained_gguf": ("unsloth/save.py",),
}
BASES = {"TrainingArguments": "transformers/training_args.py", "_BaseConfig": "trl/trainer/base_config.py", "PeftConfig": "peft/config.py"}
# A method that is written as a function of another name, or of the class it inherits from.
AS = {
    "FastVisionModel.from_pretrained": "FastModel.from_pretrained",
    "FastVisionModel.get_peft_model": "FastBaseModel.get_peft_model",
    "FastVisionModel.for_training": "FastBaseModel.for_training",
    "model.save_pretrained_merged": "unsloth_save_pretrained_merged",
    "model.save_pretrained_gguf": "unsloth_save_pretrained_gguf",
}
PATHS = {
    "llamafactory": (
        "llamafactory/hparams",
        "for-llamafactory/transformers/training_args.py",
        "for-llamafactory/transformers/training_args_seq2seq.py",
    ),
    "axolotl": ("axolotl/utils/schemas",),
    "swift": ("swift/arguments", "transformers/training_args.py", "transformers/training_args_seq2seq.py"),
}


class Sources:
    """Unpacked packages, read as syntax trees."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cache  # noqa: B019 - one for the length of the run
    def tree(self, name: str) -> ast.Module | None:
        path = self.root / name
        return ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else None

    def parameters(self, name: str) -> set[str]:
        """The parameters that a class or function takes, those of its bases among them.

        Raises:
            LookupError: it is not where it should be.
        """
        found: set[str] = set()
        for module in DEFINED[name]:
            if (tree := self.tree(module)) is not None:
                found |= self._of(tree, AS.get(name, name))
        if not found:
            raise LookupError(f"{AS.get(name, name)} is not in {' or '.join(DEFINED[name])}")
        return found

    def _of(self, tree: ast.Module, name: str) -> set[str]:
        owner, _, method = name.partition(".")
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                return _arguments(node)
            if isinstance(node, ast.ClassDef) and node.name == owner:
                wanted = [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == (method or "__init__")]
                if wanted:
                    return _arguments(wanted[0])
                if not method:
                    bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
                    return _fields(node) | {field for base in bases for field in self._base(tree, base)}
        return set()

    def _base(self, tree: ast.Module, base: str) -> set[str]:
        if base in BASES:
            other = self.tree(BASES[base])
            return self._of(other, base) if other else set()
        return self._of(tree, base)

    def settings(self, consumer: str) -> set[str]:
        """Every field of the classes that a consumer reads its settings into."""
        found: set[str] = set()
        for place in PATHS[consumer]:
            path = self.root / place
            for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
                tree = ast.parse(file.read_text(encoding="utf-8"))
                for node in ast.walk(tree):
                    if isinstance(node, ast.ClassDef):
                        found |= _fields(node)
        return found


def _fields(node: ast.ClassDef) -> set[str]:
    return {part.target.id for part in node.body if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)}


def _arguments(node: ast.FunctionDef) -> set[str]:
    return {argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}


def calls(script: str) -> Iterator[tuple[str, set[str]]]:
    """What a script calls that is defined in a consumer: its name, and the keywords it is given."""
    for node in ast.walk(ast.parse(script)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in DEFINED:
                yield name, {word.arg for word in node.keywords if word.arg}


def faults(sources: Sources, file: Path) -> list[str]:
    """Names in one training file that its consumer has not."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        found = []
        for name, keywords in calls(text):
            try:
                known = sources.parameters(name)
            except LookupError as error:
                found.append(str(error))
            else:
                found += [f"{name} takes no {word!r}" for word in sorted(keywords - known)]
        imported = re.findall(r"^from ([\w.]+) import (.+?)(?:  #.*)?$", text, re.MULTILINE)
        unknown = [word for package, words in imported if package.split(".")[0] in ("trl", "peft", "unsloth") for word in words.split(", ")]
        return found + [f"{word} is not looked up" for word in unknown if not any(known.split(".")[0] == word for known in DEFINED)]
    if file.suffix == ".sh":
        words = [word[2:].split("=")[0] for word in shlex.split(text) if word.startswith("--")]
        return [f"swift has no --{word}" for word in words if word not in sources.settings("swift")]
    consumer = "axolotl" if ".axolotl." in file.name else "llamafactory"
    return [f"{consumer} has no key {key!r}" for key in yaml.safe_load(text) if key not in sources.settings(consumer)]


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path)
    parser.add_argument("exports", type=Path)
    parser.add_argument("--fewer", action="store_true", help="not every consumer has a file there")
    arguments = parser.parse_args()
    sources = Sources(arguments.sources)
    files = sorted(
        path
        for pattern in ("*.trl.py", "*.unsloth.py", "*.axolotl.yaml", "*.train.yaml", "*.swift.sh")
        for path in arguments.exports.rglob(pattern)
    )
    wrong = {file: found for file in files if (found := faults(sources, file))}
    for file, found in wrong.items():
        print(f"{file}:")
        print("".join(f"  {line}\n" for line in found), end="")
    kinds = sorted({file.name.split(".", 1)[1] for file in files})
    print(f"{len(files)} training files ({', '.join(kinds)}): {len(wrong)} with names that their consumer has not.")
    return 1 if wrong or not files or (len(kinds) < 5 and not arguments.fewer) else 0


if __name__ == "__main__":
    raise SystemExit(main())
