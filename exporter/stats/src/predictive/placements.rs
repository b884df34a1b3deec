//! DeLong's placements of one class against the rest: of a row inside the share of rows outside that it is ranked above,
//! of a row outside the share of rows inside that are ranked above it, ties ½.

use super::cells::Cells;

/// AUC of one class, and of each cell the square root of its count times the influence of a row of it.
pub(super) fn one_class(
    cells: &Cells,
    class: usize,
    inside: u64,
    outside: u64,
    levels: &[usize],
) -> (f64, Vec<f64>) {
    // Rows inside and outside by level, then those strictly below.
    let mut at = vec![(0.0f64, 0.0f64); cells.groups];
    let level = |group: usize| levels.get(group).copied().unwrap_or(0);
    for cell in &cells.cells {
        if let Some((inside, outside)) = at.get_mut(level(cell.group)) {
            let side = if cell.class == class { inside } else { outside };
            *side += cell.count as f64;
        }
    }
    let (n1, n0) = (inside as f64, outside as f64);
    let (mut below_in, mut below_out) = (0.0, 0.0);
    // Placement of a row inside and of one outside, by level.
    let placements: Vec<(f64, f64)> = at
        .iter()
        .map(|(inside, outside)| {
            let placed = (
                (below_out + 0.5 * outside) / n0,
                (n1 - below_in - 0.5 * inside) / n1,
            );
            below_in += inside;
            below_out += outside;
            placed
        })
        .collect();
    let sum: f64 = at.iter().zip(&placements).map(|(n, v)| n.0 * v.0).sum();
    let value = (sum / n1).clamp(0.0, 1.0);
    let scale = |n: f64| (n * (n - 1.0).max(1.0)).sqrt();
    let (scale_in, scale_out) = (scale(n1), scale(n0));
    let influence = cells.cells.iter().map(|cell| {
        let placed = placements.get(level(cell.group)).copied();
        let (v_in, v_out) = placed.unwrap_or((value, value));
        let row = if cell.class == class {
            (v_in - value) / scale_in
        } else {
            (v_out - value) / scale_out
        };
        (cell.count as f64).sqrt() * row
    });
    (value, influence.collect())
}
