//! Every constant of the method, in one versioned record.
//!
//! Owns the values, their canonical bytes and the digest that enters each epoch's root. All of them are integers, so
//! that the bytes are the same everywhere. Never read from a configuration file field by field: a market runs on one
//! of the named sets, and the development set says what it is on every page.

use serde::{Serialize, Serializer};

use super::entry::Weight;

/// The domain of the digest; it changes with the layout of the bytes and with the bets of `claim`.
const DOMAIN: &[u8] = b"gpux/parameters/5";

/// Which market the constants are meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Market {
    Production,
    Development,
}

impl Market {
    /// How pages and messages call the set.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Production => "production parameters",
            Self::Development => "development parameters",
        }
    }
}

/// The constants of the method. As JSON they are in camel case, with 64-bit numbers and token amounts as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Parameters {
    #[serde(skip)]
    pub market: Market,
    /// n0: how many full probes the prior weighs, in thousandths.
    pub prior_weight_milli: u32,
    /// m0: the score of a node of which nothing is known, in basis points.
    pub prior_mean_bps: u16,
    /// After this many full probes of a resource an old one counts half.
    pub half_life_probes: u32,
    /// After this many seconds a probe counts half.
    #[serde(serialize_with = "text")]
    pub half_life_secs: u64,
    /// How often [L, U] covers the mean of a host that does not change, for its whole life, in basis points.
    pub interval_level_bps: u16,
    /// The fractions of the stake that the confidence sequence bets, in thousandths, rising.
    pub bets_permille: [u16; 10],
    /// An interval is inverted anew when its node was probed, and otherwise every so many epochs.
    pub refresh_epochs: u32,
    /// The length of an epoch in seconds; epoch = floor(unix / length).
    pub epoch_secs: u32,
    /// The folded part of a report enters the log after at most this many epochs.
    pub lag_epochs_max: u32,
    /// A report whose epoch lies further back than this is not folded.
    pub report_window_epochs: u32,
    /// B: the bond, in the token's smallest unit, from which a fisher counts in full.
    #[serde(serialize_with = "text")]
    pub full_weight_bond: u128,
    /// The smallest bond that takes part, in the token's smallest unit.
    #[serde(serialize_with = "text")]
    pub min_bond: u128,
    /// x is the median of at least this many windows.
    pub windows_min: u32,
    /// The shortest timed window in milliseconds.
    pub window_ms_min: u32,
    /// q: what an honest host delivers on average at least, in basis points of what it advertises.
    pub mean_bps: u16,
    /// A session below this is slow, in basis points of what is advertised.
    pub slow_bps: u16,
    /// e0: the share of slow sessions that an honest host stays below, in basis points.
    pub rate_bps: u16,
    /// The share of inconclusive sessions that honest hosts and fishers stay below, in basis points.
    pub inconclusive_bps: u16,
    /// f0: the share of reports of an honest fisher that may differ from the stamps, in basis points.
    pub disagreement_bps: u16,
    /// The length of a detector's budget of restarts in seconds.
    #[serde(serialize_with = "text")]
    pub year_secs: u64,
    /// a1: how often an honest node may become suspect in a year, in millionths.
    pub suspicion_error_ppm: u32,
    /// a2: how often an honest node may be accused in its life, in millionths.
    pub accusation_error_ppm: u32,
    /// c: the share of the audit owners that may be corrupt, in basis points.
    pub corrupt_owners_bps: u16,
    /// How sure the bound on lying fishers is, in basis points.
    pub contamination_level_bps: u16,
    /// A node is cleared by evidence against "its mean is at most this", in basis points.
    pub cleared_mean_bps: u16,
    /// And by evidence against "at least this share of its sessions is slow", in basis points.
    pub cleared_rate_bps: u16,
    /// How large both e-values for honesty must be.
    pub honest_evidence: u32,
    /// How many audit owners see a node before it can be called honest.
    pub honest_owners_min: u32,
    /// A fisher counts after this many audits that agreed with him.
    pub audits_min: u32,
    /// The share of reports whose sessions are audited, in basis points; of suspect and convicted nodes all are.
    pub audit_share_bps: u16,
    /// The beacon that draws a report's audit is the one of so many epochs after its reveal.
    pub beacon_epochs: u32,
    /// A report that is to be audited waits so many epochs after its reveal for its relay's stamps.
    pub stamps_wait_epochs: u32,
    /// A commit that is not revealed within so many epochs counts as an audit that disagrees.
    pub reveal_epochs: u32,
    /// How many nodes of the common prior an organisation's record is shrunken by.
    pub organisation_prior_nodes: u32,
    /// The least prior of any node, in basis points.
    pub prior_min_bps: u16,
    /// The largest prior of any node, in basis points.
    pub prior_max_bps: u16,
    /// The largest levy on a convicted node's earnings, in basis points.
    pub levy_max_bps: u16,
    /// For so many epochs nobody but the parties of a case sees more of a report than its folded part: while a host can
    /// still learn from it which of its rentals were probes.
    pub sealed_epochs: u32,
    /// What a fisher is paid for each accepted report beside the rental's cost, in the token's smallest unit.
    #[serde(serialize_with = "text")]
    pub report_fee: u128,
    /// Of a rental's rate at most so many times the median of all offers is paid back.
    pub refund_rate_max: u32,
    /// After so many epochs without a probe a resource is half as stale as one that was never probed.
    pub staleness_half_life_epochs: u32,
    /// How many sessions an epoch assigns to a fisher. With none, fishers choose what they probe, and it counts.
    pub assignment_slots: u32,
}

