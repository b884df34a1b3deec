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
print("{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in values.items()).replace("], [", "],\n  [") + "\n}")
