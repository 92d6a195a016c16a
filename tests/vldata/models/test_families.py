"""Model families: each a row of facts, and token counts as the real processors have them (`tools/parity_families.py --write`)."""

import json
from pathlib import Path

import msgspec
import pytest

from vldata.errors import UsageError
from vldata.models.families import FAMILIES, family_of, find_family
from vldata.models.families.native import RatioError

GOLDEN = json.loads((Path(__file__).with_name("families.json")).read_text())["families"]


@pytest.mark.parametrize("name", GOLDEN)
def test_an_image_costs_what_the_real_processor_makes_of_it(name):
    images = FAMILIES[name].images
    assert {(width, height): images.tokens(width, height) for width, height, _ in GOLDEN[name]} == {
        (width, height): tokens for width, height, tokens in GOLDEN[name]
    }


def test_a_family_is_found_by_its_name_and_by_its_model_type():
    assert find_family("qwen3.5") is family_of("qwen3_5_moe")
    assert family_of("unheard_of") is None
    with pytest.raises(UsageError, match=r"no processor 'gemma3'\. Did you mean 'gemma-3'"):
        find_family("gemma3")


def test_no_model_type_is_two_families():
    types = [kind for family in FAMILIES.values() for kind in family.model_types]
    assert len(types) == len(set(types))


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_facts_are_whole(family):
    assert family.title and family.model_types and family.tiny.image.strip()
    assert family.images.configured({}) == family.images, "an empty configuration changes nothing"
    assert set(family.fast) <= set(family.model_types)
    assert family.boxes_known == bool(family.box_text)
    assert msgspec.json.encode(family.tiny)


def test_what_the_folder_says_counts():
    glm = FAMILIES["glm-4v"].images
    told = glm.configured({"size": {"shortest_edge": 12_544, "longest_edge": 11_760_000}, "temporal_patch_size": 2})
    assert (told.min_pixels, told.max_pixels) == (6_272, 5_880_000), "a still image counts as two frames"
    told = {"max_image_size": {"longest_edge": 384}, "image_seq_len": 81, "size": {"longest_edge": 1_536}}
    smol = FAMILIES["smolvlm"].images.configured(told)
    assert (smol.edge, smol.side, smol.cost) == (1_536, 384, 81)


def test_a_side_that_would_vanish_is_refused():
    with pytest.raises(RatioError, match="its shorter side would vanish"):
        FAMILIES["mistral-3"].images.tokens(5_000, 1)


def test_a_budget_is_no_lever_where_the_shape_alone_decides():
    from vldata.media.pixels import solve_max_pixels

    asked = {"text_tokens": 40, "min_pixels": 0, "max_pixels": 589_824}
    assert solve_max_pixels([(1_600, 400)], cutoff=1_000, processor="internvl", **asked) is None
    assert solve_max_pixels([(1_600, 400)], cutoff=2_000, processor="internvl", **asked) == 589_824
    assert 0 < solve_max_pixels([(1_600, 400)], cutoff=300, processor="minicpm-v", **asked) < 589_824
