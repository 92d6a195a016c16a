"""Model families: one module and one line each. Nothing else in the project knows a model's name."""

from vldata.errors import UsageError
from vldata.models.families import (
    gemma_3,
    gemma_4,
    glm_4v,
    idefics_3,
    internvl,
    lfm2_vl,
    llava_onevision,
    minicpm_v,
    mistral_3,
    paddleocr_vl,
    qwen2_5_vl,
    qwen2_vl,
    qwen3_5,
    qwen3_vl,
    smolvlm,
)
from vldata.models.families.family import Family
from vldata.suggest import nearest

DEFAULT = "qwen3-vl"
FAMILIES: dict[str, Family] = {
    module.FAMILY.name: module.FAMILY
    for module in (
        qwen3_vl,
        qwen3_5,
        qwen2_5_vl,
        qwen2_vl,
        glm_4v,
        internvl,
        gemma_3,
        gemma_4,
        smolvlm,
        idefics_3,
        lfm2_vl,
        llava_onevision,
        mistral_3,
        minicpm_v,
        paddleocr_vl,
    )
}


def find_family(name: str) -> Family:
    """Look a family up by the name that `--processor` takes.

    Raises:
        UsageError: it names those there are.
    """
    try:
        return FAMILIES[name]
    except KeyError:
        raise UsageError(f"no processor {name!r}.{nearest(name, FAMILIES)}", cure=f"Known are {', '.join(FAMILIES)}.") from None


def family_of(model_type: str) -> Family | None:
    """Return the family that a config.json's model_type belongs to, or None where it is unknown."""
    return next((family for family in FAMILIES.values() if model_type in family.model_types), None)
