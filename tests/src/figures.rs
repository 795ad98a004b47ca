//! Figures that a command reports: `target/figures/<command>.json`, an array of `{name, value, unit, budget, holds}`.
//!
//! A figure without a budget is only printed. Whoever reports figures exits non-zero unless [`all_hold`]; a value that is
//! not a number holds no budget.

use crate::output;
use anyhow::Context as _;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What a figure has to keep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Budget {
    /// At most this.
    Most(f64),
    /// At least this.
    Least(f64),
    /// Between both, inclusive.
    Within(f64, f64),
}

impl Budget {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::Most(most) => value <= most,
            Self::Least(least) => value >= least,
            Self::Within(least, most) => (least..=most).contains(&value),
        }
    }

    fn words(self) -> String {
        match self {
            Self::Most(most) => format!("<= {most}"),
            Self::Least(least) => format!(">= {least}"),
            Self::Within(least, most) => format!("{least} to {most}"),
        }
    }
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// How much.
    pub value: f64,
    /// Of what; "ratio" for a share, "count" for a number of things.
    pub unit: String,
    /// What it has to keep, in words; null when it is only printed.
    pub budget: Option<String>,
    /// Whether it does.
    pub holds: bool,
}

impl Figure {
    /// A figure that has a budget.
    #[must_use]
    pub fn budgeted(name: impl Into<String>, value: f64, unit: &str, budget: Budget) -> Self {
        let holds = budget.holds(value);
        Self { name: name.into(), value, unit: unit.to_owned(), budget: Some(budget.words()), holds }
    }

    /// A figure that is only printed.
    #[must_use]
    pub fn printed(name: impl Into<String>, value: f64, unit: &str) -> Self {
        Self { name: name.into(), value, unit: unit.to_owned(), budget: None, holds: true }
    }
}

/// Whether every budget holds.
#[must_use]
pub fn all_hold(figures: &[Figure]) -> bool {
    figures.iter().all(|figure| figure.holds)
}

/// Prints figures as a table.
pub fn print(figures: &[Figure]) {
    let rows: Vec<Vec<String>> = figures
        .iter()
        .map(|figure| {
            let holds = match (&figure.budget, figure.holds) {
                (None, _) => "",
                (Some(_), true) => "yes",
                (Some(_), false) => "NO",
            };
            let budget = figure.budget.clone().unwrap_or_default();
            vec![figure.name.clone(), number(figure.value), figure.unit.clone(), budget, holds.to_owned()]
        })
        .collect();
    output::table(&["figure", "value", "unit", "budget", "holds"], &rows);
}

/// Four significant digits below a thousand, whole numbers above.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1_000.0 || value == value.trunc() => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

/// Where a command's figures lie, beside the folder of the programs.
#[must_use]
pub fn path(target: &Path, command: &str) -> PathBuf {
    target.join("figures").join(format!("{command}.json"))
}

/// Writes figures, at once or not at all.
pub fn write(path: &Path, figures: &[Figure]) -> anyhow::Result<()> {
    let folder = path.parent().context("a file of figures needs a folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut text = serde_json::to_vec_pretty(figures)?;
    text.push(b'\n');
    let partial = path.with_extension(format!("json.{}", std::process::id()));
    std::fs::write(&partial, text)
        .and_then(|()| std::fs::rename(&partial, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_no_number_holds_no_budget() {
        for budget in [Budget::Most(1.0), Budget::Least(1.0), Budget::Within(0.0, 1.0)] {
            assert!(!Figure::budgeted("x", f64::NAN, "ratio", budget).holds);
        }
        assert!(Figure::printed("x", f64::NAN, "ratio").holds);
    }

    #[test]
    fn budgets_include_their_ends() {
        assert!(Figure::budgeted("x", 0.3, "ratio", Budget::Within(0.3, 0.42)).holds);
        assert!(!Figure::budgeted("x", 0.43, "ratio", Budget::Within(0.3, 0.42)).holds);
        assert!(!all_hold(&[Figure::budgeted("x", 2.0, "s", Budget::Most(1.5))]));
    }

    #[test]
    fn a_file_is_an_array_with_null_for_no_budget() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), "demo");
        write(&path, &[Figure::printed("rows", 7.0, "count")]).unwrap();
        let read: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let wanted =
            serde_json::json!([{"name": "rows", "value": 7.0, "unit": "count", "budget": null, "holds": true}]);
        assert_eq!(read, wanted);
    }
}
