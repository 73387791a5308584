"""Statistics and derivatives as plain Numba loops, without a vector type: see decision 6."""

import numpy as np
from numba import njit

R = 64
OPT = {"nogil": True, "error_model": "numpy", "cache": True}
EXACT = {**OPT, "fastmath": {"contract"}}
SUMS = {**OPT, "fastmath": {"contract", "reassoc", "nsz"}}
F = np.float32
LOG2E = F(1.4426950408889634)
RND = F(1.5 * 2.0**23)
L2H = F(0.693145751953125)
L2L = F(1.42860682e-6)
E0, E1, E2, E3, E4, E5 = (
    F(v)
    for v in (
        1.9875691500e-4,
        1.3981999507e-3,
        8.3334519073e-3,
        4.1665795894e-2,
        1.6666665459e-1,
        5.0000001201e-1,
    )
)
G = tuple(
    F(v)
    for v in (
        7.0376836292e-2,
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
        2.0000714765e-1,
        -2.4999993993e-1,
        3.3333331174e-1,
    )
)
G0, G1, G2, G3, G4, G5, G6, G7, G8 = G
ONE, HALF, ZERO, LOW = F(1), F(0.5), F(0), F(-87)
NINF = F(-np.inf)


@njit(forceinline=True, **OPT)
def asint(x):
    return np.float32(x).view(np.int32)


@njit(forceinline=True, **OPT)
def asfloat(i):
    return np.int32(i).view(np.float32)


@njit(forceinline=True, **EXACT)
def exp32(x, low):
    shifted = x * LOG2E + RND
    power = shifted - RND
    r = (x - power * L2H) - power * L2L + low
    p = ((((E0 * r + E1) * r + E2) * r + E3) * r + E4) * r + E5
    p = p * (r * r) + r + ONE
    return asfloat(asint(p) + np.int32(asint(shifted) << np.int32(23)))


@njit(forceinline=True, **EXACT)
def log1p32(x):
    u = x + ONE
    lost = (x - (u - ONE)) / u
    raised = np.int32(asint(u) - np.int32(0x3F3504F3))
    power = F(raised >> np.int32(23))
    f = asfloat((raised & np.int32(0x7FFFFF)) + np.int32(0x3F3504F3)) - ONE
    p = (((((((G0 * f + G1) * f + G2) * f + G3) * f + G4) * f + G5) * f + G6) * f + G7) * f + G8
    sq = f * f
    tail = p * f * sq - sq * HALF + power * L2L + lost
    return (f + tail) + power * L2H


@njit(forceinline=True, nogil=True, error_model="numpy")
def residue(z, peak, below):
    back = below - z
    return (z - (below - back)) - (peak + back)


PEAK, OWN, SECOND, REST, FIRST, SQUARE, SHARES = range(7)
TRUE, TOP, RANK = range(3)


@njit(**OPT)
def transpose(block, i, count, width, cols):
    for j in range(R):
        row = i + min(j, count - 1)
        for k in range(width):
            cols[k * R + j] = block[row, k]


@njit(**EXACT)
def narrow(width, cols, s, w):
    for j in range(R):
        s[PEAK * R + j] = NINF
        s[OWN * R + j] = NINF
        s[SECOND * R + j] = NINF
        w[TOP * R + j] = 0
        w[RANK * R + j] = 1
    for k in range(width):
        kk = np.int32(k)
        for j in range(R):
            z = cols[k * R + j]
            peak = s[PEAK * R + j]
            better = z > peak
            behind = peak if better else z
            second = s[SECOND * R + j]
            own = s[OWN * R + j]
            top = w[TOP * R + j]
            y = w[TRUE * R + j]
            s[SECOND * R + j] = behind if behind > second else second
            s[PEAK * R + j] = z if better else peak
            s[OWN * R + j] = z if y == kk else own
            w[TOP * R + j] = kk if better else top
    for j in range(R):
        s[REST * R + j] = ZERO
        s[FIRST * R + j] = ZERO
        s[SQUARE * R + j] = ZERO
        s[SHARES * R + j] = ZERO
    for k in range(width):
        kk = np.int32(k)
        for j in range(R):
            z = cols[k * R + j]
            peak = s[PEAK * R + j]
            below = z - peak
            sunk = below < LOW
            bounded = LOW if sunk else below
            e = exp32(bounded, residue(z, peak, below))
            e = ZERO if sunk | (w[TOP * R + j] == kk) else e
            we = e * bounded
            s[REST * R + j] += e
            s[FIRST * R + j] += we
            s[SQUARE * R + j] += we * bounded
            s[SHARES * R + j] += e * e
    for k in range(width):
        kk = np.int32(k)
        for j in range(R):
            z = cols[k * R + j]
            own = s[OWN * R + j]
            ahead = (z > own) | ((z == own) & (w[TRUE * R + j] > kk))
            w[RANK * R + j] += np.int32(ahead)
    for j in range(R):
        s[OWN * R + j] -= s[PEAK * R + j]
        s[SECOND * R + j] -= s[PEAK * R + j]


