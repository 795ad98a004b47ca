//! Reports with one thing wrong each, about rentals that were really paid.

use crate::{Ask, Asker, FUTURE, Ground, cheaper};
use gpux_proto::{
    evidence::{DeviceKind, Outcome, Report, Signed, Step},
    oracle::SubmitReportRequest,
    signing::{self, Domain},
};
use gpux_tests::{
    chain::TOKEN,
    clock::unix_seconds,
    fisher::{Fisher, Rental},
    host::{Keys, timestamp},
};

fn submit(report: Signed) -> Ask {
    Ask::Submit(SubmitReportRequest { report: Some(report), bundle: Vec::new() })
}

/// Commits to a report and submits it: what is refused then is refused for the report itself.
async fn committed(ground: &Ground, asker: &mut Asker, report: &Report) -> Ask {
    let signed = ground.fisher.sign(report);
    let commit = ground.fisher.commit(&ground.stage.chain.deployment, &signed);
    asker.accepted_in_time(&Ask::Commit(commit)).await;
    submit(signed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_with_one_thing_wrong_is_refused_for_that_thing() {
    let ground = Ground::set().await;
    let deployment = &ground.stage.chain.deployment;
    let other = Fisher::create(&ground.stage.chain, &ground.stage.keys, "other", 1_000 * TOKEN).await.unwrap();
    let offer = ground.description.offer.clone().unwrap();
    let rentals = ground.fisher.rent(&ground.stage.chain, &offer, 3).await.unwrap();
    let low = ground.fisher.rent(&ground.stage.chain, &cheaper(&ground), 1).await.unwrap().remove(0);
    let theirs = other.rent(&ground.stage.chain, &offer, 1).await.unwrap().remove(0);
    ground.stage.chain.run().await.unwrap();
    let mut asker = ground.asker().await;
    ground.introduce(&mut asker).await;
    let good = ground.fisher.report(deployment, &rentals[0]).unwrap();
    let with = |change: &dyn Fn(&mut Report)| {
        let mut report = good.clone();
        change(&mut report);
        report
    };
    let unpaid = ground.fisher.report(deployment, &ground.fisher.terms(deployment, &offer).unwrap()).unwrap();
    let stranger = Keys::random().unwrap();
    let own = |rental: &Rental| ground.fisher.report(deployment, rental).unwrap();

    let cases = [
        ("OVERSIZED", with(&|r| r.detail = "x".repeat(64 << 10))),
        ("MALFORMED", with(&|r| r.detail = "x".repeat(600))),
        ("MALFORMED", with(&|r| r.node.truncate(31))),
        ("MALFORMED", with(&|r| r.terms = None)),
        ("MALFORMED", with(&|r| (r.outcome, r.x_lower) = (Outcome::Fail.into(), 64))),
        ("MALFORMED", with(&|r| (r.outcome, r.step) = (Outcome::Pass.into(), Step::Unspecified.into()))),
        ("FOREIGN_CHAIN", with(&|r| r.chain_id += 1)),
        ("FOREIGN_CHAIN", with(&|r| r.rentals = deployment.scores.to_vec())),
        ("FUTURE_DATED", with(&|r| r.end_time = Some(timestamp(unix_seconds() + FUTURE)))),
        ("DEVICE_REFUSED", with(&|r| r.device = DeviceKind::Cpu.into())),
        ("DEVICE_REFUSED", with(&|r| r.device = DeviceKind::Unspecified.into())),
        ("DEVICE_REFUSED", with(&|r| r.probe = gpux_proto::evidence::Probe::Ram.into())),
        ("OFFER_VOID", with(&|r| r.offer.as_mut().unwrap().node_signature.clear())),
        ("OFFER_VOID", with(&|r| r.offer.as_mut().unwrap().provider_signature.clear())),
        (
            "OFFER_VOID",
            with(&|r| {
                let named = r.offer.as_mut().unwrap().offer.as_mut().unwrap();
                named.provider = stranger.provider.address().to_vec();
            }),
        ),
        ("RENTAL_BELOW_OFFER", Report { offer: Some(offer.clone()), ..own(&low) }),
        ("RENTAL_FOREIGN", with(&|r| r.rental = rentals[1].id.to_vec())),
        ("RENTAL_FOREIGN", with(&|r| r.node = stranger.id().to_vec())),
        ("RENTAL_UNKNOWN", unpaid),
        ("NOTE_MISMATCH", own(&Rental { salt: rentals[0].salt, ..theirs })),
        ("NOTE_MISMATCH", with(&|r| r.note_salt = vec![9; 32])),
    ];
    for (reason, report) in &cases {
        let ask = committed(&ground, &mut asker, report).await;
        asker.refused(&ask, reason).await;
    }
    signatures(&ground, &mut asker, &good).await;
    once(&ground, &mut asker, &good, &rentals).await;
}

/// What is wrong with the envelope, not with the report.
async fn signatures(ground: &Ground, asker: &mut Asker, good: &Report) {
    let signed = ground.fisher.sign(good);
    asker.refused(&submit(signed.clone()), "NOT_COMMITTED").await;
    let commit = ground.fisher.commit(&ground.stage.chain.deployment, &signed);
    asker.accepted_in_time(&Ask::Commit(commit)).await;
    let forged = signing::sign(Domain::Report, good, &Keys::random().unwrap().node);
    asker.refused(&submit(forged), "BAD_SIGNATURE").await;
    // The same bytes signed as a commit: a signature over one kind is none over another.
    let other_kind = signing::sign(Domain::Commit, good, &ground.fisher.report_key);
    asker.refused(&submit(other_kind), "BAD_SIGNATURE").await;
    let mut truncated = signed.clone();
    truncated.payload.pop();
    truncated.signature =
        signing::sign_id(&signing::id(Domain::Report, &truncated.payload), &ground.fisher.report_key).to_vec();
    asker.refused(&submit(truncated), "MALFORMED").await;
    let bundle = vec![0; 64];
    asker.refused(&Ask::Submit(SubmitReportRequest { report: Some(signed.clone()), bundle }), "MALFORMED").await;
    let bundle = vec![0; (4 << 20) + 1];
    asker.refused(&Ask::Submit(SubmitReportRequest { report: Some(signed), bundle }), "OVERSIZED").await;
    assert_eq!(asker.posted("/v1/reports", b"{\"report\":".to_vec()).await, "MALFORMED");
    // One byte above the limit of anything but a report.
    assert_eq!(asker.posted("/v1/commits", vec![b' '; (256 << 10) + 1]).await, "OVERSIZED");
}

/// A report counts once, and so does a rental.
async fn once(ground: &Ground, asker: &mut Asker, good: &Report, rentals: &[Rental]) {
    let ask = submit(ground.fisher.sign(good));
    asker.accepted_in_time(&ask).await;
    asker.refused(&ask, "REPORT_REPLAYED").await;
    let again = Report { detail: "the same rental, told differently".to_owned(), ..good.clone() };
    let again = committed(ground, asker, &again).await;
    asker.refused(&again, "REPORT_REPLAYED").await;
    let next = ground.fisher.report(&ground.stage.chain.deployment, &rentals[2]).unwrap();
    let next = committed(ground, asker, &next).await;
    asker.accepted_in_time(&next).await;
}
