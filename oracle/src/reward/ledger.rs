//! The fishers' accounts, entry by entry.
//!
//! Owns the rules of payment: what work earns, when it is paid, what forfeits it. Amounts are in the token's smallest unit.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use gpux_kernels::{plan, probe::ProbeId};
use gpux_proto::{
    bytes::{self, array},
    evidence::{ReportFolded, RulingSeen, log_entry::Fact},
};

use super::{carried::Carried, file::RewardFile};
use crate::{
    audit::Work,
    schedule::Offers,
    score::{FisherId, Market, NodeId, Parameters, State, Weight},
};

/// `Kind.Statistical` of the Court: the fold's verdict convicted, so those are paid who carried it. Of a proof the filer is paid
/// by the Court itself, and of a bare case nothing was measured.
const STATISTICAL: u32 = 1;
/// `Outcome.Upheld` of the Court.
const UPHELD: u32 = 1;

/// Why an entry cannot be paid by.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// What the entry contains cannot be read.
    #[error(transparent)]
    Unreadable(#[from] bytes::Error),
    /// A slash is no amount.
    #[error("the share of a slash {0:?} is no amount")]
    Amount(String),
    /// A case would be paid twice.
    #[error("case {} is ruled a second time", bytes::to_hex(.0))]
    RuledTwice([u8; 32]),
}

/// A fisher's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Account {
    /// All that he may claim, in all epochs together; it never falls.
    pub earned: u128,
    /// Work of which nobody knows yet whether it was honest: it is paid when he first weighs something.
    pub pending: u128,
    /// What he lost by a lie, a commit that he did not reveal, or a stake that he took back.
    pub forfeited: u128,
}

/// All accounts, and what the open epoch brought.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    accounts: BTreeMap<FisherId, Account>,
    /// The open epoch's work.
    open: BTreeMap<FisherId, u128>,
    /// Whose account may change when the epoch closes beside those with work: with something pending.
    waiting: BTreeSet<FisherId>,
    /// Whose account changed since somebody recorded them.
    changed: BTreeSet<FisherId>,
    carried: Carried,
    /// Cases that were shared out.
    ruled: HashSet<[u8; 32]>,
    /// The largest rate that is paid back in the open epoch, once it was asked for.
    rate_max: Option<u128>,
}

