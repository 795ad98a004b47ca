//! Who may see what is sealed, and how an account shows that it is one of them.
//!
//! Owns the checks of an opening. It is signed for one bundle or report, one market and an hour at most, so that one that was
//! overheard opens little and not for long. Its invariant: the account is recovered from the signature, never believed.

use alloy::primitives::{Address, B256};
use gpux_contracts::opening_digest;
use gpux_proto::{
    bytes::from_hex,
    oracle::Opening,
    signing::{self, recover_ecdsa},
};

use super::Query;
use crate::{
    api::error::Error,
    publish::OperatorsError,
    store::{Digest, ReportRow},
};

/// How far ahead of the oracle's clock an opening may end, in seconds.
const AHEAD_SECS_MAX: u64 = 3_600;

impl Query {
    /// Refuses whoever may not see a sealed report: everybody but operators. They need it before the seal ends, to sign what is
    /// folded of it.
    pub(super) async fn require_operator(&self, opening: &Opening, report: Digest, now: u64) -> Result<(), Error> {
        let account = self.signer(opening, report, now)?;
        if self.is_operator(account).await? { Ok(()) } else { Err(denied(account, "no operator")) }
    }

    /// Refuses whoever may not see a sealed bundle: everybody but operators and the parties of a case that its session
    /// founds. What is signed is the subject that was asked for, the bundle's digest or a case. A statistical case opens nothing, since it names no session.
    pub(super) async fn require_party(
        &self,
        (opening, subject): (&Opening, Digest),
        bundle: Digest,
        row: &ReportRow,
        now: u64,
    ) -> Result<(), Error> {
        let account = self.signer(opening, subject, now)?;
        // The chain is asked last: it costs more than a row.
        if self.store.is_party(account.into_array(), bundle, row.rental).await? || self.is_operator(account).await? {
            return Ok(());
        }
        Err(denied(account, "neither an operator nor a party of a case about this bundle"))
    }

    /// Whether an account is an operator now.
    pub(in crate::api) async fn is_operator(&self, account: Address) -> Result<bool, Error> {
        Ok(self.view.operators.contains(account).await?)
    }

    fn signer(&self, opening: &Opening, subject: Digest, now: u64) -> Result<Address, Error> {
        let until = opening.valid_until;
        let void = |why: String| Error::field("OPENING_VOID", "opening.valid_until", why);
        if until <= now {
            return Err(void(format!("the opening ended at {until}, now is {now}")));
        }
        if until - now > AHEAD_SECS_MAX {
            return Err(void(format!("the opening ends at {until}, more than {AHEAD_SECS_MAX} s after {now}")));
        }
        let malformed = |error: gpux_proto::bytes::Error| Error::field("MALFORMED", "opening", error.to_string());
        let signature: [u8; 65] = from_hex("opening.signature", &opening.signature).map_err(malformed)?;
        let deployment = &self.view.deployment;
        let digest = opening_digest(B256::from(subject), until, deployment.chain_id, deployment.court)
            .ok_or_else(|| void(format!("{until} has more than 40 bits")))?;
        let unsigned = |error: signing::Error| Error::field("BAD_SIGNATURE", "opening.signature", error.to_string());
        let account = recover_ecdsa("opening", &digest, &signature).map_err(unsigned)?;
        if !opening.account.is_empty() {
            let named = Address::from(from_hex::<20>("opening.account", &opening.account).map_err(malformed)?);
            if named != account {
                return Err(unsigned(signing::Error::Ecdsa { kind: "opening", expected: named }));
            }
        }
        Ok(account)
    }
}

fn denied(account: Address, what: &str) -> Error {
    Error::new("OPENING_DENIED", format!("account {account} is {what}"))
}

impl From<OperatorsError> for Error {
    fn from(error: OperatorsError) -> Self {
        match error {
            OperatorsError::Busy => Self::new("RATE_LIMITED", error.to_string()).retryable(),
            OperatorsError::Chain(error) => {
                // Its words may contain the RPC's address.
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot ask who is an operator");
                Self::new("UNAVAILABLE", "the oracle cannot ask its chain who is an operator").retryable()
            }
        }
    }
}
