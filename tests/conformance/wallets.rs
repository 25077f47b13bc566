//! Wallets: money comes in once per reference, and the views agree with the ledger.

use super::books::assert_tenant;
use super::steps::*;
use super::support::*;
use gaba::ids;
use gaba::money::{Currency, Money};
use gaba::store::Refusal;
use gaba::wallet;
use gaba::wallet::check::Folded;

pub async fn a_funding_loads_the_wallet(h: Harness) {
    let org = h.tenant().await;
    assert_eq!(h.wallet(&org).await, (0, 0), "a new organisation has an empty wallet");
    let answer = applied(h.store.fund(&org.operator, ugx(5_000), "bank-1", None).await);
    assert_eq!((&answer["reference"], &answer["amount"]), (&"bank-1".into(), &"5000".into()));
    assert_eq!(answer["wallet"]["available"], "5000");
    assert_eq!(h.wallet(&org).await, (5_000, 0));
    assert_tenant(&h, &org).await;
}

pub async fn a_reference_funds_once(h: Harness) {
    let (org, other) = (h.tenant().await, h.tenant().await);
    applied(h.store.fund(&org.operator, ugx(5_000), "bank-1", None).await);
    for again in ["bank-1", " bank-1 "] {
        let used = refusal(h.store.fund(&org.operator, ugx(1), again, None).await);
        assert_eq!(used, Refusal::ReferenceUsed("bank-1".into()));
    }
    assert_eq!(h.wallet(&org).await, (5_000, 0));
    applied(h.store.fund(&other.operator, ugx(7), "bank-1", None).await);
    assert_eq!(h.wallet(&other).await, (7, 0), "references are each organisation's own");
}

pub async fn a_replayed_funding_gives_the_stored_answer_and_moves_nothing(h: Harness) {
    let org = h.tenant().await;
    let fund = |reference, body| h.store.fund(&org.operator, ugx(5_000), reference, idempotency("k1", body));
    let answer = applied(fund("bank-1", 1).await);
    h.fund(&org, 1).await;
    assert_eq!(already(fund("bank-1", 1).await), answer);
    assert_eq!(refusal(fund("bank-2", 2).await), Refusal::KeyReused);
    assert_eq!(h.wallet(&org).await, (5_001, 0));
    assert_tenant(&h, &org).await;
}

pub async fn nothing_less_than_one_unit_funds(h: Harness) {
    let org = h.tenant().await;
    for minor in [0, -1, i64::MIN] {
        assert!(matches!(refusal(h.store.fund(&org.operator, ugx(minor), "bank-1", None).await), Refusal::Invalid(_)));
    }
    for reference in ["", "  "] {
        let refused = refusal(h.store.fund(&org.operator, ugx(1), reference, None).await);
        assert!(matches!(refused, Refusal::Invalid(_)));
    }
    assert_eq!(h.wallet(&org).await, (0, 0));
    applied(h.store.fund(&org.operator, ugx(1), "bank-1", None).await);
}

/// What is held counts too: it may all come back.
pub async fn a_balance_beyond_what_can_be_counted_is_refused(h: Harness) {
    const MOST: i64 = 1_000_000_000_000_000;
    let org = h.tenant().await;
    h.approved(&org, &list(1)).await;
    for minor in [i64::MAX, MOST, MOST - 999] {
        let refused = refusal(h.store.fund(&org.operator, ugx(minor), "too much", None).await);
        assert!(matches!(refused, Refusal::Invalid(_)), "{refused:?}");
    }
    assert_eq!(h.wallet(&org).await, (0, 1_000));
    h.fund(&org, MOST - 1_000).await;
    assert_tenant(&h, &org).await;
}

