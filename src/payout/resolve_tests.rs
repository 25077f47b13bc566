use super::*;
use crate::config::Config;
use crate::money::{Currency, Money};
use crate::phone::Msisdn;
use proptest::prelude::*;
use uuid::Uuid;

const NOW: Time = Time(1_000_000_000_000);

fn lane(extra: &str) -> LaneConfig {
    let text = format!(
        "[[lanes]]\nname=\"l\"\nrail=\"http\"\nbase_url=\"http://x\"\nidempotent_for=\"24h\"\npoll_after=[\"60s\",\"120s\"]\n{extra}"
    );
    Config::parse(&text).unwrap().lanes.remove(0)
}

fn payout(state: State) -> Payout {
    Payout {
        id: Uuid::from_u128(1),
        organisation: Uuid::from_u128(2),
        batch: Uuid::from_u128(3),
        row: 2,
        lane: "l".into(),
        msisdn: Msisdn::from_digits("256772123456").unwrap(),
        amount: Money::new(50_000, Currency::Ugx),
        fee: Money::zero(Currency::Ugx),
        tax: Money::zero(Currency::Ugx),
        state,
        claim: 7,
        attempt: 1,
        first_attempt: 1,
        step: 0,
        exposed: matches!(state, State::Accepted | State::Unknown),
        not_found: 0,
        not_found_at: None,
        intended_at: Some(NOW - Duration::from_secs(3600)),
        sent_at: Some(NOW - Duration::from_secs(3600)),
        frozen: false,
    }
}

fn see(payout: &Payout, outcome: &Outcome, source: Source) -> Option<Change> {
    see_at(payout, outcome, source, NOW)
}

fn see_at(payout: &Payout, outcome: &Outcome, source: Source, at: Time) -> Option<Change> {
    let lane = lane("");
    let seen = Observation { outcome, source, attempt: payout.attempt, at };
    decide(payout, seen, Conditions { lane: &lane, breaker_closed: true, seed: 1 })
}

fn confirmed() -> Outcome {
    Outcome::Paid(Payment {
        transaction_id: Some("T1".into()),
        amount_minor: Some(50_000),
        currency: Some(Currency::Ugx),
        msisdn: Some("256772123456".into()),
        payout_id: None,
    })
}

fn refused(retryable: bool) -> Outcome {
    Outcome::Failed { reason: Reason::new("PAYEE_NOT_FOUND", "no such payee"), retryable }
}

fn unclear() -> Outcome {
    Outcome::Unknown { reason: Reason::new("timeout", "no answer") }
}

#[test]
fn a_confirmation_pays_from_every_state_on_the_way() {
    for state in [State::Sending, State::Accepted, State::Unknown] {
        for source in [Source::Submit, Source::Query, Source::Receipt] {
            let change = see(&payout(state), &confirmed(), source).unwrap();
            assert_eq!((change.to, change.next), (State::Paid, None));
            assert_eq!(change.attempt, Some(AttemptState::Succeeded));
        }
    }
}

#[test]
fn an_ambiguous_answer_keeps_the_hold_and_asks() {
    let change = see(&payout(State::Sending), &unclear(), Source::Submit).unwrap();
    assert_eq!(change.to, State::Unknown);
    assert_eq!(change.next, Some((Action::Query, NOW + Duration::from_secs(60))));
    assert!(change.exposed && !change.new_attempt && change.attempt.is_none());
    let again = see(&payout(State::Unknown), &unclear(), Source::Query).unwrap();
    assert_eq!((again.to, again.step), (State::Unknown, 1));
    assert_eq!(again.next, Some((Action::Query, NOW + Duration::from_secs(120))));
}

#[test]
fn only_a_definitive_failure_opens_a_new_attempt() {
    let change = see(&payout(State::Accepted), &refused(true), Source::Query).unwrap();
    assert_eq!((change.to, change.new_attempt, change.exposed), (State::Queued, true, false));
    assert_eq!(change.attempt, Some(AttemptState::Failed));
    assert!(matches!(change.next, Some((Action::Submit, at)) if at > NOW));
    let change = see(&payout(State::Accepted), &refused(false), Source::Query).unwrap();
    assert_eq!((change.to, change.next), (State::Failed, None));
}

