//! Rows, their columns, and how many runs of each stay inside.

use std::{
    collections::BTreeMap,
    num::NonZero,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use gpux_kernels::{Digest, plan::OPENINGS};
use statrs::distribution::{Binomial, DiscreteCDF as _};

use super::{
    prover::Prover,
    random,
    stage::{Claim, Stage},
};

/// How sure the bound of a binomial number of passes is.
const CONFIDENCE: f64 = 0.99;

/// What one run came to, by the verifier.
#[derive(Debug)]
pub(super) struct Played {
    /// Whether the session passed.
    pub(super) passed: bool,
    /// Whether its bundle convicts the node.
    pub(super) convicted: bool,
    /// Step and words of what it did not pass.
    pub(super) caught: Option<String>,
    /// The measured rate, in the probe's unit.
    pub(super) rate: f64,
}

/// What a row has to keep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Column {
    /// Every run passes, none convicts.
    All,
    /// No run passes.
    None,
    /// This share of the units is skipped: as many runs pass as miss it with all openings, by a binomial's 99 % bound.
    Skips(f64),
    /// Whatever passes, the rate is at most this many times an honest one; compared to the per cent.
    Gain(f64),
    /// A gain that remains, in the same terms; the documents say so.
    Stated(f64),
    /// Whatever passes, the rate falls short of an honest one by more than this share.
    Short(f64),
    /// No bundle convicts the node.
    NoConviction,
}

impl Column {
    /// The most passes of `runs`.
    fn passes_max(self, runs: u64) -> u64 {
        match self {
            Self::None => 0,
            Self::Skips(share) => {
                let survives = (1.0 - share).powi(OPENINGS as i32);
                Binomial::new(survives, runs).map_or(0, |passes| passes.inverse_cdf(CONFIDENCE))
            }
            Self::All | Self::Gain(_) | Self::Stated(_) | Self::Short(_) | Self::NoConviction => runs,
        }
    }

    fn words(self, runs: u64) -> String {
        match self {
            Self::All => format!("= {runs}"),
            Self::None | Self::Skips(_) => format!("<= {}", self.passes_max(runs)),
            Self::Gain(most) => format!("gain <= {most:.2}"),
            Self::Stated(most) => format!("stated: gain <= {most:.2}"),
            Self::Short(share) => format!("gain < {:.2}", 1.0 - share),
            Self::NoConviction => "0 convict".to_owned(),
        }
    }
}

type Play = Box<dyn Fn(&Stage, &Digest) -> Played + Send + Sync>;

/// A prover, or a fisher, and what it may reach.
pub(super) struct Row {
    name: &'static str,
    claim: Claim,
    column: Column,
    play: Play,
}

impl Row {
    /// A row whose runs are sessions with a prover; `make` gets the run's seed.
    pub(super) fn prover<P: Prover>(
        name: &'static str,
        claim: Claim,
        column: Column,
        make: impl Fn(&Digest) -> P + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, claim, column, move |stage, seed| stage.play(seed, make(seed)))
    }

    /// A row that plays in its own way.
    pub(super) fn new(
        name: &'static str,
        claim: Claim,
        column: Column,
        play: impl Fn(&Stage, &Digest) -> Played + Send + Sync + 'static,
    ) -> Self {
        Self { name, claim, column, play: Box::new(play) }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }
}

/// What the runs of a row came to.
#[derive(Debug, Default, Clone)]
struct Tally {
    passes: u64,
    convictions: u64,
    rate_most: f64,
    caught: BTreeMap<String, u64>,
}

impl Tally {
    fn count(&mut self, played: Played) {
        self.convictions += u64::from(played.convicted);
        if played.passed {
            self.passes += 1;
            self.rate_most = self.rate_most.max(played.rate);
        }
        if let Some(caught) = played.caught {
            *self.caught.entry(without_numbers(&caught)).or_default() += 1;
        }
    }

    fn add(&mut self, other: Self) {
        self.passes += other.passes;
        self.convictions += other.convictions;
        self.rate_most = self.rate_most.max(other.rate_most);
        for (caught, times) in other.caught {
            *self.caught.entry(caught).or_default() += times;
        }
    }

    /// What caught most runs.
    fn most_often(&self) -> &str {
        let most = self.caught.iter().max_by_key(|(_, times)| **times);
        most.map_or("-", |(caught, _)| caught)
    }
}

