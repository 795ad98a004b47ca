//! What a machine's check of itself found: the same content as a table with words and as one JSON document. Pure: from
//! measurements to problems and a verdict.
use super::{Identified, network::Network, row::Row};
use crate::{
    cli::{output, table},
    suite::{Claim, Machine},
};
use serde::Serialize;

/// What was claimed of the cards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Claimed {
    pub(super) model: &'static str,
    pub(super) count: u32,
    /// The driver says so; otherwise it was given.
    pub(super) by_driver: bool,
}

/// The machine as it says of itself.
#[derive(Debug, Serialize)]
pub(super) struct Facts {
    pub(super) processor: String,
    pub(super) threads: usize,
    pub(super) memory_bytes: u64,
    /// By name, as the driver says.
    pub(super) cards: Vec<String>,
    /// Why there is no card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) no_cards: Option<String>,
}

/// Everything that was found.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) machine: Facts,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) claimed: Option<Claimed>,
    pub(super) quick: bool,
    pub(super) probes: Vec<Row>,
    pub(super) network: Network,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) identified: Option<Identified>,
    /// What is wrong, a sentence each; empty if nothing is.
    pub(super) problems: Vec<String>,
    pub(super) verdict: String,
}

impl Claimed {
    /// What was given, or what the driver says of all cards.
    pub(super) fn of(claim: Option<&Claim>, machine: &Machine) -> Option<Self> {
        let cards = machine.cards().len() as u32;
        if let Some(Claim { model, count }) = claim {
            return Some(Self { model: &model.name, count: count.unwrap_or(cards.max(1)), by_driver: false });
        }
        let mut models = machine.cards().iter().map(|card| crate::suite::find(&card.name).ok());
        let first = models.next()??;
        let same = models.all(|model| model == Some(first));
        same.then_some(Self { model: &first.name, count: cards, by_driver: true })
    }

    fn words(&self) -> String {
        match self.count {
            1 => self.model.into(),
            count => format!("{count} x {}", self.model),
        }
    }

    fn claimant(&self) -> &'static str {
        if self.by_driver { "the driver" } else { "it" }
    }
}

impl From<&Machine> for Facts {
    fn from(machine: &Machine) -> Self {
        Self {
            processor: machine.processor.clone(),
            threads: machine.threads,
            memory_bytes: machine.memory_bytes,
            cards: machine.cards().iter().map(|card| card.name.clone()).collect(),
            no_cards: machine.cards.as_ref().err().cloned(),
        }
    }
}

impl Report {
    /// Draws the conclusions.
    pub(super) fn conclude(mut self) -> Self {
        self.problems = self.found_problems();
        self.verdict = match (self.problems.as_slice(), &self.claimed) {
            ([], Some(claimed)) => format!("delivers what {} claims: {}", claimed.claimant(), claimed.words()),
            ([], None) => "everything that ran is exact; nothing was claimed of it".into(),
            (problems, _) => problems.join("; "),
        };
        self
    }

    fn found_problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.probes.iter().filter_map(Row::problem).collect();
        if let Some(claimed) = &self.claimed {
            problems.extend(self.missing(claimed));
            problems.extend(self.short(claimed));
        }
        let of_network = |failure: &String| format!("its network was not measured: {failure}");
        problems.extend(self.network.failure.as_ref().map(of_network));
        problems
    }

    fn missing(&self, claimed: &Claimed) -> Option<String> {
        let cards = self.machine.cards.len();
        let words = claimed.words();
        match cards {
            0 => Some(format!("claims {words}, but there is no CUDA device here")),
            cards if cards < claimed.count as usize => Some(format!("claims {words}, but has {cards}")),
            _ => None,
        }
    }

    fn short(&self, claimed: &Claimed) -> Option<String> {
        let short = self.probes.iter().filter(|row| row.is_short());
        let part = |row: &Row| format!("{:.0} % of its {}", row.ratio.unwrap_or(0.0) * 100.0, row.probe.noun());
        let mut parts: Vec<String> = short.map(part).collect();
        let last = parts.pop()?;
        let listed = if parts.is_empty() { last } else { format!("{} and {last}", parts.join(", ")) };
        let best = self.identified.as_ref().and_then(|found| found.models.first());
        let class = best.filter(|best| best.model != claimed.model);
        let class = class.map(|best| format!(": {} class", best.model)).unwrap_or_default();
        Some(format!("claims {}, delivers {listed}{class}", claimed.words()))
    }

    /// For people.
    pub(super) fn render(&self) -> String {
        let memory = output::amount(self.machine.memory_bytes as f64, "B");
        let mut text = format!("{}, {} threads, {memory} of memory\n", self.machine.processor, self.machine.threads);
        let cards = self.machine.no_cards.clone().unwrap_or_else(|| self.machine.cards.join(", "));
        text.push_str(&format!("{cards}\n"));
        let claimed = |row: &Row| match (&self.claimed, row.expected_rate) {
            (Some(claimed), Some(_)) => claimed.words(),
            _ => String::new(),
        };
        let of_claim = |row: &Row| row.ratio.map(|ratio| format!("{:.0} %", ratio * 100.0)).unwrap_or_default();
        let row = |row: &Row| [row.probe.name().into(), claimed(row), row.figures(), of_claim(row), row.result()];
        let mut rows: Vec<[String; 5]> = self.probes.iter().map(row).collect();
        rows.push(self.network.row());
        text.push_str(&table::render(["probe", "claimed", "measured", "x", "result"], &rows));
        if let Some(identified) = &self.identified {
            text.push_str(&format!("{}\n", output::likely(identified)));
        }
        if self.probes.iter().any(|row| row.calibrated == Some(false)) {
            text.push_str("not calibrated: half of the catalogue's figures is expected\n");
        }
        text.push_str(&format!("verdict: {}\n", self.verdict));
        text
    }
}

#[cfg(test)]
mod tests;
