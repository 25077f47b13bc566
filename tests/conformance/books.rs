//! The auditor: after every step the books must agree, by the store's own check and by counting again from what it
//! lists.

use super::support::{Harness, Tenant, page};
use gaba::batch::{self, Batch, Kind};
use gaba::payout::{PayoutView, State};
use gaba::sms::MessageView;
use gaba::store::{PageRequest, SharedStore};
use std::collections::BTreeMap;

/// I4, I5, I6 and I8 by the ledger check, and that debits equal credits in every currency.
pub async fn assert_books(store: &SharedStore) {
    let check = store.check_ledger().await.unwrap();
    assert!(check.balances(), "{:#?}", check.differences);
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    for line in &check.trial_balance {
        *sums.entry(line.currency.as_str()).or_default() += line.debits - line.credits;
    }
    assert!(sums.values().all(|sum| *sum == 0), "{sums:?}");
}

/// The books, the wallet, and every batch of an organisation.
pub async fn assert_tenant(h: &Harness, tenant: &Tenant) {
    assert_books(&h.store).await;
    let batches = h.store.batches(tenant.id, page(500)).await.unwrap().items;
    let held: i64 = batches.iter().map(|b| b.held).sum();
    let wallet = h.wallet(tenant).await;
    assert_eq!(wallet.1, held, "what the wallet shows as held is what its batches hold");
    for batch in &batches {
        assert_batch(h, tenant, batch).await;
    }
}

/// The counters of a batch against its rows, counted one by one.
async fn assert_batch(h: &Harness, tenant: &Tenant, batch: &Batch) {
    if matches!(batch.state, batch::State::Importing | batch::State::ImportFailed) {
        return;
    }
    let rows: Vec<(String, i64)> = match batch.kind {
        Kind::Payout => {
            all_payouts(h, tenant, batch).await.into_iter().map(|p| (p.state, p.amount.parse().unwrap())).collect()
        }
        Kind::Sms => {
            all_messages(h, tenant, batch).await.into_iter().map(|m| (m.state, m.cost.parse().unwrap())).collect()
        }
    };
    let mut counted = 0;
    for state in batch.kind.row_states() {
        let of: Vec<i64> = rows.iter().filter(|(s, _)| s == state.name()).map(|(_, amount)| *amount).collect();
        let tally = batch.tally(state);
        let found = (of.len() as i64, of.iter().sum::<i64>());
        assert_eq!((tally.rows, tally.amount), found, "{state} rows of {}", batch.name);
        counted += tally.rows;
    }
    assert_eq!(counted, batch.valid, "every row is in one state");
    assert_eq!(batch.reserved, batch.paid + batch.released + batch.held, "{}", batch.name);
    if batch.kind == Kind::Payout {
        assert_eq!(batch.paid, batch.tally(State::Paid).total, "{}", batch.name);
    }
    if matches!(batch.state, batch::State::Completed | batch::State::Cancelled) {
        assert_eq!(batch.held, 0, "{} is closed", batch.name);
    }
    if batch.state == batch::State::Completed {
        assert_eq!(batch.unfinished(), 0, "{} is closed", batch.name);
    }
}

/// Every message of a batch.
pub async fn all_messages(h: &Harness, tenant: &Tenant, batch: &Batch) -> Vec<MessageView> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let wanted = PageRequest { cursor, limit: 500 };
        let page = h.store.messages(tenant.id, batch.id, None, wanted).await.unwrap();
        all.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return all;
        }
    }
}

/// Every payout of a batch, through as many pages as it takes.
pub async fn all_payouts(h: &Harness, tenant: &Tenant, batch: &Batch) -> Vec<PayoutView> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let wanted = PageRequest { cursor, limit: 500 };
        let page = h.store.payouts(tenant.id, batch.id, None, wanted).await.unwrap();
        all.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return all;
        }
    }
}
