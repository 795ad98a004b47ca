//! The documented errors, as `explain-error` tells them.
//!
//! Owns nothing but the way into `docs/errors.md`, which the program carries: every code that a client can see has a row there,
//! and a test compares it with the codes that are answered.

const DOCUMENT: &str = include_str!("../../docs/errors.md");

/// A row of the document, each cell under its heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation(Vec<(&'static str, &'static str)>);

impl Explanation {
    /// The headings and what stands below them.
    #[must_use]
    pub fn cells(&self) -> &[(&'static str, &'static str)] {
        &self.0
    }
}

/// All that the document says of a code, or of a step at which sessions end; nothing of what it does not name.
#[must_use]
pub fn explain(code: &str) -> Vec<Explanation> {
    let code = code.trim();
    let mut found = Vec::new();
    let mut headings: Vec<&str> = Vec::new();
    let mut before: Vec<&str> = Vec::new();
    for line in DOCUMENT.lines() {
        let Some(row) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else { continue };
        let cells: Vec<_> = row.split(" | ").map(str::trim).collect();
        if cells.iter().all(|cell| cell.bytes().all(|byte| byte == b'-')) {
            headings = before.clone();
        } else if cells.iter().take(2).any(|cell| names(cell, code)) {
            found.push(Explanation(headings.iter().copied().zip(cells.iter().copied()).collect()));
        }
        before = cells;
    }
    found
}

/// Whether a cell names the code: "`A`" or "`a`, `b`".
fn names(cell: &str, code: &str) -> bool {
    cell.split(", ").any(|name| {
        let name = name.strip_prefix('`').and_then(|name| name.strip_suffix('`'));
        name.is_some_and(|name| name.eq_ignore_ascii_case(code))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::REASONS;

    #[test]
    fn every_reason_is_explained_whole() {
        for reason in REASONS {
            let found = explain(reason.code);
            assert_eq!(found.len(), 1, "{}", reason.code);
            let headings: Vec<_> = found[0].cells().iter().map(|(heading, _)| *heading).collect();
            assert_eq!(headings, ["reason", "gRPC", "HTTP", "retry", "what it means", "what to do"], "{}", reason.code);
            assert_eq!(found[0].cells()[1].1, reason.grpc_name());
        }
    }

    #[test]
    fn codes_of_relays_nodes_and_sessions_are_found_too_and_nothing_else() {
        assert_eq!(explain("RELAY_BUSY")[0].cells()[0], ("whose", "relay"));
        assert_eq!(explain("seal_broken")[0].cells()[2], ("gRPC", "INVALID_ARGUMENT"));
        assert!(explain("window").len() == 2 && explain("root").len() == 2);
        for unknown in ["", "`", "reason", "NO_SUCH_CODE", "RELAY_", "INVALID_ARGUMENT", "---"] {
            assert_eq!(explain(unknown), [], "{unknown:?}");
        }
    }
}
