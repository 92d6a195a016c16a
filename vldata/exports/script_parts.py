"""The pieces that the training scripts for TRL and Unsloth share. They run without vldata, in the trainer's own environment."""

from __future__ import annotations

ARGUMENTS = """\
HERE = Path(__file__).resolve().parent

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--model", default=@MODEL@, help="base model: a name of the hub or a folder")
parser.add_argument("--load-in-4bit", action="store_true", help="QLoRA: the frozen weights in 4 bits (needs bitsandbytes)")
parser.add_argument("--output", type=Path, default=HERE / @OUTPUT@, help="folder of checkpoints and adapter")
parser.add_argument("--max-steps", type=int, default=-1, help="stop after so many steps")
parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in --output")
"""
OPTIONS = """\
options = parser.parse_args()
if not options.resume and any(options.output.glob("checkpoint-*")):
    parser.error(f"{options.output} holds checkpoints of another run: add --resume, or choose another --output")
"""
DATA = '''

def load(name):
    """Rows of a file next to this script, image paths made absolute; a missing image stops the run."""

    def place(row):
        paths = [str(HERE / path) for path in row["images"]]
        if missing := [path for path in paths if not Path(path).is_file()]:
            raise SystemExit(f"{name}: no image {missing[0]}. Export again; --images copy takes the images along.")
        return {"images": paths}

    return load_dataset("json", data_files=str(HERE / name), split="train").map(place)@CAST@


evaluation = @EVALUATION@
'''
