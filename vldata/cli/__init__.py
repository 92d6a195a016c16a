"""The `vldata` command line, made from the functions of `vldata.api`; `convert` has a command for every source."""

from __future__ import annotations

from vldata.api.card import card
from vldata.api.export import export
from vldata.api.info import info
from vldata.api.know import budget, doctor, stats
from vldata.api.leaks import leaks
from vldata.api.lint import lint
from vldata.api.pii import pii
from vldata.api.preview import preview
from vldata.api.schema import schema
from vldata.api.select import filter, mix, sample
from vldata.api.split import certify, split
from vldata.api.validate import validate
from vldata.api.verify import verify
from vldata.api.xray import xray
from vldata.cli.convert import make_convert_app
from vldata.commands import make_app
from vldata.remote.reach import listen
from vldata.terminal import note, run

COMMANDS = {
    "validate": (validate, "vldata validate prepared"),
    "lint": (lint, "vldata lint prepared --as llamafactory"),
    "xray": (xray, "vldata xray prepared/openeqa --as ours --rows 1 --out x.html"),
    "split": (split, "vldata split prepared/openeqa --test 258 --val 0.125 --group-by scene"),
    "certify": (certify, "vldata certify prepared/openeqa"),
    "leaks": (leaks, "vldata leaks prepared/openeqa_train prepared/openeqa_test"),
    "pii": (pii, "vldata pii prepared/openeqa"),
    "stats": (stats, "vldata stats prepared/openeqa"),
    "budget": (budget, "vldata budget prepared/openeqa --cutoff 2048"),
    "sample": (sample, "vldata sample prepared/openeqa -n 8 --seed 0"),
    "filter": (filter, "vldata filter prepared/openeqa --where scene!=scene0100 --as small"),
    "mix": (mix, "vldata mix prepared/openeqa=1 prepared/openeqa_test=0.5 --as both"),
    "export": (export, "vldata export prepared/openeqa --to trl"),
    "preview": (preview, "vldata preview prepared/openeqa"),
    "info": (info, "vldata info prepared"),
    "card": (card, "vldata card prepared/openeqa --license mit --out card"),
    "doctor": (doctor, "vldata doctor"),
    "verify": (verify, "vldata verify prepared/openeqa"),
    "schema": (schema, "vldata schema record"),
}

FIRST = "What you need first"
PANELS = {
    FIRST: ("validate", "split", "export", "preview"),
    "What is in it, and what will happen": ("lint", "xray", "stats", "budget", "pii", "certify", "leaks", "verify"),
    "Other datasets from it": ("sample", "filter", "mix", "info", "card"),
    "This installation": ("doctor", "schema"),
}

app = make_app("Convert, validate and split data for vision-language models.", COMMANDS, panels=PANELS)
app.add_typer(make_convert_app(), name="convert", rich_help_panel=FIRST)


def main() -> None:
    """Entry point of `vldata`."""
    listen(note)
    run(app, "vldata")
