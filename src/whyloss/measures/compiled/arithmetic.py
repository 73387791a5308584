"""Elementary functions that a loop over an array can be vectorised with.

``np.exp`` and ``np.log1p`` are calls of a scalar library inside a compiled loop, ten times slower.
The functions here are polynomials, in the precision of their argument.
"""

# The types of arguments are known when a function is compiled, for each type of array anew.
# ruff: noqa: ANN401
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit, types
from numba.extending import overload

if TYPE_CHECKING:
    from collections.abc import Callable

# "numpy": no test for a division by zero, which would prevent vectors.
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
# Multiplications and additions may be fused; nothing else departs from IEEE arithmetic.
LOOP: dict[str, Any] = {**OPTIONS, "fastmath": {"contract"}}
# Sums may be taken in any order, which a sum over a vector needs.
REDUCTION: dict[str, Any] = {**OPTIONS, "fastmath": {"contract", "reassoc", "nsz"}}
INNER: dict[str, Any] = {**LOOP, "forceinline": True}
KERNEL: dict[str, Any] = {**OPTIONS, "cache": True}

_F, _I = np.float32, np.int32
_LOG2_E, _LOG2_E_32 = 1.4426950408889634, _F(1.4426950408889634)
# ln 2 in two terms; the first has so few bits that its product with an exponent is exact.
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_LN2_HIGH_32, _LN2_LOW_32 = _F(0.693145751953125), _F(1.42860682e-6)
# Adding 1.5 * 2^(mantissa bits) rounds to an integer and leaves it in the lowest bits.
_ROUND, _ROUND_32 = 1.5 * 2.0**52, _F(1.5 * 2.0**23)
_LOWEST, _LOWEST_32 = -708.0, _F(-87.0)  # below, exp is 0 to working precision
_ONE, _HALF = _F(1), _F(0.5)
# Minimax polynomials of Cephes (Moshier 1992), single precision.
_E0, _E1, _E2, _E3, _E4, _E5 = (
    _F(c) for c in (
        1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3,
        4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
    )
)  # fmt: skip
_L0, _L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8 = (
    _F(c) for c in (
        7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
        -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
    )
)  # fmt: skip
# Taylor, 1/13! to 1/2!: |r| <= ln(2)/2 leaves less than 1e-17.
_EXP = tuple(1.0 / float(np.prod(np.arange(1.0, k + 1.0))) for k in range(13, 1, -1))
# fdlibm (Sun Microsystems 1993): log((1 + s) / (1 - s)).
_LOG = (
    1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01,
    2.222219843214978396e-01, 2.857142874366239149e-01, 3.999999999940941908e-01,
    6.666666666666735130e-01,
)  # fmt: skip


@njit(**INNER)
def _bits(x: Any) -> Any:
    return np.float32(x).view(np.int32)


@njit(**INNER)
def _from_bits(i: Any) -> Any:
    return np.int32(i).view(np.float32)


@njit(**INNER)
def _bits_64(x: Any) -> Any:
    return np.float64(x).view(np.int64)


@njit(**INNER)
def _from_bits_64(i: Any) -> Any:
    return np.int64(i).view(np.float64)


@njit(**INNER)
def residue(z: Any, peak: Any, below: Any) -> Any:
    """Rounding error of ``below = z - peak`` (Knuth's TwoSum).

    Parameters
    ----------
    z, peak, below : float

    Returns
    -------
    float
    """
    back = below - z
    return (z - (below - back)) - (peak + back)


@njit(**KERNEL)
def widen(halves: Any, singles: Any) -> None:
    """Convert float16 to float32; NumPy takes ten times as long where it has no vectors for it.

    Parameters
    ----------
    halves : ndarray of uint16, shape (n,)
        Bit patterns of float16.
    singles : ndarray of float32, shape (n,)
        Filled.
    """
    for k in range(len(halves)):
        bits = _I(halves[k])
        # The exponents differ by 112; a product also converts denormal numbers.
        value = _from_bits(_I((bits & _I(0x7FFF)) << _I(13))) * _F(2.0**112)
        magnitude = _bits(value) | (_I(0x7F800000) if value >= _F(65536) else _I(0))
        singles[k] = _from_bits(_I(magnitude | _I((bits & _I(0x8000)) << _I(16))))


def lowest(x: Any) -> float:
    """Smallest argument of :func:`exp`; further down it is 0 to working precision.

    Parameters
    ----------
    x : float32 or float64

    Returns
    -------
    float
    """
    raise NotImplementedError


@overload(lowest, jit_options=INNER)
def _lowest(x: Any) -> Callable[..., Any]:
    limit = _LOWEST_32 if x == types.float32 else _LOWEST

    def constant(x: Any) -> Any:  # noqa: ARG001
        return limit

    return constant