/// What a number of JSON does not hold in every language.
fn text<S: Serializer>(value: &impl ToString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

impl Parameters {
    /// The constants of design/scoring.md for a token of six decimals.
    #[must_use]
    pub fn production() -> Self {
        Self {
            market: Market::Production,
            prior_weight_milli: 5_000,
            prior_mean_bps: 7_000,
            half_life_probes: 500,
            half_life_secs: 30 * 86_400,
            interval_level_bps: 9_500,
            bets_permille: [20, 50, 100, 200, 350, 500, 700, 850, 950, 990],
            refresh_epochs: 24,
            epoch_secs: 3_600,
            lag_epochs_max: 14,
            // The lag, and as long again for the reveal.
            report_window_epochs: 28,
            full_weight_bond: 1_000_000_000,
            min_bond: 50_000_000,
            windows_min: 3,
            // Three windows make the 8 s that a timed part lasts at least.
            window_ms_min: 2_667,
            mean_bps: 9_200,
            slow_bps: 8_000,
            rate_bps: 200,
            inconclusive_bps: 500,
            disagreement_bps: 200,
            year_secs: 365 * 86_400,
            suspicion_error_ppm: 10_000,
            accusation_error_ppm: 100,
            corrupt_owners_bps: 2_000,
            contamination_level_bps: 9_900,
            cleared_mean_bps: 8_900,
            cleared_rate_bps: 800,
            honest_evidence: 20,
            honest_owners_min: 3,
            audits_min: 20,
            audit_share_bps: 2_500,
            // An epoch follows the finalised chain, and blocks are known before they are final: the next epoch's first
            // block may be there already when a fisher commits, the one after it is not while finality takes below an hour.
            beacon_epochs: 2,
            stamps_wait_epochs: 2,
            // As long as the lag: a fisher may wait for a rental's finality, not for the scores that he would copy.
            reveal_epochs: 14,
            organisation_prior_nodes: 5,
            prior_min_bps: 5_000,
            prior_max_bps: 9_000,
            levy_max_bps: 5_000,
            // 30 days.
            sealed_epochs: 720,
            report_fee: 100_000,
            refund_rate_max: 4,
            // 30 days, as long as a probe counts half.
            staleness_half_life_epochs: 720,
            assignment_slots: 4,
        }
    }

    /// The relaxed constants of `make demo`; whatever is computed with them says so.
    #[must_use]
    pub fn development() -> Self {
        Self {
            market: Market::Development,
            refresh_epochs: 1,
            epoch_secs: 5,
            lag_epochs_max: 0,
            // An hour of epochs.
            report_window_epochs: 720,
            window_ms_min: 500,
            // A demonstration ends within minutes, so its verdicts rest on less.
            suspicion_error_ppm: 200_000,
            accusation_error_ppm: 50_000,
            contamination_level_bps: 9_000,
            honest_evidence: 2,
            audits_min: 2,
            cleared_mean_bps: 7_000,
            cleared_rate_bps: 3_000,
            // A minute: else nothing grows stale, and whom nothing is held against is probed too seldom to be called honest.
            staleness_half_life_epochs: 12,
            sealed_epochs: 0,
            // Minutes bring few sessions, so all of them are audited.
            audit_share_bps: 10_000,
            beacon_epochs: 1,
            stamps_wait_epochs: 3,
            reveal_epochs: 60,
            assignment_slots: 12,
            ..Self::production()
        }
    }

    /// The constants of a market.
    #[must_use]
    pub fn of(market: Market) -> Self {
        match market {
            Market::Production => Self::production(),
            Market::Development => Self::development(),
        }
    }

    /// The record as bytes: fields in the order of their declaration, little-endian, without padding.
    #[must_use]
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let market = match self.market {
            Market::Production => 0_u8,
            Market::Development => 1,
        };
        let mut bytes = vec![market];
        bytes.extend(self.prior_weight_milli.to_le_bytes());
        bytes.extend(self.prior_mean_bps.to_le_bytes());
        bytes.extend(self.half_life_probes.to_le_bytes());
        bytes.extend(self.half_life_secs.to_le_bytes());
        bytes.extend(self.interval_level_bps.to_le_bytes());
        for bet in self.bets_permille {
            bytes.extend(bet.to_le_bytes());
        }
        for count in [self.refresh_epochs, self.epoch_secs, self.lag_epochs_max, self.report_window_epochs] {
            bytes.extend(count.to_le_bytes());
        }
        bytes.extend(self.full_weight_bond.to_le_bytes());
        bytes.extend(self.min_bond.to_le_bytes());
        bytes.extend(self.windows_min.to_le_bytes());
        bytes.extend(self.window_ms_min.to_le_bytes());
        for share in [self.mean_bps, self.slow_bps, self.rate_bps, self.inconclusive_bps, self.disagreement_bps] {
            bytes.extend(share.to_le_bytes());
        }
        bytes.extend(self.year_secs.to_le_bytes());
        bytes.extend(self.suspicion_error_ppm.to_le_bytes());
        bytes.extend(self.accusation_error_ppm.to_le_bytes());
        let shares =
            [self.corrupt_owners_bps, self.contamination_level_bps, self.cleared_mean_bps, self.cleared_rate_bps];
        for share in shares {
            bytes.extend(share.to_le_bytes());
        }
        for count in [self.honest_evidence, self.honest_owners_min, self.audits_min] {
            bytes.extend(count.to_le_bytes());
        }
        bytes.extend(self.audit_share_bps.to_le_bytes());
        let counts = [self.beacon_epochs, self.stamps_wait_epochs, self.reveal_epochs, self.organisation_prior_nodes];
        for count in counts {
            bytes.extend(count.to_le_bytes());
        }
        for share in [self.prior_min_bps, self.prior_max_bps, self.levy_max_bps] {
            bytes.extend(share.to_le_bytes());
        }
        bytes.extend(self.sealed_epochs.to_le_bytes());
        bytes.extend(self.report_fee.to_le_bytes());
        bytes.extend(self.refund_rate_max.to_le_bytes());
        bytes.extend(self.staleness_half_life_epochs.to_le_bytes());
        bytes.extend(self.assignment_slots.to_le_bytes());
        bytes
    }

    /// The digest that `Scores` checks: BLAKE3(domain, 0x00, canonical bytes).
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(DOMAIN).update(&[0]).update(&self.canonical_bytes());
        *hasher.finalize().as_bytes()
    }

    /// w = min(1, bond / B), rounded down to 64ths. A fisher below the smallest bond counts for nothing.
    #[must_use]
    pub fn weight(&self, bond: u128) -> Weight {
        if bond < self.min_bond {
            return Weight::ZERO;
        }
        if bond >= self.full_weight_bond {
            return Weight::FULL;
        }
        // Below B the product stays far inside 128 bits for every real supply.
        let share = bond.saturating_mul(u128::from(Weight::FULL.in_64ths())) / self.full_weight_bond;
        u32::try_from(share).ok().and_then(Weight::from_64ths).unwrap_or(Weight::FULL)
    }

    /// k: how many of so many audit owners may be corrupt.
    pub(super) fn corrupt_owners(&self, owners: usize) -> usize {
        (owners as u64 * u64::from(self.corrupt_owners_bps)).div_ceil(10_000) as usize
    }

    /// The epoch of a moment in unix seconds.
    #[must_use]
    pub fn epoch_at(&self, unix_secs: u64) -> u64 {
        unix_secs / u64::from(self.epoch_secs.max(1))
    }

    /// How much of a weight is left after `probes` (in full ones) and `epochs` without any.
    pub(super) fn decay(&self, probes: f64, epochs: u64) -> f64 {
        let days = epochs as f64 * f64::from(self.epoch_secs) / self.half_life_secs as f64;
        libm::exp2(-(probes / f64::from(self.half_life_probes) + days))
    }

    /// How much of a resource's last probe, so many epochs ago, is forgotten by whoever schedules.
    pub(super) fn staleness(&self, epochs: u64) -> f64 {
        1.0 - libm::exp2(-(epochs as f64) / f64::from(self.staleness_half_life_epochs.max(1)))
    }

    /// n0 as a number.
    pub(super) fn prior_weight(&self) -> f64 {
        f64::from(self.prior_weight_milli) / 1e3
    }

    /// q as a number.
    pub(super) fn mean(&self) -> f64 {
        f64::from(self.mean_bps) / 1e4
    }

    /// e0 as a number.
    pub(super) fn rate(&self) -> f64 {
        f64::from(self.rate_bps) / 1e4
    }

    /// The bound on inconclusive sessions as a number.
    pub(super) fn inconclusive_rate(&self) -> f64 {
        f64::from(self.inconclusive_bps) / 1e4
    }

    /// f0 as a number.
    pub(super) fn disagreement_rate(&self) -> f64 {
        f64::from(self.disagreement_bps) / 1e4
    }

    /// The mean that a cleared node is above, as a number.
    pub(super) fn cleared_mean(&self) -> f64 {
        f64::from(self.cleared_mean_bps) / 1e4
    }

    /// The share of slow sessions that a cleared node is below, as a number.
    pub(super) fn cleared_rate(&self) -> f64 {
        f64::from(self.cleared_rate_bps) / 1e4
    }

    /// The evidence from which a node is suspect: 1 / a1.
    pub(super) fn suspicion_threshold(&self) -> f64 {
        1e6 / f64::from(self.suspicion_error_ppm.max(1))
    }

    /// a2 as a number.
    pub(super) fn accusation_error(&self) -> f64 {
        f64::from(self.accusation_error_ppm.max(1)) / 1e6
    }

    /// ln of the evidence from which a node is called honest; it doubles with every visit after a verdict.
    pub(super) fn log_honest_evidence(&self, visit: u32) -> f64 {
        libm::log(f64::from(self.honest_evidence.max(1))) + f64::from(visit.saturating_sub(1)) * std::f64::consts::LN_2
    }

    /// The length of a detector's budget in epochs.
    pub(super) fn epochs_a_year(&self) -> f64 {
        self.year_secs.max(1) as f64 / f64::from(self.epoch_secs.max(1))
    }
}

#[cfg(test)]
mod tests;