#[test]
fn attempts_are_bounded() {
    let last = Payout { attempt: 5, ..payout(State::Accepted) };
    assert_eq!(see(&last, &refused(true), Source::Query).unwrap().to, State::Failed);
}

#[test]
fn what_surely_was_not_sent_waits_under_the_same_attempt() {
    let not_sent = Outcome::NotSent { reason: Reason::new("connect", "refused") };
    let change = see(&payout(State::Sending), &not_sent, Source::Submit).unwrap();
    assert_eq!((change.to, change.new_attempt, change.step), (State::Queued, false, 1));
    assert_eq!(change.attempt, None, "the attempt stays open");
}

#[test]
fn a_resend_that_was_refused_or_not_sent_says_nothing_of_the_send_before() {
    let resent = Payout { exposed: true, ..payout(State::Sending) };
    let not_sent = Outcome::NotSent { reason: Reason::new("connect", "refused") };
    for outcome in [not_sent, refused(false), refused(true)] {
        let change = see(&resent, &outcome, Source::Submit).unwrap();
        assert_eq!(change.to, State::Unknown, "{outcome:?}");
        assert!(matches!(change.next, Some((Action::Query, _))));
    }
}

#[test]
fn a_resend_needs_two_spaced_answers_age_and_a_closed_breaker() {
    let minute = Duration::from_secs(60);
    let asked = |p: &Payout, at| see_at(p, &Outcome::NotFound, Source::Query, at).unwrap();
    let first = asked(&payout(State::Unknown), NOW);
    assert_eq!((first.not_found, first.next.unwrap().0), (1, Action::Query));
    let once = Payout { not_found: 1, not_found_at: Some(NOW), ..payout(State::Unknown) };
    let soon = asked(&once, NOW + minute / 2);
    assert_eq!((soon.not_found, soon.next.unwrap().0), (1, Action::Query), "too soon to count");
    let second = asked(&once, NOW + minute);
    assert_eq!((second.to, second.not_found), (State::Unknown, 2));
    assert_eq!(second.next, Some((Action::Submit, RESEND_FIRST)), "same attempt, sent again, before all others");
    assert!(!second.new_attempt && second.exposed && second.attempt.is_none());

    let old = Payout { intended_at: Some(NOW - Duration::from_secs(13 * 3600)), ..once.clone() };
    assert_eq!(
        asked(&old, NOW + minute).next.unwrap().0,
        Action::Query,
        "older than half of what the provider remembers"
    );
    let fresh = Payout { sent_at: Some(NOW), ..once.clone() };
    assert_eq!(asked(&fresh, NOW + minute).next.unwrap().0, Action::Query, "sent too recently");

    let seen = Observation { outcome: &Outcome::NotFound, source: Source::Query, attempt: 1, at: NOW + minute };
    for (lane, breaker_closed) in [(lane(""), false), (LaneConfig { idempotent_for: None, ..lane("") }, true)] {
        let change = decide(&once, seen, Conditions { lane: &lane, breaker_closed, seed: 1 }).unwrap();
        assert_eq!(change.next.unwrap().0, Action::Query);
    }
}

#[test]
fn a_provider_that_knows_the_reference_after_all_takes_back_that_it_did_not() {
    let once = Payout { not_found: 1, not_found_at: Some(NOW), ..payout(State::Unknown) };
    let change = see(&once, &Outcome::Accepted { provider_id: None }, Source::Query).unwrap();
    assert_eq!((change.to, change.not_found, change.not_found_at), (State::Unknown, 0, None));
}

#[test]
fn a_resend_that_waited_too_long_or_whose_batch_is_paused_asks_instead() {
    let lane = lane("");
    let when = Conditions { lane: &lane, breaker_closed: true, seed: 1 };
    let due = Payout { not_found: 2, not_found_at: Some(NOW), ..payout(State::Unknown) };
    assert_eq!(ask_instead(&due, NOW, false, when), None);
    assert!(ask_instead(&due, NOW, true, when).is_some(), "paused");
    assert!(ask_instead(&due, NOW + Duration::from_secs(12 * 3600), false, when).is_some(), "too old");
    assert!(ask_instead(&due, NOW, false, Conditions { breaker_closed: false, ..when }).is_some(), "breaker open");
}