pub async fn fundings_that_race_under_one_reference_load_once(h: Harness) {
    let org = h.tenant().await;
    let races = (0..10).map(|_| {
        let (store, operator) = (h.store.clone(), org.operator.clone());
        tokio::spawn(async move { store.fund(&operator, ugx(100), "bank-1", None).await })
    });
    let done = futures::future::join_all(races).await;
    assert_eq!(done.into_iter().filter(|r| r.as_ref().unwrap().is_ok()).count(), 1);
    assert_eq!(h.wallet(&org).await, (100, 0));
    assert_tenant(&h, &org).await;
}

pub async fn every_currency_has_a_wallet_of_its_own(h: Harness) {
    let org = h.tenant().await;
    h.fund(&org, 5_000).await;
    applied(h.store.fund(&org.operator, Money::new(1_250, Currency::Kes), "kes-1", None).await);
    let wallets = h.store.wallets(org.id).await.unwrap();
    let shown: Vec<_> = wallets.iter().map(|w| (w.currency.as_str(), w.available.as_str())).collect();
    assert_eq!(shown, [("KES", "12.50"), ("UGX", "5000")]);
    let kes = wallet::wallet_account(org.id, Currency::Kes);
    assert_eq!(h.store.wallet(org.id, kes).await.unwrap().available, "12.50");
    assert_not_found(h.store.wallet(org.id, ids::fresh()).await);
    assert_tenant(&h, &org).await;
}

pub async fn a_wallet_shows_what_is_available_and_what_is_held(h: Harness) {
    let org = h.tenant().await;
    h.fund(&org, 500).await;
    h.approved(&org, &list(3)).await;
    let other = h.approved(&org, &list(2)).await;
    assert_eq!(h.wallet(&org).await, (500, 5_000));
    let out = h.claim(5).await;
    let (mine, theirs): (Vec<_>, Vec<_>) = out.iter().partition(|s| s.payout.batch != other.id);
    h.sent(mine[0], confirmed(&mine[0].payout)).await;
    assert_eq!(h.wallet(&org).await, (500, 4_000));
    h.sent(theirs[0], failed(false)).await;
    assert_eq!(h.wallet(&org).await, (1_500, 3_000));
    assert_tenant(&h, &org).await;
}

pub async fn the_trial_balance_names_where_the_money_went(h: Harness) {
    let org = h.tenant().await;
    h.fund(&org, 10).await;
    h.approved(&org, &List { fee: 20, tax: 4, ..list(2) }).await;
    let out = h.claim(2).await;
    h.sent(&out[0], confirmed(&out[0].payout)).await;
    h.sent(&out[1], failed(false)).await;
    let check = h.store.check_ledger().await.unwrap();
    let net: Vec<_> = check.trial_balance.iter().map(|l| (l.account.as_str(), l.credits - l.debits)).collect();
    let settled = format!("settlement {LANE}");
    let expected =
        [("fees", 20), ("funding", -2_058), ("hold", 0), (settled.as_str(), 1_000), ("tax", 4), ("wallet", 1_034)];
    assert_eq!(net, expected);
    assert_eq!(check.transfers, 7);
    assert_tenant(&h, &org).await;
}

pub async fn a_check_goes_on_from_where_the_last_one_ended(h: Harness) {
    let org = h.tenant().await;
    let (_, folded) = h.store.check_ledger_from(Folded::default()).await.unwrap();
    let batch = h.approved(&org, &list(3)).await;
    let (_, folded) = h.store.check_ledger_from(folded).await.unwrap();
    h.pay(2).await;
    h.sent(&h.claim_one().await, failed(false)).await;
    h.assert_state(&org, &batch, gaba::batch::State::Completed).await;
    let (so_far, folded) = h.store.check_ledger_from(folded).await.unwrap();
    let whole = h.store.check_ledger().await.unwrap();
    assert!(so_far.balances() && whole.balances(), "{:?} {:?}", so_far.differences, whole.differences);
    assert_eq!(serde_json::to_value(&so_far).unwrap(), serde_json::to_value(&whole).unwrap());
    assert_eq!((folded.position, folded.transfers), (whole.position, whole.transfers));
    assert!(whole.transfers >= 5, "funding, reservation, two payments, a release");
}
