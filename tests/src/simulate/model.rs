//! Our model: the real fold, fed with the entries that the log would hold.
//!
//! Owns the translation from sessions to entries and the dates of each node's suspicion and verdict. Computes no score of
//! its own. A report's lag is left out: it would shift all dates alike.

use super::stream::Stream;
use super::world::{Session, World};
use anyhow::Result;
use gpux_oracle::score::{
    Announced, BondChanged, Claims, Entry, EpochClosed, FisherAudited, FisherId, FoldedAudit, FoldedReport, NodeId,
    OwnerId, Parameters, Ratio64, ReportId, ResourceId, Standing, State, Weight,
};

/// The only resource that hosts of these worlds claim.
const RESOURCE: ResourceId = ResourceId(1);

/// When a node was first suspected and convicted, in its own probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Dates {
    pub(super) suspect: Option<u32>,
    pub(super) convicted: Option<u32>,
    /// How many audits the verdict took, over all visits.
    pub(super) audits: u32,
    /// How many audits the clearing after the verdict took.
    pub(super) recovered: Option<u32>,
}

/// The fold and what is watched of it.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) state: State,
    pub(super) dates: Vec<Dates>,
    nodes: Vec<NodeId>,
    fishers: Vec<FisherId>,
    owners: Vec<OwnerId>,
    standing: Vec<Standing>,
    weights: Vec<Weight>,
    /// Fishers whose weight the open epoch may change.
    stirred: Vec<usize>,
    epoch: u64,
}

/// The key of a node; spread like a digest, as real keys are.
fn key(number: usize) -> [u8; 32] {
    let mut stream = Stream::of(number as u64, &[3]);
    let mut key = [0; 32];
    for part in key.chunks_exact_mut(8) {
        part.copy_from_slice(&stream.draw().to_le_bytes());
    }
    key
}

fn address(number: usize) -> [u8; 20] {
    let mut address = [0; 20];
    address[..8].copy_from_slice(&(number as u64).to_be_bytes());
    address
}

/// One report a session.
fn report_id(session: &Session) -> ReportId {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&(session.node as u64).to_le_bytes());
    id[8..12].copy_from_slice(&session.probe.to_le_bytes());
    ReportId(id)
}

impl Model {
    /// A fold that knows everybody of a world, in which each fisher has the full bond.
    pub(super) fn new(parameters: Parameters, world: &World) -> Result<Self> {
        let cast = &world.cast;
        let (fishers, owners) = (cast.fishers.len(), cast.owners.len());
        let bond = parameters.full_weight_bond;
        let mut model = Self {
            state: State::new(parameters),
            dates: vec![Dates::default(); cast.hosts.len()],
            nodes: (0..cast.hosts.len()).map(|node| NodeId(key(node))).collect(),
            fishers: (0..fishers).map(|fisher| FisherId(address(fisher))).collect(),
            owners: (0..owners).map(|owner| OwnerId(address(owner))).collect(),
            standing: vec![Standing::Watched; cast.hosts.len()],
            weights: vec![Weight::ZERO; fishers],
            stirred: Vec::new(),
            epoch: 0,
        };
        for owner in 0..owners {
            model.state.apply(&Entry::OwnerRegistered(model.owners[owner]))?;
        }
        for fisher in 0..fishers {
            model.bond(fisher, bond)?;
        }
        for node in 0..cast.hosts.len() {
            model.announce(node, None)?;
        }
        Ok(model)
    }

    /// Changes a fisher's bond.
    pub(super) fn bond(&mut self, fisher: usize, bond: u128) -> Result<()> {
        self.stirred.push(fisher);
        Ok(self.state.apply(&Entry::BondChanged(BondChanged { fisher: self.fishers[fisher], bond }))?)
    }

    /// Says to whom a node belongs.
    pub(super) fn announce(&mut self, node: usize, organisation: Option<[u8; 32]>) -> Result<()> {
        let organisation = organisation.map(gpux_oracle::score::OrganisationId);
        let claims = Claims::default().with(RESOURCE);
        Ok(self.state.apply(&Entry::Announced(Announced { node: self.nodes[node], claims, organisation }))?)
    }

