"""Sixteen numbers at a time, for use inside compiled kernels.

What a loop over rows needs, one row in each lane, LLVM would not find by itself: sums that stay in
registers over an inner loop over the classes. It cuts vectors to what the processor has.

Arithmetic is IEEE but for multiply-adds, which may be fused; the flags of the caller do not reach
it. Comparisons with NaN are false.
"""

# Types are settled when a kernel is compiled, and numba publishes none.
# ruff: noqa: ANN401, ARG001
from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_builtin, lower_cast
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, models, overload, register_model

if TYPE_CHECKING:
    from collections.abc import Callable

LANES = 16

_CONTRACT = ("contract",)
_REORDER = ("reassoc", "contract", "nsz")


class Lanes(types.Type):  # type: ignore[misc]
    """Type of a vector of LANES numbers of the type `scalar`; of LANES bits where it is boolean."""

    def __init__(self, scalar: Any) -> None:
        self.scalar = scalar
        super().__init__(name=f"Lanes({scalar})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, ir.VectorType(_element(kind.scalar), LANES))


def _element(scalar: Any) -> Any:
    if isinstance(scalar, types.Boolean):
        return ir.IntType(1)
    if isinstance(scalar, types.Integer):
        return ir.IntType(scalar.bitwidth)
    return ir.FloatType() if scalar == types.float32 else ir.DoubleType()


def _is_float(kind: Any) -> bool:
    return isinstance(kind.scalar, types.Float)


def _splat(builder: Any, value: Any) -> Any:
    vector = ir.VectorType(value.type, LANES)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)


@lower_cast(types.Number, Lanes)
@lower_cast(types.Boolean, Lanes)
def _from_scalar(context: Any, builder: Any, given: Any, to: Any, value: Any) -> Any:
    if isinstance(to.scalar, types.Boolean):
        return _splat(builder, builder.trunc(value, ir.IntType(1)))
    return _splat(builder, context.cast(builder, value, given, to.scalar))


# --- operators -----------------------------------------------------------------------------------


