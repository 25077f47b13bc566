//! What every engine of the store promises, written against its traits: a named list of cases, run on each engine.
//!
//! A second engine is one more line at the end: its name and how it is opened, empty. A case takes the
//! [`support::Harness`] and is named by the behaviour it holds the engine to; it waits for nothing, because the clock is
//! the case's own.

mod approvals;
mod books;
mod bulk_sms;
mod cancelling;
mod claims;
mod corrections;
mod duplicates;
mod exceptions;
mod imports;
mod lists;
mod messages;
mod organisations;
mod paid_amounts;
mod payouts;
mod poison;
mod quarantine;
mod receipts;
mod references;
mod reports;
mod resends;
mod retries;
mod statements;
mod steps;
mod support;
mod tenancy;
mod wallets;

/// Runs every case on one engine.
macro_rules! engine {
    ($engine:ident, $open:ident, { $($noun:ident { $($case:ident,)+ })+ }) => {
        mod $engine {
            $(mod $noun {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $case() {
                        super::super::$noun::$case(super::super::support::$open().await).await;
                    }
                )+
            })+
        }
    };
}

/// Runs every case on every engine.
macro_rules! conformance {
    ($($engine:ident, $open:ident);+; $cases:tt) => { $(engine!($engine, $open, $cases);)+ };
}

