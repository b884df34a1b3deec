"""Reference values for the statistics, from numpy, scipy and scikit-learn: python make.py > values.json
(numpy 2.4, scipy 1.17, scikit-learn 1.9)

Inputs without random numbers: u(n, s)_i = frac((i + 1 + s)·(√5 − 1)/2), i = 0..n−1.
"""
import itertools
import json
import math
import numpy as np
from scipy import optimize, special, stats
from scipy.spatial.distance import jensenshannon
from sklearn import metrics


def u(n, s=0):
    return np.mod((np.arange(n) + 1 + s) * ((5**0.5 - 1) / 2), 1)


def psi(a, c, smoothing):
    p, q = ((x + smoothing) / (x.sum() + smoothing * len(x)) for x in (a, c))
    return ((p - q) * np.log(p / q)).sum()


def bergsma(chi2, n, r, k):
    phi = max(0, chi2 / n - (r - 1) * (k - 1) / (n - 1))
    return np.sqrt(phi / min(r - (r - 1) ** 2 / (n - 1) - 1, k - (k - 1) ** 2 / (n - 1) - 1))


reference, current = -np.log(1 - u(400)), -1.15 * np.log(1 - u(150, 1000))
p, q, q0 = np.array([100.0, 200, 300, 400]), np.array([30.0, 90, 60, 120]), np.array([0.0, 90, 90, 120])
shares = p / p.sum(), q / q.sum()
chi2 = stats.chi2_contingency(np.array([p, q]), correction=False)
w1 = stats.wasserstein_distance(reference, current)
p_values = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216]

def kstwo_isf(n, alpha):
    """Inverts kstwo.sf; scipy's own isf inverts its cdf, which is off by up to 1e-3 in the tail for n > 140."""
    return optimize.brentq(lambda d: np.log(stats.kstwo.sf(d, n)) - np.log(alpha), 0.5 / n + 1e-12, 1 - 1e-12, xtol=1e-15, rtol=1e-14)


def poisson_interval(k, level):
    """Garwood (1936): the central interval of a Poisson mean, from the quantiles of chi-squared."""
    tail = (1 - level) / 2
    return float(stats.chi2.ppf(tail, 2 * k) / 2) if k else 0.0, float(stats.chi2.isf(tail, 2 * k + 2) / 2)


sizes = [1, 2, 3, 5, 10, 20, 50, 100, 109, 140, 141, 300, 500, 1000, 1013, 1014, 2057, 4444, 10_000, 50_000, 100_000, 100_001, 1_000_000]
kstwo = []
for n in sizes:
    ds = {float(stats.kstwo.isf(a, n)) for a in (0.999, 0.9, 0.5, 0.2, 0.05, 0.01, 1e-3, 1e-4, 1e-6, 1e-9)}
    ds |= {0.6 / n, 1.5 / n} | ({0.2, 0.5, 0.9} if n <= 100 else set())
    kstwo += [[n, d, float(stats.kstwo.sf(d, n))] for d in sorted(ds) if 0 < d < 1]
alphas = [0.05, 1 / 76, 0.01, 7 / 30 / 76, 1e-4, 1e-6, 1e-9]
tables = [[1, 9, 11, 3], [8, 2, 1, 5], [0, 5, 7, 1], [3, 3, 3, 3], [100, 2, 1000, 3]]


def influences(inside, scores):
    """Each row's part of the covariance of AUCs, from all pairs of rows: DeLong's placements, and the AUC."""
    x, y = scores[inside], scores[~inside]
    wins = (x[:, None] > y[None]) + 0.5 * (x[:, None] == y[None])
    v10, v01, row = wins.mean(1), wins.mean(0), np.zeros(len(scores))
    row[inside] = (v10 - v10.mean()) / np.sqrt(len(x) * (len(x) - 1))
    row[~inside] = (v01 - v01.mean()) / np.sqrt(len(y) * (len(y) - 1))
    return row, wins.mean(), v10.var(ddof=1) / len(x) + v01.var(ddof=1) / len(y)


def lmg(r, c):
    """LMG over all sets, by solving the normal equations of each."""
    p = len(c)
    sets = [[j for j in range(p) if s >> j & 1] for s in range(1 << p)]
    r2 = np.array([c[s] @ np.linalg.solve(r[np.ix_(s, s)], c[s]) if s else 0.0 for s in sets])
    weight = [math.factorial(k) * math.factorial(p - k - 1) / math.factorial(p) for k in range(p)]
    return [sum(weight[len(s)] * (r2[i | 1 << j] - r2[i]) for i, s in enumerate(sets) if j not in s) for j in range(p)]