def _operator(function: Any, result: Callable[[Any], Any], emit: Callable[..., Any]) -> None:
    """Let an operator work on vectors, and on a vector and a scalar, which fills all lanes."""

    @infer_global(function)
    class _Template(AbstractTemplate):  # type: ignore[misc]
        def generic(self, args: Any, kws: Any) -> Any:  # noqa: ARG002
            kinds = [kind for kind in args if isinstance(kind, Lanes)]
            if not kinds:
                return None
            return signature(result(kinds[0]), *(kinds[0] for _ in args))

    def lowered(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return emit(builder, sig.args[0], *args)

    for kinds in ((Lanes, Lanes), (Lanes,)):
        lower_builtin(function, *kinds)(lowered)


def _arithmetic(of_floats: str, of_integers: str) -> Callable[..., Any]:
    def emit(builder: Any, kind: Any, *args: Any) -> Any:
        if _is_float(kind):
            return getattr(builder, of_floats)(*args, flags=_CONTRACT)
        return getattr(builder, of_integers)(*args)

    return emit


def _comparison(sign: str) -> Callable[..., Any]:
    def emit(builder: Any, kind: Any, left: Any, right: Any) -> Any:
        if not _is_float(kind):
            return builder.icmp_signed(sign, left, right)
        ordered = builder.fcmp_unordered if sign == "!=" else builder.fcmp_ordered
        return ordered(sign, left, right)

    return emit


def _same(kind: Any) -> Any:
    return kind


def _mask(_kind: Any) -> Any:
    return Lanes(types.boolean)


_ARITHMETIC: tuple[tuple[Any, str, str], ...] = (
    (operator.add, "fadd", "add"),
    (operator.sub, "fsub", "sub"),
    (operator.mul, "fmul", "mul"),
    (operator.truediv, "fdiv", "sdiv"),
    (operator.neg, "fneg", "neg"),
    (operator.and_, "", "and_"),
    (operator.or_, "", "or_"),
    (operator.invert, "", "not_"),
    (operator.lshift, "", "shl"),
    (operator.rshift, "", "ashr"),
)
_COMPARISONS = (
    (operator.lt, "<"),
    (operator.le, "<="),
    (operator.gt, ">"),
    (operator.ge, ">="),
    (operator.eq, "=="),
    (operator.ne, "!="),
)
for _function, _floats, _integers in _ARITHMETIC:
    _operator(_function, _same, _arithmetic(_floats, _integers))
for _function, _sign in _COMPARISONS:
    _operator(_function, _mask, _comparison(_sign))


# --- from lane to lane ---------------------------------------------------------------------------


def where(mask: Any, yes: Any, no: Any) -> Any:
    """`yes` in the lanes where the mask is set, `no` elsewhere; of scalars, one of them."""
    raise NotImplementedError


@overload(where)
def _where(mask: Any, yes: Any, no: Any) -> Callable[..., Any]:
    def of_vectors(mask: Any, yes: Any, no: Any) -> Any:
        return _select(mask, yes, no)

    def of_scalars(mask: Any, yes: Any, no: Any) -> Any:
        return yes if mask else no

    return of_vectors if isinstance(mask, Lanes) else of_scalars


@intrinsic
def _select(typing: Any, mask: Any, yes: Any, no: Any) -> Any:
    kind = yes if isinstance(yes, Lanes) else no

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(*args)

    return kind(mask, kind, kind), emit


@intrinsic
def convert(typing: Any, x: Any, like: Any) -> Any:
    """Lanes of another width or kind, that of the scalar `like`; a mask becomes 0 and 1."""
    to = Lanes(types.unliteral(like))

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        given, wanted = sig.args[0].scalar, to.scalar
        target = ir.VectorType(_element(wanted), LANES)
        if isinstance(given, types.Boolean):
            return builder.zext(args[0], target)
        if isinstance(given, types.Float) and isinstance(wanted, types.Float):
            cast = builder.fpext if wanted.bitwidth > given.bitwidth else builder.fptrunc
            return args[0] if wanted == given else cast(args[0], target)
        if isinstance(given, types.Float):
            return builder.fptosi(args[0], target)
        if isinstance(wanted, types.Float):
            return builder.sitofp(args[0], target)
        if wanted.bitwidth == given.bitwidth:
            return args[0]
        cast = builder.sext if wanted.bitwidth > given.bitwidth else builder.trunc
        return cast(args[0], target)

    return to(x, like), emit


@intrinsic
def splat(typing: Any, x: Any) -> Any:
    """The same number in all lanes."""
    kind = Lanes(types.unliteral(x))

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _splat(builder, args[0])

    return kind(kind.scalar), emit


@intrinsic
def numbers(typing: Any) -> Any:
    """Each lane's own number, from 0, as int32."""
    kind = Lanes(types.int32)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return ir.Constant(context.get_value_type(kind), list(range(LANES)))

    return kind(), emit


@intrinsic
def total(typing: Any, x: Any) -> Any:
    """Sum of the lanes; of a mask, the number of those that are set, as int64."""

    def of_mask(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        packed = builder.bitcast(args[0], ir.IntType(LANES))
        return builder.zext(builder.ctpop(packed), ir.IntType(64))

    def of_numbers(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        element, vector = args[0].type.element, args[0].type
        floats = _is_float(x)
        sort = f"fadd.v{LANES}f" if floats else f"add.v{LANES}i"
        given = [element, vector] if floats else [vector]
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(element, given),
            f"llvm.vector.reduce.{sort}{x.scalar.bitwidth}",
        )
        if not floats:
            return builder.call(function, args)
        return builder.call(function, [ir.Constant(element, 0.0), *args], fastmath=_REORDER)

    if isinstance(x.scalar, types.Boolean):
        return types.int64(x), of_mask
    return x.scalar(x), of_numbers


@intrinsic
def largest(typing: Any, x: Any) -> Any:
    """Largest lane of floats; where one is NaN, anything."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value = args[0]
        for step in (8, 4, 2, 1):
            order = [(lane + step) % LANES for lane in range(LANES)]
            mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), order)
            other = builder.shuffle_vector(value, value, mask)
            value = builder.select(builder.fcmp_ordered(">", other, value), other, value)
        return builder.extract_element(value, ir.IntType(32)(0))

    return x.scalar(x), emit


@intrinsic
def first(typing: Any, mask: Any) -> Any:
    """Number of the first lane that is set; LANES if none is."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        packed = builder.zext(builder.bitcast(args[0], ir.IntType(LANES)), ir.IntType(64))
        marked = builder.or_(packed, ir.IntType(64)(1 << LANES))
        return builder.cttz(marked, ir.IntType(1)(1))

    return types.int64(mask), emit


@intrinsic
def bits(typing: Any, x: Any) -> Any:
    """Bit patterns of floats as signed integers of the same width."""
    return _reinterpreted(x, types.int32 if x.scalar == types.float32 else types.int64)


@intrinsic
def from_bits(typing: Any, x: Any) -> Any:
    """Floats of these bit patterns."""
    return _reinterpreted(x, types.float32 if x.scalar == types.int32 else types.float64)


def _reinterpreted(x: Any, scalar: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(sig.return_type))

    return Lanes(scalar)(x), emit


# --- memory --------------------------------------------------------------------------------------


def _pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Address of an element of a contiguous array, unchecked."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.gep(data, [index])


@intrinsic
def load(typing: Any, array: Any, index: Any) -> Any:
    """LANES numbers of a flat contiguous array from `index` on. Nothing is checked."""
    kind = Lanes(array.dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, array, *args)
        vector = ir.VectorType(_element(array.dtype), LANES)
        return builder.load(
            builder.bitcast(pointer, vector.as_pointer()),
            align=array.dtype.bitwidth // 8,
            typ=vector,
        )

    return kind(array, types.intp), emit


@intrinsic
def store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Put LANES numbers into a flat contiguous array from `index` on. Nothing is checked."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, array, args[0], args[1])
        builder.store(
            args[2],
            builder.bitcast(pointer, args[2].type.as_pointer()),
            align=array.dtype.bitwidth // 8,
        )
        return context.get_dummy_value()

    return types.void(array, types.intp, value), emit


@intrinsic
def prefetch(typing: Any, array: Any, index: Any) -> Any:
    """Ask for a number that will be needed soon. The index may lie beyond the end."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, array, *args)
        place = builder.bitcast(pointer, ir.IntType(8).as_pointer())
        whole = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, whole, whole, whole])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        # To read, keep it in every cache, data.
        builder.call(function, [place, whole(0), whole(3), whole(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), emit


@intrinsic
def get(typing: Any, array: Any, index: Any) -> Any:
    """One number of a flat contiguous array. Nothing is checked, nor counted from the end."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(_pointer(context, builder, array, *args))

    return array.dtype(array, types.intp), emit


@intrinsic
def bump(typing: Any, array: Any, index: Any, amount: Any) -> Any:
    """Add to one number of a flat contiguous array, as :func:`get` finds it."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, array, args[0], args[1])
        add = builder.fadd if isinstance(array.dtype, types.Float) else builder.add
        builder.store(add(builder.load(pointer), args[2]), pointer)
        return context.get_dummy_value()

    return types.void(array, types.intp, array.dtype), emit


@intrinsic
def four_columns(typing: Any, array: Any, starts: Any, column: Any) -> Any:
    """Four neighbouring columns of LANES rows, each as a vector.

    `array` is flat and contiguous, `starts` says where in it each of the rows starts, `column` is
    the first of the four. Nothing is checked.
    """
    kind = Lanes(array.dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        flat, places, column = args
        four = ir.VectorType(_element(array.dtype), 4)
        rows = []
        for row in range(LANES):
            place = _pointer(context, builder, starts, places, column.type(row))
            at = builder.add(builder.load(place, typ=column.type), column)
            pointer = _pointer(context, builder, array, flat, at)
            rows.append(
                builder.load(
                    builder.bitcast(pointer, four.as_pointer()),
                    align=array.dtype.bitwidth // 8,
                    typ=four,
                )
            )
        # Every fourth row side by side: then all that is left moves within groups of four lanes,
        # which costs an instruction for two vectors.
        apart = [_join(builder, rows[start::4]) for start in range(4)]
        columns = _turn(builder, apart)
        return context.make_tuple(builder, sig.return_type, columns)

    return types.UniTuple(kind, 4)(array, starts, types.intp), emit


def _shuffle(builder: Any, left: Any, right: Any, order: list[int]) -> Any:
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(order)), order)
    return builder.shuffle_vector(left, right, mask)


def _join(builder: Any, parts: list[Any]) -> Any:
    while len(parts) > 1:
        both = list(range(2 * parts[0].type.count))
        parts = [
            _shuffle(builder, left, right, both)
            for left, right in zip(parts[::2], parts[1::2], strict=True)
        ]
    return parts[0]


def _turn(builder: Any, rows: list[Any]) -> list[Any]:
    """Transpose the squares of four that the groups of four lanes of four vectors make."""

    def paired(left: Any, right: Any, first: list[int]) -> Any:
        order = [group + lane for group in range(0, LANES, 4) for lane in first]
        return _shuffle(builder, left, right, order)

    low, high = [0, LANES, 1, LANES + 1], [2, LANES + 2, 3, LANES + 3]
    near, far = [0, 1, LANES, LANES + 1], [2, 3, LANES + 2, LANES + 3]
    a, b = paired(rows[0], rows[1], low), paired(rows[2], rows[3], low)
    c, d = paired(rows[0], rows[1], high), paired(rows[2], rows[3], high)
    return [paired(a, b, near), paired(a, b, far), paired(c, d, near), paired(c, d, far)]