conformance!(sqlite, open_sqlite; {
    organisations {
        an_organisation_is_found_by_its_id_and_its_name,
        a_name_is_taken_once,
        a_key_is_its_members_word,
        a_key_of_nobody_is_a_principal_of_its_own,
        two_keys_of_one_member_are_one_principal,
        a_revoked_key_is_nobody,
        a_member_is_added_once_and_has_an_address,
        every_act_leaves_an_entry_and_the_chains_hold,
        refused_and_replayed_acts_leave_no_entry,
        the_trail_is_read_page_by_page,
        acts_that_race_keep_one_chain,
        a_cursor_that_no_list_gave_is_refused,
        an_installation_keeps_its_key_and_is_ready,
    }
    wallets {
        a_funding_loads_the_wallet,
        a_reference_funds_once,
        a_replayed_funding_gives_the_stored_answer_and_moves_nothing,
        nothing_less_than_one_unit_funds,
        a_balance_beyond_what_can_be_counted_is_refused,
        fundings_that_race_under_one_reference_load_once,
        every_currency_has_a_wallet_of_its_own,
        a_wallet_shows_what_is_available_and_what_is_held,
        the_trial_balance_names_where_the_money_went,
        a_check_goes_on_from_where_the_last_one_ended,
    }
    imports {
        an_upload_is_found_again_by_its_key,
        the_same_key_with_another_upload_is_refused,
        the_same_upload_posted_at_once_makes_one_batch,
        an_upload_is_read_back_part_by_part_as_it_came,
        an_upload_that_no_batch_names_goes_after_a_day_and_others_stay,
        an_import_is_claimed_once_until_its_lease_lapses,
        rows_that_arrive_extend_the_lease_of_their_import,
        an_import_that_is_given_back_does_not_count,
        a_list_whose_reader_never_came_back_is_read_alone,
        lists_of_an_organisation_with_few_in_hand_are_read_before_those_of_one_with_many,
        a_list_whose_lease_is_over_is_in_no_hand,
        an_overtaken_importer_is_fenced_and_leaves_nothing,
        a_broken_import_starts_clean,
        an_import_ends_only_with_every_row_and_all_its_money,
        a_row_twice_in_one_import_is_rejected_with_its_group,
        an_import_that_fails_says_why_and_cannot_be_submitted,
        nothing_of_an_import_is_sent_before_it_is_approved,
        all_problems_of_a_list_are_told_page_by_page,
        batches_are_listed_newest_first_even_of_the_same_moment,
    }
    lists {
        a_list_shows_how_it_was_understood,
        a_mapping_is_remembered_for_its_header_once_its_list_is_approved,
        what_lists_of_one_kind_taught_is_not_used_for_another,
        a_mapping_of_an_upload_that_failed_is_not_remembered,
        an_import_shows_how_far_it_is_and_begins_again_at_nothing,
        a_failed_import_counts_nothing,
        what_is_said_of_a_list_as_a_whole_is_no_row_of_it,
        a_list_that_is_not_what_was_declared_is_not_submitted,
    }
    approvals {
        rows_that_cannot_be_paid_must_be_left_out_by_word,
        a_list_without_a_payable_row_is_not_submitted,
        a_replayed_submit_changes_nothing,
        an_approval_holds_what_the_list_needs_and_starts_it,
        whoever_uploaded_or_submitted_a_list_does_not_approve_it,
        a_stale_digest_is_refused_with_the_present_one,
        too_little_money_is_refused_with_the_figures_and_changes_nothing,
        a_second_batch_gets_only_what_the_first_one_left,
        a_replayed_approval_gives_the_stored_answer_and_moves_nothing,
        a_refused_approval_leaves_its_key_unused,
        an_act_under_a_key_is_answered_again_as_it_was,
        a_key_is_its_principals_own,
        approvals_that_race_share_exactly_what_there_is,
        one_approval_sent_many_times_at_once_happens_once,
        a_rejected_list_says_why_and_may_be_submitted_again,
        a_scheduled_batch_holds_its_money_at_once_and_starts_when_due,
        a_time_that_is_past_at_approval_means_now,
        a_schedule_of_long_ago_is_refused,
        every_scheduled_batch_that_is_due_starts,
    }
    cancelling {
        a_paused_batch_sends_nothing_and_still_asks_and_listens,
        a_row_given_back_while_paused_waits_for_the_resume,
        a_paused_batch_whose_last_row_came_home_completes_on_resume,
        a_batch_cancelled_before_it_starts_gives_everything_back,
        a_running_batch_is_cancelled_in_chunks_until_all_of_it_is_home,
        a_sweep_that_ends_on_the_last_row_of_its_chunk_closes_the_batch,
        several_batches_cancelled_at_once_all_converge,
        a_paused_batch_is_cancelled_too,
        a_row_that_comes_back_to_a_cancelling_batch_is_cancelled,
        an_unknown_row_of_a_cancelling_batch_is_handed_over_and_never_sent_again,
        a_frozen_row_keeps_its_cancelling_batch_open,
        a_late_success_freezes_a_queued_row_before_the_sweep_takes_it,
        every_act_in_a_wrong_state_is_refused_and_changes_nothing,
        what_happens_to_a_cancelled_row_can_be_read,
    }
    claims {
        a_claim_takes_only_its_lane_and_no_more_than_it_asked_for,
        an_intent_can_be_read_before_anything_is_sent,
        a_lease_is_reckoned_from_before_the_claim,
        a_request_is_sent_again_byte_for_byte,
        a_new_attempt_has_a_new_reference_and_a_request_of_its_own,
        a_lapsed_claim_is_asked_about_and_never_sent,
        a_batch_that_does_not_run_gives_nothing_to_send,
        claimers_that_race_get_every_row_exactly_once,
        a_small_batch_gets_its_share_beside_a_large_one,
        organisations_share_a_claim_however_many_batches_each_has,
        a_single_permit_goes_to_everybody_in_turn,
        the_next_due_time_is_that_of_the_first_row_of_the_lane,
        a_frozen_row_is_left_alone,
        payouts_are_listed_in_row_order_by_page_and_by_state,
        lanes_are_in_use_while_something_of_theirs_is_due,
    }
    resends {
        a_resend_waits_for_receipts_of_its_reference,
        a_resend_goes_out_once_under_the_same_reference,
        a_resend_that_waited_too_long_is_asked_about_instead,
        a_resend_of_a_paused_batch_is_asked_about_instead,
        every_resend_needs_two_denials_of_its_own,
    }
    payouts {
        a_payment_moves_its_money_from_the_hold_exactly_once,
        a_final_failure_gives_the_money_back,
        what_is_not_known_keeps_its_money_held,
        a_batch_completes_with_its_last_row_and_not_before,
        an_old_claim_records_nothing,
        a_definitive_answer_that_came_too_late_is_kept_and_applied,
        an_old_and_a_present_claim_in_one_group_are_told_apart,
        one_claim_records_once_in_a_group_too,
        a_group_is_answered_in_its_order,
        rows_that_change_places_within_a_group_move_their_money,
        an_impossible_record_is_rejected_with_its_whole_group,
        nothing_leaves_a_final_state,
        an_attempt_pays_or_releases_once_whatever_is_recorded,
        an_empty_group_is_nothing,
        a_mismatch_freezes_the_row_and_is_told_once,
        exceptions_of_one_moment_are_all_listed_page_by_page,
        every_step_of_a_payout_can_be_read_back_in_order,
        two_batches_of_one_group_keep_their_books_apart,
        taking_over_voids_the_claims_of_the_process_before,
        a_clock_that_was_ahead_puts_nobody_off_and_makes_no_intent_young,
    }
    poison {
        a_row_that_nobody_survives_is_left_to_two_people,
        a_crowd_that_died_together_is_cleared_one_by_one,
        suspects_keep_nobody_else_waiting,
        a_process_that_has_just_begun_takes_up_no_suspect,
        whoever_comes_back_is_no_suspect_any_more,
        panics_count_as_deaths_and_a_stranger_does_not_clear_them,
        a_row_that_cannot_be_written_is_put_aside_and_the_others_are_sent,
        a_message_that_cannot_be_written_is_given_up_and_the_others_are_sent,
        a_receipt_that_nobody_survives_is_set_aside_and_the_others_are_applied,
        a_list_that_nobody_survives_fails_with_a_reason_and_the_next_is_read,
    }
    receipts {
        a_repeated_receipt_is_stored_and_applied_once,
        equal_receipts_of_two_lanes_are_two,
        a_receipt_is_claimed_by_one_until_its_lease_lapses,
        an_old_and_a_present_claim_of_a_receipt_in_one_group_apply_it_once,
        no_more_receipts_are_claimed_than_asked_for,
        what_somebody_vouches_for_is_claimed_before_all_that_nobody_does,
        of_what_nobody_vouches_for_the_newest_ten_thousand_of_a_lane_are_kept,
        a_receipt_comes_back_byte_for_byte,
        a_receipt_before_the_answer_pays_and_the_answer_changes_nothing,
        nothing_that_comes_after_a_payment_changes_it,
        a_receipt_of_failure_ends_the_reference_it_speaks_of,
        an_unknown_reference_and_another_lanes_are_ignored,
        what_cannot_be_read_is_set_aside,
        a_hint_brings_the_next_question_forward_and_nothing_else,
        a_late_success_after_a_failure_opens_one_exception_and_moves_no_money,
        a_late_success_of_a_cancelled_row_opens_an_exception,
        news_of_an_earlier_attempt_is_not_written_on_the_present_one,
        many_receipts_of_many_rows_apply_together,
    }
    messages {
        only_the_paid_of_a_batch_that_wants_it_are_told,
        whoever_is_paid_by_several_reports_is_told_once,
        a_text_is_committed_before_it_is_sent,
        a_claim_of_messages_takes_only_its_lane_and_no_more_than_asked_for,
        what_was_surely_not_sent_is_sent_later_with_the_same_text,
        what_may_have_been_sent_is_never_sent_again,
        delivery_receipts_deliver,
        a_delivery_receipt_may_come_before_the_answer,
        a_message_of_another_lane_is_not_ours_to_settle,
        a_message_without_a_receipt_by_its_deadline_expires,
        one_claim_of_a_message_records_once_in_a_group_too,
        an_impossible_record_of_a_message_is_rejected_with_its_group,
        messages_are_listed_in_row_order_by_page_and_by_state,
    }
    bulk_sms {
        a_list_is_sent_only_once_it_is_approved,
        what_was_priced_at_the_import_is_what_is_sent,
        money_follows_what_surely_was_and_surely_was_not_sent,
        a_receipt_before_the_answer_charges_once,
        a_message_whose_sender_died_may_be_out_and_is_charged,
        one_record_of_a_group_moves_the_money_once,
        a_message_that_cannot_be_written_gives_its_money_back,
        a_paused_list_sends_nothing_until_it_is_resumed,
        a_list_cancelled_in_the_middle_gives_back_what_was_not_sent,
        a_list_cancelled_before_it_starts_gives_everything_back,
        a_list_that_costs_nothing_needs_no_wallet_and_completes,
        lists_and_notices_share_a_lane,
        claimers_that_race_send_every_message_once,
        a_broken_import_of_a_list_starts_clean,
        the_report_of_a_list_tells_every_message_and_what_it_cost,
        the_report_of_a_list_adds_up_to_what_the_ledger_charged,
        a_test_shows_one_text_and_counts_nowhere,
        a_test_of_a_payroll_shows_what_the_paid_are_told,
        a_repeated_test_under_one_key_is_sent_once,
        a_lane_of_a_list_is_in_use_while_the_list_runs,
    }
    reports {
        every_row_of_the_file_has_one_line_in_its_order,
        a_line_says_what_became_of_its_row,
        a_row_left_out_is_reported_as_uploaded_with_its_first_problem,
        a_report_is_read_page_by_page,
        the_paid_lines_sum_to_what_the_ledger_paid,
        the_ledgers_position_rises_with_every_transfer,
        a_report_begins_with_what_the_ledger_moved_for_its_batch_alone,
    }
    statements {
        a_statement_tells_what_touched_the_wallet_and_nothing_else,
        a_statement_begins_where_the_one_before_it_ended,
        the_statement_of_a_time_that_is_past_stays_as_it_is,
        the_statement_of_anothers_wallet_is_not_found,
    }
    tenancy {
        every_read_of_anothers_is_not_found,
        every_act_on_anothers_batch_is_not_found_and_changes_nothing,
        the_same_upload_key_of_two_organisations_makes_two_batches,
        an_answer_stored_for_one_is_not_given_to_another,
        anothers_key_cannot_be_revoked_nor_given_to_its_member,
        anothers_money_pays_for_nothing_of_ours,
        an_operator_finds_a_batch_of_whichever_organisation,
    }
    retries {
        the_failed_are_paid_again_under_new_references,
        without_money_for_all_none_is_retried,
        a_retry_is_another_persons_decision,
        what_was_found_unpaid_is_paid_again_when_its_provider_cannot_act_on_it,
        a_retry_repeated_with_its_key_is_done_once,
        only_what_runs_or_has_completed_is_retried,
        a_retry_grants_the_attempts_of_the_lane_again,
        a_late_success_stops_the_retry,
        a_frozen_row_is_skipped_and_named,
        a_row_that_another_list_pays_is_skipped_and_named,
        a_retry_compares_with_lists_as_an_approval_does,
    }
    quarantine {
        nothing_new_is_sent_and_questions_go_on,
        what_is_due_to_be_sent_again_is_asked_about_instead,
        every_attempt_of_every_approved_row_that_is_not_paid_is_asked_about,
        what_the_provider_paid_is_paid_here_once,
        answers_may_come_in_any_order,
        a_payout_under_way_moves_on_to_the_attempt_that_is_known,
        a_payment_of_a_row_that_had_failed_is_for_two_people,
        a_later_attempt_of_a_failed_row_that_is_not_over_is_asked_about_until_it_is,
        it_does_not_wait_for_what_two_people_have_answered_for,
        it_stands_while_a_provider_does_not_answer,
        what_is_approved_meanwhile_is_asked_about_too,
        what_was_scheduled_waits_and_is_not_cancelled,
        a_cancelled_batch_is_swept_only_after_it_was_asked_about,
        messages_that_wait_are_never_sent,
        messages_are_sent_where_the_operator_says_so,
        a_list_that_is_lost_is_known_to_the_statement_alone,
        a_statement_is_held_against_what_is_paid,
    }
    exceptions {
        overdue_and_found_paid_takes_its_money_from_the_hold,
        overdue_and_found_unpaid_gives_its_money_back,
        overdue_and_issued_anew_gets_another_reference,
        nothing_is_issued_anew_while_the_provider_may_act_on_it,
        what_the_provider_answers_after_all_needs_nobody,
        it_takes_two_who_agree,
        a_confirmation_with_other_evidence_is_none,
        a_proposal_that_changed_is_not_confirmed_by_whoever_saw_the_one_before,
        the_timeline_and_the_trail_tell_who_said_what,
        a_late_success_takes_its_money_from_the_wallet_again,
        a_late_success_without_money_becomes_a_receivable,
        a_late_success_that_was_none_changes_nothing,
        a_second_payment_is_a_surplus,
        a_late_success_of_an_earlier_attempt_pays_the_row,
        a_late_success_of_what_was_retried_is_paid_from_its_new_funds,
        a_dismissed_contradiction_lets_the_row_go_on,
        two_contradictions_keep_a_row_frozen_until_both_are_settled,
        what_is_issued_anew_waits_for_another_doubt_and_is_sent_then,
        what_was_paid_with_another_amount_is_not_sent_again,
        a_payment_taken_back_goes_to_the_wallet,
        a_frozen_row_keeps_its_batch_running,
        a_frozen_row_of_a_cancelled_batch_waits_for_its_verdict,
        a_row_of_two_doubts_in_a_cancelled_batch_waits_for_both,
        exceptions_are_listed_by_state_and_kind,
        what_was_settled_is_not_opened_again_by_the_same_words,
        a_provider_that_insists_is_heard_again,
        a_payment_of_the_attempt_that_was_given_up_is_not_lost,
    }
    paid_amounts {
        what_never_left_goes_back_to_the_wallet,
        what_went_out_beyond_is_claimed_back_and_not_charged,
        the_amount_that_was_sent_is_no_difference,
        whoever_confirms_says_the_same_amount,
        what_is_settled_is_not_said_again_with_other_evidence,
        what_was_paid_comes_back_once_and_the_wallet_gets_what_it_was_charged,
        an_amount_is_said_of_a_mismatch_that_was_paid_and_must_be_one,
        what_another_attempt_paid_beside_is_a_surplus_in_its_own_amount,
        a_surplus_that_is_posted_is_not_posted_by_another_doubt,
        a_payment_that_is_recorded_is_corrected_by_what_it_came_to,
        what_was_given_up_and_paid_in_part_costs_that_part,
        what_waits_to_be_sent_again_and_was_paid_otherwise_is_paid_so,
        a_statement_that_says_what_was_really_paid_agrees_with_the_books,
    }
    corrections {
        a_corrected_row_changes_what_is_paid_and_the_digest,
        whoever_corrected_a_list_does_not_decide_about_its_money,
        a_row_corrected_and_put_back_gives_the_same_digest,
        an_invalid_row_becomes_valid_and_the_other_way_round,
        a_row_set_aside_is_not_paid_and_can_be_brought_back,
        a_reference_of_another_row_is_refused_and_a_repeated_payment_told,
        nothing_is_corrected_once_it_is_submitted,
        what_is_withdrawn_can_be_corrected_and_submitted_again,
        a_correction_of_an_older_look_is_fenced,
        a_correction_leaves_its_trace,
        a_row_refused_because_of_another_can_be_paid_when_that_one_is_corrected,
        a_row_that_repeats_two_others_is_told_of_each_once,
        a_warning_goes_away_with_what_it_warned_of,
        another_amount_for_the_same_number_is_told,
        what_was_told_of_another_list_outlives_a_correction_of_another_row,
        a_corrected_message_is_compared_with_the_others,
    }
    duplicates {
        a_payment_that_another_open_list_makes_is_told_at_the_submission,
        other_amounts_other_tenants_and_what_was_given_up_are_no_duplicates,
        what_completed_long_ago_is_no_duplicate,
        what_was_paid_of_late_is_a_duplicate_however_old_its_list,
        what_a_cancelled_list_paid_or_may_have_paid_is_a_duplicate,
        what_a_list_paid_before_it_was_cancelled_is_a_duplicate_for_as_long_as_if_completed,
        a_row_that_was_told_of_one_list_is_told_of_the_next,
        what_became_a_duplicate_since_the_submission_stops_the_approval,
        an_approval_is_fenced_by_what_it_looked_at,
        without_a_window_nothing_is_compared,
        the_same_file_is_found_again,
        the_same_file_is_another_list_when_it_does_something_else,
        the_file_of_a_cancelled_list_is_found_if_it_was_approved,
    }
    references {
        a_reference_that_another_list_has_for_another_number_is_told_once,
        the_same_person_again_other_tenants_and_what_was_given_up_are_not_told,
        a_list_that_was_over_long_ago_is_not_compared,
        a_reference_that_came_later_stops_no_approval,
        of_many_such_rows_some_are_told_and_the_last_says_so,
    }
});