#[test]
fn not_found_after_an_acceptance_is_never_a_reason_to_send_again() {
    let accepted = Payout { not_found: 5, not_found_at: Some(Time(0)), ..payout(State::Accepted) };
    let change = see(&accepted, &Outcome::NotFound, Source::Query).unwrap();
    assert_eq!((change.to, change.next.unwrap().0), (State::Accepted, Action::Query));
}

#[test]
fn money_that_differs_from_what_we_sent_freezes_the_payout() {
    for payment in [
        Payment { amount_minor: Some(49_999), ..Payment::default() },
        Payment { msisdn: Some("256772123457".into()), ..Payment::default() },
        Payment { currency: Some(Currency::Kes), ..Payment::default() },
        Payment { payout_id: Some(Uuid::from_u128(9).to_string()), ..Payment::default() },
    ] {
        let change = see(&payout(State::Accepted), &Outcome::Paid(payment), Source::Query).unwrap();
        assert_eq!((change.to, change.exception), (State::Accepted, Some(ExceptionKind::Mismatch)));
        assert_eq!(change.next, None);
    }
}

#[test]
fn a_receipt_without_amount_or_number_is_confirmed_by_a_query() {
    let bare = Outcome::Paid(Payment { transaction_id: Some("T".into()), ..Payment::default() });
    let change = see(&payout(State::Accepted), &bare, Source::Receipt).unwrap();
    assert_eq!((change.to, change.next), (State::Accepted, Some((Action::Query, NOW))));
    assert_eq!(see(&payout(State::Accepted), &bare, Source::Query).unwrap().to, State::Paid);
}

#[test]
fn a_late_success_is_never_a_silent_flip() {
    for state in [State::Failed, State::Cancelled, State::Queued] {
        let change = see(&payout(state), &confirmed(), Source::Receipt).unwrap();
        assert_eq!((change.to, change.exception), (state, Some(ExceptionKind::LateSuccess)));
    }
    let retried = Payout { attempt: 2, ..payout(State::Accepted) };
    let lane = lane("");
    let seen = Observation { outcome: &confirmed(), source: Source::Receipt, attempt: 1, at: NOW };
    let change = decide(&retried, seen, Conditions { lane: &lane, breaker_closed: true, seed: 1 }).unwrap();
    assert_eq!(change.exception, Some(ExceptionKind::LateSuccess), "an earlier reference paid after all");
    assert!(see(&payout(State::Paid), &confirmed(), Source::Receipt).is_none(), "a repeat changes nothing");
    let other = Outcome::Paid(Payment { amount_minor: Some(49_999), ..Payment::default() });
    let change = see(&payout(State::Paid), &other, Source::Receipt).unwrap();
    assert_eq!((change.to, change.exception), (State::Paid, Some(ExceptionKind::Mismatch)));
}

#[test]
fn a_payment_taken_back_is_for_people_to_settle() {
    for source in [Source::Query, Source::Receipt] {
        let change = see(&payout(State::Paid), &refused(false), source).unwrap();
        assert_eq!((change.to, change.exception), (State::Paid, Some(ExceptionKind::Reversal)));
        assert!(change.detail.unwrap().contains("had confirmed"));
    }
    assert!(see(&payout(State::Paid), &refused(false), Source::Submit).is_none(), "only a request was refused");
    assert!(see(&payout(State::Paid), &refused(false), Source::Hint).is_none());
}

#[test]
fn a_hint_may_only_bring_the_query_forward() {
    let change = see(&payout(State::Accepted), &confirmed(), Source::Hint).unwrap();
    assert_eq!((change.to, change.next), (State::Accepted, Some((Action::Query, NOW))));
    for state in [State::Queued, State::Sending, State::Paid, State::Failed, State::Cancelled] {
        assert!(see(&payout(state), &confirmed(), Source::Hint).is_none());
    }
}

