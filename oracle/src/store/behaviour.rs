//! What every backend does, as one suite: `behaviour_suite!` makes a test of each behaviour for a backend.
//!
//! A backend brings a function that opens a fresh store; the suite knows nothing else of it.

mod audits;
mod chain;
mod epochs;
mod evidence;
mod registry;
mod usage;

pub(super) use {audits::*, chain::*, epochs::*, evidence::*, registry::*, usage::*};

use super::*;

/// Makes one test for each behaviour; `$open` returns a future of (store, what keeps it alive).
macro_rules! behaviour_suite {
    ($open:path) => {
        $crate::store::behaviour::behaviour_suite! { $open:
            a_store_belongs_to_one_market
            a_description_is_replaced_by_newer_ones_only
            a_registration_is_replaced_by_longer_ones_only
            nodes_are_listed_by_key
            a_relay_keeps_its_owner_and_its_longest_registration
            relays_are_listed_while_they_hold
            stamps_are_held_once_until_compared_or_old
            an_owner_holds_so_many_stamps
            findings_are_told_once_and_when_due
            a_commit_that_was_counted_as_unrevealed_is_none
            a_commit_is_held_once_for_each_fisher
            a_report_needs_its_commit
            a_report_is_held_once
            a_rental_is_reported_once
            an_assignment_is_reported_once
            a_chain_is_in_force_after_its_epoch
            concurrent_writes_are_each_answered_once
            reports_are_listed_newest_first
            reports_are_folded_once_and_when_due
            blobs_are_held_by_digest
            the_log_grows_by_what_is_accepted_and_proves_it
            an_epoch_is_held_once_and_advances_in_order
            scores_are_the_newest_and_ranked_by_their_lower_bound
            a_ranking_is_narrowed_by_what_nodes_say_now
            changes_are_told_once_in_the_order_of_their_epochs
            an_account_is_the_newest_of_its_fisher
            a_signature_is_held_once_for_each_operator_and_a_choice_stays
            an_epoch_has_room_for_so_many_signatures
            blocks_continue_each_other
            a_reorganisation_takes_its_facts_along
            final_blocks_enter_the_log_once_and_stay
            rentals_sum_their_movements
            cases_are_listed_newest_first_and_keep_every_step
            usage_counts_final_blocks_once_by_day
            power_is_that_of_the_newest_epoch_of_a_range
            values_out_of_range_are_refused_and_leave_nothing
        }
    };
    ($open:path: $($behaviour:ident)+) => {
        $(#[tokio::test]
        async fn $behaviour() {
            let (store, _guard) = $open().await;
            $crate::store::behaviour::$behaviour(&store).await;
        })+
    };
}
pub(super) use behaviour_suite;

fn digest(byte: u8) -> Digest {
    [byte; 32]
}

fn node(key: u8, sequence: u64, offer_until: u64) -> Node {
    Node {
        node: digest(key),
        provider: [key; 20],
        organisation: key.is_multiple_of(2).then(|| digest(200)),
        model: Some(format!("model {}", key % 3)),
        descriptor_digest: digest(key + 100),
        sequence,
        offer_until,
        description: format!("description {key} {sequence} {offer_until}").into_bytes(),
        seen: 1_000 + sequence % 1_000,
        entry: format!("node {key} {sequence} {offer_until}").into_bytes(),
    }
}

fn commit_of(report: u8, fisher: u8) -> Commit {
    Commit {
        report: digest(report),
        fisher: [fisher; 20],
        epoch: 7,
        entry: format!("commit {report} {fisher}").into_bytes(),
    }
}

fn report_of(id: u8, fisher: u8, node: u8) -> Report {
    Report {
        id: digest(id),
        node: digest(node),
        fisher: [fisher; 20],
        rental: digest(id),
        resource: 1,
        epoch: 8,
        due: 9,
        bundle: id.is_multiple_of(2).then(|| digest(id)),
        slot: None,
        signed: format!("signed {id}").into_bytes(),
        entry: format!("report {id}").into_bytes(),
    }
}

/// The log's entries as text.
async fn log_of(store: &dyn Store) -> Vec<String> {
    let entries = store.log_entries(0, 1_000).await.unwrap();
    entries.into_iter().map(|entry| String::from_utf8(entry.bytes).unwrap()).collect()
}
