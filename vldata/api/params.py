"""Parameters that several functions share, each written once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from vldata.flags import Arg, Flag
from vldata.output.folder import Target

DatasetTarget = Annotated[Target, Arg("DIR/NAME of a registered dataset.", "DIR/NAME")]
Workers = Annotated[int, Flag("Processes; 0: one a core.", least=0, most=1_024)]
TimeoutS = Annotated[float, Flag("Seconds that one file may take to decode.", ("--timeout-s",), least=0.1, most=86_400)]
Seed = Annotated[int, Flag("Seed of the choice.", least=0, most=2**63 - 1)]
NewName = Annotated[str | None, Flag("Name of the new dataset.", ("--as",), metavar="NAME", show_default=False)]
Replace = Annotated[bool, Flag("Replace what an earlier run of the same command made.", ("--overwrite",))]
Tokenizer = Annotated[
    str, Flag("Model folder or tokenizer.json: count text exactly instead of estimating it.", metavar="PATH", show_default=False)
]
ImageDistance = Annotated[
    int,
    Flag(
        "Bits of 255 in which two near-duplicate images may differ (copies: up to 8; 33 at most).",
        ("--image-distance", "--picture-distance"),
        least=0,
        most=33,
    ),
]
TextSimilarity = Annotated[float, Flag("Share of word triples that two near-duplicate texts have in common.", least=0.5, most=1)]
OnProgress = Callable[[str, int, int], None]


def new_name(name: str | None, default: str) -> str:
    """Return the name of a new dataset. One that was given and is empty, as an unset variable of a shell is, is not the default.

    Raises:
        UsageError: it cannot name a dataset.
    """
    from vldata.output.folder import check_name

    return default if name is None else check_name(name)