    /// An epoch in which these sessions are audited, and nothing else happens.
    pub(super) fn rehearse(&mut self, sessions: &[Session]) -> Result<()> {
        for session in sessions {
            self.audit_fisher(session)?;
        }
        self.close()
    }

    /// Enters a session. A suspect's sessions are all audited; it cannot know that, since it sees relays anyway.
    pub(super) fn take(&mut self, session: &Session) -> Result<()> {
        if let Some(x) = session.reported {
            self.report(session, x)?;
        }
        if self.standing[session.node] != Standing::Watched || session.audited {
            self.audit(session)?;
            self.audit_fisher(session)?;
        }
        Ok(())
    }

    /// Enters what a session's fisher reports.
    pub(super) fn report(&mut self, session: &Session, x: f64) -> Result<()> {
        let (weight, epoch) = (self.weights[session.fisher], self.epoch + 1);
        let (report, node) = (report_id(session), self.nodes[session.node]);
        let report = FoldedReport { report, node, resource: RESOURCE, x: Ratio64::of(x), weight, epoch };
        Ok(self.state.apply(&Entry::Report(report))?)
    }

    /// Enters what a session's stamps say of the node.
    pub(super) fn audit(&mut self, session: &Session) -> Result<()> {
        let dates = &mut self.dates[session.node];
        if self.standing[session.node] == Standing::Suspect && dates.convicted.is_none() {
            dates.audits += 1;
        }
        Ok(self.state.apply(&Entry::Audit(FoldedAudit {
            report: report_id(session),
            node: self.nodes[session.node],
            resource: RESOURCE,
            x: Ratio64::of(session.stamps),
            owner: self.owners[session.owner],
            epoch: self.epoch + 1,
        }))?)
    }

    fn audit_fisher(&mut self, session: &Session) -> Result<()> {
        self.stirred.push(session.fisher);
        let (fisher, owner) = (self.fishers[session.fisher], self.owners[session.owner]);
        Ok(self.state.apply(&Entry::FisherAudited(FisherAudited { fisher, owner, finding: session.finding }))?)
    }

    /// Ends an epoch.
    pub(super) fn close(&mut self) -> Result<()> {
        self.epoch += 1;
        self.state.apply(&Entry::EpochClosed(EpochClosed { epoch: self.epoch }))?;
        for fisher in self.stirred.drain(..) {
            self.weights[fisher] = self.state.weight(&self.fishers[fisher]);
        }
        Ok(())
    }

    /// Notes where a node stands after so many of its probes.
    pub(super) fn note(&mut self, node: usize, probe: u32) {
        let Some(standing) = self.state.standing(&self.nodes[node]) else { return };
        let dates = &mut self.dates[node];
        match (self.standing[node], standing) {
            (Standing::Watched, Standing::Suspect) => {
                dates.suspect.get_or_insert(probe);
            }
            (_, Standing::Convicted) if dates.convicted.is_none() => dates.convicted = Some(probe),
            (Standing::Convicted, Standing::Watched) => {
                let since = dates.convicted.unwrap_or_default();
                dates.recovered.get_or_insert(probe - since);
            }
            _ => {}
        }
        self.standing[node] = standing;
    }

    /// Where a node stands, as it was last noted.
    pub(super) fn standing(&self, node: usize) -> Standing {
        self.standing[node]
    }

    /// E of the first stage.
    pub(super) fn evidence(&self, node: usize) -> f64 {
        self.state.evidence(&self.nodes[node]).unwrap_or_default()
    }

    /// A node's key.
    pub(super) fn node(&self, node: usize) -> &NodeId {
        &self.nodes[node]
    }

    /// What each fisher weighs now, in 64ths.
    pub(super) fn weights(&self) -> impl Iterator<Item = u32> + '_ {
        self.weights.iter().map(|weight| weight.in_64ths())
    }
}