x, label = u(60), (u(60, 5) + u(60) > 1)
ties, kinds = np.floor(u(300, 3) * 20), np.floor(3 * np.mod(0.7 * u(300, 3) + 0.5 * u(300, 7), 1)).astype(int)
by_class = [influences(kinds == k, ties) for k in range(3)]
rows_of = np.array([a[0] for a in by_class])
covariances = rows_of @ rows_of.T
auc = [metrics.roc_auc_score(kinds == k, ties) for k in range(3)]
assert all(np.isclose(auc[k], by_class[k][1]) and np.isclose(covariances[k, k], by_class[k][2]) for k in range(3))
learn = np.array([[(kinds[:150][ties[:150] == t] == k).sum() for k in range(3)] for t in range(20)])
scores = (learn + learn.sum(0) / learn.sum()) / (learn.sum(1, keepdims=True) + 1)
later = scores[ties[150:].astype(int)]
later_rows = np.array([influences(kinds[150:] == k, later[:, k])[0] for k in range(3)])
table = np.array([[10, 20, 30], [25, 15, 20]])
bin_of, class_of = np.repeat(np.arange(2), table.sum(1)), np.concatenate([np.repeat(np.arange(3), row) for row in table])
events, others = np.array([10.0, 20, 30, 40]), np.array([40.0, 30, 20, 10])
woe = np.log((events + 0.5) / events.sum()) - np.log((others + 0.5) / others.sum())
p_ij = table / table.sum()
log_ratio = np.log(p_ij / np.outer(p_ij.sum(1), p_ij.sum(0)))
mi_variance = ((p_ij * log_ratio**2).sum() - (p_ij * log_ratio).sum() ** 2) / table.sum()
segment = np.arange(60) % 3
shifted = u(60) + 0.2 * segment
one_way = stats.f_oneway(*[shifted[segment == k] for k in range(3)])
# F = (SS_b/2)/(SS_w/57), so that the effect sizes follow from scipy's F alone.
f = one_way.statistic
three = np.c_[u(80), 0.7 * u(80) + 0.3 * u(80, 31), u(80, 57)]
target = three @ [2, 1, -0.5] + 0.3 * (u(80, 99) - 0.5)
all_three = np.corrcoef(np.c_[three, target].T)
sixteen = np.array([[0.5 ** abs(i - j) for j in range(16)] for i in range(16)])
with_sixteen = sixteen @ np.where(np.arange(16) % 5 == 0, 0.35, -0.05)
of_line = target - 2 * three[:, 0] + 0.3 * u(80, 7)
pearson = stats.pearsonr(three[:, 0], of_line)


def divergence_of_few(a, c):
    """Mean, deviation and skewness of the Jensen-Shannon divergence in units of (1/N + 1/M)/(8 ln 2), by the binomial laws of its bins."""
    n, m = a.sum(), c.sum()
    part, unit = n / (n + m), (1 / n + 1 / m) / (8 * np.log(2))
    laws = []
    for values in a + c:
        k = np.arange(values + 1)
        p, q = k / n, (values - k) / m
        own = (special.rel_entr(p, (p + q) / 2) + special.rel_entr(q, (p + q) / 2)) / (2 * np.log(2) * unit)
        laws.append((stats.binom.pmf(k, values, part), own, k - values * part))
    mean = sum(w @ f for w, f, _ in laws)
    laws = [(w, f - w @ f, x) for w, f, x in laws]
    total = sum(w @ x**2 for w, _, x in laws)
    slope = sum(w @ (f * x) for w, f, x in laws) / total
    laws = [(w, f - slope * x, x) for w, f, x in laws]
    mean -= sum(w @ (f * x**2) for w, f, x in laws) / (2 * total)
    left = [1 - w @ x**2 / total for w, _, x in laws]
    second, third = (sum(l * (w @ f**power) for l, (w, f, _) in zip(left, laws)) for power in (2, 3))
    return [float(mean), float(second**0.5), float(third / second**1.5)]


def without_each(statistic, n):
    """A statistic of all rows but one, for each of n rows."""
    return np.array([statistic(np.delete(np.arange(n), i)) for i in range(n)])


def jackknife(statistic, n):
    """Standard error and skewness of a statistic of n rows (Tukey 1958, Efron 1987)."""
    without = without_each(statistic, n)
    moved = without.mean() - without
    return [float(np.sqrt((n - 1) / n * (moved**2).sum())), float((moved**3).sum() / (moved**2).sum() ** 1.5)]


def epsilon2(values, groups, k):
    """ε² of k groups, also where one of them is empty."""
    rest = sum(((values[groups == g] - values[groups == g].mean()) ** 2).sum() for g in np.unique(groups))
    return 1 - rest / (len(values) - k) / values.var(ddof=1)


def epsilon2_error(values, groups):
    """Standard error of ε² by the jackknife, without what χ² adds to it."""
    n, k = len(values), len(np.unique(groups))
    left = (1 - epsilon2(values, groups, k)) * (n - k) / (n - 1)
    error, _ = jackknife(lambda rows: epsilon2(values[rows], groups[rows], k), n)
    chance = 2 * (k - 1) * (left / n) ** 2
    return float(np.sqrt(max(error**2 - 2 * chance, chance)))


