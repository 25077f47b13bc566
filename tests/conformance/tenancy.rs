//! What belongs to another organisation does not exist.

use super::books::assert_tenant;
use super::steps::*;
use super::support::*;
use gaba::batch::State;
use gaba::money::Currency;
use gaba::org::{Role, keys};
use gaba::store::Refusal;
use gaba::wallet;

pub async fn every_read_of_anothers_is_not_found(h: Harness) {
    let (ours, theirs) = (h.tenant().await, h.tenant().await);
    let batch = h.approved(&theirs, &List { notify: true, invalid: 1, ..list(2) }).await;
    let out = h.claim(2).await;
    h.sent(&out[0], confirmed(&out[0].payout)).await;
    h.sent(&out[1], mismatched(&out[1].payout)).await;
    let message = h.store.messages(theirs.id, batch.id, None, page(1)).await.unwrap().items.remove(0);
    let id = ours.id;
    assert_not_found(h.store.batch(id, batch.id).await);
    assert_not_found(h.store.issues(id, batch.id, None, page(9)).await);
    assert_not_found(h.store.payouts(id, batch.id, None, page(9)).await);
    assert_not_found(h.store.payout(id, out[0].payout.id).await);
    assert_not_found(h.store.messages(id, batch.id, None, page(9)).await);
    assert_not_found(h.store.message(id, message.id).await);
    assert_not_found(h.store.report_lines(id, batch.id, 0, 9).await);
    assert_not_found(h.store.report_head(id, batch.id).await);
    assert_not_found(h.store.wallet(id, wallet::wallet_account(theirs.id, Currency::Ugx)).await);
    assert!(h.store.batches(id, page(9)).await.unwrap().items.is_empty());
    assert!(h.exceptions(id).await.is_empty());
    let wallets = h.store.wallets(id).await.unwrap();
    assert_eq!((wallets.len(), wallets[0].held.as_str()), (1, "0"));
    let audit = h.store.audit(id, page(500)).await.unwrap().items;
    assert!(audit.iter().all(|e| e.organisation_id == id && e.subject != Some(batch.id)));
}

pub async fn every_act_on_anothers_batch_is_not_found_and_changes_nothing(h: Harness) {
    let (ours, theirs) = (h.tenant().await, h.tenant().await);
    h.fund(&ours, 50_000).await;
    h.fund(&theirs, 50_000).await;
    let later = Some(h.now() + LEASE);
    let batches = [
        h.ready(&theirs, &list(2)).await,
        h.awaiting(&theirs, &list(2)).await,
        h.approved(&theirs, &List { scheduled_at: later, ..list(2) }).await,
        h.approved(&theirs, &list(2)).await,
        {
            let paused = h.approved(&theirs, &list(2)).await;
            applied(h.store.pause(&theirs.maker, paused.id, None).await);
            h.batch(&theirs, &paused).await
        },
    ];
    let before = (h.wallet(&ours).await, h.wallet(&theirs).await, h.store.ledger_position().await.unwrap());
    for batch in &batches {
        let (id, digest) = (batch.id, batch.digest.as_deref().unwrap());
        assert_not_found(h.store.submit(&ours.maker, id, true, None).await);
        assert_not_found(h.approve_as(&ours.checker, id, digest, idempotency("k", 1)).await);
        assert_not_found(h.store.reject(&ours.checker, id, "no", None).await);
        assert_not_found(h.store.pause(&ours.maker, id, None).await);
        assert_not_found(h.store.resume(&ours.maker, id, None).await);
        assert_not_found(h.store.cancel(&ours.maker, id, None).await);
        let after = h.batch(&theirs, batch).await;
        assert_eq!((after.state, after.claim, after.rejection), (batch.state, batch.claim, None));
    }
    let after = (h.wallet(&ours).await, h.wallet(&theirs).await, h.store.ledger_position().await.unwrap());
    assert_eq!(after, before);
    assert_tenant(&h, &theirs).await;
}

pub async fn the_same_upload_key_of_two_organisations_makes_two_batches(h: Harness) {
    let (ours, theirs) = (h.tenant().await, h.tenant().await);
    let a = applied(h.store.create_batch(h.new_batch(&ours, "march", &list(1))).await);
    let b = applied(h.store.create_batch(h.new_batch(&theirs, "march", &list(1))).await);
    assert_ne!(a.id, b.id);
}

pub async fn an_answer_stored_for_one_is_not_given_to_another(h: Harness) {
    let (ours, theirs) = (h.tenant().await, h.tenant().await);
    applied(h.store.fund(&theirs.operator, ugx(9), "bank-1", idempotency("k", 1)).await);
    applied(h.store.fund(&ours.operator, ugx(5), "bank-1", idempotency("k", 1)).await);
    assert_eq!((h.wallet(&ours).await, h.wallet(&theirs).await), ((5, 0), (9, 0)));
}

pub async fn anothers_key_cannot_be_revoked_nor_given_to_its_member(h: Harness) {
    let (ours, theirs) = (h.tenant().await, h.tenant().await);
    h.store.add_member(theirs.id, "amina@example.org", Role::Checker).await.unwrap();
    let key = keys::generate();
    let id = h.store.create_key(theirs.id, Role::Checker, None, key.hash, &key.prefix).await.unwrap();
    assert_not_found(h.store.revoke_key(ours.id, id).await);
    assert!(h.store.principal(key.hash).await.unwrap().is_some());
    let own = keys::generate();
    let result = h.store.create_key(ours.id, Role::Checker, Some("amina@example.org"), own.hash, &own.prefix).await;
    assert!(matches!(refusal(result), Refusal::Invalid(_)));
}

pub async fn anothers_money_pays_for_nothing_of_ours(h: Harness) {
    let (ours, theirs) = (h.tenant().await, h.tenant().await);
    h.fund(&theirs, 50_000).await;
    let batch = h.awaiting(&ours, &list(1)).await;
    let short = Refusal::InsufficientFunds { available: ugx(0), needed: ugx(1_000) };
    assert_eq!(refusal(h.approve(&ours, &batch).await), short);
    h.assert_state(&ours, &batch, State::AwaitingApproval).await;
    assert_eq!(h.wallet(&theirs).await, (50_000, 0));
}

pub async fn an_operator_finds_a_batch_of_whichever_organisation(h: Harness) {
    let org = h.tenant().await;
    let batch = h.ready(&org, &list(1)).await;
    assert_eq!(h.store.find_batch(batch.id).await.unwrap().organisation, org.id);
    assert_not_found(h.store.find_batch(org.id).await);
}