def exp(x: Any, low: Any) -> Any:
    """``exp(x + low)``.

    Parameters
    ----------
    x : float32 or float64
        From ``lowest(x)`` to 0.
    low : float
        Of the size of the rounding error of `x`.

    Returns
    -------
    float
    """
    raise NotImplementedError


@overload(exp, jit_options=INNER)
def _exp(x: Any, low: Any) -> Callable[..., Any]:  # noqa: ARG001
    if x == types.float32:

        def single(x: Any, low: Any) -> Any:
            shifted = x * _LOG2_E_32 + _ROUND_32
            power = shifted - _ROUND_32
            r = (x - power * _LN2_HIGH_32) - power * _LN2_LOW_32 + low
            p = ((((_E0 * r + _E1) * r + _E2) * r + _E3) * r + _E4) * r + _E5
            p = p * (r * r) + r + _ONE
            return _from_bits(_bits(p) + _I(_bits(shifted) << _I(23)))

        return single

    def double(x: Any, low: Any) -> Any:
        shifted = x * _LOG2_E + _ROUND
        power = shifted - _ROUND
        r = (x - power * _LN2_HIGH) - power * _LN2_LOW + low
        p = r * _EXP[0] + _EXP[1]
        for c in _EXP[2:]:
            p = p * r + c
        p = p * (r * r) + r + 1.0
        return _from_bits_64(_bits_64(p) + (_bits_64(shifted) << 52))

    return double


def log1p(x: Any) -> Any:
    """``ln(1 + x)`` to full relative precision near 0.

    Parameters
    ----------
    x : float32 or float64
        Finite, at least 0.

    Returns
    -------
    float
    """
    raise NotImplementedError


@overload(log1p, jit_options=INNER)
def _log1p(x: Any) -> Callable[..., Any]:
    # 1 + x = 2^power * (1 + f) with 1 + f from sqrt(1/2) to sqrt(2); `lost` is the rounding error
    # of 1 + x.
    if x == types.float32:

        def single(x: Any) -> Any:
            u = x + _ONE
            lost = (x - (u - _ONE)) / u
            raised = _I(_bits(u) - _I(0x3F3504F3))
            power = _F(raised >> _I(23))
            f = _from_bits((raised & _I(0x7FFFFF)) + _I(0x3F3504F3)) - _ONE
            p = (((_L0 * f + _L1) * f + _L2) * f + _L3) * f + _L4
            p = (((p * f + _L5) * f + _L6) * f + _L7) * f + _L8
            square = f * f
            tail = p * f * square - square * _HALF + power * _LN2_LOW_32 + lost
            return (f + tail) + power * _LN2_HIGH_32

        return single

    def double(x: Any) -> Any:
        u = x + 1.0
        lost = (x - (u - 1.0)) / u
        raised = _bits_64(u) - 0x3FE6A09E667F3BCD
        power = np.float64(raised >> 52)
        f = _from_bits_64((raised & 0xFFFFFFFFFFFFF) + 0x3FE6A09E667F3BCD) - 1.0
        s = f / (f + 2.0)
        z = s * s
        p = z * _LOG[0] + _LOG[1]
        for c in _LOG[2:]:
            p = p * z + c
        half_square = f * f * 0.5
        tail = s * (half_square + p * z) + (power * _LN2_LOW + lost)
        return power * _LN2_HIGH - ((half_square - tail) - f)

    return double


def sort_key(x: Any) -> int:
    """Integer that is ordered as floats are, so that a search for the largest is vectorised.

    Parameters
    ----------
    x : float32 or float64

    Returns
    -------
    int32 or int64
    """
    raise NotImplementedError


@overload(sort_key, jit_options=INNER)
def _sort_key(x: Any) -> Callable[..., Any]:
    if x == types.float32:

        def single(x: Any) -> Any:
            i = _bits(x)
            return _I(i ^ _I(_I(i >> _I(31)) & _I(0x7FFFFFFF)))

        return single

    def double(x: Any) -> Any:
        i = _bits_64(x)
        return i ^ ((i >> 63) & 0x7FFFFFFFFFFFFFFF)

    return double


def from_sort_key(key: Any) -> float:
    """Float of a key of :func:`sort_key`.

    Parameters
    ----------
    key : int32 or int64

    Returns
    -------
    float32 or float64
    """
    raise NotImplementedError


@overload(from_sort_key, jit_options=INNER)
def _from_sort_key(key: Any) -> Callable[..., Any]:
    if key == types.int32:

        def single(key: Any) -> Any:
            return _from_bits(key ^ _I(_I(key >> _I(31)) & _I(0x7FFFFFFF)))

        return single

    def double(key: Any) -> Any:
        return _from_bits_64(key ^ ((key >> 63) & 0x7FFFFFFFFFFFFFFF))

    return double
