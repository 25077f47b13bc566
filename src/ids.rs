//! Identities. Whatever money depends on is *derived* (UUIDv5), so that a database restored from an older backup, and
//! an upload repeated after it, arrive at the same identities.

use crate::chance;
use uuid::{Builder, Uuid};

pub type OrganisationId = Uuid;
pub type BatchId = Uuid;
pub type PayoutId = Uuid;
pub type MessageId = Uuid;
pub type AccountId = Uuid;

/// Namespace of every identity derived here.
const NAMESPACE: Uuid = Uuid::from_u128(0x6b1e_64b3_6c2f_4c55_9a1d_7f3b_51d8_0ea2);

/// Live data, or the separate data of a test key.
pub const MODE_LIVE: &str = "live";

/// A fresh, time-ordered id for things nothing is derived from.
pub fn fresh() -> Uuid {
    match (chance::settled(), chance::settled()) {
        (Some(high), Some(low)) => Uuid::from_u64_pair(high, low),
        _ => Uuid::now_v7(),
    }
}

fn derive(kind: &str, parts: &[&[u8]]) -> Uuid {
    let mut name = Vec::with_capacity(64);
    for part in std::iter::once(kind.as_bytes()).chain(parts.iter().copied()) {
        // Length first: ("ab","c") and ("a","bc") must not meet.
        name.extend_from_slice(&(part.len() as u64).to_be_bytes());
        name.extend_from_slice(part);
    }
    Uuid::new_v5(&NAMESPACE, &name)
}

/// The batch that an upload's `Idempotency-Key` names.
pub fn batch(organisation: OrganisationId, mode: &str, idempotency_key: &str) -> BatchId {
    derive("batch", &[organisation.as_bytes(), mode.as_bytes(), idempotency_key.as_bytes()])
}

/// The payout of one row of a batch: also the idempotency key of that recipient's transfer.
pub fn payout(batch: BatchId, row: u32) -> PayoutId {
    derive("payout", &[batch.as_bytes(), &row.to_be_bytes()])
}

/// The message a row gets for one purpose.
pub fn message(batch: BatchId, row: u32, purpose: &str) -> MessageId {
    derive("message", &[batch.as_bytes(), &row.to_be_bytes(), purpose.as_bytes()])
}

/// The reference under which one attempt is sent to the provider. Version bits are 4, because MTN refuses others.
pub fn attempt_reference(payout: PayoutId, attempt: u32) -> Uuid {
    let v5 = derive("attempt", &[payout.as_bytes(), &attempt.to_be_bytes()]);
    Builder::from_random_bytes(*v5.as_bytes()).into_uuid()
}

/// An account of the ledger; `of` names what distinguishes it (a currency, a batch, a lane).
pub fn account(kind: &str, organisation: OrganisationId, of: &[&str]) -> AccountId {
    let mut parts: Vec<&[u8]> = vec![organisation.as_bytes()];
    parts.extend(of.iter().map(|p| p.as_bytes()));
    derive(kind, &parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_upload_derives_the_same_identities() {
        let org = Uuid::from_u128(1);
        let batch = batch(org, MODE_LIVE, "march");
        assert_eq!(batch, super::batch(org, MODE_LIVE, "march"));
        assert_eq!(payout(batch, 2), payout(batch, 2));
        assert_ne!(payout(batch, 2), payout(batch, 3));
        assert_ne!(batch, super::batch(org, "test", "march"));
    }

    #[test]
    fn references_differ_by_attempt_and_are_version_4() {
        let payout = payout(Uuid::from_u128(7), 1);
        let (one, two) = (attempt_reference(payout, 1), attempt_reference(payout, 2));
        assert_ne!(one, two);
        assert_eq!(one, attempt_reference(payout, 1));
        assert_eq!(one.get_version_num(), 4);
    }

    #[test]
    fn parts_never_run_into_each_other() {
        let org = Uuid::from_u128(1);
        assert_ne!(account("hold", org, &["ab", "c"]), account("hold", org, &["a", "bc"]));
    }
}
