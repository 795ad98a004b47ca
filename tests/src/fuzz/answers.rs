//! What an oracle answers a fisher: a refusal with any details, and the certainty that its words are safe to print.

use arbitrary::{Arbitrary, Unstructured};
use gpux_prober::report::Refusal;
use tonic::{Code, Status, metadata::MetadataMap};

#[derive(Arbitrary, Debug)]
struct Answer {
    code: u8,
    message: String,
    details: Vec<u8>,
}

/// The longest of a refusal's texts, in bytes; "code: " stands before a message.
const WORDS_BYTES_MAX: usize = 256;

/// Reads a refusal.
pub(super) fn run(input: &[u8]) {
    let Ok(answer) = Unstructured::new(input).arbitrary::<Answer>() else { return };
    let code = Code::from(i32::from(answer.code % 17));
    let status = Status::with_details_and_metadata(code, answer.message, answer.details.into(), MetadataMap::new());
    let refusal = Refusal::of(&status);
    for text in [&refusal.reason, &refusal.message] {
        assert!(text.len() <= WORDS_BYTES_MAX && !text.chars().any(char::is_control), "{text:?} is no safe text");
    }
}

/// Refusals as an oracle writes them.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    use tonic_types::{ErrorDetails, StatusExt as _};
    let mut details = ErrorDetails::with_error_info("RENTAL_UNKNOWN", "gpux", []);
    details.set_retry_info(Some(std::time::Duration::from_secs(5)));
    let status = Status::with_error_details(Code::Unavailable, "later", details);
    let mut dice = super::replay::Dice::new("answers");
    vec![[&[14], status.details()].concat(), dice.bytes(40), dice.bytes(200)]
}
