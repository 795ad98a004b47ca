//! What nobody signed, and what is counted otherwise than it was signed.

use gpux_proto::{
    bytes::to_hex,
    evidence::{Outcome, Step, log_entry::Fact},
    signing::SigningKey,
};

use super::{
    cast::{Cast, folded, revealed},
    lies::{place, refused, told},
    stage::{FIRST, Script},
};
use crate::audit::fixture::audit_of;

#[tokio::test]
async fn entries_that_nobody_signed_are_refused() {
    refused(
        |script| {
            let at = script.place(|fact| matches!(fact, Fact::NodeAnnounced(_)));
            let Fact::NodeAnnounced(announced) = &mut script.facts[at] else { unreachable!() };
            let description = announced.description.as_mut().unwrap();
            description.offer.as_mut().unwrap().node_signature[5] ^= 1;
            at
        },
        "the offer is void: the ed25519 signature over the offer does not verify",
    )
    .await;
    refused(
        |script| {
            let at = script.place(|fact| matches!(fact, Fact::NodeAnnounced(_)));
            let Fact::NodeAnnounced(announced) = &mut script.facts[at] else { unreachable!() };
            announced.description.as_mut().unwrap().descriptor.as_mut().unwrap().signature[5] ^= 1;
            at
        },
        "does not verify",
    )
    .await;
    refused(
        |script| {
            let at = script.place(|fact| matches!(fact, Fact::FisherRegistered(_)));
            script.facts[at] = Fact::FisherRegistered(script.cast.registered_by(&script.cast.stranger));
            at
        },
        "the registration signature is not by 0x",
    )
    .await;
    refused(
        |script| {
            let at = script.place(|fact| matches!(fact, Fact::RelayRegistered(_)));
            script.facts[at] = Fact::RelayRegistered(script.cast.relay_by(0, &script.cast.stranger));
            at
        },
        "the relay signature is not by 0x",
    )
    .await;
    let round = refused(
        |script| {
            let signed = script.reports[1].1.clone();
            let commit = Fact::ReportCommitted(script.cast.committed(&signed));
            let at = script.place(|fact| *fact == commit);
            let forged = script.cast.committed_by(&signed, &SigningKey::from_bytes(&[0x77; 32]));
            script.facts[at] = Fact::ReportCommitted(forged);
            at
        },
        "the ed25519 signature over the gpux/commit/1 does not verify",
    )
    .await;
    assert_eq!((round.signed, round.refused.unwrap().epoch), (vec![FIRST], FIRST + 1));
    refused(
        |script| {
            let at = script.place(|fact| matches!(fact, Fact::FisherRegistered(_)));
            let mut of = super::stage::deployment();
            of.chain_id += 1;
            let foreign = Cast::new(of);
            script.facts[at] = Fact::FisherRegistered(foreign.registered_by(&foreign.fisher));
            at
        },
        "registration is meant for another chain or contract",
    )
    .await;
}