@njit(**OPT)
def argtop(row, width):
    best = NINF
    for k in range(width):
        z = row[k]
        best = z if z > best else best
    for k in range(width):
        if row[k] == best:
            return k
    return 0


@njit(forceinline=True, **OPT)
def key(z):
    i = asint(z)
    return np.int32(i ^ np.int32(np.int32(i >> np.int32(31)) & np.int32(0x7FFFFFFF)))


@njit(forceinline=True, **OPT)
def unkey(i):
    return asfloat(np.int32(i ^ np.int32(np.int32(i >> np.int32(31)) & np.int32(0x7FFFFFFF))))


@njit(**OPT)
def top_of(row):
    best = np.int32(-2147483648)
    for k in range(len(row)):
        i = key(row[k])
        best = i if i > best else best
    return best


@njit(**OPT)
def place_of(row, best, start, stop):
    for k in range(start, stop):
        if row[k] == best:
            return k
    return 0


@njit(**SUMS)
def ahead_of(row, own, y, width):
    n = 0
    before, after = row[:y], row[y + 1 :]
    for k in range(len(before)):
        n += before[k] >= own
    for k in range(len(after)):
        n += after[k] > own
    return n


@njit(**SUMS)
def piece(row, peak, second0):
    a = ZERO
    b = ZERO
    c = ZERO
    d = ZERO
    second = second0
    for k in range(len(row)):
        z = row[k]
        below = z - peak
        sunk = below < LOW
        bounded = LOW if sunk else below
        e = exp32(bounded, residue(z, peak, below))
        e = ZERO if sunk else e
        we = e * bounded
        a += e
        b += we
        c += we * bounded
        d += e * e
        i = key(z)
        second = i if i > second else second
    return a, b, c, d, second


@njit(**OPT)
def wide(row, width, y, j, s, w):
    best = np.int32(-2147483648)
    at = 0
    for start in range(0, width, 256):
        m = top_of(row[start : min(start + 256, width)])
        if m > best:
            best = m
            at = start
    top = place_of(row, unkey(best), at, min(at + 256, width))
    peak = row[top]
    own = row[y]
    rank = 1 if top == y else 1 + ahead_of(row, own, y, width)
    rest = 0.0
    first = 0.0
    square = 0.0
    shares = 0.0
    second = np.int32(-2147483648)
    for lo, hi in ((0, top), (top + 1, width)):
        for start in range(lo, hi, 2048):
            a, b, c, d, second = piece(row[start : min(start + 2048, hi)], peak, second)
            rest += a
            first += b
            square += c
            shares += d
    s[PEAK * R + j] = peak
    s[OWN * R + j] = own - peak
    s[SECOND * R + j] = unkey(second) - peak
    s[REST * R + j] = rest
    s[FIRST * R + j] = first
    s[SQUARE * R + j] = square
    s[SHARES * R + j] = shares
    w[TOP * R + j] = top
    w[RANK * R + j] = rank


@njit(**EXACT)
def finish(s, w, out, count):
    for j in range(R):
        own = s[OWN * R + j]
        rest = s[REST * R + j]
        shares = s[SHARES * R + j]
        won = w[TRUE * R + j] == w[TOP * R + j]
        part = ONE / (rest + ONE)
        log_total = log1p32(rest)
        mean = s[FIRST * R + j] * part
        variance = s[SQUARE * R + j] * part - mean * mean
        sunk = own < LOW
        w_own = ZERO if sunk else exp32(LOW if sunk else own, ZERO)
        missed = rest * part if won else ONE - w_own * part
        others = shares if won else shares + ONE - w_own * w_own
        out[0 * R + j] = log_total - own
        out[1 * R + j] = part
        out[2 * R + j] = log_total - mean
        out[3 * R + j] = variance if variance > ZERO else ZERO
        out[4 * R + j] = s[SECOND * R + j] - own if won else -own
        out[5 * R + j] = missed * missed + others * part * part


@njit(**OPT)
def status_of(s, j, loss):
    if not (
        s[PEAK * R + j] < np.inf
        and s[PEAK * R + j] > -np.inf
        and s[FIRST * R + j] == s[FIRST * R + j]
    ):
        return 1
    return 3 if loss == np.inf else 0


@njit(**OPT)
def statistics(block, at, y_true, values, y_pred, rank, status, cols, s, w, out):
    n, width = block.shape
    rows = len(y_pred)
    for start in range(0, n, R):
        count = min(R, n - start)
        for j in range(R):
            w[TRUE * R + j] = y_true[at + start + min(j, count - 1)]
        if width <= 64:
            transpose(block, start, count, width, cols)
            narrow(width, cols, s, w)
        else:
            for j in range(count):
                wide(block[start + j], width, w[TRUE * R + j], j, s, w)
        finish(s, w, out, count)
        place = at + start
        for f in range(6):
            for j in range(count):
                values[f * rows + place + j] = out[f * R + j]
        for j in range(count):
            y_pred[place + j] = w[TOP * R + j]
            rank[place + j] = w[RANK * R + j]
            code = status_of(s, j, out[j])
            status[place + j] = code
            if code == 1:
                for f in range(6):
                    values[f * rows + place + j] = np.nan
                y_pred[place + j] = -1
                rank[place + j] = -1


