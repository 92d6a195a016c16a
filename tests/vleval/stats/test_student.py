from __future__ import annotations

import math

import pytest

from vleval.stats.student import beta_regularised, t_quantile_975, t_two_sided

# Quantiles: scipy.stats.t.ppf(0.975, d) 1.16; the first ones are those of every printed table (12.706, 4.303, 3.182, 2.571, 2.228).
QUANTILES = {
    1: 12.706204736174694,
    2: 4.302652729749462,
    3: 3.1824463052837078,
    5: 2.5705818356363146,
    10: 2.228138851986274,
    29: 2.045229642132703,
    136: 1.977560776558935,
    151: 1.9757989238179392,
    1249: 1.9618651315986742,
    100_000: 1.9599877075346095,
}
TAILS = [
    (0.5, 1, 0.7048327646991335),
    (2.0, 3, 0.13932596855884305),
    (2.5, 136, 0.013607984578265047),
    (8.0, 40, 7.905084110104538e-10),
    (0.001, 7, 0.9992300172449988),
]


@pytest.mark.parametrize(("degrees", "expected"), QUANTILES.items())
def test_quantiles(degrees, expected):
    assert t_quantile_975(degrees) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize(("t", "degrees", "expected"), TAILS)
def test_two_sided_tail(t, degrees, expected):
    assert t_two_sided(t, degrees) == pytest.approx(expected, rel=1e-9)


def test_the_limit_is_normal_and_no_degree_is_refused():
    assert t_quantile_975(10**9) == pytest.approx(1.959963984540054, rel=1e-12)
    with pytest.raises(ValueError, match="at least one degree"):
        t_quantile_975(0)


def test_incomplete_beta_of_known_shape():
    assert beta_regularised(1, 1, 0.3) == pytest.approx(0.3)
    assert beta_regularised(2, 1, 0.3) == pytest.approx(0.09)
    assert (beta_regularised(2, 3, 0.0), beta_regularised(2, 3, 1.0)) == (0.0, 1.0)


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (2, 5), (30, 0.5), (0.5, 40), (3, 1), (1, 4), (600, 0.5)])
@pytest.mark.parametrize("x", [1e-6, 0.02, 0.3, 0.5, 0.77, 0.999])
def test_incomplete_beta_against_its_integral(a, b, x):
    """By Simpson's rule over the substitution t = sin^2, which has no pole at either end."""
    steps = 4_000
    top = math.asin(math.sqrt(x))

    def density(angle):
        return 2 * math.sin(angle) ** (2 * a - 1) * math.cos(angle) ** (2 * b - 1)

    width = top / steps
    total = density(0.0) + density(top) + sum((4 if n % 2 else 2) * density(n * width) for n in range(1, steps))
    whole = math.exp(math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b))
    assert beta_regularised(a, b, x) == pytest.approx(total * width / 3 / whole, rel=1e-8, abs=1e-12)
    assert beta_regularised(a, b, x) + beta_regularised(b, a, 1 - x) == pytest.approx(1.0)


def test_no_chance_beyond_infinity():
    assert t_two_sided(float("inf"), 3) == 0.0 == t_two_sided(float("-inf"), 3)
    assert t_two_sided(0.0, 3) == 1.0 and t_two_sided(-2.0, 3) == t_two_sided(2.0, 3)
