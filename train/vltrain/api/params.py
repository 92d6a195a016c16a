"""Parameters that several functions share, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from vldata.flags import Arg

RecipeFile = Annotated[Path, Arg("A recipe, or a LLaMA-Factory YAML.", "RECIPE.yaml")]
ModelFolder = Annotated[Path, Arg("A merged model folder.", "MODEL")]
