//! Cases of Court, with everything that happened in them.
//!
//! Owns where a case stands as its steps tell it. Never judges: what each party may do now is the contract's to say.

use gpux_proto::{
    bytes::{self, to_hex},
    oracle::{
        self, CaseAction, CaseKind, CaseOutcome, CaseState, CaseStep, GetCaseRequest, GetCaseResponse,
        ListCasesRequest, ListCasesResponse,
    },
};
use pbjson_types::Timestamp;

use super::{Query, cut, id, name, page_size};
use crate::{
    api::{
        error::Error,
        page_token::{self, Cursor},
    },
    store::{Case, CaseEvent, CaseFilter, Moment},
};

impl Query {
    /// Lists cases, newest first.
    pub async fn list_cases(&self, request: ListCasesRequest) -> Result<ListCasesResponse, Error> {
        let size = page_size(request.page_size)?;
        let filter = CaseFilter {
            node: wished(&request.node, |wish| id("node", "nodes", wish))?,
            provider: wished(&request.provider, |wish| account("provider", wish))?,
            filer: wished(&request.filer, |wish| account("filer", wish))?,
            open: request.open,
        };
        let of = digest(&filter);
        let before = match Cursor::read(&request.page_token)? {
            None => None,
            Some(Cursor::Cases { filter, block, log_index }) if filter == of => Some((block, log_index)),
            Some(_) => return Err(page_token::refused()),
        };
        let limit = u32::try_from(size).unwrap_or(u32::MAX).saturating_add(1);
        let mut cases = self.store.cases(filter, before, limit).await?;
        let more = cut(&mut cases, size);
        let next = cases.last().filter(|_| more).map(|last| {
            let Moment { block, log_index, .. } = last.filed;
            Cursor::Cases { filter: of, block: block.number, log_index }.token()
        });
        Ok(ListCasesResponse { cases: cases.iter().map(told).collect(), next_page_token: next.unwrap_or_default() })
    }

    /// Returns a case.
    pub async fn get_case(&self, request: GetCaseRequest) -> Result<GetCaseResponse, Error> {
        let id = id("name", "cases", &request.name)?;
        let case = self.store.case(id).await?.ok_or_else(|| Error::not_found(name("cases", &id)))?;
        Ok(GetCaseResponse { case: Some(told(&case)) })
    }
}

fn wished<T>(wish: &str, read: impl FnOnce(&str) -> Result<T, Error>) -> Result<Option<T>, Error> {
    if wish.is_empty() { Ok(None) } else { read(wish).map(Some) }
}

fn account(field: &'static str, text: &str) -> Result<[u8; 20], Error> {
    bytes::from_hex(field, text).map_err(|error| Error::field("MALFORMED", field, error.to_string()))
}

/// Tells filters apart in page tokens.
fn digest(filter: &CaseFilter) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key("gpux/case-filter/1");
    hasher.update(format!("{filter:?}").as_bytes());
    let mut digest = [0; 16];
    hasher.finalize_xof().fill(&mut digest);
    digest
}

/// A case as it is told: where it stands follows from its steps.
fn told(case: &Case) -> oracle::Case {
    let filing = &case.filing;
    let mut told = oracle::Case {
        name: name("cases", &case.case_id),
        kind: match filing.kind {
            0 => CaseKind::Proof,
            1 => CaseKind::Statistical,
            2 => CaseKind::Bare,
            _ => CaseKind::Unspecified,
        }
        .into(),
        state: CaseState::Open.into(),
        node: to_hex(&filing.node),
        provider: to_hex(&filing.provider),
        filer: to_hex(&filing.filer),
        rental: if filing.rental == [0; 32] { String::new() } else { to_hex(&filing.rental) },
        evidence: to_hex(&filing.evidence),
        bond: filing.bond.to_string(),
        cap: filing.cap.to_string(),
        answer_until: time(filing.answer_until),
        deadline: time(filing.ruling_until),
        frozen_until: time(filing.frozen_until),
        steps: vec![step(&case.filed, &CaseEvent::Filed(filing.clone()))],
        ..oracle::Case::default()
    };
    for (moment, event) in &case.steps {
        advance(&mut told, event);
        told.steps.push(step(moment, event));
    }
    told
}

/// What an event changes of where a case stands.
fn advance(told: &mut oracle::Case, event: &CaseEvent) {
    match event {
        CaseEvent::Filed(_) | CaseEvent::Answered { .. } => {}
        CaseEvent::Extended { cap, .. } => told.cap = cap.to_string(),
        CaseEvent::Ruled { outcome, amount, deadline, .. } => {
            told.set_state(CaseState::Ruled);
            told.set_outcome(outcome_of(*outcome));
            (told.amount, told.deadline) = (amount.to_string(), time(*deadline));
        }
        CaseEvent::Escalated { deadline } | CaseEvent::Appealed { deadline, .. } => {
            told.set_state(CaseState::Appealed);
            told.deadline = time(*deadline);
        }
        CaseEvent::Withdrawn => {
            told.set_state(CaseState::Ruled);
            told.set_outcome(CaseOutcome::Withdrawn);
            told.deadline = None;
        }
        CaseEvent::Finalised { outcome, slashed } => {
            told.set_state(CaseState::Final);
            told.set_outcome(outcome_of(*outcome));
            (told.amount, told.deadline) = (slashed.to_string(), None);
        }
    }
}

fn step(moment: &Moment, event: &CaseEvent) -> CaseStep {
    let mut step = CaseStep {
        at: time(moment.block.timestamp),
        block: moment.block.number,
        transaction: to_hex(&moment.transaction),
        r#final: moment.is_final,
        ..CaseStep::default()
    };
    let action = match event {
        CaseEvent::Filed(filing) => {
            (step.actor, step.amount) = (to_hex(&filing.filer), filing.bond.to_string());
            step.deadline = time(filing.ruling_until);
            CaseAction::Filed
        }
        CaseEvent::Extended { by, cap } => {
            (step.actor, step.amount) = (to_hex(by), cap.to_string());
            CaseAction::Extended
        }
        CaseEvent::Answered { by, statement } => {
            (step.actor, step.statement) = (to_hex(by), to_hex(statement));
            CaseAction::Answered
        }
        CaseEvent::Ruled { by, outcome, amount, levy_bps, deadline } => {
            step.set_outcome(outcome_of(*outcome));
            (step.actor, step.amount) = (to_hex(by), amount.to_string());
            (step.levy_bps, step.deadline) = (u32::from(*levy_bps), time(*deadline));
            CaseAction::Ruled
        }
        CaseEvent::Escalated { deadline } => {
            step.deadline = time(*deadline);
            CaseAction::Escalated
        }
        CaseEvent::Appealed { by, counter_bond, deadline } => {
            (step.actor, step.amount, step.deadline) = (to_hex(by), counter_bond.to_string(), time(*deadline));
            CaseAction::Appealed
        }
        CaseEvent::Withdrawn => CaseAction::Withdrawn,
        CaseEvent::Finalised { outcome, slashed } => {
            step.set_outcome(outcome_of(*outcome));
            step.amount = slashed.to_string();
            CaseAction::Finalised
        }
    };
    step.set_action(action);
    step
}

fn outcome_of(outcome: u8) -> CaseOutcome {
    CaseOutcome::try_from(i32::from(outcome)).unwrap_or(CaseOutcome::Unspecified)
}

fn time(seconds: u64) -> Option<Timestamp> {
    // The chain's 40 bits fit.
    Some(Timestamp { seconds: i64::try_from(seconds).unwrap_or(i64::MAX), nanos: 0 })
}
