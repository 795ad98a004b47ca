//! Who is paid for a conviction.

use gpux_proto::evidence::Finding;

use super::log::*;
use crate::{
    audit::fixture::{FISHER, OWNERS, audited, bonded, owner},
    score::{NodeId, Parameters, Standing},
};

#[test]
fn only_weighed_accusations_of_an_accused_node_that_stamps_confirm_share() {
    let mut log = accused();
    log.enter(bonded(NEWCOMER, log.parameters.full_weight_bond));
    let price = log.price();
    log.enter(offered(2, RATE));
    // Before, everything that FISHER said of the suspect is spent.
    log.enter(ruling(1, NODE, 1, "0"));
    log.close();
    let before = log.account(FISHER).earned;
    // Without weight, against stamps, of a node that nobody suspects.
    log.session(NEWCOMER, NODE, 20);
    log.session(FISHER, NODE, 64);
    log.stamped(20);
    log.session(FISHER, NODE, 20);
    log.stamped(64);
    log.session(FISHER, [2; 32], 20);
    log.close();
    for (case, node) in [(2, NODE), (3, [2; 32])] {
        log.enter(ruling(case, node, 1, "1000"));
    }
    log.close();
    assert_eq!(log.account(FISHER).earned, before + 3 * price);
    assert_eq!(log.account(NEWCOMER).pending, price);
}

/// A market in which audits have made a node a suspect, so that everything about it is audited.
fn accused() -> Log {
    let mut log = Log::of(Parameters { audit_share_bps: 10_000, contamination_level_bps: 5_000, ..parameters() });
    for number in 0..200_u32 {
        log.enter(audited(FISHER, owner(number as u8 % OWNERS), Finding::Agrees));
    }
    log.close();
    for _ in 0..8 {
        for _ in 0..4 {
            log.session(FISHER, NODE, 20);
        }
        log.close();
        if log.folder.state().standing(&NodeId(NODE)) != Some(Standing::Watched) {
            return log;
        }
    }
    panic!("the node is no suspect: {:?}", log.folder.state().standing(&NodeId(NODE)));
}

#[test]
fn a_conviction_pays_those_whose_audited_accusations_carried_it() {
    let mut log = accused();
    log.session(FISHER, NODE, 20);
    // He says that the node is honest, and shares in nothing.
    log.enter(bonded(NEWCOMER, log.parameters.full_weight_bond));
    log.session(NEWCOMER, NODE, 64);
    log.close();
    let before = log.account(FISHER).earned;
    for (case, kind) in [(1, 0), (2, 2)] {
        log.enter(ruling(case, NODE, kind, "1000"));
    }
    log.enter(ruling(3, [9; 32], 1, "1000"));
    log.close();
    assert_eq!(log.account(FISHER).earned, before, "proofs, bare cases and other nodes pay him nothing");
    log.enter(ruling(4, NODE, 1, "1000"));
    log.close();
    assert_eq!(log.account(FISHER).earned, before + 1_000);
    assert_eq!(log.account(NEWCOMER).earned + log.account(NEWCOMER).pending, log.price());
    log.enter(ruling(5, NODE, 1, "1000"));
    log.close();
    assert_eq!(log.account(FISHER).earned, before + 1_000, "accusations are spent with the case");
}
