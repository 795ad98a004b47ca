//! The OpenAPI document: whole, and true of what is answered.

use std::collections::BTreeSet;

use gpux_proto::{bytes::to_hex, evidence::Probe};
use serde_json::{Value, json};

use super::market::{FISHER, Market, node_score, pass};
use crate::{
    api::http::{Answers, ROUTES},
    store::{BlockFacts, BlockRef, CaseEvent, CaseFact, Filing},
};

const NODE: [u8; 32] = [0x11; 32];

async fn document(market: &Market) -> Value {
    let answer = market.get("/v1/openapi.json").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    answer.json()
}

/// All references of a document.
fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_path_is_described_with_words_and_every_reference_leads_somewhere() {
    let market = Market::open().await;
    let document = document(&market).await;
    let mut operations = BTreeSet::new();
    for route in ROUTES {
        let operation = &document["paths"][route.path][if route.post { "post" } else { "get" }];
        assert!(operation["summary"].as_str().is_some_and(|words| words.len() > 10), "{}: {operation}", route.path);
        operations.insert(operation["operationId"].as_str().unwrap().to_owned());
        assert_eq!(operation["requestBody"].is_object(), route.post, "{}", route.path);
        for parameter in operation["parameters"].as_array().unwrap() {
            assert!(parameter["description"].as_str().is_some_and(|words| !words.is_empty()), "{parameter}");
        }
    }
    assert_eq!(operations.len(), ROUTES.len(), "an operation is named twice");
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some_and(Value::is_object), "{reference} leads nowhere");
    }
    assert_eq!(document["components"]["schemas"]["Error"]["properties"]["reason"]["enum"][0], "MALFORMED");
}

/// Checks an answer against the schema that the document gives for it.
fn check(document: &Value, path: &str, answer: &Value) {
    let schema = &document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    let schema = json!({ "$ref": schema["$ref"], "components": document["components"] });
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let problems: Vec<_> = validator.iter_errors(answer).map(|error| error.to_string()).collect();
    assert_eq!(problems, [] as [String; 0], "{path}: {answer}");
}

#[tokio::test]
async fn what_is_answered_is_what_the_document_says() {
    let market = Market::open().await;
    market.hold_node(NODE, "GeForce RTX 3090").await;
    let report = market.hold_report(1, &pass(NODE, Probe::Imma, 1, (64, 9, 9))).await;
    market.publish(4, vec![node_score(NODE, 9_000)]).await;
    market.finalise(NODE, &[1, 2], FISHER, 5).await;
    let filing = Filing {
        kind: 1,
        subject: NODE,
        node: NODE,
        provider: [2; 20],
        filer: [3; 20],
        rental: [0; 32],
        evidence: [4; 32],
        bond: 50,
        cap: 900,
        answer_until: 10,
        ruling_until: 20,
        frozen_until: 30,
    };
    let event = CaseEvent::Filed(filing);
    let cases = vec![CaseFact { log_index: 0, case_id: [5; 32], transaction: [6; 32], event }];
    let block = BlockRef { number: 2, hash: [2; 32], timestamp: super::market::NOW };
    let (opened, movements, bonds, entries) = Default::default();
    let facts = BlockFacts { block, parent: [1; 32], opened, movements, bonds, cases, entries };
    market.store.apply_block(facts).await.unwrap();

    let document = document(&market).await;
    let node = to_hex(&NODE);
    let mut seen = BTreeSet::new();
    for (path, asked) in [
        ("/v1/nodes", "/v1/nodes".to_owned()),
        ("/v1/nodes/{node}", format!("/v1/nodes/{node}")),
        ("/v1/nodes/{node}/reputation", format!("/v1/nodes/{node}/reputation")),
        ("/v1/reputations", "/v1/reputations".into()),
        ("/v1/reports", "/v1/reports".into()),
        ("/v1/reports/{report}", format!("/v1/reports/{}", to_hex(&report))),
        ("/v1/relays", "/v1/relays".into()),
        ("/v1/log/checkpoint", "/v1/log/checkpoint".into()),
        ("/v1/log/entries", "/v1/log/entries".into()),
        ("/v1/log/inclusion", "/v1/log/inclusion?index=0&size=2".into()),
        ("/v1/log/consistency", "/v1/log/consistency?oldSize=1&newSize=2".into()),
        ("/v1/epochs/{epoch}", "/v1/epochs/latest".into()),
        ("/v1/usage", "/v1/usage".into()),
        ("/v1/usage/days", "/v1/usage/days".into()),
        ("/v1/cases", "/v1/cases".into()),
        ("/v1/cases/{case}", format!("/v1/cases/{}", to_hex(&[5; 32]))),
    ] {
        let answer = market.get(&asked).await;
        assert_eq!(answer.status, 200, "{asked}");
        check(&document, path, &answer.json());
        seen.insert(path);
    }
    // The rest needs a log that can be folded, or is no JSON; their own tests read them.
    let is_json = |answers| !matches!(answers, Answers::Bytes | Answers::Events);
    let rest = ROUTES.iter().filter(|route| !route.post && !seen.contains(route.path) && is_json(route.answers));
    let rest: Vec<_> = rest.map(|route| route.path).collect();
    assert_eq!(rest, ["/v1/nodes/{node}/explanation", "/v1/schedule", "/v1/rewards/{fisher}"]);
}

#[test]
fn a_false_answer_is_noticed() {
    let document: Value = serde_json::from_str(&crate::api::description::DOCUMENT).unwrap();
    let usage = json!({ "usage": { "transactions": 3 } });
    let noticed = std::panic::catch_unwind(|| check(&document, "/v1/usage", &usage)).is_err();
    assert!(noticed, "a number instead of a string of digits");
}