#[tokio::test]
async fn reports_that_are_folded_otherwise_than_signed_are_refused() {
    let fold = |change: fn(&mut gpux_proto::evidence::ReportFolded)| {
        move |script: &mut Script| {
            let at = place(script, FIRST + 1);
            let Fact::ReportFolded(folded) = &mut script.facts[at] else { unreachable!() };
            change(folded);
            let audit = audit_of(folded, Cast::owner(0).address().into_array());
            script.facts[at + 1] = Fact::AuditFolded(audit);
            at
        }
    };
    let round = refused(
        fold(|folded| (folded.x_lower, folded.x_upper) = (61, 61)),
        "it is folded with x = 61/64 to 61/64, signed is 60/64 to 60/64",
    )
    .await;
    assert_eq!((round.signed, round.refused.unwrap().epoch), (vec![FIRST], FIRST + 1));
    refused(fold(|folded| folded.node = vec![9; 32]), "it is folded for node 0x0909").await;
    refused(fold(|folded| folded.resource = 1), "it is folded for resource 1, signed is").await;
    refused(fold(|folded| folded.epoch -= 1), "it is folded as of epoch 10, it was revealed in 11").await;
    refused(
        fold(|folded| (folded.x_lower, folded.x_upper, folded.inconclusive) = (0, 64, true)),
        "it is folded with inconclusive = true, signed is false",
    )
    .await;
    refused(
        fold(|folded| {
            (folded.x_lower, folded.x_upper, folded.inconclusive, folded.refuted) = (0, 64, true, true);
        }),
        "it is folded as refuted with x = 0/64 to 64/64, signed is a pass",
    )
    .await;
    refused(
        |script| {
            let at = place(script, FIRST + 1);
            let Fact::ReportRevealed(revealed) = &mut script.facts[at - 2] else { unreachable!() };
            // A relay that would have weighed as much.
            revealed.relay = Cast::relay(1).verifying_key().to_bytes().to_vec();
            let Fact::AuditFolded(audit) = &mut script.facts[at + 1] else { unreachable!() };
            audit.owner = Cast::owner(1).address().to_vec();
            at
        },
        "it was revealed through relay 0x",
    )
    .await;
}

#[tokio::test]
async fn a_report_that_was_never_revealed_does_not_count() {
    refused(
        |script| {
            let at = place(script, FIRST + 1);
            script.facts.remove(at - 2);
            at - 1
        },
        "was never revealed",
    )
    .await;
}

#[tokio::test]
async fn a_failure_may_be_refuted_and_nothing_else_said_of_it() {
    let failed = |refuted: bool| {
        let mut script = Script::new();
        let epoch = FIRST + 1;
        let mut report = script.cast.report(epoch, 0);
        report.set_outcome(Outcome::Fail);
        report.set_step(Step::Window);
        let signed = script.cast.sign(&report);
        let at = place(&script, epoch);
        let mut counted = folded(&report, &signed, epoch);
        if refuted {
            (counted.x_upper, counted.inconclusive, counted.refuted) = (64, true, true);
        }
        script.facts[at - 3] = Fact::ReportCommitted(script.cast.committed(&signed));
        script.facts[at - 2] = Fact::ReportRevealed(revealed(&report, &signed, epoch));
        script.facts[at + 1] = Fact::AuditFolded(audit_of(&counted, Cast::owner(0).address().into_array()));
        script.facts[at] = Fact::ReportFolded(counted);
        script.reports[1] = (report, signed);
        script.shown()
    };
    for refuted in [false, true] {
        let round = told(failed(refuted)).await;
        assert_eq!((round.refused, round.waits, round.signed.len()), (None, None, 4), "refuted = {refuted}");
    }
}

#[tokio::test]
async fn reports_that_are_not_shown_or_are_others_are_not_signed() {
    let script = Script::new();
    let name = |number: usize| {
        let payload = &script.reports[number].1.payload;
        to_hex(&gpux_proto::signing::id(gpux_proto::signing::Domain::Report, payload))
    };
    let mut hidden = script.shown();
    hidden.reports.remove(&name(1));
    let round = told(hidden).await;
    assert_eq!((round.signed, round.refused), (vec![FIRST], None));
    let waits = round.waits.unwrap();
    assert!(waits.contains(&format!("the leader does not show report {}", name(1))), "{waits}");
    assert!(waits.ends_with("no such report"), "{waits}");

    let mut other = script.shown();
    other.reports.insert(name(1), script.reports[2].1.clone());
    let refusal = told(other).await.refused.unwrap();
    assert!(refusal.what.contains(&format!("what is shown is report {}", name(2))), "{refusal}");
    let mut forged = script.shown();
    forged.reports.get_mut(&name(1)).unwrap().signature[3] ^= 1;
    let refusal = told(forged).await.refused.unwrap();
    assert!(refusal.what.contains("the ed25519 signature over the gpux/report/1 does not verify"), "{refusal}");
}
