//! Organisations, members, keys, and the trail of what they did.

use super::support::*;
use gaba::money::Currency;
use gaba::org::{Role, keys};
use gaba::store::{PageRequest, Refusal};

pub async fn an_organisation_is_found_by_its_id_and_its_name(h: Harness) {
    let made = h.store.create_organisation("  Kampala Relief ", Currency::Ugx).await.unwrap();
    for handle in ["Kampala Relief", &made.id.to_string()] {
        let found = h.store.find_organisation(handle).await.unwrap();
        assert_eq!((found.id, found.name.as_str(), found.created_at), (made.id, "Kampala Relief", h.now()));
    }
    assert_not_found(h.store.find_organisation("Gulu Relief").await);
}

pub async fn a_name_is_taken_once(h: Harness) {
    h.store.create_organisation("Kampala Relief", Currency::Ugx).await.unwrap();
    for name in ["Kampala Relief", "", "  "] {
        let refused = refusal(h.store.create_organisation(name, Currency::Ugx).await);
        assert!(matches!(refused, Refusal::Invalid(_)));
    }
}

pub async fn a_key_is_its_members_word(h: Harness) {
    let org = h.tenant().await;
    let member = h.store.add_member(org.id, " Amina@Example.org ", Role::Checker).await.unwrap();
    let key = keys::generate();
    h.store.create_key(org.id, Role::Checker, Some("amina@example.org"), key.hash, &key.prefix).await.unwrap();
    let principal = h.store.principal(key.hash).await.unwrap().unwrap();
    assert_eq!((principal.id, principal.organisation, principal.role), (member, org.id, Role::Checker));
    assert_eq!(principal.label, "amina@example.org");
    assert!(h.store.principal(keys::generate().hash).await.unwrap().is_none());
}

pub async fn a_key_of_nobody_is_a_principal_of_its_own(h: Harness) {
    let org = h.tenant().await;
    let key = keys::generate();
    let id = h.store.create_key(org.id, Role::Maker, None, key.hash, &key.prefix).await.unwrap();
    let principal = h.store.principal(key.hash).await.unwrap().unwrap();
    assert_eq!((principal.id, principal.label), (id, key.prefix));
}

pub async fn two_keys_of_one_member_are_one_principal(h: Harness) {
    let org = h.tenant().await;
    h.store.add_member(org.id, "amina@example.org", Role::Owner).await.unwrap();
    let mut ids = Vec::new();
    for role in [Role::Maker, Role::Checker] {
        let key = keys::generate();
        h.store.create_key(org.id, role, Some("amina@example.org"), key.hash, &key.prefix).await.unwrap();
        ids.push(h.store.principal(key.hash).await.unwrap().unwrap());
    }
    assert_eq!(ids[0].id, ids[1].id);
    let batch = h.ready(&org, &list(1)).await;
    applied(h.store.submit(&ids[0], batch.id, false, None).await);
    let own = h.approve_as(&ids[1], batch.id, batch.digest.as_deref().unwrap(), None).await;
    assert_eq!(refusal(own), Refusal::SelfApproval, "two keys do not make two persons");
}

pub async fn a_revoked_key_is_nobody(h: Harness) {
    let org = h.tenant().await;
    let (key, other) = (keys::generate(), keys::generate());
    let id = h.store.create_key(org.id, Role::Maker, None, key.hash, &key.prefix).await.unwrap();
    h.store.create_key(org.id, Role::Maker, None, other.hash, &other.prefix).await.unwrap();
    h.store.revoke_key(org.id, id).await.unwrap();
    assert!(h.store.principal(key.hash).await.unwrap().is_none());
    assert!(h.store.principal(other.hash).await.unwrap().is_some());
}

pub async fn a_member_is_added_once_and_has_an_address(h: Harness) {
    let (org, other) = (h.tenant().await, h.tenant().await);
    h.store.add_member(org.id, "amina@example.org", Role::Maker).await.unwrap();
    for address in ["AMINA@example.org", "amina", ""] {
        let refused = refusal(h.store.add_member(org.id, address, Role::Checker).await);
        assert!(matches!(refused, Refusal::Invalid(_)), "{address}");
    }
    h.store.add_member(other.id, "amina@example.org", Role::Maker).await.unwrap();
    let key = keys::generate();
    let stranger = h.store.create_key(org.id, Role::Maker, Some("okello@example.org"), key.hash, &key.prefix).await;
    assert!(matches!(refusal(stranger), Refusal::Invalid(_)));
    assert!(h.store.principal(key.hash).await.unwrap().is_none());
}

