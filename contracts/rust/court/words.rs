//! What Court refuses, in words that say what to do.

use alloy::primitives::Bytes;
use alloy::sol_types::SolInterface as _;

use super::case::{Kind, State};
use crate::bindings::{Bonds, Court, Rentals};

/// The words for a revert's data; none if no contract of ours says it.
pub(super) fn explain(data: &Bytes) -> Option<String> {
    if let Ok(error) = Court::CourtErrors::abi_decode(data) {
        return Some(court(&error));
    }
    if let Ok(error) = Bonds::BondsErrors::abi_decode(data) {
        return Some(format!(
            "the bond does not suffice or is not free ({error:?}): deposit in Bonds, or wait until it is unlocked"
        ));
    }
    let error = Rentals::RentalsErrors::abi_decode(data).ok()?;
    Some(format!("the escrow refuses: {error:?}"))
}

fn court(error: &Court::CourtErrors) -> String {
    use Court::CourtErrors as E;
    let state = |number| State::of(number).map_or_else(|| number.to_string(), |state: State| state.to_string());
    let kind = |number| Kind::of(number).map_or_else(|| number.to_string(), |kind: Kind| kind.to_string());
    match error {
        E::EmptyArray(_) => "no rental is named: the node holds nothing that a case could reach".to_owned(),
        E::TooMany(e) => format!("{} rentals are named, {} are taken at most", e.given, e.most),
        E::RentalsOutOfOrder(_) => "rentals are not in rising order of their ids, each once".to_owned(),
        E::ForeignRental(e) => format!("rental {} belongs to another case or node", e.rental),
        E::BadIndex(_) => "the filer's own rental is not among those named".to_owned(),
        E::ZeroEvidence(_) => "a digest of zero says nothing: name the statement".to_owned(),
        E::ZeroAmount(_) => "an upheld case takes an amount or a levy: name one".to_owned(),
        E::NoteMismatch(e) => {
            format!("{} did not rent {}: only the renter can file about it, with the note's salt", e.caller, e.rental)
        }
        E::NotConvicting(e) => {
            format!("epoch {} has no active leaf that convicts the node: ask the oracle for the newest one", e.epoch)
        }
        E::StaleLeaf(e) => format!("epoch {} began before the node's last case ended: wait for a later leaf", e.epoch),
        E::NotHonest(e) => format!("epoch {} has no active leaf that calls the node honest", e.epoch),
        E::FilingIsPaused(e) => format!("filing is paused until {}", e.until),
        E::FilingClosed(e) => format!("the rental ended too long ago: it could be filed about until {}", e.until),
        E::TriedRecently(e) => format!("a statistical case about the node has just ended: wait until {}", e.until),
        E::CaseIsOpen(e) => format!("case {} about the same is open: extend that one", e.id),
        E::AlreadyFiled(e) => format!("this evidence was filed before, as case {}", e.id),
        E::NothingHeld(_) => "nothing is held that a case could reach: its earnings are past their hold".to_owned(),
        E::UnknownCase(e) => format!("there is no case {}", e.id),
        E::WrongState(e) => format!("the case is {}, which does not allow this", state(e.state)),
        E::WrongKind(e) => format!("a {} case does not allow this", kind(e.kind)),
        E::NotEntitled(e) => format!("{} has no part in this step: see whose turn it is", e.caller),
        E::AlreadyAnswered(_) => "the provider has answered already".to_owned(),
        E::TooLate(e) => format!("the window ended at {}", e.deadline),
        E::TooEarly(e) => format!("the window begins after {}", e.from),
        E::BadOutcome(_) => "a court rules upheld, rejected or drawn".to_owned(),
        E::NothingToTake(_) => "only an upheld case takes an amount or a levy".to_owned(),
        E::AboveCap(e) => format!("{} is above the cap of {}", e.given, e.cap),
        E::Unreached(e) => format!("the rentals named hold {} of the {} ruled: name more", e.slashed, e.wanted),
        E::NothingNew(e) => format!("the rentals named hold {}, and {} is known already", e.shown, e.cap),
        E::TooFewSignatures(e) => {
            format!("the operators' signatures do not suffice: {} of {} are there", e.given, e.wanted)
        }
        E::NotAnOperator(e) => {
            format!("the operators' signatures do not suffice: {} is no operator, or signed something else", e.signer)
        }
        E::NoLevy(_) => "the node has no levy that runs".to_owned(),
        other => format!("Court refuses: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use alloy::sol_types::SolError as _;

    use super::*;

    #[test]
    fn refusals_say_what_to_do() {
        let said = |data: Vec<u8>| explain(&data.into()).unwrap();
        let early = Court::TooEarly { id: Default::default(), from: alloy::primitives::aliases::U40::from(77) };
        assert!(said(early.abi_encode()).contains("begins after 77"));
        let wrong = Court::WrongState { id: Default::default(), state: 4 };
        assert!(said(wrong.abi_encode()).contains("is final"));
        assert_eq!(explain(&Bytes::from_static(&[1, 2, 3, 4])), None);
    }
}
