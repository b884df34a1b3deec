//! Normal values.

use rand::Rng;
use rand::rngs::SmallRng;

/// Two independent values with mean 0 and variance 1 (Box and Muller 1958).
pub fn pair(rng: &mut SmallRng) -> (f64, f64) {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    let angle = std::f64::consts::TAU * rng.random::<f64>();
    (radius * angle.cos(), radius * angle.sin())
}
