//! What a simulation must show, beside what it shows.

use crate::output;

/// A number and its limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Promise {
    /// Of what.
    pub name: String,
    /// What was found.
    pub value: f64,
    /// At most this is allowed.
    pub most: f64,
}

impl Promise {
    pub(super) fn most(name: impl Into<String>, value: f64, most: f64) -> Self {
        Self { name: name.into(), value, most }
    }

    /// Whether it is kept; what is not a number keeps none.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.value <= self.most
    }
}

/// All promises as a table.
pub(super) fn render(promises: &[Promise]) -> String {
    let number = |value: f64| if value == value.trunc() { format!("{value:.0}") } else { format!("{value:.4}") };
    let rows: Vec<_> = promises
        .iter()
        .map(|promise| {
            let holds = if promise.holds() { "yes" } else { "NO" };
            vec![promise.name.clone(), number(promise.value), number(promise.most), holds.to_owned()]
        })
        .collect();
    output::render(&["promise", "found", "at most", "holds"], &rows)
}
