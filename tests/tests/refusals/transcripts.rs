//! A real session's evidence, altered after the fact by a host and a fisher who work together: openings other than the
//! draw, other figures than the transcript's, another transcript than the report's.

use crate::{Ask, Asker};
use ed25519_dalek::SigningKey;
use gpux_contracts::keys;
use gpux_proto::{
    evidence::{
        Bundle, Direction, Hello, JobInput, JobOutput, Open, Report, Signed, TranscriptFrame, job_input, job_output,
    },
    frames::{Chains, FRAME_BYTES_MAX, Side},
    oracle::SubmitReportRequest,
    signing::{self, Domain},
    stream,
};
use gpux_tests::{
    capture::Capture,
    chain::{Account, TOKEN},
    fisher::Fisher,
    market::cast::{CAST, Truth},
    stage::Stage,
};
use prost::Message as _;
use std::time::Duration;

/// A session as a real fisher reported it, and the keys of both sides.
struct Session {
    report: Report,
    bundle: Bundle,
    node_key: SigningKey,
    fisher: Fisher,
}

/// Lets a real node and a real fisher run one session, and keeps what the fisher would have told an oracle.
async fn record(stage: &Stage) -> Session {
    let role = CAST.iter().find(|role| role.truth == Truth::Honest && role.simulate.is_some()).unwrap();
    let account = Account::create(&stage.keys, "fisher").unwrap();
    stage.chain.fund(account.address(), 10_000 * TOKEN).await.unwrap();
    stage.chain.bond(&account.signer, 1_000 * TOKEN).await.unwrap();
    stage.chain.run().await.unwrap();
    let mut capture = Capture::serve().await.unwrap();
    let node = stage.node(&capture.url, role).await.unwrap();
    let more = ["--sessions", "4", "--parallel", "1", "--node", &node.id];
    let _fisher = stage.fisher("prober", &account, &capture.url, &more).await.unwrap();
    let submitted = tokio::time::timeout(Duration::from_secs(90), async {
        loop {
            let request = capture.submitted.recv().await.unwrap();
            if !request.bundle.is_empty() {
                return request;
            }
        }
    });
    let submitted = submitted.await.expect("no session was reported");
    let key = |path: std::path::PathBuf| SigningKey::from_bytes(&keys::ed25519(&path).unwrap());
    Session {
        report: signing::open(Domain::Report, &submitted.report.unwrap()).unwrap(),
        bundle: Bundle::decode(submitted.bundle.as_slice()).unwrap(),
        node_key: key(stage.data(role.name).join("node.key")),
        fisher: Fisher { report_key: key(stage.data("prober").join("report.key")), account },
    }
}

/// Rewrites the node's answers after the reveal and signs its frames anew; everything before stays as both signed it.
fn with_openings(session: &Session, change: impl Fn(&mut Vec<gpux_proto::evidence::Opening>)) -> Bundle {
    let mut bundle = session.bundle.clone();
    let open: Open = signing::open(Domain::Open, bundle.open.as_ref().unwrap()).unwrap();
    let hello: Hello = signing::open(Domain::Hello, bundle.hello.as_ref().unwrap()).unwrap();
    let renter = signing::public_key("session key", &hello.session_key).unwrap();
    assert_eq!(open.node, session.node_key.verifying_key().to_bytes());
    let mut chains = Chains::new(signing::id(Domain::Open, &bundle.open.as_ref().unwrap().payload));
    let (mut inputs, mut outputs) = (stream::Reader::default(), stream::Reader::default());
    let (mut kept, mut revealed, mut answers) = (Vec::new(), false, Vec::new());
    let last_us = bundle.frames.last().unwrap().time_us;
    for transcript in std::mem::take(&mut bundle.frames) {
        let frame = transcript.frame.clone().unwrap();
        if transcript.direction() == Direction::Renter {
            chains.receive(Side::Renter, &frame, &renter).unwrap();
            inputs.push(&frame.data);
            while let Some(input) = inputs.take::<JobInput>().unwrap() {
                revealed |= matches!(input.message, Some(job_input::Message::Reveal(_)));
            }
            kept.push(transcript);
        } else if revealed {
            outputs.push(&frame.data);
        } else {
            chains.receive(Side::Node, &frame, &session.node_key.verifying_key()).unwrap();
            kept.push(transcript);
        }
    }
    while let Some(mut output) = outputs.take::<JobOutput>().unwrap() {
        if let Some(job_output::Message::Openings(openings)) = &mut output.message {
            change(&mut openings.openings);
        }
        answers.extend(stream::encode(&output));
    }
    for piece in answers.chunks(FRAME_BYTES_MAX) {
        let frame = chains.send(Side::Node, piece.to_vec(), &session.node_key).unwrap();
        kept.push(TranscriptFrame { direction: Direction::Node.into(), frame: Some(frame), time_us: last_us });
    }
    bundle.frames = kept;
    bundle
}

