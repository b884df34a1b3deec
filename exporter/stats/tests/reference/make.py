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
    "poisson interval": [[k, level, *poisson_interval(k, level)] for k in (0, 1, 2, 3, 10, 34, 100, 5000) for level in (0.95, 0.99)],
}
print("{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in values.items()).replace("], [", "],\n  [") + "\n}")
