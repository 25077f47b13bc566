//! The statement of a wallet: every transfer that touched it and no other, balances that tie, stretches that meet.

use super::steps::*;
use super::support::*;
use gaba::clock::Time;
use gaba::ids::AccountId;
use gaba::money::Currency;
use gaba::report::statement::{Head, Movement, Span};
use gaba::wallet;
use std::time::Duration;

fn wallet_of(org: &Tenant) -> AccountId {
    wallet::wallet_account(org.id, Currency::Ugx)
}

/// A statement read in pages of `limit`.
async fn statement(h: &Harness, org: &Tenant, span: Span, limit: u32) -> (Head, Vec<Movement>) {
    let head = h.store.statement_head(org.id, wallet_of(org), span).await.unwrap();
    let (mut after, mut all) = (head.after, Vec::new());
    loop {
        let page = h.store.statement_lines(org.id, wallet_of(org), after, head.position, limit).await.unwrap();
        assert!(page.len() <= limit as usize);
        let Some(last) = page.last() else { break };
        after = last.position;
        all.extend(page);
    }
    let moved: i64 = all.iter().map(|movement| movement.amount.minor).sum();
    assert_eq!(head.opening.minor + moved, head.closing().minor, "{head:?}");
    assert!(all.is_sorted_by_key(|movement| movement.position));
    (head, all)
}

/// Money in, money held for a batch, two of its rows paid and two given back, more money in: a minute apart each.
async fn busy(h: &Harness) -> (Tenant, [Time; 3]) {
    let org = h.tenant().await;
    let began = h.now();
    h.fund(&org, 100_000).await;
    h.advance(Duration::from_secs(60));
    let held = h.now();
    h.approved(&org, &List { fee: 20, tax: 4, ..list(4) }).await;
    h.advance(Duration::from_secs(1));
    for (n, submission) in h.claim(4).await.iter().enumerate() {
        let outcome = if n < 2 { confirmed(&submission.payout) } else { failed(false) };
        h.sent(submission, outcome).await;
    }
    h.advance(Duration::from_secs(60));
    let ended = h.now();
    h.fund(&org, 7).await;
    (org, [began, held, ended])
}

pub async fn a_statement_tells_what_touched_the_wallet_and_nothing_else(h: Harness) {
    let (org, _) = busy(&h).await;
    let (_, other) = (busy(&h).await, h.tenant().await);
    let (head, all) = statement(&h, &org, Span::default(), 100).await;
    let told: Vec<(&str, i64)> = all.iter().map(|m| (m.kind.as_str(), m.amount.minor)).collect();
    // `approved` of the harness loads what the batch needs.
    let needs = 4 * 1_024;
    let expected = [
        ("funding", 100_000),
        ("funding", needs),
        ("reserve", -needs),
        ("release", 1_024),
        ("release", 1_024),
        ("funding", 7),
    ];
    assert_eq!(told, expected);
    assert_eq!((head.opening.minor, head.closing().minor), (0, h.wallet(&org).await.0));
    assert_eq!((head.incoming.minor, head.outgoing.minor), (100_000 + needs + 2 * 1_024 + 7, needs));
    let released = &all[3];
    assert_eq!((released.reference.as_deref(), released.row), (Some("S-4"), Some(4)));
    assert!(released.payout.is_some() && released.batch_name.is_some());
    let (_, paged) = statement(&h, &org, Span::default(), 2).await;
    assert_eq!(
        paged.iter().map(|m| m.position).collect::<Vec<_>>(),
        all.iter().map(|m| m.position).collect::<Vec<_>>()
    );
    let (empty, none) = statement(&h, &other, Span::default(), 10).await;
    assert_eq!((empty.closing().minor, empty.position, none.len()), (0, 0, 0));
}

pub async fn a_statement_begins_where_the_one_before_it_ended(h: Harness) {
    let (org, [began, held, ended]) = busy(&h).await;
    let (_, all) = statement(&h, &org, Span::default(), 100).await;
    let edges = [None, Some(began), Some(held), Some(ended), Some(ended + Duration::from_secs(1)), None];
    let (mut closing, mut told) = (0, Vec::new());
    for pair in edges.windows(2) {
        let (head, some) = statement(&h, &org, Span { from: pair[0], to: pair[1] }, 3).await;
        assert_eq!(head.opening.minor, closing, "{pair:?}");
        assert!(some.iter().all(|m| pair[0].is_none_or(|from| m.at >= from) && pair[1].is_none_or(|to| m.at < to)));
        closing = head.closing().minor;
        told.extend(some.into_iter().map(|m| m.position));
    }
    assert_eq!(told, all.iter().map(|m| m.position).collect::<Vec<_>>(), "nothing is told twice and nothing left out");
    assert_eq!(closing, h.wallet(&org).await.0);
}

/// What comes later changes nothing of a stretch that is over.
pub async fn the_statement_of_a_time_that_is_past_stays_as_it_is(h: Harness) {
    let (org, [began, held, _]) = busy(&h).await;
    let span = Span { from: Some(began), to: Some(held) };
    let (head, before) = statement(&h, &org, span, 10).await;
    h.fund(&org, 5_000).await;
    let (again, after) = statement(&h, &org, span, 10).await;
    assert_eq!((again, after.len()), (head, before.len()));
}

pub async fn the_statement_of_anothers_wallet_is_not_found(h: Harness) {
    let (ours, theirs) = (h.tenant().await, h.tenant().await);
    h.fund(&theirs, 5).await;
    assert_not_found(h.store.statement_head(ours.id, wallet_of(&theirs), Span::default()).await);
    assert_not_found(h.store.statement_lines(ours.id, wallet_of(&theirs), 0, 100, 10).await);
}
