//! The line that says how far a market is: drawn in place on a terminal, printed now and then elsewhere.

use crate::output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

/// How often a plain line is printed.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// A progress line.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    printed: Option<Instant>,
}

impl Progress {
    /// A line on standard error, so that what standard output is redirected to stays clean.
    #[must_use]
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed:>4} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, printed: None }
    }

    /// A new stage: always said, and stays to be read.
    pub fn stage(&mut self, text: &str) {
        if self.bar.is_hidden() { output::line(text) } else { self.bar.println(text) }
    }

    /// How far the stage is: said at most once in a while where it cannot be drawn.
    pub fn tell(&mut self, text: &str) {
        if !self.bar.is_hidden() {
            self.bar.set_message(text.to_owned());
        } else if self.printed.is_none_or(|printed| printed.elapsed() >= PLAIN_EVERY) {
            self.printed = Some(Instant::now());
            output::line(text);
        }
    }

    /// Takes the line away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}
