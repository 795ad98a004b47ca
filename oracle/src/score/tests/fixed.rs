//! One log, and what every build on every machine must make of it, to the last bit.

use super::*;

/// BLAKE3 of everything that the fold knows at the end of [`log`]. It was computed by builds with and without optimisation,
/// which agreed; another value means that scores are not the same everywhere any more, or that the method changed.
const DIGEST: &str = "8fd3f7c22c76bf1d245a659b2dcb994e8bdb63db70cf247f4b8ace1a25715683";

/// Nodes, their claims, fishers, owners of relays, and epochs.
const NODES: u8 = 60;
const CLAIMS: u32 = 4;
const FISHERS: u8 = 12;
const OWNERS: u8 = 10;
const EPOCHS: u64 = 120;
/// Reports of an epoch, all of them audited.
const REPORTS: u64 = 240;

/// A market with slow nodes and lying fishers in which everything happens: suspicion, verdicts, clearing, new owners.
fn log() -> Vec<Entry> {
    let mut stream = Stream(42);
    let mut entries = Vec::new();
    for owner in 0..OWNERS {
        entries.push(Entry::OwnerRegistered(OwnerId([owner; 20])));
    }
    for fisher in 0..FISHERS {
        let bond = 100_000_000 * u128::from(1 + fisher);
        entries.push(Entry::BondChanged(BondChanged { fisher: FisherId([fisher; 20]), bond }));
    }
    for node in 0..NODES {
        let claims = (1..=CLAIMS).map(ResourceId).collect();
        let organisation = (node % 3 == 0).then_some(OrganisationId([node % 6; 32]));
        entries.push(Entry::Announced(Announced { node: NodeId([node; 32]), claims, organisation }));
    }
    for epoch in 1..=EPOCHS {
        for number in 0..REPORTS {
            entries.extend(session(&mut stream, epoch, epoch * REPORTS + number));
        }
        entries.push(Entry::EpochClosed(EpochClosed { epoch }));
    }
    entries
}

/// A report, its audit and what that says of the fisher.
fn session(stream: &mut Stream, epoch: u64, id: u64) -> [Entry; 3] {
    let mut below = |count: u32| (stream.next() * f64::from(count)) as u32;
    let (node, resource) = (below(NODES.into()) as u8, ResourceId(1 + below(CLAIMS)));
    let (fisher, owner) = (below(FISHERS.into()) as u8, OwnerId([below(OWNERS.into()) as u8; 20]));
    // A tenth of the nodes is slow, half of these until they mend their ways; the last fisher lies.
    let slow = node % 10 == 0 && (node % 20 == 0 || epoch < EPOCHS / 2);
    let true_x = if slow { below(30) } else { 60 + below(5) };
    let silent = below(100) < 2;
    let said = if fisher + 1 == FISHERS { true_x / 2 } else { true_x };
    let ratio = |x: u32| if silent { Ratio64::INCONCLUSIVE } else { Ratio64::new(x, (x + 1).min(64)).unwrap() };
    let finding = match (silent, said == true_x) {
        (true, _) => Finding::Inconclusive,
        (false, true) => Finding::Agrees,
        (false, false) => Finding::Disagrees,
    };
    let FoldedReport { report, .. } = report(node, id, epoch, Ratio64::INCONCLUSIVE);
    let (node, fisher) = (NodeId([node; 32]), FisherId([fisher; 20]));
    let weight = Weight::from_64ths(below(65)).unwrap();
    [
        Entry::Report(FoldedReport { report, node, resource, x: ratio(said), weight, epoch }),
        Entry::Audit(FoldedAudit { report, node, resource, x: ratio(true_x), owner, epoch }),
        Entry::FisherAudited(FisherAudited { fisher, owner, finding }),
    ]
}

/// Every number that is published or kept, floating-point ones by their bits.
fn digest(state: &State) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut verdicts = [0_u32; 3];
    for score in state.scores() {
        let told = state.explain(&score.node).unwrap();
        verdicts[score.verdict as usize] += 1;
        hasher.update(&score.node.0).update(&[score.verdict as u8]).update(&score.probes.to_le_bytes());
        let estimates = std::iter::once(score.estimate).chain(score.resources.iter().map(|of| of.estimate));
        for estimate in estimates {
            for bps in [estimate.low_bps, estimate.score_bps, estimate.high_bps] {
                hasher.update(&bps.to_le_bytes());
            }
        }
        let mut numbers = vec![told.evidence, told.inconclusive_evidence];
        for resource in &told.resources {
            numbers.extend([resource.weight, resource.weighted, resource.log_honesty]);
            numbers.extend(resource.wealth);
        }
        numbers.extend(told.audits.iter().flat_map(|audits| [audits.log_evidence, audits.log_honesty]));
        for number in numbers {
            hasher.update(&number.to_bits().to_le_bytes());
        }
    }
    for fisher in 0..FISHERS {
        let fisher = FisherId([fisher; 20]);
        let (evidence, agreed) = state.fisher_evidence(&fisher).unwrap();
        hasher.update(&evidence.to_bits().to_le_bytes()).update(&agreed.to_le_bytes());
        hasher.update(&state.weight(&fisher).in_64ths().to_le_bytes());
    }
    hasher.update(&state.contamination_bps().to_le_bytes());
    assert!(verdicts[0] > 0 && verdicts[2] > 0, "the log convicts nobody, or judges everybody: {verdicts:?}");
    hasher.finalize().to_string()
}

#[test]
fn a_fixed_log_gives_the_same_bits_on_every_build() {
    let log = log();
    let parameters = Parameters::production();
    let once = digest(&fold(&parameters, log.iter().copied()).unwrap());
    // Somebody who asked for scores in between gets the same.
    let mut asked = State::new(parameters);
    for entry in &log {
        asked.apply(entry).unwrap();
        if matches!(entry, Entry::EpochClosed(closed) if closed.epoch % 7 == 0) {
            asked.settle();
        }
    }
    assert_eq!(digest(&asked), once);
    assert_eq!(once, DIGEST);
}
