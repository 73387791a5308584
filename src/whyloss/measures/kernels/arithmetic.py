"""Elementary functions that LLVM can vectorise, for use inside compiled kernels.

``np.exp`` and ``np.log1p`` are calls into a scalar library there, ten times slower. Each function
carries its own floating-point flags, which inlining keeps: callers may let sums be reordered, but
the error terms below survive, and NaN and infinities mean what they always mean.
"""

# What compiled functions take is settled when they are compiled, for each kind of array anew;
# compiled calls know no keywords; and of NaN, max() would keep the wrong argument.
# ruff: noqa: ANN401, FURB136
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload

if TYPE_CHECKING:
    from collections.abc import Callable

# Multiply-adds may be fused, nothing else touched; no test for a division by zero.
# (Said explicitly everywhere: a function without flags of its own takes those of its first caller.)
FUSED: dict[str, Any] = {"fastmath": {"contract"}, "error_model": "numpy"}
# A sum may run in any order; unlike full "fast" flags this promises no absence of NaN or infinity.
SUMS = {"reassoc", "nsz", "contract"}

_F = np.float32
_LOG2_E = 1.4426950408889634
# ln 2 in two pieces; the first has so few bits that its product with an exponent is exact.
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_LN2_HIGH_32, _LN2_LOW_32, _LOG2_E_32 = _F(0.693145751953125), _F(1.42860682e-6), _F(_LOG2_E)
# Adding 1.5 * 2^(mantissa bits) rounds to a whole number and leaves it in the lowest bits.
_ROUND, _ROUND_32 = 1.5 * 2.0**52, _F(1.5 * 2.0**23)
_LOWEST, _LOWEST_32 = -708.0, _F(-87.0)  # below, exp is 0 to working precision
_ZERO_32, _HALF_32, _ONE_32 = _F(0), _F(0.5), _F(1)
# Minimax polynomials of Cephes (Moshier 1992), single precision.
_EXP_32 = tuple(
    _F(c)
    for c in (
        1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3,
        4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
    )
)  # fmt: skip
_LOG_32 = tuple(
    _F(c)
    for c in (
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


@intrinsic
def bits(_context: Any, x: Any) -> Any:
    """Bit pattern of a float as a signed integer of the same width."""
    to = types.int32 if x == types.float32 else types.int64
    return to(x), _bitcast


@intrinsic
def from_bits(_context: Any, x: Any) -> Any:
    """Float of that bit pattern."""
    to = types.float32 if x == types.int32 else types.float64
    return to(x), _bitcast


def _bitcast(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    return builder.bitcast(args[0], context.get_value_type(signature.return_type))


@intrinsic
def half(_context: Any, _x: Any) -> Any:
    """Float16, given as the bits in a uint16, as float32."""

    def widen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.fpext(builder.bitcast(args[0], ir.HalfType()), ir.FloatType())

    return types.float32(types.uint16), widen


def ordered(x: float) -> int:
    """Integer that sorts as the float does; both zeros are one, NaN lies beyond the infinities.

    The largest of many integers is found sixteen at a time, the largest of many floats one by one.
    """
    raise NotImplementedError


@overload(ordered, jit_options=FUSED)
def _ordered(x: Any) -> Callable[..., Any]:
    if x == types.float32:

        def single(x: Any) -> Any:
            pattern = bits(x + _ZERO_32)
            return np.int32(pattern ^ ((pattern >> np.int32(31)) & np.int32(0x7FFFFFFF)))

        return single

    def double(x: Any) -> Any:
        pattern = bits(x + 0.0)
        return pattern ^ ((pattern >> np.int64(63)) & np.int64(0x7FFFFFFFFFFFFFFF))

    return double


@njit(cache=True, nogil=True, **FUSED)
def residue(z: Any, peak: Any, below: Any) -> Any:
    """What rounding took from ``below = z - peak`` (Knuth's TwoSum)."""
    back = below - z
    return (z - (below - back)) - (peak + back)


def exp(x: float, low: float) -> float:
    """``exp(x + low)`` for x <= 0 and a `low` that is tiny beside it; exactly 0 below -87 (-708)."""
    raise NotImplementedError


@overload(exp, jit_options=FUSED)
def _exp(x: Any, low: Any) -> Callable[..., Any]:  # noqa: ARG001
    if x == types.float32:

        def single(x: Any, low: Any) -> Any:
            bounded = _LOWEST_32 if x < _LOWEST_32 else x
            shifted = bounded * _LOG2_E_32 + _ROUND_32
            power = shifted - _ROUND_32
            r = (bounded - power * _LN2_HIGH_32) - power * _LN2_LOW_32 + low
            p = _EXP_32[0]
            for c in _EXP_32[1:]:
                p = p * r + c
            p = p * (r * r) + r + _ONE_32
            value = from_bits(np.int32(bits(p) + (bits(shifted) << np.int32(23))))
            return _ZERO_32 if x < _LOWEST_32 else value

        return single

    def double(x: Any, low: Any) -> Any:
        bounded = _LOWEST if x < _LOWEST else x
        shifted = bounded * _LOG2_E + _ROUND
        power = shifted - _ROUND
        r = (bounded - power * _LN2_HIGH) - power * _LN2_LOW + low
        p = _EXP[0]
        for c in _EXP[1:]:
            p = p * r + c
        p = p * (r * r) + r + 1.0
        value = from_bits(bits(p) + (bits(shifted) << np.int64(52)))
        return 0.0 if x < _LOWEST else value

    return double


def log1p(x: float) -> float:
    """``ln(1 + x)`` for finite x >= 0, to full relative precision near 0."""
    raise NotImplementedError


@overload(log1p, jit_options=FUSED)
def _log1p(x: Any) -> Callable[..., Any]:
    # 1 + x = 2^power * (1 + f) with 1 + f from sqrt(1/2) to sqrt(2); `lost` is what rounding
    # took from 1 + x.
    if x == types.float32:

        def single(x: Any) -> Any:
            u = _ONE_32 + x
            lost = (x - (u - _ONE_32)) / u
            raised = np.int32(bits(u) - np.int32(0x3F3504F3))
            power = _F(np.int32(raised >> np.int32(23)))
            f = from_bits(np.int32((raised & np.int32(0x7FFFFF)) + np.int32(0x3F3504F3))) - _ONE_32
            p = _LOG_32[0]
            for c in _LOG_32[1:]:
                p = p * f + c
            square = f * f
            tail = p * f * square - _HALF_32 * square + power * _LN2_LOW_32 + lost
            return (f + tail) + power * _LN2_HIGH_32

        return single

    def double(x: Any) -> Any:
        u = 1.0 + x
        lost = (x - (u - 1.0)) / u
        raised = bits(u) - np.int64(0x3FE6A09E667F3BCD)
        power = np.float64(raised >> np.int64(52))
        f = from_bits((raised & np.int64(0xFFFFFFFFFFFFF)) + np.int64(0x3FE6A09E667F3BCD)) - 1.0
        s = f / (2.0 + f)
        z = s * s
        p = _LOG[0]
        for c in _LOG[1:]:
            p = p * z + c
        half_square = 0.5 * f * f
        tail = s * (half_square + p * z) + (power * _LN2_LOW + lost)
        return power * _LN2_HIGH - ((half_square - tail) - f)

    return double