/// The report over a bundle, signed; committed to in advance.
async fn submission(stage: &Stage, asker: &mut Asker, session: &Session, report: Report, bundle: &Bundle) -> Ask {
    let bundle = bundle.encode_to_vec();
    let report = Report { bundle_digest: signing::id(Domain::Bundle, &bundle).to_vec(), ..report };
    let signed: Signed = session.fisher.sign(&report);
    let commit = session.fisher.commit(&stage.chain.deployment, &signed);
    asker.accepted_in_time(&Ask::Commit(commit)).await;
    Ask::Submit(SubmitReportRequest { report: Some(signed), bundle })
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_that_says_something_else_than_its_report_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::set(folder.path()).await.unwrap();
    let session = record(&stage).await;
    let oracle = stage.oracle("oracle").await.unwrap();
    let mut asker = Asker::new(&oracle.api).await;
    let description = gpux_proto::evidence::Description {
        descriptor: session.bundle.descriptor.clone(),
        offer: session.bundle.offer.clone(),
        membership: None,
    };
    asker.accepted(&Ask::Announce(description)).await;
    let registration = session.fisher.registration(&stage.chain.deployment).unwrap();
    asker.accepted(&Ask::Register(registration)).await;
    let good = &session.report;

    let fewer = with_openings(&session, |openings| drop(openings.pop()));
    let other = with_openings(&session, |openings| openings[0].index ^= 1);
    let twice = with_openings(&session, |openings| openings[1] = openings[0].clone());
    // Another variant than the one that ran: what the node was given cannot be built again.
    let mut variant = session.bundle.clone();
    assert_ne!(variant.variant, [0; 32], "a fisher draws a variant");
    variant.variant[0] ^= 1;
    for bundle in [&fewer, &other, &twice, &variant] {
        let ask = submission(&stage, &mut asker, &session, good.clone(), bundle).await;
        asker.refused(&ask, "BUNDLE_DISAGREES").await;
    }
    let better = Report { x_lower: good.x_lower - 1, x_upper: good.x_upper - 1, ..good.clone() };
    let ask = submission(&stage, &mut asker, &session, better, &session.bundle).await;
    asker.refused(&ask, "BUNDLE_DISAGREES").await;
    // The transcript ran on a simulated device; a report that calls it a real card is about another device.
    let real = Report { device: gpux_proto::evidence::DeviceKind::Cuda.into(), ..good.clone() };
    let ask = submission(&stage, &mut asker, &session, real, &session.bundle).await;
    asker.refused(&ask, "BUNDLE_DISAGREES").await;
    let Ask::Submit(mut swapped) = submission(&stage, &mut asker, &session, good.clone(), &session.bundle).await else {
        unreachable!("a submission is a submission")
    };
    let untouched = Ask::Submit(swapped.clone());
    swapped.bundle = fewer.encode_to_vec();
    asker.refused(&Ask::Submit(swapped), "BUNDLE_MISMATCH").await;
    asker.accepted_in_time(&untouched).await;
}
