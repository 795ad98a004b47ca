//! The world: hosts, fishers and owners of relays, and the sessions in which they meet.
//!
//! Owns who meets whom, which the assignments' beacon decides: nobody in the world chooses a partner. One session is one
//! probe of one node in one epoch. Knows no model of trust; all models see the same sessions.

use super::fisher::{self, Fisher};
use super::host::Host;
use super::owner::Owner;
use super::stream::Stream;
use gpux_oracle::score::Finding;

/// One session in ten is audited, whatever is known of its node.
const AUDITED: f64 = 0.1;

/// One probe of one node, as everybody reports it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    pub(super) node: usize,
    /// The how-manieth of this node, from 1.
    pub(super) probe: u32,
    pub(super) fisher: usize,
    /// x as the fisher reports it, if he reveals it.
    pub(super) reported: Option<f64>,
    /// Whose relay the session went through.
    pub(super) owner: usize,
    /// x by the owner's stamps.
    pub(super) stamps: f64,
    /// What the owner says of the fisher.
    pub(super) finding: Finding,
    /// Whether the lottery chose it for an audit.
    pub(super) audited: bool,
}

/// Who takes part.
#[derive(Debug, Clone)]
pub(super) struct Cast {
    pub(super) hosts: Vec<Host>,
    pub(super) fishers: Vec<Fisher>,
    pub(super) owners: Vec<Owner>,
}

/// Everybody, and how far time has come.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) cast: Cast,
    /// Each node has its own, so that what happens to one node does not depend on who else is probed.
    streams: Vec<Stream>,
    probes: Vec<u32>,
    /// The owners whose turn has not come in this round, by node: the beacon draws each once before any comes again.
    decks: Vec<Vec<usize>>,
    rehearsal: Stream,
}

impl World {
    /// A world in which nothing has happened.
    pub(super) fn new(seed: u64, cast: Cast) -> Self {
        let streams = (0..cast.hosts.len() as u64).map(|node| Stream::of(seed, &[1, node])).collect();
        let (probes, decks) = (vec![0; cast.hosts.len()], vec![Vec::new(); cast.hosts.len()]);
        Self { cast, streams, probes, decks, rehearsal: Stream::of(seed, &[2]) }
    }

    /// The next session of a node.
    pub(super) fn session(&mut self, node: usize, epoch: u32) -> Session {
        let Self { cast, streams, probes, decks, .. } = self;
        let (stream, deck) = (&mut streams[node], &mut decks[node]);
        probes[node] += 1;
        let host = cast.hosts[node];
        let x = host.deliver(probes[node], stream);
        let fisher = loop {
            let fisher = stream.below(cast.fishers.len());
            if cast.fishers[fisher].exists(epoch) {
                break fisher;
            }
        };
        if deck.is_empty() {
            deck.extend(0..cast.owners.len());
        }
        let owner = deck.swap_remove(stream.below(deck.len()));
        let keeps_claims = host.breaks_from().is_none();
        meet(cast, stream, Meeting { node: (node, probes[node]), keeps_claims, fisher, owner, epoch, x })
    }

    /// An audited session of a fisher with a host of which nothing else is told: how fishers earn their weight before the
    /// nodes of the table come.
    pub(super) fn rehearse(&mut self, fisher: usize) -> Session {
        let (host, stream) = (Host::Compliant { slow: 0.005 }, &mut self.rehearsal);
        let x = host.deliver(1, stream);
        let owner = stream.below(self.cast.owners.len());
        meet(&self.cast, stream, Meeting { node: (0, 0), keeps_claims: true, fisher, owner, epoch: 0, x })
    }
}

struct Meeting {
    node: (usize, u32),
    keeps_claims: bool,
    fisher: usize,
    owner: usize,
    epoch: u32,
    x: f64,
}

fn meet(cast: &Cast, stream: &mut Stream, meeting: Meeting) -> Session {
    let Meeting { node: (node, probe), keeps_claims, fisher, owner, epoch, x } = meeting;
    let (teller, relay) = (cast.fishers[fisher], cast.owners[owner]);
    // Fisher and relay time the same windows, half a percent apart at most.
    let measured = if x > 0.0 { x + stream.around(0.0, 0.005) } else { 0.0 };
    let reported = teller.report(epoch, measured, keeps_claims, stream);
    let truth = fisher::finding(reported, x);
    Session {
        node,
        probe,
        fisher,
        reported,
        owner,
        stamps: relay.stamps(x, keeps_claims),
        finding: relay.finding(truth, teller.is_honest()),
        audited: stream.happens(AUDITED),
    }
}