def by_chance(alpha, variances, thirds):
    """What the first of two values is above the second with probability alpha, by Pearson's type III."""
    error = np.sqrt(sum(variances))
    return error * stats.pearson3.isf(alpha, (thirds[0] - thirds[1]) / error**3)


def pooled(before, now, n, m):
    return (n * before + m * now) / (n + m)


def fall_of_line(alpha, before, now):
    """Of r, of variance and third moment of a row's z, and rows: how far R² falls with probability alpha."""
    (r, v, t, n), (_, v1, t1, m) = before, now
    v, t = pooled(v, v1, n, m), np.sign(r) * pooled(t, t1, n, m)
    least = np.tanh(np.arctanh(abs(r)) - by_chance(alpha, (v / n, v / m), (t / n**2, t / m**2)))
    return float(r**2 - least * abs(least))


def fall_of_groups(alpha, degrees, before, now):
    """Of ε², of the variance of a row's part, windows and rows: how far ε² falls with probability alpha."""
    (e, v, _, n), (e1, v1, _, m) = before, now
    e, v = pooled(e, e1, n, m), pooled(v, v1, n, m)
    third = 1.5 * v**2 * (1 - 3 * e) / (e * (1 - e))
    moments = [(v / rows + windows * 2 * degrees * ((1 - e) / rows) ** 2, third / rows**2 + windows * 8 * degrees * ((1 - e) / rows) ** 3) for _, _, windows, rows in (before, now)]
    return float(by_chance(alpha, *zip(*moments)))


heavy = [np.tan(3 * (z - 0.5)) for z in (three[:, 0], three[:, 0] + 0.02 * of_line)]
sparse = [(np.array(a), np.array(c)) for a, c in (([30, 10, 5, 20, 1], [3, 2, 1, 2, 0]), ([1, 2, 0, 3], [20, 31, 8, 1]), ([2, 1, 3, 1], [1, 3, 2, 2]))]
falls_of_lines = [((0.6, 1.0, 0.0, 2400), (0.5, 1.1, 0.2, 300)), ((-0.3, 1.5, 2.0, 400), (0.2, 9.0, -40.0, 50)), ((0.1, 1.0, -1.0, 600), (0.1, 0.8, 0.0, 5000))]
falls_of_groups = [(4, (0.2, 0.5, 8, 2400), (0.1, 0.4, 1, 300)), (2, (0.5, 0.6, 2, 200), (0.6, 2.0, 1, 100)), (11, (0.05, 0.2, 8, 800), (-0.02, 0.1, 1, 500))]
gains = [[3, 2, 1, 0.5], [0.4, 0.3, 0.2, 0.1], [5, 0, 0, 1, 2], [1, 1, 1]]
currents = [[[3, 2, 1, 0.5], [0.5, 1, 2, 3], [1, 1, 1, 0]], [[0, 0, 0, 0], [0.1, 0.4, 0.2, 0.2]], [[0, 5, 1, 1, 1], [2, 2, 0, 0, 1]], [[3, 1, 2]]]
def explained(columns, y):
    """R² of y by least squares on columns."""
    if not columns:
        return 0.0
    design = np.c_[np.ones(len(y)), np.array(columns).T]
    fitted = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    return 1 - ((y - fitted) ** 2).sum() / ((y - y.mean()) ** 2).sum()


def contributions(features, responses):
    """The mean, over all orders of features, of what each adds to the share of all responses that is explained: numbers by their
    ranks, categories (of integers) by the response's mean in each, what is missing by the mean of the rest."""
    def column(values, y):
        out = np.full(len(y), np.nan)
        known = ~np.isnan(values) if values.dtype == float else values >= 0
        if values.dtype == float:
            out[known] = stats.rankdata(values[known])
        else:
            for k in np.unique(values[known]):
                out[values == k] = y[values == k].mean()
        return np.where(known, out, out[known].mean())
    added = np.zeros(len(features))
    for y in responses:
        columns = [column(values, y) for values in features]
        for order in itertools.permutations(range(len(features))):
            for at, j in enumerate(order):
                gain = explained([columns[i] for i in order[: at + 1]], y) - explained([columns[i] for i in order[:at]], y)
                added[j] += gain * y.var() / math.factorial(len(features))
    return (added / sum(y.var() for y in responses)).tolist()


gaps_in = np.where(u(300, 11) < 0.1, np.nan, u(300, 7))
of_kinds = [ties, gaps_in, np.where(u(300, 19) < 0.05, -1, np.floor(4 * u(300, 5)).astype(int))]
number = np.where(u(300, 23) < 0.2, ties, 5 * gaps_in.copy())
known_number = ~np.isnan(number)


def with_missing(n):
    """Columns x, y, z; y misses every fifth row, z the fourth of every seven."""
    table = np.c_[u(n) * 2, u(n) + u(n, 13), u(n, 29) * 3]
    table[::5, 1] = np.nan
    table[3::7, 2] = np.nan
    return table