def scratch(width):
    return (
        np.zeros(width * R if width <= 64 else 1, np.float32),
        np.zeros(7 * R, np.float32),
        np.zeros(3 * R, np.int32),
        np.zeros(6 * R, np.float32),
    )


# --- temperature sums -----------------------------------------------------------------------
@njit(**EXACT)
def t_peak(width, cols, s, w):
    for j in range(R):
        s[PEAK * R + j] = NINF
        s[OWN * R + j] = NINF
        w[TOP * R + j] = 0
    for k in range(width):
        kk = np.int32(k)
        for j in range(R):
            z = cols[k * R + j]
            peak = s[PEAK * R + j]
            better = z > peak
            own = s[OWN * R + j]
            top = w[TOP * R + j]
            y = w[TRUE * R + j]
            s[OWN * R + j] = z if y == kk else own
            w[TOP * R + j] = kk if better else top
            s[PEAK * R + j] = z if better else peak


@njit(**EXACT)
def t_sums(width, cols, s, w):
    for j in range(R):
        s[REST * R + j] = ZERO
        s[FIRST * R + j] = ZERO
        s[SQUARE * R + j] = ZERO
    for k in range(width):
        kk = np.int32(k)
        for j in range(R):
            x = (cols[k * R + j] - s[PEAK * R + j]) * s[SECOND * R + j]
            sunk = x < LOW
            bounded = LOW if sunk else x
            e = exp32(bounded, ZERO)
            e = ZERO if sunk | (w[TOP * R + j] == kk) else e
            we = e * bounded
            s[REST * R + j] += e
            s[FIRST * R + j] += we
            s[SQUARE * R + j] += we * bounded


@njit(**SUMS)
def t_piece(row, peak, beta):
    a = ZERO
    b = ZERO
    c = ZERO
    for k in range(len(row)):
        x = (row[k] - peak) * beta
        sunk = x < LOW
        bounded = LOW if sunk else x
        e = exp32(bounded, ZERO)
        e = ZERO if sunk else e
        we = e * bounded
        a += e
        b += we
        c += we * bounded
    return a, b, c


@njit(**OPT)
def t_wide(row, width, y, j, s, w):
    best = np.int32(-2147483648)
    at = 0
    for start in range(0, width, 256):
        m = top_of(row[start : min(start + 256, width)])
        if m > best:
            best = m
            at = start
    top = place_of(row, unkey(best), at, min(at + 256, width))
    peak = row[top]
    beta = s[SECOND * R + j]
    s[PEAK * R + j] = peak
    s[OWN * R + j] = row[y]
    rest = 0.0
    first = 0.0
    square = 0.0
    for lo, hi in ((0, top), (top + 1, width)):
        for start in range(lo, hi, 2048):
            a, b, c = t_piece(row[start : min(start + 2048, hi)], peak, beta)
            rest += a
            first += b
            square += c
    s[REST * R + j] = rest
    s[FIRST * R + j] = first
    s[SQUARE * R + j] = square


@njit(**EXACT)
def t_finish(s, out):
    for j in range(R):
        part = ONE / (s[REST * R + j] + ONE)
        mean = s[FIRST * R + j] * part
        variance = s[SQUARE * R + j] * part - mean * mean
        own = (s[OWN * R + j] - s[PEAK * R + j]) * s[SECOND * R + j]
        out[j] = log1p32(s[REST * R + j]) - own
        out[R + j] = mean - own
        out[2 * R + j] = variance if variance > ZERO else ZERO


@njit(**OPT)
def slopes(block, at, y_true, fold, betas, moments, losses, gradients, cols, s, w, out):
    n, width = block.shape
    for start in range(0, n, R):
        count = min(R, n - start)
        for j in range(R):
            row = at + start + min(j, count - 1)
            w[TRUE * R + j] = y_true[row]
            s[SECOND * R + j] = betas[max(0, fold[row])]
        if width <= 64:
            transpose(block, start, count, width, cols)
            t_peak(width, cols, s, w)
            t_sums(width, cols, s, w)
        else:
            for j in range(count):
                t_wide(block[start + j], width, w[TRUE * R + j], j, s, w)
        t_finish(s, out)
        for j in range(count):
            f = fold[at + start + j]
            if f >= 0:
                loss = np.float64(out[j])
                g = np.float64(out[R + j])
                moments[f, 0] += loss
                moments[f, 1] += g
                moments[f, 2] += out[2 * R + j]
                moments[f, 3] += loss * loss
                moments[f, 4] += g * g
                moments[f, 5] = max(moments[f, 5], loss)
                if len(losses):
                    losses[at + start + j] = loss
                if len(gradients):
                    gradients[at + start + j] = g
