//! Organisations, members, keys, and what they did.

use super::{Idempotency, Page, PageRequest, Result};
use crate::ids::OrganisationId;
use crate::money::Currency;
use crate::org::audit::Entry;
use crate::org::{Organisation, Principal, Role};
use async_trait::async_trait;
use serde_json::Value;
use uuid::Uuid;

/// Organisations, members, keys, and what they did.
#[async_trait]
pub trait Organisations: Send + Sync {
    /// Creates a verified organisation with an empty wallet. The name is unique.
    async fn create_organisation(&self, name: &str, currency: Currency) -> Result<Organisation>;
    /// By id or by name.
    async fn find_organisation(&self, id_or_name: &str) -> Result<Organisation>;
    async fn add_member(&self, organisation: OrganisationId, email: &str, role: Role) -> Result<Uuid>;
    /// Adds a key; `member` is an e-mail address. Returns the key's id.
    async fn create_key(
        &self,
        organisation: OrganisationId,
        role: Role,
        member: Option<&str>,
        hash: [u8; 32],
        prefix: &str,
    ) -> Result<Uuid>;
    async fn revoke_key(&self, organisation: OrganisationId, key: Uuid) -> Result<()>;
    /// Who a presented key is; `None` for unknown and revoked keys.
    async fn principal(&self, key_hash: [u8; 32]) -> Result<Option<Principal>>;
    /// What was answered to this principal under this key, for an act that does more than its one transaction.
    async fn answered(&self, actor: &Principal, key: &Idempotency) -> Result<Option<Value>>;
    async fn audit(&self, organisation: OrganisationId, page: PageRequest) -> Result<Page<Entry>>;
    /// Walks every chain; the first broken place of each, in words.
    async fn verify_audit(&self) -> Result<Vec<String>>;
}