def with_sum(n):
    """The same with x + 2z (with z's missing values filled) as a fourth column, missing in rows of its own."""
    table = with_missing(n)
    return np.c_[table, np.where(np.arange(n) % 4 == 1, np.nan, table[:, 0] + 6 * u(n, 29))]


def em(table, start):
    """Maximum-likelihood mean and covariance, on the rows themselves, for any rank."""
    (n, columns), (mu, sigma) = table.shape, start
    masks = sorted({tuple(row) for row in ~np.isnan(table)})
    groups = [(np.array(o), table[(~np.isnan(table) == o).all(axis=1)]) for o in masks]
    for _ in range(20_000):
        first, second = np.zeros(columns), np.zeros((columns, columns))
        for o, rows in groups:
            filled, residual = rows.copy(), np.zeros_like(sigma)
            if not o.all():
                slopes = sigma[np.ix_(~o, o)] @ np.linalg.pinv(sigma[np.ix_(o, o)], rcond=1e-7, hermitian=True)
                filled[:, ~o] = mu[~o] + (rows[:, o] - mu[o]) @ slopes.T
                residual[np.ix_(~o, ~o)] = sigma[np.ix_(~o, ~o)] - slopes @ sigma[np.ix_(o, ~o)]
            first += filled.sum(axis=0)
            second += filled.T @ filled + len(rows) * residual
        before, mu = (mu, sigma), first / n
        sigma = second / n - np.outer(mu, mu)
        if abs(mu - before[0]).max() < 1e-13 and abs(sigma - before[1]).max() < 1e-13:
            return mu, sigma
    raise RuntimeError("no convergence")


def little(table):
    """d², df and p with the covariance's denominator n, then d² and p with n − 1."""
    complete = table[~np.isnan(table).any(axis=1)]
    mu, sigma = em(table, (complete.mean(axis=0), np.cov(complete.T, bias=True)))
    rank = lambda matrix: np.linalg.matrix_rank(matrix, tol=1e-7, hermitian=True)
    d2, df = 0.0, -rank(sigma)
    for o in sorted({tuple(row) for row in ~np.isnan(table)}):
        rows, o = table[(~np.isnan(table) == o).all(axis=1)], np.array(o)
        part, delta = sigma[np.ix_(o, o)], rows[:, o].mean(axis=0) - mu[o]
        d2 += len(rows) * delta @ np.linalg.pinv(part, rcond=1e-7, hermitian=True) @ delta
        df += rank(part)
    n = len(table)
    return [float(x) for x in (d2, df, stats.chi2.sf(d2, df), d2 * (n - 1) / n, stats.chi2.sf(d2 * (n - 1) / n, df))]


def welch(a, b):
    """t, df, p and the standardised mean difference."""
    t = stats.ttest_ind(a, b, equal_var=False)
    return [float(x) for x in (t.statistic, t.df, t.pvalue, (a.mean() - b.mean()) / np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2))]


def welch_by_missing(table):
    """Missing column, value column, t, df, p, adjusted p of every pair."""
    gaps, found = np.isnan(table), []
    for j in np.flatnonzero(gaps.any(axis=0)):
        for k in range(table.shape[1]):
            if k != j:
                split = (table[gaps[:, j] == side, k] for side in (True, False))
                found.append([int(j), k, *welch(*(x[~np.isnan(x)] for x in split))[:3]])
    adjusted = stats.false_discovery_control([row[4] for row in found], method="bh")
    return [[*row, float(p)] for row, p in zip(found, adjusted)]


def indicator_phi(n, first, second, both):
    """Correlation of two indicators with these counts."""
    a = np.repeat([1, 1, 0, 0], [both, first - both, second - both, n - first - second + both])
    b = np.repeat([1, 0, 1, 0], [both, first - both, second - both, n - first - second + both])
    return np.corrcoef(a, b)[0, 1]


pairs = [[100, 10, 10, 10], [100, 10, 20, 0], [1000, 300, 200, 75], [33_000, 20, 32_980, 19], [7, 3, 4, 2]]
# Rows with a value in the baseline of so many, and in the window.

def chain(edges, mean, sd, start, reflect):
    """Mean run length of a Markov chain (Brook and Evans 1972) from the state `start`. From each state the next value is
    normal; outside of the edges the chain ends, but where it reflects, what is below them is the first state."""
    p = np.diff(stats.norm.cdf((edges[None, :] - mean[:, None]) / sd), axis=1)
    if reflect:
        p[:, 0] = stats.norm.cdf((edges[1] - mean) / sd)
    return np.linalg.solve(np.eye(len(mean)) - p, np.ones(len(mean)))[start]


def extrapolated(length, sizes):
    """The limit of length(m) = N + a/m^2 + b/m^4 + ..."""
    return float(np.linalg.solve([[m ** (-2.0 * k) for k in range(len(sizes))] for m in sizes], [length(m) for m in sizes])[0])