pub async fn every_act_leaves_an_entry_and_the_chains_hold(h: Harness) {
    let (org, _other) = (h.tenant().await, h.tenant().await);
    let batch = h.awaiting(&org, &list(2)).await;
    applied(h.store.reject(&org.checker, batch.id, "row 3 is not ours", None).await);
    applied(h.store.submit(&org.maker, batch.id, false, None).await);
    h.fund(&org, 2_000).await;
    applied(h.approve(&org, &batch).await);
    applied(h.store.pause(&org.maker, batch.id, None).await);
    applied(h.store.resume(&org.maker, batch.id, None).await);
    applied(h.store.cancel(&org.maker, batch.id, None).await);
    let entries = h.store.audit(org.id, page(500)).await.unwrap().items;
    let acts: Vec<&str> = entries.iter().map(|e| e.act.as_str()).collect();
    let expected = [
        "organisation.created",
        "member.added",
        "key.created",
        "member.added",
        "key.created",
        "batch.uploaded",
        "batch.submitted",
        "batch.rejected",
        "batch.submitted",
        "wallet.funded",
        "batch.approved",
        "batch.paused",
        "batch.resumed",
        "batch.cancelled",
    ];
    assert_eq!(acts, expected);
    assert!(entries.iter().zip(1..).all(|(e, n)| e.sequence == n && e.organisation_id == org.id));
    let approval = entries.iter().find(|e| e.act == "batch.approved").unwrap();
    assert_eq!((approval.subject, approval.at), (Some(batch.id), h.now()));
    assert!(approval.actor.contains(&org.checker.label) && approval.detail.contains(batch.digest.as_deref().unwrap()));
    assert_eq!(h.store.verify_audit().await.unwrap(), Vec::<String>::new());
}

pub async fn refused_and_replayed_acts_leave_no_entry(h: Harness) {
    let org = h.tenant().await;
    let batch = h.awaiting(&org, &list(2)).await;
    let before = h.store.audit(org.id, page(500)).await.unwrap().items.len();
    already(h.store.submit(&org.maker, batch.id, false, None).await);
    refusal(h.approve(&org, &batch).await);
    assert_invalid_state(h.store.pause(&org.maker, batch.id, None).await);
    assert_eq!(h.store.audit(org.id, page(500)).await.unwrap().items.len(), before);
}

pub async fn the_trail_is_read_page_by_page(h: Harness) {
    let org = h.tenant().await;
    let whole = h.store.audit(org.id, page(500)).await.unwrap().items;
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let found = h.store.audit(org.id, PageRequest { cursor, limit: 2 }).await.unwrap();
        seen.extend(found.items.iter().map(|e| e.sequence));
        cursor = found.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, whole.iter().map(|e| e.sequence).collect::<Vec<_>>());
}

pub async fn acts_that_race_keep_one_chain(h: Harness) {
    let org = h.tenant().await;
    let acts = (0..20).map(|n| {
        let (store, operator) = (h.store.clone(), org.operator.clone());
        tokio::spawn(async move { store.fund(&operator, ugx(1), &format!("race-{n}"), None).await.unwrap() })
    });
    futures::future::join_all(acts).await;
    assert_eq!(h.store.verify_audit().await.unwrap(), Vec::<String>::new());
    assert_eq!(h.wallet(&org).await, (20, 0));
}

pub async fn a_cursor_that_no_list_gave_is_refused(h: Harness) {
    let org = h.tenant().await;
    let batch = h.ready(&org, &list(1)).await;
    for text in ["x", "1.2.3", "9.x"] {
        let page = || PageRequest { cursor: Some(text.into()), limit: 10 };
        let refused = |refusal| assert!(matches!(refusal, Refusal::Invalid(_)), "{text}");
        refused(refusal(h.store.audit(org.id, page()).await));
        refused(refusal(h.store.batches(org.id, page()).await));
        refused(refusal(h.store.payouts(org.id, batch.id, None, page()).await));
        refused(refusal(h.store.issues(org.id, batch.id, None, page()).await));
        refused(refusal(h.store.messages(org.id, batch.id, None, page()).await));
        refused(refusal(h.store.exceptions(org.id, None, None, page()).await));
    }
}

pub async fn an_installation_keeps_its_key_and_is_ready(h: Harness) {
    let key = h.store.capability_key().await.unwrap();
    assert_eq!(h.store.capability_key().await.unwrap(), key);
    assert_ne!(key, [0; 32]);
    h.store.ready().await.unwrap();
}
