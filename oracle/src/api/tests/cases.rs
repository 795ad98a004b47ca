//! Cases over both protocols: where each stands, and pages.

use gpux_proto::oracle::{
    CaseAction, CaseKind, CaseOutcome, CaseState, GetCaseRequest, ListCasesRequest,
    arbitration_service_client::ArbitrationServiceClient,
};
use tonic::Code;

use super::market::{Market, NOW};
use crate::store::{BlockFacts, BlockRef, CaseEvent, CaseFact, Filing};

fn fact(log_index: u32, case: u8, event: CaseEvent) -> CaseFact {
    CaseFact { log_index, case_id: [case; 32], transaction: [0x7a; 32], event }
}

fn filed(log_index: u32, case: u8) -> CaseFact {
    let filing = Filing {
        kind: case % 3,
        subject: [1; 32],
        node: [1; 32],
        provider: [2; 20],
        filer: [case; 20],
        rental: [0; 32],
        evidence: [4; 32],
        bond: 50,
        cap: 900,
        answer_until: NOW + 5,
        ruling_until: NOW + 20,
        frozen_until: NOW + 100,
    };
    fact(log_index, case, CaseEvent::Filed(filing))
}

/// A market with these cases in its first block and these events in its second.
async fn market(cases: std::ops::RangeInclusive<u8>, events: Vec<(u8, CaseEvent)>) -> Market {
    let market = Market::open().await;
    let steps = events.into_iter().zip(0..).map(|((case, event), index)| fact(index, case, event)).collect();
    let (mut parent, filings) = ([0; 32], cases.zip(0..).map(|(case, index)| filed(index, case)).collect());
    for (number, cases) in [(1, filings), (2, steps)] {
        let block = BlockRef { number, hash: [number as u8; 32], timestamp: NOW + number };
        let (opened, movements, bonds, entries) = Default::default();
        market.store.apply_block(BlockFacts { block, parent, opened, movements, bonds, cases, entries }).await.unwrap();
        parent = block.hash;
    }
    market.store.finalise(1).await.unwrap();
    market
}

fn ruled() -> CaseEvent {
    CaseEvent::Ruled { by: [9; 20], outcome: 1, amount: 700, levy_bps: 100, deadline: NOW + 30 }
}

#[tokio::test]
async fn a_case_stands_where_its_last_step_left_it() {
    let by = [2; 20];
    let appealed = CaseEvent::Appealed { by, counter_bond: 60, deadline: NOW + 45 };
    let events = vec![
        (2, CaseEvent::Answered { by, statement: [8; 32] }),
        (3, CaseEvent::Extended { by, cap: 1_200 }),
        (3, ruled()),
        (4, ruled()),
        (4, appealed),
        (5, CaseEvent::Escalated { deadline: NOW + 40 }),
        (6, CaseEvent::Withdrawn),
        (7, ruled()),
        (7, CaseEvent::Finalised { outcome: 1, slashed: 650 }),
        (8, CaseEvent::Finalised { outcome: 4, slashed: 0 }),
    ];
    let market = market(1..=8, events).await;
    let mut client = ArbitrationServiceClient::new(market.channel().await);
    let (open, upheld) = (CaseOutcome::Unspecified, CaseOutcome::Upheld);
    let expected = [
        (1, CaseState::Open, open, "", Some(NOW + 20)),
        (2, CaseState::Open, open, "", Some(NOW + 20)),
        (3, CaseState::Ruled, upheld, "700", Some(NOW + 30)),
        (4, CaseState::Appealed, upheld, "700", Some(NOW + 45)),
        (5, CaseState::Appealed, open, "", Some(NOW + 40)),
        (6, CaseState::Ruled, CaseOutcome::Withdrawn, "", None),
        (7, CaseState::Final, upheld, "650", None),
        (8, CaseState::Final, CaseOutcome::Expired, "0", None),
    ];
    for (number, state, outcome, amount, deadline) in expected {
        let name = format!("cases/0x{}", hex::encode([number; 32]));
        let case = client.get_case(GetCaseRequest { name: name.clone() }).await.unwrap().into_inner().case.unwrap();
        assert_eq!(
            (case.name.clone(), case.state(), case.outcome(), case.amount.as_str()),
            (name, state, outcome, amount)
        );
        assert_eq!(case.deadline.as_ref().map(|at| at.seconds as u64), deadline, "case {number}");
        assert_eq!(case.cap, if number == 3 { "1200" } else { "900" });
        let filed = &case.steps[0];
        assert_eq!((filed.action(), filed.amount.as_str(), filed.r#final), (CaseAction::Filed, "50", true));
        assert!(case.steps[1..].iter().all(|step| !step.r#final && step.block == 2));
        assert_eq!(case.rental, "");
    }
    let kinds = [CaseKind::Proof, CaseKind::Statistical, CaseKind::Bare];
    let answer = market.get(&format!("/v1/cases/0x{}", hex::encode([2; 32]))).await.json();
    assert_eq!(answer["case"]["kind"], kinds[2].as_str_name());
    assert_eq!(answer["case"]["steps"][1]["statement"], format!("0x{}", hex::encode([8; 32])));
}

#[tokio::test]
async fn cases_are_listed_in_pages_by_filter_and_errors_are_named() {
    let market = market(1..=5, vec![(3, CaseEvent::Finalised { outcome: 2, slashed: 0 })]).await;
    let mut client = ArbitrationServiceClient::new(market.channel().await);
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListCasesRequest { open: true, page_size: 2, page_token, ..ListCasesRequest::default() };
        let page = client.list_cases(request.clone()).await.unwrap().into_inner();
        seen.extend(page.cases.iter().map(|case| case.filer[2..4].to_owned()));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
        let foreign = ListCasesRequest { open: false, page_token: page_token.clone(), ..request };
        assert_eq!(client.list_cases(foreign).await.unwrap_err().code(), Code::InvalidArgument);
    }
    assert_eq!(seen, ["05", "04", "02", "01"]);
    let by = market.get(&format!("/v1/cases?filer=0x{}", hex::encode([4; 20]))).await.json();
    assert_eq!(by["cases"].as_array().unwrap().len(), 1);
    assert_eq!(market.get("/v1/cases?open=true").await.json()["cases"].as_array().unwrap().len(), 4);
    for (path, status) in [
        ("/v1/cases/0x12", 400),
        ("/v1/cases?filer=0x12", 400),
        ("/v1/cases?page_size=-1", 400),
        ("/v1/cases/0x0000000000000000000000000000000000000000000000000000000000000009", 404),
    ] {
        assert_eq!(market.get(path).await.status, status, "{path}");
    }
}
