"""Reference values for the statistics, from numpy and scipy: python make.py > values.json  (numpy 2.4, scipy 1.17)

Inputs without random numbers: u(n, s)_i = frac((i + 1 + s)·(√5 − 1)/2), i = 0..n−1.
"""
import json
import numpy as np
from scipy import optimize, stats
from scipy.spatial.distance import jensenshannon


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


sizes = [1, 2, 3, 5, 10, 20, 50, 100, 109, 140, 141, 300, 500, 1000, 1013, 1014, 2057, 4444, 10_000, 50_000, 100_000, 100_001, 1_000_000]
kstwo = []
for n in sizes:
    ds = {float(stats.kstwo.isf(a, n)) for a in (0.999, 0.9, 0.5, 0.2, 0.05, 0.01, 1e-3, 1e-4, 1e-6, 1e-9)}
    ds |= {0.6 / n, 1.5 / n} | ({0.2, 0.5, 0.9} if n <= 100 else set())
    kstwo += [[n, d, float(stats.kstwo.sf(d, n))] for d in sorted(ds) if 0 < d < 1]
alphas = [0.05, 1 / 76, 0.01, 7 / 30 / 76, 1e-4, 1e-6, 1e-9]
tables = [[1, 9, 11, 3], [8, 2, 1, 5], [0, 5, 7, 1], [3, 3, 3, 3], [100, 2, 1000, 3]]

values = {
    "quantiles of reference": np.quantile(reference, [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]).tolist(),
    "mean of reference": reference.mean(), "variance of reference": reference.var(ddof=1),
    "KS D": stats.ks_2samp(reference, current, method="asymp").statistic,
    "KS p": stats.ks_2samp(reference, current, method="asymp").pvalue,
    "W1": w1, "W1/IQR": w1 / np.subtract(*np.quantile(reference, [0.75, 0.25])),
    "PSI unsmoothed": psi(p, q, 0), "PSI with an empty bin": psi(p, q0, 0.5),
    "PSI null at 0.05": (1 / 1000 + 1 / 300) * stats.chi2.isf(0.05, 3),
    "JS": jensenshannon(*shares, 2), "Hellinger": np.sqrt(((np.sqrt(shares[0]) - np.sqrt(shares[1])) ** 2).sum() / 2),
    "chi2": chi2.statistic, "chi2 p": chi2.pvalue, "chi2 df": chi2.dof,
    "Cramer V, corrected": bergsma(chi2.statistic, p.sum() + q.sum(), 2, 4),
    "BH": stats.false_discovery_control(p_values, method="bh").tolist(),
    "kstwo sf": kstwo,
    "kstwo isf": [[n, a, kstwo_isf(n, a)] for n in sizes for a in alphas],
    "normal isf": [[a, float(stats.norm.isf(a))] for a in (0.5, 0.9, *alphas)],
    "student isf": [[df, a, float(stats.t.isf(a, df))] for df in (23, 25, 27, 119) for a in alphas],
    "chi2 isf": [[df, a, float(stats.chi2.isf(a, df))] for df in (1, 2, 9, 51, 200) for a in alphas],
    "chi2 sf": [[df, x, float(stats.chi2.sf(x, df))] for df in (1, 2, 9, 51, 200) for x in (1e-3, 0.5, 3.0, 20.0, 90.0, 300.0)],
    "fisher": [[*t, float(stats.fisher_exact([t[:2], t[2:]]).pvalue)] for t in tables],
}


def influence(statistic, n, step=1e-6):
    """n times the variance of a statistic of weighted rows: the mean square of its derivatives by the rows' weights."""
    def at(row, by):
        weights = np.full(n, (1 - by) / n)
        weights[row] += by
        return statistic(weights)

    return float(np.mean([((at(i, step) - at(i, -step)) / (2 * step)) ** 2 for i in range(n)]))


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


x, y = u(60), np.round(u(60) ** 2 * 4) + np.round(u(60, 77) * 2)
gaps = np.arange(60) % 7 == 3, np.arange(60) % 5 == 1
both = ~(gaps[0] | gaps[1])
infinite = np.where(np.arange(60) % 20 == 0, np.inf, x)
predictors = np.c_[u(80), u(80) * 0.7 + u(80, 31) * 0.3, u(80, 57)]
group, v = np.arange(60) % 3, u(60) + 0.2 * (np.arange(60) % 3)
one_way = stats.f_oneway(*(v[group == g] for g in range(3)))
eta = 2 * one_way.statistic / (2 * one_way.statistic + 57)
contingency = np.array([[10, 20, 30], [25, 15, 20]])
i, j = np.repeat(np.indices((2, 3)).reshape(2, -1), contingency.ravel(), axis=1)
chi2_contingency = stats.chi2_contingency(contingency, correction=False).statistic
windows = [[0.6, 400], [0.45, 300], [0.52, 1000]]
z_of = lambda rows: np.tanh(np.average(np.arctanh([r for r, _ in rows]), weights=[n - 3 for _, n in rows]))
fisher = (np.arctanh(0.6) - np.arctanh(0.45)) / np.sqrt(1 / 397 + 1 / 297)
values |= {
    "Pearson": stats.pearsonr(x, y)[0], "Spearman with ties": stats.spearmanr(x, y).statistic,
    "Spearman of complete rows": stats.spearmanr(x[both], y[both]).statistic,
    "Pearson of complete rows": stats.pearsonr(x[both], y[both])[0],
    "Spearman with infinities": stats.spearmanr(infinite, y).statistic,
    "Pearson of finite rows": stats.pearsonr(x[np.isfinite(infinite)], y[np.isfinite(infinite)])[0],
    "Pearson variance": influence(weighted_z(x, y), 60),
    "Spearman variance of ranks": influence(weighted_z(stats.rankdata(x), stats.rankdata(y)), 60),
    "Cramer V raw": stats.contingency.association(contingency, method="cramer"),
    "Cramer V of a contingency table": bergsma(chi2_contingency, 120, 2, 3),
    "phi squared variance": influence(weighted_phi(i, j), 120),
    "correlation ratio": np.sqrt(1 - (1 - eta) * 59 / 57), "eta squared variance": influence(weighted_eta(group, v), 60),
    "VIF": np.diag(np.linalg.inv(np.corrcoef(predictors.T))).tolist(),
    "Fisher z": fisher, "Fisher p": 2 * stats.norm.sf(fisher),
    "pooled correlation": z_of(windows),
    "leave-one-out correlation": [windows[k][0] - z_of(windows[:k] + windows[k + 1:]) for k in range(3)],
    "correlation null": [[r, c, n, m, a, change_null(r, c, n, m, a)] for r, c, n, m in ((0, 1, 2400, 300), (0.6, 1.1, 40_000, 5000), (-0.95, 1.4, 400, 50)) for a in (0.05, 0.01, 0.001, 1e-6)],
}
print("{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in values.items()).replace("], [", "],\n  [") + "\n}")
