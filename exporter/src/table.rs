//! The tables that commands print: their form, and the words and numbers in them.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table, TableComponent};
use stats::{Check, LimitPart, Statistic};

use crate::words;

/// An empty table under these headings.
pub fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_style(TableComponent::HeaderLines, '─');
    table.set_style(TableComponent::MiddleHeaderIntersections, '─');
    table.set_header(header);
    table
}

/// Puts columns to the right, as numbers are read.
pub fn right(table: &mut Table, columns: impl IntoIterator<Item = usize>) {
    for index in columns {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// A share as a percentage.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A number of things.
pub fn plural(number: u64, thing: &str) -> String {
    format!("{number} {}", words::things(number, thing))
}

/// A number with four significant digits.
pub fn number(value: f64) -> String {
    let magnitude = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if !(1e-4..1e7).contains(&magnitude) {
        format!("{value:.2e}")
    } else {
        let digits = (3 - magnitude.log10().floor() as i64).clamp(0, 6) as usize;
        let text = format!("{value:.digits$}");
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        }
    }
}

/// A feature by its name, or the window as a whole.
pub fn subject(name: &str) -> &str {
    match name {
        "" => "(all rows)",
        name => name,
    }
}

/// What a check looks at, in words.
pub fn tested(check: Check, statistic: Statistic) -> String {
    match statistic {
        Statistic::MissingShare => "missing increase".to_owned(),
        Statistic::InvalidShare => "invalid increase".to_owned(),
        Statistic::OutlierShare => "outlier increase".to_owned(),
        Statistic::DuplicateShare => "duplicate increase".to_owned(),
        Statistic::LevelDeviation => "level".to_owned(),
        Statistic::PatternDistance => "missing patterns".to_owned(),
        Statistic::ImputedShare => "imputed increase".to_owned(),
        statistic => format!("{} {statistic}", check.name()),
    }
}

/// Which part of a limit holds, in words.
pub fn part(part: LimitPart) -> &'static str {
    match part {
        LimitPart::Manifest => "manifest",
        LimitPart::RaisedToWarning => "raised to warning",
        LimitPart::EffectFloor => "effect floor",
        LimitPart::SamplingNull => "sampling noise",
        LimitPart::RunLength => "run length",
        LimitPart::BetweenWindows => "baseline's own spread",
        LimitPart::BetweenWindowsCapped => "own spread, cut",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits() {
        let check = |value, expected: &str| assert_eq!(number(value), expected);
        check(0.0, "0");
        check(0.062_286, "0.06229");
        check(1234.5678, "1235");
        check(-12.0, "-12");
        check(0.1, "0.1");
        check(1.5e-7, "1.50e-7");
        check(123_456_789.0, "1.23e8");
    }

    #[test]
    fn one_thing_is_no_things() {
        assert_eq!(plural(1, "row"), "1 row");
        assert_eq!(plural(0, "row"), "0 rows");
        assert_eq!(plural(2345, "row"), "2345 rows");
    }
}
