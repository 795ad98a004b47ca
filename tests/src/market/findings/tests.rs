use super::*;
use crate::market::cast::CAST;

fn role(truth: Truth) -> &'static Role {
    CAST.iter().find(|role| role.truth == truth && role.simulate.is_some()).unwrap()
}

fn reputation(medians: [u32; 3], nearest: &str) -> Reputation {
    let resources = ["imma", "fma64", "vram"].iter().zip(medians).map(|(name, median_bps)| ResourceReputation {
        resource: (*name).to_owned(),
        median_bps,
        ..Default::default()
    });
    Reputation { nearest_model: nearest.to_owned(), resources: resources.collect(), ..Default::default() }
}

fn report(outcome: Outcome, step: Step, wrong: u32) -> ReportSummary {
    ReportSummary { outcome: outcome.into(), step: step.into(), wrong, ..Default::default() }
}

#[test]
fn an_honest_node_needs_every_resource_and_no_wrong_bit() {
    let judged = |medians, wrong| {
        let reports = [report(Outcome::Pass, Step::Unspecified, wrong)];
        node_finding(role(Truth::Honest), &reputation(medians, ""), &[&reports[0]]).holds
    };
    assert!(judged([9_500, 9_800, 10_000], 0));
    assert!(!judged([9_500, 9_800, 9_400], 0));
    assert!(!judged([10_000, 10_000, 10_000], 1));
}

#[test]
fn a_smaller_model_is_found_only_when_it_is_also_named() {
    let judged = |medians, nearest| node_finding(role(Truth::OtherModel), &reputation(medians, nearest), &[]).holds;
    assert!(judged([3_600, 3_600, 5_000], SMALL));
    assert!(!judged([3_600, 3_600, 5_000], "GeForce RTX 3060 Ti"));
    assert!(!judged([4_300, 3_600, 5_000], SMALL));
    assert!(!judged([3_600, 3_600, 5_600], SMALL));
}

#[test]
fn one_wrong_unit_a_session_is_not_two_in_one() {
    let once = report(Outcome::Fail, Step::Verify, 1);
    let twice = report(Outcome::Fail, Step::Verify, 2);
    let judged =
        |reports: &[&ReportSummary]| node_finding(role(Truth::SkipsWork), &Reputation::default(), reports).holds;
    assert!(!judged(&[&once, &once]));
    assert!(judged(&[&once, &twice]));
}

#[test]
fn a_stall_counts_only_in_a_window() {
    let window = report(Outcome::Fail, Step::Window, 0);
    let prepare = report(Outcome::Fail, Step::Prepare, 0);
    let judged = |reports: &[&ReportSummary]| node_finding(role(Truth::Stalls), &Reputation::default(), reports).holds;
    assert!(judged(&[&prepare, &window]));
    assert!(!judged(&[&prepare]));
}
