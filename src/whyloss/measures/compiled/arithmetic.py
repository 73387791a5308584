"""Elementary functions of sixteen numbers at a time, for use inside compiled kernels.

``np.exp`` and ``np.log1p`` are calls into a scalar library there, ten times slower.
"""

# What compiled functions take is settled when they are compiled, for each kind of array anew.
# ruff: noqa: ANN401
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload

from whyloss.measures.compiled.vectors import bits, convert, from_bits

if TYPE_CHECKING:
    from collections.abc import Callable

# No test for a division by zero; and no reference is counted, which would cost narrow tiles a
# third of their time. Kernels allocate nothing: see Scratch in sums.py.
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
KERNEL: dict[str, Any] = {**OPTIONS, "cache": True}
INNER: dict[str, Any] = {**OPTIONS, "forceinline": True}
# What happens at the end of a block alone: compiled once, not wherever it is called.
RARE: dict[str, Any] = OPTIONS

_F = np.float32
_LOG2_E = 1.4426950408889634
# ln 2 in two pieces; the first has so few bits that its product with an exponent is exact.
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_LN2_HIGH_32, _LN2_LOW_32 = 0.693145751953125, 1.42860682e-6
# Adding 1.5 * 2^(mantissa bits) rounds to a whole number and leaves it in the lowest bits.
_ROUND, _ROUND_32 = 1.5 * 2.0**52, 1.5 * 2.0**23
_LOWEST, _LOWEST_32 = -708.0, -87.0  # below, exp is 0 to working precision
# Minimax polynomials of Cephes (Moshier 1992), single precision.
_EXP_32 = (
    1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3,
    4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
)  # fmt: skip
_LOG_32 = (
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)  # fmt: skip
# Taylor, 1/13! to 1/2!: |r| <= ln(2)/2 leaves less than 1e-17.
_EXP = tuple(1.0 / float(np.prod(np.arange(1.0, k + 1.0))) for k in range(13, 1, -1))
# fdlibm (Sun Microsystems 1993): log((1 + s) / (1 - s)).
_LOG = (
    1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01,
    2.222219843214978396e-01, 2.857142874366239149e-01, 3.999999999940941908e-01,
    6.666666666666735130e-01,
)  # fmt: skip


@intrinsic
def half(_context: Any, _x: Any) -> Any:
    """Float16, given as the bits in a uint16, as float32."""

    def widen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.fpext(builder.bitcast(args[0], ir.HalfType()), ir.FloatType())

    return types.float32(types.uint16), widen


@njit(**INNER)
def residue(z: Any, peak: Any, below: Any) -> Any:
    """What rounding took from ``below = z - peak`` (Knuth's TwoSum)."""
    back = below - z
    return (z - (below - back)) - (peak + back)


def lowest(x: Any) -> float:
    """Where :func:`exp` ends: further down, it is 0 to working precision."""
    raise NotImplementedError


@overload(lowest)
def _lowest(x: Any) -> Callable[..., Any]:
    limit = _LOWEST_32 if x.scalar == types.float32 else _LOWEST

    def constant(x: Any) -> Any:  # noqa: ARG001
        return limit

    return constant


def exp(x: Any, low: Any) -> Any:
    """``exp(x + low)`` for x from ``lowest(x)`` to 0 and a `low` that is tiny beside it."""
    raise NotImplementedError


@overload(exp)
def _exp(x: Any, low: Any) -> Callable[..., Any]:  # noqa: ARG001
    if x.scalar == types.float32:

        def single(x: Any, low: Any) -> Any:
            shifted = x * _LOG2_E + _ROUND_32
            power = shifted - _ROUND_32
            r = (x - power * _LN2_HIGH_32) - power * _LN2_LOW_32 + low
            p = r * _EXP_32[0] + _EXP_32[1]
            for c in _EXP_32[2:]:
                p = p * r + c
            p = p * (r * r) + r + 1.0
            return from_bits(bits(p) + (bits(shifted) << 23))

        return single

    def double(x: Any, low: Any) -> Any:
        shifted = x * _LOG2_E + _ROUND
        power = shifted - _ROUND
        r = (x - power * _LN2_HIGH) - power * _LN2_LOW + low
        p = r * _EXP[0] + _EXP[1]
        for c in _EXP[2:]:
            p = p * r + c
        p = p * (r * r) + r + 1.0
        return from_bits(bits(p) + (bits(shifted) << 52))

    return double


def log1p(x: Any) -> Any:
    """``ln(1 + x)`` for finite x >= 0, to full relative precision near 0."""
    raise NotImplementedError


@overload(log1p)
def _log1p(x: Any) -> Callable[..., Any]:
    # 1 + x = 2^power * (1 + f) with 1 + f from sqrt(1/2) to sqrt(2); `lost` is what rounding
    # took from 1 + x.
    if x.scalar == types.float32:

        def single(x: Any) -> Any:
            u = x + 1.0
            lost = (x - (u - 1.0)) / u
            raised = bits(u) - 0x3F3504F3
            power = convert(raised >> 23, _F(0))
            f = from_bits((raised & 0x7FFFFF) + 0x3F3504F3) - 1.0
            p = f * _LOG_32[0] + _LOG_32[1]
            for c in _LOG_32[2:]:
                p = p * f + c
            square = f * f
            tail = p * f * square - square * 0.5 + power * _LN2_LOW_32 + lost
            return (f + tail) + power * _LN2_HIGH_32

        return single

    def double(x: Any) -> Any:
        u = x + 1.0
        lost = (x - (u - 1.0)) / u
        raised = bits(u) - 0x3FE6A09E667F3BCD
        power = convert(raised >> 52, 0.0)
        f = from_bits((raised & 0xFFFFFFFFFFFFF) + 0x3FE6A09E667F3BCD) - 1.0
        s = f / (f + 2.0)
        z = s * s
        p = z * _LOG[0] + _LOG[1]
        for c in _LOG[2:]:
            p = p * z + c
        half_square = f * f * 0.5
        tail = s * (half_square + p * z) + (power * _LN2_LOW + lost)
        return power * _LN2_HIGH - ((half_square - tail) - f)

    return double