/// Words whose numbers do not matter: runs that were caught in the same way count together.
fn without_numbers(words: &str) -> String {
    let mut out = String::new();
    for c in words.chars() {
        // Digits within a word ("ed25519") are part of its name.
        match (c.is_ascii_digit(), out.chars().next_back()) {
            (true, Some(last)) if last.is_alphanumeric() && last != 'N' => out.push(c),
            (true, Some('N')) => {}
            (true, _) => out.push('N'),
            (false, _) => out.push(c),
        }
    }
    out
}

/// A row with its result.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The cheat.
    pub name: &'static str,
    /// The step and the words that caught most of its runs; "-" when none was caught.
    pub caught: String,
    /// Runs that passed.
    pub passes: u64,
    /// Runs that ended in a conviction.
    pub convictions: u64,
    /// The best rate of a run that passed over an honest one, where the column is about that.
    pub gain: Option<f64>,
    /// What the column allows, in words.
    pub allowed: String,
    /// Whether the row is inside its column.
    pub holds: bool,
}

fn judge(row: &Row, tally: &Tally, honest: f64, runs: u64) -> Judged {
    let gain = tally.rate_most / honest;
    let cents = |gain: f64| (gain * 100.0).round();
    let holds = match row.column {
        Column::All => tally.passes == runs && tally.convictions == 0,
        Column::None | Column::Skips(_) => tally.passes <= row.column.passes_max(runs),
        Column::Gain(most) | Column::Stated(most) => honest > 0.0 && cents(gain) <= cents(most),
        Column::Short(share) => honest > 0.0 && gain < 1.0 - share,
        Column::NoConviction => tally.convictions == 0,
    };
    Judged {
        name: row.name,
        caught: tally.most_often().to_owned(),
        passes: tally.passes,
        convictions: tally.convictions,
        gain: match row.column {
            Column::None | Column::Skips(_) | Column::NoConviction => None,
            Column::All | Column::Gain(_) | Column::Stated(_) | Column::Short(_) => Some(gain),
        },
        allowed: row.column.words(runs),
        holds,
    }
}

/// Plays `runs` runs of every row on all cores; `done` hears each row's result as soon as it is there.
pub(super) fn play(rows: &[Row], runs: u64, seed: u64, mut done: impl FnMut(&Judged)) -> anyhow::Result<Vec<Judged>> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let mut all = Vec::new();
    for row in rows {
        let stage = Stage::new(row.claim)?;
        let (next, tally) = (AtomicU64::new(0), Mutex::new(Tally::default()));
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let mut own = Tally::default();
                    loop {
                        let run = next.fetch_add(1, Ordering::Relaxed);
                        if run >= runs {
                            break;
                        }
                        own.count((row.play)(&stage, &random::run_seed(seed, row.name, run)));
                    }
                    tally.lock().unwrap_or_else(PoisonError::into_inner).add(own);
                });
            }
        });
        let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
        let judged = judge(row, &tally, stage.honest_rate(), runs);
        done(&judged);
        all.push(judged);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_are_allowed_what_ninety_openings_miss() {
        assert_eq!(OPENINGS, 90);
        assert_eq!(Column::Skips(0.05).passes_max(1_000), 18);
        assert_eq!(Column::Skips(0.1).passes_max(1_000), 1);
        assert_eq!(Column::Skips(0.5).passes_max(1_000), 0);
        assert_eq!(Column::Skips(0.05).passes_max(25), 2);
    }

    #[test]
    fn what_lies_outside_its_column_does_not_hold() {
        let row = |column| Row::new("row", Claim::of(gpux_kernels::ProbeId::Imma), column, |_, _| unreachable!());
        let holds = |column, tally: &Tally| judge(&row(column), tally, 100.0, 10).holds;
        let tally = Tally { passes: 1, convictions: 1, rate_most: 51.0, ..Tally::default() };
        assert!(!holds(Column::All, &tally) && !holds(Column::None, &tally) && !holds(Column::NoConviction, &tally));
        assert!(holds(Column::Gain(0.51), &tally) && !holds(Column::Gain(0.5), &tally));
        let clean = Tally { passes: 10, ..Tally::default() };
        assert!(holds(Column::All, &clean) && holds(Column::NoConviction, &clean) && !holds(Column::None, &clean));
    }

    #[test]
    fn runs_caught_in_the_same_way_count_together() {
        assert_eq!(
            without_numbers("verify: wrong results in 47 of 90 drawn units"),
            "verify: wrong results in N of N drawn units"
        );
    }
}
