"""Which frames are taken."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vldata.errors import UsageError
from vldata.media.refs import Sampling
from vldata.media.sampling import TooFewFramesError, sample_indices


@pytest.mark.parametrize(
    ("n", "sampling", "expected"),
    [
        (20, Sampling(count=8), (0, 3, 5, 8, 11, 14, 16, 19)),
        (168, Sampling(count=8), (0, 24, 48, 72, 95, 119, 143, 167)),
        (8, Sampling(count=8), tuple(range(8))),
        (5, Sampling(count=1), (0,)),
        (4, Sampling(count=3), (0, 2, 3)),  # 1.5 goes to the even 2
        (3, Sampling(count=8), (0, 1, 2)),
        (3, Sampling(count=8, short="repeat"), (0, 0, 1, 1, 1, 1, 2, 2)),
        (1, Sampling(count=3, short="repeat"), (0, 0, 0)),
        (9, Sampling(rule="first", count=4), (0, 1, 2, 3)),
        (2, Sampling(rule="first", count=4), (0, 1)),
        (2, Sampling(rule="first", count=4, short="repeat"), (0, 1, 1, 1)),
        (10, Sampling(rule="every", step=4, count=0), (0, 4, 8)),
        (10, Sampling(rule="every", step=4, count=2), (0, 4)),
        (10, Sampling(rule="every", step=4, count=5), (0, 4, 8)),
        (10, Sampling(rule="every", step=4, count=5, short="repeat"), (0, 4, 8, 8, 8)),
    ],
)
def test_rules(n, sampling, expected):
    assert sample_indices(n, sampling) == expected


@pytest.mark.parametrize(
    ("n", "rate", "native", "expected"),
    [
        (50, 1.0, 25.0, (0, 25)),
        (51, 1.0, 25.0, (0, 25, 50)),
        (10, 2.0, 5.0, (0, 2, 5, 7)),
        (4, 30.0, 25.0, (0, 1, 2, 3)),  # never a frame twice
        (30, 1.0, 29.97, (0,)),
        (31, 1.0, 29.97, (0, 29)),
    ],
)
def test_frames_a_second(n, rate, native, expected):
    assert sample_indices(n, Sampling(rule="fps", fps=rate, count=0), fps=native) == expected


@given(n=st.integers(1, 5_000), count=st.integers(1, 600))
def test_uniform_is_numpys_rounded_linspace(n, count):
    expected = np.round(np.linspace(0, n - 1, count)).astype(int).tolist()
    assert list(sample_indices(n, Sampling(count=count, short="repeat"))) == expected
    if count <= n:
        assert len(set(expected)) == count


@given(
    n=st.integers(1, 300),
    sampling=st.builds(
        Sampling,
        rule=st.sampled_from(["uniform", "first", "every", "fps"]),
        count=st.integers(1, 40),
        step=st.integers(1, 40),
        fps=st.floats(0.1, 60),
        short=st.sampled_from(["repeat", "fewer"]),
    ),
)
def test_indices_ascend_within_the_sequence(n, sampling):
    taken = sample_indices(n, sampling, fps=25.0)
    assert taken[0] == 0 and list(taken) == sorted(taken) and taken[-1] < n
    assert len(taken) == sampling.count or (sampling.short == "fewer" and len(set(taken)) == len(taken) < sampling.count)


def test_short_sequences_are_refused_on_request():
    with pytest.raises(TooFewFramesError, match="8 frames were asked for, but 3"):
        sample_indices(3, Sampling(count=8, short="error"))
    assert sample_indices(8, Sampling(count=8, short="error")) == tuple(range(8))
    with pytest.raises(TooFewFramesError, match="no frames"):
        sample_indices(0, Sampling(short="repeat"))


@pytest.mark.parametrize(
    "sampling", [Sampling(count=0), Sampling(rule="every", step=0), Sampling(rule="fps", fps=0.0), Sampling(rule="fps")]
)
def test_rules_that_cannot_be_followed(sampling):
    with pytest.raises(UsageError):
        sample_indices(10, sampling)