def ewma_chain(limit, shift, lam=0.1):
    def length(m):
        h = limit * np.sqrt(lam / (2 - lam))
        edges = np.linspace(-h, h, m + 1)
        z = (edges[1:] + edges[:-1]) / 2
        return chain(edges, (1 - lam) * z + lam * shift, lam, m // 2, False)
    return extrapolated(length, [201, 301, 451, 601])


def cusum_chain(limit, shift, k=0.5):
    def one(shift):
        def length(m):
            w = 2 * limit / (2 * m - 1)
            edges = np.concatenate([[-w / 2], (np.arange(m) + 0.5) * w])
            z = np.arange(m) * w
            return chain(edges, z + shift - k, 1.0, 0, True)
        # The widths of this chain are 2h/(2m - 1).
        return extrapolated(lambda m: length(int(m + 0.5)), [m - 0.5 for m in (150, 225, 300, 450)])
    return 1 / (1 / one(shift) + 1 / one(-shift))


def autoregression(x):
    before, after = x[:-1], x[1:]
    phi = np.polyfit(before, after, 1)[0]
    phi += (1 + 3 * phi) / len(before)
    d = x - x.mean()
    return x.mean(), phi, np.sqrt(((d[1:] - phi * d[:-1]) ** 2).sum() / (len(before) - 2))


series = u(200)
for i in range(1, 200):
    series[i] += 0.5 * series[i - 1]
mean, phi, deviation = autoregression(series)
spreads = [x[:n] for x in (np.round(u(60, 3) * 9), u(60, 5) - 0.5) for n in (4, 5, 12, 60)]

n0, x0 = np.array([500, 300, 200]), np.array([10, 14, 11.5])
n1, x1 = np.array([200, 600, 100]), np.array([10.5, 13, 12])
shares0, shares1 = n0 / n0.sum(), n1 / n1.sum()
c0 = np.array([[100, 200, 300], [300, 200, 100], [50, 50, 60]])
c1 = np.array([[150, 150, 150], [500, 300, 200], [10, 40, 20]])
star = (c0.sum(1) / c0.sum()) @ (c1 / c1.sum(1, keepdims=True)) * c1.sum()
whole0, whole1 = c0.sum(0), c1.sum(0)


def parts(distance):
    return [float(distance(a, c)) for a, c in ((whole0, whole1), (star, whole1), (whole0, star))]


def of_shares(distance):
    return lambda a, c: distance(a / a.sum(), c / c.sum())


values = {
    "quantiles of reference": np.quantile(reference, [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]).tolist(),
    "mean of reference": reference.mean(), "variance of reference": reference.var(ddof=1),
    "KS D": stats.ks_2samp(reference, current, method="asymp").statistic,
    "KS p": stats.ks_2samp(reference, current, method="asymp").pvalue,
    "W1": w1, "W1/IQR": w1 / np.subtract(*np.quantile(reference, [0.75, 0.25])),
    "PSI unsmoothed": psi(p, q, 0), "PSI with ½": psi(p, q, 0.5), "PSI with an empty bin": psi(p, q0, 0.5),
    "PSI null at 0.05": (1 / 1000 + 1 / 300) * stats.chi2.isf(0.05, 3),
    "JS": jensenshannon(*shares, 2), "Hellinger": np.sqrt(((np.sqrt(shares[0]) - np.sqrt(shares[1])) ** 2).sum() / 2),
    "chi2": chi2.statistic, "chi2 p": chi2.pvalue, "chi2 df": chi2.dof,
    "Cramer V, corrected": bergsma(chi2.statistic, p.sum() + q.sum(), 2, 4),
    "BH": stats.false_discovery_control(p_values, method="bh").tolist(),
    "kstwo sf": kstwo,
    "kstwo isf": [[n, a, kstwo_isf(n, a)] for n in sizes for a in alphas],
    "normal isf": [[a, float(stats.norm.isf(a))] for a in (0.5, 0.9, *alphas)],
    "student isf": [[df, a, float(stats.t.isf(a, df))] for df in (23, 25, 27, 119) for a in alphas],
    "pearson3": [[skew, a, *(float(f) for f in (stats.pearson3.isf(a, skew), stats.pearson3.ppf(a, skew), stats.pearson3.cdf(0.3, skew)))] for skew in (-1.5, -0.3, -0.015, 0.05, 0.5, 1.5, 3.0) for a in (0.2, 0.05, 1e-3, 1e-6)],
    "chi2 isf": [[df, a, float(stats.chi2.isf(a, df))] for df in (1, 2, 9, 51, 200) for a in alphas],
    "chi2 sf": [[df, x, float(stats.chi2.sf(x, df))] for df in (1, 2, 9, 51, 200) for x in (1e-3, 0.5, 3.0, 20.0, 90.0, 300.0)],
    "AUC": metrics.roc_auc_score(label, x),
    "AUC by class": auc, "AUC covariances": covariances.tolist(), "AUC macro SE": np.sqrt(covariances.sum()) / 3,
    "AUC by scores, macro": metrics.roc_auc_score(kinds[150:], later, multi_class="ovr", average="macro"),
    "AUC by scores, macro SE": np.sqrt(((later_rows.mean(0)) ** 2).sum()),
    "WoE": woe.tolist(), "IV": ((events / events.sum() - others / others.sum()) * woe).sum(),
    "MI": metrics.mutual_info_score(bin_of, class_of), "MI variance": mi_variance,
    "uncertainty coefficient": metrics.homogeneity_score(class_of, bin_of),
    "eta2": 2 * f / (2 * f + 57), "epsilon2": 2 * (f - 1) / (2 * f + 57), "omega2": 2 * (f - 1) / (2 * f + 58),
    "LMG correlations": all_three[:3, :3].tolist(), "LMG with target": all_three[:3, 3].tolist(),
    "LMG": lmg(all_three[:3, :3], all_three[:3, 3]), "LMG of 16": lmg(sixteen, with_sixteen),
    "contributions to classes": contributions(of_kinds, [(kinds == k).astype(float) for k in range(3)]),
    "contributions to a number": contributions([f[known_number] for f in of_kinds], [stats.rankdata(number[known_number])]),
    "R2": 1 - np.linalg.lstsq(np.c_[np.ones(80), three], target, rcond=None)[1][0] / ((target - target.mean()) ** 2).sum(),
    "pearson": [pearson.statistic, *pearson.confidence_interval(0.95)],
    "JS of few values": [[*a.tolist(), *c.tolist(), *divergence_of_few(a, c)] for a, c in sparse],
    "jackknife of z": [jackknife(lambda rows: np.arctanh(stats.pearsonr(x[rows], y[rows])[0]), 80) for x, y in ((three[:, 0], of_line), heavy)],
    "jackknife of epsilon2": [epsilon2_error(values, segment) for values in (shifted, np.exp(5 * shifted))],
    "fall of R2": [[*before, *now, a, fall_of_line(a, before, now)] for before, now in falls_of_lines for a in (0.05, 0.01, 1e-4)],
    "fall of epsilon2": [[k, *before, *now, a, fall_of_groups(a, k, before, now)] for k, before, now in falls_of_groups for a in (0.05, 0.01, 1e-4)],
    "ndcg": [row for g, cs in zip(gains, currents) for c in cs for row in (g, c, [metrics.ndcg_score([g], [c])])],
    "student sf": [[df, t, float(stats.t.sf(t, df))] for df in (1.5, 19.3, 120, 4321.7, 33_000) for t in (0.1, 1.3, 4.0, 9.0)],
    "Welch": welch(reference, current), "Welch by missing": welch_by_missing(with_missing(300)),
    "phi": [[*pair, float(indicator_phi(*pair))] for pair in pairs],
    "Little": little(with_missing(60)), "Little of 2,800": little(with_missing(2800)), "Little with a sum": little(with_sum(2800)),
    "imputed against observed": [current.var(ddof=1) / reference.var(ddof=1), np.r_[reference, current].std(ddof=1) / reference.std(ddof=1)],
    "fisher": [[*t, float(stats.fisher_exact([t[:2], t[2:]]).pvalue)] for t in tables],
    "EWMA run length": [[l, d, ewma_chain(l, d)] for l in (2.0, 2.814, 3.5) for d in (0.0, 0.25, 1.0, 3.0)],
    "CUSUM run length": [[h, d, cusum_chain(h, d)] for h in (2.0, 4.77, 5.0, 8.0) for d in (0.0, 0.25, 1.0, 3.0)],
    "AR mean": mean, "AR autocorrelation": phi, "AR deviation": deviation,
    "median and MAD": [[float(np.median(x)), float(stats.median_abs_deviation(x)), *x.tolist()] for x in spreads],
    "mix of means": float((shares1 - shares0) @ x0), "within of means": float(shares1 @ (x1 - x0)),
    "PSI in parts": parts(lambda a, c: psi(a, c, 0.5)),
    "JS in parts": parts(of_shares(lambda p, q: jensenshannon(p, q, 2))),
    "Hellinger in parts": parts(of_shares(lambda p, q: np.sqrt(((np.sqrt(p) - np.sqrt(q)) ** 2).sum() / 2))),
    "KS in parts": parts(of_shares(lambda p, q: np.abs(np.cumsum(p - q)).max())),
}


def influence(statistic, n, step=1e-6):
    """n times the variance of a statistic of weighted rows: the mean square of its derivatives by the rows' weights."""
    def at(row, by):
        weights = np.full(n, (1 - by) / n)
        weights[row] += by
        return statistic(weights)

    return float(np.mean([((at(i, step) - at(i, -step)) / (2 * step)) ** 2 for i in range(n)]))


def third_cumulant(statistic, n, step=1e-6, grown=1e-3):
    """n² times the third cumulant of a statistic of weighted rows: the mean cube of its derivatives by the rows' weights, and three
    times its second derivative where the weights grow as these."""
    rows = np.eye(n) - 1 / n
    even = np.full(n, 1 / n)
    slopes = np.array([(statistic(even + step * row) - statistic(even - step * row)) / (2 * step) for row in rows])
    second = (statistic(even * (1 + grown * slopes)) - 2 * statistic(even) + statistic(even * (1 - grown * slopes))) / grown ** 2
    return float(np.mean(slopes ** 3) + 3 * second)


def weighted_z(x, y):
    def statistic(w):
        c = np.cov(x, y, aweights=w, ddof=0)
        return np.arctanh(c[0, 1] / np.sqrt(c[0, 0] * c[1, 1]))
    return statistic


def weighted_phi(i, j):
    def statistic(w):
        table = np.zeros((i.max() + 1, j.max() + 1))
        np.add.at(table, (i, j), w)
        expected = np.outer(table.sum(1), table.sum(0)) / table.sum()
        return ((table - expected) ** 2 / expected).sum() / table.sum()
    return statistic


def weighted_eta(group, v):
    def statistic(w):
        mean = lambda rows: np.average(v[rows], weights=w[rows])
        between = sum(w[group == g].sum() * (mean(group == g) - mean(group >= 0)) ** 2 for g in set(group))
        return between / np.average((v - mean(group >= 0)) ** 2, weights=w) / w.sum()
    return statistic


def change_null(value, variance, reference, n, alpha):
    """The |change| that normal noise on the scale of arctanh exceeds with probability alpha."""
    z, error = np.arctanh(value), np.sqrt(variance * (1 / (reference - 3) + 1 / (n - 3)))
    outside = lambda d: stats.norm.sf((np.arctanh(min(value + d, 1 - 1e-16)) - z) / error) + stats.norm.cdf((np.arctanh(max(value - d, -1 + 1e-16)) - z) / error)
    return optimize.brentq(lambda d: outside(d) - alpha, 0, 2, xtol=1e-15, rtol=1e-14)


def square_null(ratio, w, variance, third, degrees, scale, cells, reference, windows, n, alpha):
    """The rise and the fall of V or the correlation ratio (docs/statistics.md, Correlation, Null); the fall is -1 where 0 comes too often by chance."""
    unit, part = n * scale, n / reference
    own_rows, of_chance, some = reference / windows, windows * part**2, min(max(w, 0), 1)
    v = max(0, n * (scale**2 * variance - 4 * degrees * (1 - 7 * some) * (1 - some) ** 2 / (own_rows + degrees)))
    t = max(-24 * unit * some, n * (scale**3 * third - 24 * degrees * (1 - 12 * some) * (1 - some) ** 4 / own_rows))
    centre, left = w, 1 - some
    if ratio:
        v, t = v / left**2, t / left**3 + 3 * v**2 / (unit * left**4)
        centre, left = -np.log1p(-w) + (1 - part) * v / 2 / unit**2, 1
    more = max(unit * w + (0.7 if ratio else 0.55) * np.sqrt(2 * degrees * of_chance), -0.2 * degrees) - unit * some
    v, t = v + 4 * more * left**2, t + 24 * more * left**3
    a, b = max(cells[0] / n, -degrees / 2), max(cells[1] / n, 0)
    error = np.sqrt((2 * degrees + a) * (1 + of_chance) * left**2 + v + part * max(v, 0))
    skewness = ((8 * degrees + b) * (1 + of_chance * (3 + 2 * part)) * left**3 + t * (1 + part) ** 2) / error**3
    law, value = stats.pearson3(skewness), np.sqrt(max(w, 0))
    back = lambda at: np.sqrt(min(max(-np.expm1(-at) if ratio else at, 0), 1))
    nothing = law.cdf(-centre * unit / error)
    if nothing > alpha / 5:
        return back(centre + error / unit * law.isf(min(alpha, 4 * nothing))) - value, -1.0
    return back(centre + error / unit * law.isf(0.8 * alpha)) - value, value - back(centre + error / unit * law.ppf(alpha / 5))


# A weak and a strong table of few rows a cell, one of two by two, ratios, and cells that expect much.
SQUARES = [
    (False, 0.002, 0.05, 0.02, 12, 3, (900, 40_000), 2400, 8, 300), (False, 0.25, 0.6, 0.9, 12, 3, (0, 0), 2400, 8, 300),
    (False, 0.04, 0.2, 0.3, 1, 1, (-400, -9000), 2400, 1, 300), (True, -0.001, 0.01, 0.01, 4, 1, (0, 0), 2400, 8, 300),
    (True, 0.3, 1.1, 0.4, 4, 1, (0, 0), 40_000, 8, 5000), (False, 0.5, 0.2, -2.0, 6, 2, (0, 0), 900, 3, 300),
]
x, y = u(60), np.round(u(60) ** 2 * 4) + np.round(u(60, 77) * 2)
gaps = np.arange(60) % 7 == 3, np.arange(60) % 5 == 1
both = ~(gaps[0] | gaps[1])
infinite = np.where(np.arange(60) % 20 == 0, np.inf, x)
predictors = np.c_[u(80), u(80) * 0.7 + u(80, 31) * 0.3, u(80, 57)]
group, v = np.arange(60) % 3, u(60) + 0.2 * (np.arange(60) % 3)
eta = stats.kruskal(*(v[group == g] for g in range(3))).statistic / 59
contingency = np.array([[10, 20, 30], [25, 15, 20]])
i, j = np.repeat(np.indices((2, 3)).reshape(2, -1), contingency.ravel(), axis=1)
chi2_contingency = stats.chi2_contingency(contingency, correction=False).statistic
windows = [[0.6, 400], [0.45, 300], [0.52, 1000]]
z_of = lambda rows: np.tanh(np.average(np.arctanh([r for r, _ in rows]), weights=[n - 3 for _, n in rows]))
fisher = (np.arctanh(0.6) - np.arctanh(0.45)) / np.sqrt(1 / 397 + 1 / 297)
# Event times over a week, in microseconds, and shares until some of them; gaps of about an hour, one of them long.
times = 1_494_136_800_000_000 - np.trunc(604_800e6 * u(700, 3)).astype(np.int64)
ends = 1_494_136_800_000_000 - np.int64(86_400e6) * np.array([0, 1, 2, 5, 6, 7])
gaps = 3600 * (1 + 0.2 * u(50, 11))
gaps[7] = 72_000
values |= {
    "quantiles of times": np.quantile(times, [0.01, 0.05, 0.5]).tolist(),
    "shares until": [[int(end), float((times <= end).mean())] for end in ends],
    "usual gap": [float(np.median(gaps)), float(np.median(gaps) + 4 * stats.median_abs_deviation(gaps, scale=1 / 1.4826)), float(np.sort(gaps)[math.ceil(0.95 * 51) - 1])],
    "Pearson": stats.pearsonr(x, y)[0], "Spearman with ties": stats.spearmanr(x, y).statistic,
    "Spearman of complete rows": stats.spearmanr(x[both], y[both]).statistic,
    "Pearson of complete rows": stats.pearsonr(x[both], y[both])[0],
    "Spearman with infinities": stats.spearmanr(infinite, y).statistic,
    "Pearson of finite rows": stats.pearsonr(x[np.isfinite(infinite)], y[np.isfinite(infinite)])[0],
    "Pearson variance": influence(weighted_z(x, y), 60),
    "Spearman variance of ranks": influence(weighted_z(stats.rankdata(x), stats.rankdata(y)), 60),
    "Cramer V raw": stats.contingency.association(contingency, method="cramer"),
    "Cramer V of a contingency table": bergsma(chi2_contingency, 120, 2, 3),
    "phi squared variance": influence(weighted_phi(i, j), 120), "phi squared third": third_cumulant(weighted_phi(i, j), 120),
    "correlation ratio": np.sqrt(1 - (1 - eta) * 59 / 57), "eta squared variance": influence(weighted_eta(group, stats.rankdata(v)), 60),
    "eta squared third": third_cumulant(weighted_eta(group, stats.rankdata(v)), 60),
    "VIF": np.diag(np.linalg.inv(np.corrcoef(predictors.T))).tolist(),
    "Fisher z": fisher, "Fisher p": 2 * stats.norm.sf(fisher),
    "pooled correlation": z_of(windows),
    "leave-one-out correlation": [windows[k][0] - z_of(windows[:k] + windows[k + 1:]) for k in range(3)],
    "correlation null": [[r, c, n, m, a, change_null(r, c, n, m, a)] for r, c, n, m in ((0, 1, 2400, 300), (0.6, 1.1, 40_000, 5000), (-0.95, 1.4, 400, 50)) for a in (0.05, 0.01, 0.001, 1e-6)],
    "square null": [[*map(float, (*of[:6], *of[6], *of[7:], a)), *square_null(*of, a)] for of in SQUARES for a in (0.05, 0.01, 0.001)],
    "poisson interval": [[k, level, *poisson_interval(k, level)] for k in (0, 1, 2, 3, 10, 34, 100, 5000) for level in (0.95, 0.99)],
    "negative binomial": [[a, r, p, int(stats.nbinom.isf(a, r, p)) + 1] for r, p in ((0.5, 8 / 9), (2.5, 8 / 9), (39.5, 8 / 9), (39.5, 1 / 3)) for a in (0.05, 1e-3, 1e-6, 1e-12)],
    "all of one value": [[n, p, -stats.binom.logpmf(n, n, p)] for n, p in ((28, 0.5), (29, 0.5), (6, 1 / 24), (7, 1 / 24), (1000, 0.99), (2000, 0.99))],
}
print("{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in values.items()).replace("], [", "],\n  [") + "\n}")
