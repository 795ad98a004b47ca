use super::*;

#[test]
fn weight_grows_with_the_bond_up_to_one() {
    let parameters = Parameters::production();
    assert_eq!(parameters.weight(49_999_999), Weight::ZERO);
    assert_eq!(parameters.weight(50_000_000).in_64ths(), 3);
    assert_eq!(parameters.weight(250_000_001).in_64ths(), 16);
    assert_eq!(parameters.weight(999_999_999).in_64ths(), 63);
    assert_eq!(parameters.weight(u128::MAX), Weight::FULL);
}

#[test]
fn every_field_enters_the_digest() {
    let base = Parameters::production();
    let variants = [
        base.clone(),
        Parameters::development(),
        Parameters { prior_weight_milli: 5_001, ..base.clone() },
        Parameters { prior_mean_bps: 6_999, ..base.clone() },
        Parameters { half_life_probes: 501, ..base.clone() },
        Parameters { half_life_secs: 1, ..base.clone() },
        Parameters { interval_level_bps: 9_000, ..base.clone() },
        Parameters { bets_permille: [1; 10], ..base.clone() },
        Parameters { refresh_epochs: 25, ..base.clone() },
        Parameters { epoch_secs: 3_601, ..base.clone() },
        Parameters { lag_epochs_max: 15, ..base.clone() },
        Parameters { report_window_epochs: 29, ..base.clone() },
        Parameters { full_weight_bond: 1, ..base.clone() },
        Parameters { min_bond: 1, ..base.clone() },
        Parameters { windows_min: 4, ..base.clone() },
        Parameters { window_ms_min: 1, ..base.clone() },
        Parameters { mean_bps: 1, ..base.clone() },
        Parameters { slow_bps: 1, ..base.clone() },
        Parameters { rate_bps: 1, ..base.clone() },
        Parameters { inconclusive_bps: 1, ..base.clone() },
        Parameters { disagreement_bps: 1, ..base.clone() },
        Parameters { year_secs: 1, ..base.clone() },
        Parameters { suspicion_error_ppm: 1, ..base.clone() },
        Parameters { accusation_error_ppm: 1, ..base.clone() },
        Parameters { corrupt_owners_bps: 1, ..base.clone() },
        Parameters { contamination_level_bps: 1, ..base.clone() },
        Parameters { cleared_mean_bps: 1, ..base.clone() },
        Parameters { cleared_rate_bps: 1, ..base.clone() },
        Parameters { honest_evidence: 1, ..base.clone() },
        Parameters { honest_owners_min: 1, ..base.clone() },
        Parameters { audits_min: 1, ..base.clone() },
        Parameters { audit_share_bps: 1, ..base.clone() },
        Parameters { beacon_epochs: 1, ..base.clone() },
        Parameters { stamps_wait_epochs: 1, ..base.clone() },
        Parameters { reveal_epochs: 1, ..base.clone() },
        Parameters { organisation_prior_nodes: 1, ..base.clone() },
        Parameters { prior_min_bps: 1, ..base.clone() },
        Parameters { prior_max_bps: 1, ..base.clone() },
        Parameters { levy_max_bps: 1, ..base.clone() },
        Parameters { sealed_epochs: 1, ..base.clone() },
        Parameters { report_fee: 1, ..base.clone() },
        Parameters { refund_rate_max: 1, ..base.clone() },
        Parameters { staleness_half_life_epochs: 1, ..base.clone() },
        Parameters { assignment_slots: 1, ..base },
    ];
    let digests: std::collections::BTreeSet<_> = variants.iter().map(Parameters::digest).collect();
    assert_eq!(digests.len(), variants.len());
}
