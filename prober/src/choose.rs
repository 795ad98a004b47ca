//! Which node and which resource is probed next: uniformly at random among what this fisher has probed least, so that no host
//! can foresee it and none is left out, or from a seed, so that a test can. Nodes that were not reachable are left alone for a
//! while that grows; a node that this fisher is renting is not rented again.
use crate::offered::{self, Offered, Place};
use gpux_kernels::{evidence, plan::Market, probe::ProbeId};
use gpux_proto::evidence::Description;
use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};
use tracing::debug;

/// The first pause after a node was not reachable; it doubles up to the longest.
const PAUSE_MIN: Duration = Duration::from_secs(5);
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// Random numbers from a seed.
#[derive(Debug)]
pub struct Dice(blake3::OutputReader);

impl Dice {
    /// Starts from a seed, or from the system's randomness without one.
    pub fn new(seed: Option<u64>) -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        match seed {
            Some(seed) => bytes[..8].copy_from_slice(&seed.to_le_bytes()),
            None => getrandom::fill(&mut bytes)?,
        }
        let mut hasher = blake3::Hasher::new_derive_key("gpux/choice/1");
        hasher.update(&bytes);
        Ok(Self(hasher.finalize_xof()))
    }

    /// A number below `n`; 0 for an empty range. The bias is below n / 2^64.
    pub fn below(&mut self, n: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        ((u128::from(u64::from_le_bytes(bytes)) * n as u128) >> 64) as usize
    }
}

/// A node that can be probed.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its verified description.
    pub offered: Offered,
    /// What can be probed of it.
    pub probes: Vec<ProbeId>,
}

/// What a descriptor claims and this market's plan can measure.
#[must_use]
pub fn probes(offered: &Offered, market: Market) -> Vec<ProbeId> {
    evidence::claims(&offered.descriptor, market)
}

/// The usable ones among the oracle's descriptions; an oracle is not trusted with who they are.
#[must_use]
pub fn candidates(
    descriptions: &[Description],
    place: Place,
    market: Market,
    only: &HashSet<[u8; 32]>,
    now: Duration,
) -> Vec<Candidate> {
    let mut found = Vec::new();
    for description in descriptions {
        match offered::verify(description, place, now) {
            Ok(offered) if only.is_empty() || only.contains(&offered.node) => {
                let probes = probes(&offered, market);
                if !probes.is_empty() {
                    found.push(Candidate { offered, probes });
                }
            }
            Ok(_) => {}
            Err(error) => debug!(%error, "a listed node is not usable"),
        }
    }
    found
}

/// Who is rented and who was not reachable.
#[derive(Debug, Default)]
pub struct Board {
    busy: HashSet<[u8; 32]>,
    absent: HashMap<[u8; 32], (Instant, Duration)>,
    probed: HashMap<([u8; 32], ProbeId), u64>,
}

impl Board {
    /// Chooses node and probe and marks the node as rented.
    pub fn choose(&mut self, candidates: &[Candidate], dice: &mut Dice) -> Option<(Offered, ProbeId)> {
        let now = Instant::now();
        let away = |node| self.absent.get(node).is_some_and(|(until, _)| *until > now);
        let free = candidates.iter().filter(|c| !self.busy.contains(&c.offered.node) && !away(&c.offered.node));
        let times = |node, probe| self.probed.get(&(node, probe)).copied().unwrap_or(0);
        let resources: Vec<(&Candidate, ProbeId, u64)> =
            free.flat_map(|c| c.probes.iter().map(move |probe| (c, *probe, times(c.offered.node, *probe)))).collect();
        let least = resources.iter().map(|(_, _, times)| *times).min()?;
        let rarest: Vec<_> = resources.into_iter().filter(|(_, _, times)| *times == least).collect();
        let (chosen, probe, _) = *rarest.get(dice.below(rarest.len()))?;
        *self.probed.entry((chosen.offered.node, probe)).or_default() += 1;
        self.busy.insert(chosen.offered.node);
        Some((chosen.offered.clone(), probe))
    }

    /// Ends a node's turn.
    pub fn release(&mut self, node: [u8; 32], reachable: bool) {
        self.busy.remove(&node);
        if reachable {
            self.absent.remove(&node);
        } else {
            let pause = self.absent.get(&node).map_or(PAUSE_MIN, |(_, pause)| (*pause * 2).min(PAUSE_MAX));
            self.absent.insert(node, (Instant::now() + pause, pause));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::fixture::offered;

    fn candidate(node: u8) -> Candidate {
        let mut offered = offered("http://127.0.0.1:1");
        offered.node = [node; 32];
        Candidate { offered, probes: vec![ProbeId::Cpu, ProbeId::Ram, ProbeId::Imma] }
    }

    #[test]
    fn a_seed_repeats_its_choices_and_every_node_and_probe_is_met_equally_often() {
        let candidates: Vec<Candidate> = (1..=5).map(candidate).collect();
        let draw = |seed| {
            let (mut board, mut dice) = (Board::default(), Dice::new(Some(seed)).unwrap());
            let mut seen = Vec::new();
            for _ in 0..45 {
                let (offered, probe) = board.choose(&candidates, &mut dice).unwrap();
                board.release(offered.node, true);
                seen.push((offered.node, probe));
            }
            seen
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let mut times: HashMap<_, u32> = HashMap::new();
        draw(7).into_iter().for_each(|resource| *times.entry(resource).or_default() += 1);
        assert!(times.len() == 15 && times.values().all(|times| *times == 3), "{times:?}");
    }

    #[test]
    fn a_rented_or_absent_node_is_not_chosen() {
        let candidates = [candidate(1), candidate(2)];
        let (mut board, mut dice) = (Board::default(), Dice::new(Some(1)).unwrap());
        let (first, _) = board.choose(&candidates, &mut dice).unwrap();
        let (second, _) = board.choose(&candidates, &mut dice).unwrap();
        assert_ne!(first.node, second.node);
        assert!(board.choose(&candidates, &mut dice).is_none());
        board.release(first.node, false);
        board.release(second.node, true);
        for _ in 0..20 {
            let (chosen, _) = board.choose(&candidates, &mut dice).unwrap();
            assert_eq!(chosen.node, second.node);
            board.release(chosen.node, true);
        }
    }
}
