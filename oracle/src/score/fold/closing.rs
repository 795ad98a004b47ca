//! The end of an epoch: what it brought is counted and enters the states.
//!
//! Owns the order: what counts, priors, reports, audits, judgements, and last the audits of fishers, so that everything in an
//! epoch is judged by what was known before it. Its invariant: an epoch that is refused has changed nothing.

use std::collections::BTreeMap;

use super::super::claim::{Bounds, RESOURCE_BETS, Tally};
use super::super::contamination::Audited;
use super::super::counting::Counting;
use super::super::entry::{FisherId, FoldedAudit, FoldedReport, Weight};
use super::super::fisher::Findings;
use super::super::ledger::Owner;
use super::super::organisation;
use super::super::resource::Batch;
use super::super::trace::Step;
use super::{EPOCH_MAX, Error, State};

/// What the open epoch brought so far.
#[derive(Debug, Clone, Default)]
pub(super) struct OpenEpoch {
    pub(super) reports: Vec<(u32, FoldedReport)>,
    pub(super) audits: Vec<(u32, FoldedAudit)>,
    pub(super) findings: BTreeMap<FisherId, BTreeMap<Owner, Findings>>,
}

impl State {
    /// Ends an epoch.
    pub(super) fn close(&mut self, epoch: u64) -> Result<(), Error> {
        if let Some(last) = self.epoch.filter(|last| epoch <= *last) {
            return Err(Error::Epoch { epoch, last });
        }
        if epoch > EPOCH_MAX {
            return Err(Error::Beyond { epoch });
        }
        let open = std::mem::take(&mut self.open);
        self.ignored.clear();
        self.touched.clear();
        let window = u64::from(self.parameters.report_window_epochs);
        let (seen, ignored) = (&mut self.seen, &mut self.ignored);
        seen.begin(epoch);
        let mut counting = Counting { epoch, oldest: epoch.saturating_sub(window), seen, ignored };
        let reports = counting.reports(open.reports);
        let audits = counting.audits(open.audits, &self.owners);
        self.set_priors(&reports);
        self.fold_reports(epoch, &reports);
        self.fold_audits(epoch, &audits);
        self.touched.sort_unstable();
        self.touched.dedup();
        for node in &self.touched {
            self.nodes[*node as usize].judge(&self.parameters, epoch, self.owners.len());
        }
        self.fold_findings(epoch, open.findings);
        self.sort_nodes();
        self.epoch = Some(epoch);
        self.seen.forget(epoch, window);
        Ok(())
    }

    /// Gives nodes that are probed for the first time their prior, from the last epoch's scores.
    fn set_priors(&mut self, reports: &[(u32, FoldedReport)]) {
        let last = self.epoch.unwrap_or_default();
        let mut priors = Vec::new();
        for group in reports.chunk_by(|a, b| a.0 == b.0) {
            let number = group[0].0;
            let node = &self.nodes[number as usize];
            if !node.lacks_prior() {
                continue;
            }
            let members = node.organisation.map_or(&[][..], |organisation| self.organisations.members(organisation));
            let scores = members.iter().filter_map(|at| self.nodes[*at as usize].score_bps(&self.parameters, last));
            priors.push((number, organisation::prior_bps(&self.parameters, scores)));
        }
        for (number, prior) in priors {
            self.nodes[number as usize].set_prior(prior);
        }
    }

    fn fold_reports(&mut self, epoch: u64, reports: &[(u32, FoldedReport)]) {
        let bounds = Bounds::contaminated(&self.parameters, f64::from(self.contamination_bps) / 1e4);
        for of_node in reports.chunk_by(|a, b| a.0 == b.0) {
            let number = of_node[0].0;
            let node = &mut self.nodes[number as usize];
            let mut all = Tally::default();
            for group in of_node.chunk_by(|a, b| a.1.resource == b.1.resource) {
                let mut batch = Batch::default();
                for (_, report) in group {
                    batch.add(&self.parameters, report);
                }
                all.merge(batch.tally());
                let resource = group[0].1.resource;
                let factors = node.absorb(&self.parameters, epoch, &bounds, resource, &batch);
                if let Some(trace) = self.trace.as_mut().filter(|trace| trace.node == node.id) {
                    let wealth = node.resource(resource).map_or([0.0; RESOURCE_BETS], |state| state.wealth());
                    trace.steps.push(Step {
                        epoch,
                        resource,
                        reports: group.iter().map(|(_, report)| *report).collect(),
                        contamination_bps: self.contamination_bps,
                        factors,
                        wealth,
                    });
                }
            }
            node.absorb_inconclusive(&self.parameters, epoch, &bounds, &all);
            self.touched.push(number);
        }
    }

    fn fold_audits(&mut self, epoch: u64, audits: &[(u32, Owner, FoldedAudit)]) {
        for group in audits.chunk_by(|a, b| (a.0, a.2.resource) == (b.0, b.2.resource)) {
            let (number, resource) = (group[0].0, group[0].2.resource);
            let owners: Vec<_> = group
                .chunk_by(|a, b| a.1 == b.1)
                .map(|of_owner| {
                    let mut tally = Tally::default();
                    for (_, _, audit) in of_owner {
                        // Stamps say what they say: no fisher's weight enters.
                        tally.add(&self.parameters, audit.x, Weight::FULL);
                    }
                    (of_owner[0].1, tally)
                })
                .collect();
            self.nodes[number as usize].absorb_audits(&self.parameters, epoch, resource, &owners);
            self.touched.push(number);
        }
    }

    /// Counts the audits of fishers, and renews the bound on liars for the next epoch.
    fn fold_findings(&mut self, epoch: u64, findings: BTreeMap<FisherId, BTreeMap<Owner, Findings>>) {
        let (parameters, corrupt) = (self.parameters.clone(), self.corrupt_owners());
        let mut audits = BTreeMap::<Owner, Audited>::new();
        for (id, found) in findings {
            let fisher = self.fisher(id);
            // The weight that the audited reports had, before this epoch's audits change it.
            let weight = f64::from(fisher.weight(&parameters, corrupt).in_64ths());
            for (owner, found) in &found {
                let audited = audits.entry(*owner).or_default();
                audited.weight += weight * f64::from(found.agreed.saturating_add(found.disagreed));
                audited.refuted += weight * f64::from(found.disagreed);
            }
            fisher.absorb(&parameters, &Vec::from_iter(found));
        }
        self.contamination.absorb(&parameters, epoch, &audits);
        self.contamination_bps = self.contamination.bound_bps(&parameters, corrupt);
    }

    /// Takes new nodes into the order of keys.
    fn sort_nodes(&mut self) {
        if self.sorted.len() == self.nodes.len() {
            return;
        }
        self.sorted.extend(self.sorted.len() as u32..self.nodes.len() as u32);
        // Almost sorted already, which the stable sort makes use of.
        let nodes = &self.nodes;
        self.sorted.sort_by_key(|node| nodes[*node as usize].id);
    }
}