impl Ledger {
    /// Reads an entry after the fold did: `work` is what it says of fishers, `state` knows it.
    pub fn apply(&mut self, fact: &Fact, work: Work, offers: &Offers, state: &State) -> Result<(), Error> {
        match (fact, work) {
            (Fact::ReportFolded(folded), Work::Done { fisher, weight }) => {
                self.done(folded, (fisher, weight), offers, state)
            }
            (Fact::AuditFolded(audit), _) => {
                self.carried.audited(audit, state);
                Ok(())
            }
            (Fact::RulingSeen(ruling), _) => self.ruled(ruling),
            (Fact::EpochClosed(_), Work::Closed { unrevealed }) => {
                self.close(&unrevealed, state);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A fisher's account at the end of the last closed epoch.
    #[must_use]
    pub fn account(&self, fisher: &FisherId) -> Option<Account> {
        self.accounts.get(fisher).copied()
    }

    /// The accounts that closed epochs changed since they were recorded last.
    pub fn changed(&self) -> impl Iterator<Item = (FisherId, Account)> + '_ {
        self.changed.iter().filter_map(|fisher| Some((*fisher, self.account(fisher)?)))
    }

    /// Notes that the changed accounts are recorded.
    pub fn recorded(&mut self) {
        self.changed.clear();
    }

    /// What everybody may claim at the end of the last closed epoch.
    #[must_use]
    pub fn file(&self) -> RewardFile {
        RewardFile::of(self.accounts.iter().map(|(fisher, account)| (fisher.0.into(), account.earned)))
    }

    /// A fee and the rental's cost, whatever the report says.
    fn done(
        &mut self,
        folded: &ReportFolded,
        (fisher, weight): (FisherId, Weight),
        offers: &Offers,
        state: &State,
    ) -> Result<(), Error> {
        let node = NodeId(array("node", &folded.node)?);
        let parameters = state.parameters();
        let rate_max = *self.rate_max.get_or_insert_with(|| rate_max(offers, state));
        // An offer far above all others would make Rewards pay a provider through a fisher who is a friend.
        let rate = offers.rate(&node).unwrap_or(0).min(rate_max);
        self.earn(fisher, price(parameters, folded.resource, rate));
        self.carried.heard(folded, fisher, weight, state);
        Ok(())
    }

    fn ruled(&mut self, ruling: &RulingSeen) -> Result<(), Error> {
        let (case, node) = (array("case_id", &ruling.case_id)?, NodeId(array("node", &ruling.node)?));
        let amount = ruling.to_rewards.parse::<u128>();
        let amount = amount.map_err(|_| Error::Amount(ruling.to_rewards.chars().take(64).collect()))?;
        if !self.ruled.insert(case) {
            return Err(Error::RuledTwice(case));
        }
        if (ruling.kind, ruling.outcome) == (STATISTICAL, UPHELD) {
            for (fisher, share) in self.carried.share(&node, amount) {
                self.earn(fisher, share);
            }
        }
        Ok(())
    }

    fn earn(&mut self, fisher: FisherId, amount: u128) {
        let open = self.open.entry(fisher).or_default();
        *open = open.saturating_add(amount);
    }

    fn close(&mut self, unrevealed: &[FisherId], state: &State) {
        let mut open = std::mem::take(&mut self.open);
        let waiting = std::mem::take(&mut self.waiting);
        let fishers: BTreeSet<_> = open.keys().copied().chain(waiting).collect();
        for fisher in fishers {
            let work = open.remove(&fisher).unwrap_or(0);
            let before = self.accounts.get(&fisher).copied().unwrap_or_default();
            let after = settled(before, work, unrevealed.binary_search(&fisher).is_ok(), &fisher, state);
            if after.pending > 0 {
                self.waiting.insert(fisher);
            }
            if after != before {
                self.accounts.insert(fisher, after);
                self.changed.insert(fisher);
            }
        }
        self.carried.close(state);
        self.rate_max = None;
    }
}

/// An account after an epoch, of whose work nothing counts if it was `spoilt`.
fn settled(account: Account, work: u128, spoilt: bool, fisher: &FisherId, state: &State) -> Account {
    let Account { earned, pending, forfeited } = account;
    let (work, lost) = if spoilt { (0, work) } else { (work, 0) };
    let forfeited = forfeited.saturating_add(lost);
    let due = pending.saturating_add(work);
    // Who took his stake back has nothing to lose by what he says; whom audits contradict has said it.
    if state.bond(fisher) < state.parameters().min_bond || state.lies(fisher) {
        Account { earned, pending: 0, forfeited: forfeited.saturating_add(due) }
    } else if state.weight(fisher) > Weight::ZERO {
        Account { earned: earned.saturating_add(due), pending: 0, forfeited }
    } else {
        Account { earned, pending: due, forfeited }
    }
}

/// The largest rate that is paid back in the open epoch, by the offers that hold at its beginning.
fn rate_max(offers: &Offers, state: &State) -> u128 {
    let parameters = state.parameters();
    let begins = state.epoch().map_or(0, |closed| (closed + 1).saturating_mul(parameters.epoch_secs.into()));
    offers.median_rate(begins).saturating_mul(parameters.refund_rate_max.into())
}

/// What a session of a resource is paid at a rate: the fee, and the rate for as long as such a session takes.
fn price(parameters: &Parameters, resource: i32, rate: u128) -> u128 {
    let cost = rate.saturating_mul(refunded_seconds(resource, parameters.market).into());
    parameters.report_fee.saturating_add(cost)
}

/// How many seconds of a rental a session of this resource is paid back; none of what cannot be probed.
fn refunded_seconds(resource: i32, market: Market) -> u64 {
    let market = match market {
        Market::Production => plan::Market::Production,
        Market::Development => plan::Market::Development,
    };
    let probe = u8::try_from(resource).ok().and_then(|number| ProbeId::try_from(number).ok());
    let plan = probe.and_then(|probe| plan::plan(probe, market));
    // The chain counts whole seconds.
    plan.map_or(0, |plan| plan.refunded().as_millis().div_ceil(1_000) as u64)
}
