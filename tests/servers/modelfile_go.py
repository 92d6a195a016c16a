"""Asks Ollama's own parser about our Modelfiles, and holds the rules of `modelfile_rules` to it. It needs Go and a check-out of Ollama.

    python -m tests.servers.modelfile_go UPSTREAM/ollama

The functions of parser/parser.go from `type Command` to `func expandPathImpl` are built as they stand, with a `main` of ours around them:
they read a Modelfile and depend on Go's library alone (UTF-8 is assumed where Ollama also takes UTF-16).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from tests.servers.modelfile_rules import COMMANDS, read_modelfile
from vldata.models.families import FAMILIES
from vldata.models.serving import Limits, modelfile

_HEAD = """package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

type Modelfile struct {
	Commands []Command
}

func main() {
	var texts []string
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		panic(err)
	}
	var found []any
	for _, text := range texts {
		file, err := ParseFile(strings.NewReader(text))
		if err != nil {
			found = append(found, err.Error())
			continue
		}
		var commands [][]string
		for _, command := range file.Commands {
			commands = append(commands, []string{command.Name, command.Args})
		}
		found = append(found, commands)
	}
	json.NewEncoder(os.Stdout).Encode(found)
}

"""
_UTF8 = "transform.NewReader(r, tr)"
ODD = (
    "PARAMETER temperature 0\n",
    "FROM .\nPARAMETR temperature 0\n",
    'FROM .\nTEMPLATE """never ends\n',
    "FROM .\nMESSAGE nobody hello\n",
    "FROM\n",
    "FROM .\nRENDERER\n",
    'FROM .\nTEMPLATE """two\nlines"""\nPARAMETER stop "<|im_end|>"\n',
    "# only a comment\nFROM ./a b\n\n\nSYSTEM be brief\nMESSAGE assistant yes\n",
    "from .\nparameter num_ctx 9216\n",
)


def ours() -> list[str]:
    """Modelfiles of every family that Ollama serves, for small and large prompts, with and without the line that a merge puts first."""
    limits = (Limits(prompt_tokens=80), Limits(prompt_tokens=4_650, pictures=8, answer_tokens=128))
    served = [family for family in FAMILIES.values() if "ollama" in family.serving.servers]
    plain = [modelfile(folder, limit, family) for family in served for limit in limits for folder in (".", "./a folder")]
    return [*plain, *(f"# said first\n{text}" for text in plain)]


def ask_ollama(upstream: Path, texts: list[str]) -> list[str | list[list[str]]]:
    """What its parser makes of each: the commands, or the error."""
    source = (upstream / "parser" / "parser.go").read_text(encoding="utf-8")
    body = source[source.index("type Command struct") : source.index("func expandPathImpl")]
    body = body.replace("tr := unicode.BOMOverride(unicode.UTF8.NewDecoder())", "").replace(_UTF8, "r")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "main.go").write_text(_HEAD + body, encoding="utf-8")
        run = ["go", "run", str(Path(folder) / "main.go")]
        done = subprocess.run(run, input=json.dumps(texts), capture_output=True, text=True, check=False, cwd=folder)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: list[str | list[list[str]]] = json.loads(done.stdout)
    return found


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("upstream", type=Path, help="a check-out of github.com/ollama/ollama")
    upstream = parser.parse_args().upstream
    texts = ours()
    faults = 0
    for text, found in zip([*texts, *ODD], ask_ollama(upstream, [*texts, *ODD]), strict=True):
        try:
            mine: str | list[list[str]] = [["model" if name == "from" else name, value] for name, value in read_modelfile(text)]
        except ValueError as error:
            mine = str(error)
        same = mine == found if isinstance(found, list) else isinstance(mine, str)
        refused = text in texts and isinstance(found, str)
        if refused or not same:
            faults += 1
            print(f"{text!r}\n  Ollama: {found}\n  our rules: {mine}")
    assert {"renderer", "parser"} <= COMMANDS
    print(
        f"{len(texts)} Modelfiles of ours and {len(ODD)} others: {faults} that Ollama's parser refuses or reads otherwise than our rules."
    )
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