#[test]
fn a_frozen_payout_moves_by_nothing_but_a_person() {
    let frozen = Payout { frozen: true, ..payout(State::Accepted) };
    for outcome in [confirmed(), refused(true), refused(false), unclear(), Outcome::NotFound] {
        let change = see(&frozen, &outcome, Source::Query).unwrap();
        assert_eq!((change.to, change.attempt, change.new_attempt), (State::Accepted, None, false), "{outcome:?}");
        let ended = matches!(outcome, Outcome::Paid(_) | Outcome::Failed { .. });
        assert_eq!(change.next.is_none(), ended, "asked about until it is known how it ended: {outcome:?}");
    }
    assert!(see(&Payout { frozen: true, ..payout(State::Failed) }, &refused(false), Source::Receipt).is_none());
}

#[test]
fn what_stays_open_for_too_long_becomes_an_exception_and_is_still_asked_about() {
    let at = NOW + Duration::from_secs(24 * 3600);
    let change = see_at(&payout(State::Accepted), &Outcome::Accepted { provider_id: None }, Source::Query, at).unwrap();
    assert_eq!(change.exception, Some(ExceptionKind::Overdue));
    assert_eq!(change.next, Some((Action::Query, at + OVERDUE_POLL)));
}

#[test]
fn an_overdue_payout_is_asked_about_hourly_whatever_the_query_met() {
    let at = NOW + Duration::from_secs(24 * 3600);
    let blocked = Outcome::LaneBlocked { reason: Reason::new("403", ""), executed: Executed::No };
    let not_sent = Outcome::NotSent { reason: Reason::new("connect", "refused") };
    for outcome in [blocked, not_sent, unclear(), Outcome::NotFound] {
        let change = see_at(&payout(State::Accepted), &outcome, Source::Query, at).unwrap();
        assert_eq!(change.next, Some((Action::Query, at + OVERDUE_POLL)), "{outcome:?}");
    }
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(confirmed()),
        Just(Outcome::Paid(Payment::default())),
        Just(Outcome::Accepted { provider_id: None }),
        any::<bool>().prop_map(refused),
        Just(Outcome::NotSent { reason: Reason::new("connect", "") }),
        Just(unclear()),
        Just(Outcome::NotFound),
        Just(Outcome::LaneBlocked { reason: Reason::new("401", ""), executed: Executed::No }),
        Just(Outcome::LaneBlocked { reason: Reason::new("403", ""), executed: Executed::Perhaps }),
    ]
}

fn sources() -> impl Strategy<Value = Source> {
    prop_oneof![Just(Source::Submit), Just(Source::Query), Just(Source::Receipt), Just(Source::Hint)]
}

proptest! {
    #[test]
    fn every_change_is_one_that_the_machine_allows_and_leaves_no_row_behind(
        state in proptest::sample::select(<State as crate::machine::State>::ALL),
        outcome in outcomes(),
        source in sources(),
        (attempt, of, exposed, not_found) in (1_u32..6, 1_u32..6, any::<bool>(), 0_u32..3),
    ) {
        use crate::machine::State as _;
        let payout = Payout { attempt, exposed, not_found, ..payout(state) };
        let lane = lane("");
        let seen = Observation { outcome: &outcome, source, attempt: of.min(attempt), at: NOW };
        if let Some(change) = decide(&payout, seen, Conditions { lane: &lane, breaker_closed: true, seed: 1 }) {
            prop_assert!(change.to == state || state.may_become(change.to), "{state} → {}", change.to);
            let freezes = change.exception.is_some_and(ExceptionKind::freezes);
            let finished = change.to.is_final();
            prop_assert!(finished || freezes || change.next.is_some(), "a row nobody would ever look at again");
            prop_assert!(!finished || change.next.is_none());
            if change.new_attempt {
                let retryable = matches!(outcome, Outcome::Failed { retryable: true, .. });
                prop_assert!(retryable);
                prop_assert_eq!(change.attempt, Some(AttemptState::Failed));
            }
            if change.to == State::Failed && state != State::Failed {
                let definitive = matches!(outcome, Outcome::Failed { .. });
                prop_assert!(definitive, "released without a definitive answer");
            }
            if change.to == State::Queued && !change.new_attempt && state != State::Queued {
                prop_assert!(!payout.exposed, "given back although it may have arrived");
            }
        }
    }
}
