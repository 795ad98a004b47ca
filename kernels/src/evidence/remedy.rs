//! What to do about the end of a session: a name for every step, and a sentence for every outcome at every step. Owns words
//! only; outcome and step are the report's (`gpux.evidence.v1`). Invariant: docs/errors.md holds the same sentences.

use gpux_proto::evidence::{Outcome, Step};

/// Returns a step's short name; empty where a session ended nowhere before its end.
#[must_use]
pub fn step_name(step: Step) -> &'static str {
    match step {
        Step::Unspecified => "",
        Step::Describe => "describe",
        Step::Rent => "rent",
        Step::Hello => "hello",
        Step::Open => "open",
        Step::Prepare => "prepare",
        Step::Window => "window",
        Step::Root => "root",
        Step::Opening => "opening",
        Step::Verify => "verify",
    }
}

/// Returns what to do about a session that came to `outcome` at `step`: for a failure what the host can do, for an
/// inconclusive session what the fisher can. Empty for a pass.
#[must_use]
pub fn remedy(outcome: Outcome, step: Step) -> &'static str {
    match (outcome, step) {
        (Outcome::Pass, _) => "",
        (Outcome::Fail, Step::Prepare) => {
            "host: the job could not be set up; check the driver and that all advertised memory is free while a rental runs"
        }
        (Outcome::Fail, Step::Window) => {
            "host: an answer was late, malformed or missing in a timed window; look for a stalled device, and do not share it"
        }
        (Outcome::Fail, Step::Root) => {
            "host: the signed root of all results did not come alone and in time; update the agent, which signs it"
        }
        (Outcome::Fail, Step::Opening) => {
            "host: what was opened is not what was drawn, counted or committed to; run the released worker unchanged"
        }
        (Outcome::Fail, Step::Verify) => {
            "host: drawn results are wrong bits; test the device's memory, undo overclocking, and run the released worker unchanged"
        }
        (Outcome::Fail, _) => "host: the session failed after it was opened; see the detail",
        (_, Step::Describe) => {
            "fisher: ask again later; the node was away, or its description is not signed as it must be"
        }
        (_, Step::Rent) => "fisher: check the account's tokens and gas and the deployment file, then rent anew",
        (_, Step::Hello) => "fisher: the node took no upload; check one's own connection, then try another rental",
        (_, Step::Open) => {
            "fisher: the node did not open the session; it may be full or behind on the chain, so try again"
        }
        (_, Step::Prepare) => "fisher: this machine was busy; run fewer sessions at once, then try again",
        (_, Step::Window | Step::Root | Step::Opening) => {
            "fisher: this machine failed in the session; see the detail, then try again"
        }
        (_, Step::Verify) => "fisher: nobody would accept this bundle; use the market's release of prober and worker",
        (_, Step::Unspecified) => "fisher: the session has no end; send the detail to the operator",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../docs/errors.md");

    #[test]
    fn every_end_has_a_remedy_and_the_page_says_the_same() {
        let steps: Vec<Step> = (0..=i32::from(u8::MAX)).filter_map(|step| Step::try_from(step).ok()).collect();
        assert_eq!(steps.len(), 10, "a new step needs words");
        for step in steps.into_iter().filter(|step| *step != Step::Unspecified) {
            assert_eq!(remedy(Outcome::Pass, step), "");
            let inconclusive = (Outcome::Inconclusive, "inconclusive", remedy(Outcome::Inconclusive, step));
            // Before OPEN nothing is the host's failure.
            let failed = (Outcome::Fail, "fail", remedy(Outcome::Fail, step));
            let ends = if step >= Step::Prepare { vec![failed, inconclusive] } else { vec![inconclusive] };
            for (outcome, name, remedy) in ends {
                let row = PAGE.lines().find(|line| line.starts_with(&format!("| {name} | ")) && line.contains(remedy));
                let row = row.unwrap_or_else(|| panic!("{outcome:?} at {step:?} is not on the page: {remedy}"));
                assert!(row.contains(&format!("`{}`", step_name(step))), "{row}");
            }
        }
    }
}
