//! Organisations, members and keys; the audit trail that other acts write in their own transaction.

use super::rows::{self, get, time};
use super::{Result, SqliteStore, Tx, answers, error, sql};
use crate::clock::Time;
use crate::ids::{self, OrganisationId};
use crate::money::Currency;
use crate::org::audit::{self, Entry};
use crate::org::{Organisation, Principal, Role};
use crate::store::{Idempotency, Organisations, Page, PageRequest, Refusal, StoreError};
use crate::wallet::{self, AccountKind};
use async_trait::async_trait;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

#[async_trait]
impl Organisations for SqliteStore {
    async fn create_organisation(&self, name: &str, currency: Currency) -> Result<Organisation> {
        let now = self.now();
        let new = Organisation { id: ids::fresh(), name: name.trim().to_owned(), created_at: now };
        if new.name.is_empty() {
            return Err(Refusal::Invalid("an organisation needs a name".into()).into());
        }
        self.write(move |tx| {
            Box::pin(async move {
                if sql!("organisation_find")
                    .bind(new.id)
                    .bind(&new.name)
                    .fetch_optional(&mut *tx)
                    .await
                    .map_err(error)?
                    .is_some()
                {
                    let taken = format!("there is already an organisation named {:?}; choose another name", new.name);
                    return Err(Refusal::Invalid(taken).into());
                }
                let insert = sql!("organisation_insert").bind(new.id).bind(&new.name).bind(now.micros());
                insert.execute(&mut *tx).await.map_err(error)?;
                open_account(tx, AccountKind::Wallet, new.id, currency, wallet::wallet_account(new.id, currency))
                    .await?;
                record_act(tx, &Principal::operator(new.id), "organisation.created", Some(new.id), &new.name, now)
                    .await?;
                Ok(new)
            })
        })
        .await
    }

    async fn find_organisation(&self, id_or_name: &str) -> Result<Organisation> {
        let id = id_or_name.parse::<Uuid>().unwrap_or(Uuid::nil());
        let found = sql!("organisation_find").bind(id).bind(id_or_name).fetch_optional(&self.reader).await;
        let row = found.map_err(error)?.ok_or(StoreError::NotFound)?;
        Ok(Organisation { id: get(&row, "id")?, name: get(&row, "name")?, created_at: time(&row, "created_at")? })
    }

    async fn add_member(&self, organisation: OrganisationId, email: &str, role: Role) -> Result<Uuid> {
        let (now, email, id) = (self.now(), email.trim().to_lowercase(), ids::fresh());
        if !email.contains('@') {
            return Err(Refusal::Invalid(format!("{email:?} is not an e-mail address")).into());
        }
        self.write(move |tx| {
            Box::pin(async move {
                if find_member(tx, organisation, &email).await?.is_some() {
                    return Err(Refusal::Invalid(format!("{email} is already a member")).into());
                }
                let insert = sql!("member_insert").bind(id).bind(organisation).bind(&email).bind(role.name());
                insert.bind(now.micros()).execute(&mut *tx).await.map_err(error)?;
                let detail = format!("{email} as {}", role.name());
                record_act(tx, &Principal::operator(organisation), "member.added", Some(id), &detail, now).await?;
                Ok(id)
            })
        })
        .await
    }

    async fn create_key(
        &self,
        organisation: OrganisationId,
        role: Role,
        member: Option<&str>,
        hash: [u8; 32],
        prefix: &str,
    ) -> Result<Uuid> {
        let (now, id, prefix) = (self.now(), ids::fresh(), prefix.to_owned());
        let member = member.map(|m| m.trim().to_lowercase());
        self.write(move |tx| {
            Box::pin(async move {
                let member_id = match &member {
                    None => None,
                    Some(email) => Some(find_member(tx, organisation, email).await?.ok_or_else(|| {
                        Refusal::Invalid(format!("{email} is not a member; add them with `gaba member add` first"))
                    })?),
                };
                let insert = sql!("key_insert").bind(id).bind(organisation).bind(member_id).bind(role.name());
                let insert = insert.bind(hash.as_slice()).bind(&prefix).bind(now.micros());
                insert.execute(&mut *tx).await.map_err(error)?;
                let detail =
                    format!("{prefix}… as {}{}", role.name(), member.map(|m| format!(" for {m}")).unwrap_or_default());
                record_act(tx, &Principal::operator(organisation), "key.created", Some(id), &detail, now).await?;
                Ok(id)
            })
        })
        .await
    }

    async fn revoke_key(&self, organisation: OrganisationId, key: Uuid) -> Result<()> {
        let now = self.now();
        self.write(move |tx| {
            Box::pin(async move {
                let revoke = sql!("key_revoke").bind(organisation).bind(key).bind(now.micros());
                if revoke.execute(&mut *tx).await.map_err(error)?.rows_affected() == 0 {
                    return Err(StoreError::NotFound);
                }
                record_act(tx, &Principal::operator(organisation), "key.revoked", Some(key), "", now).await
            })
        })
        .await
    }

    async fn principal(&self, key_hash: [u8; 32]) -> Result<Option<Principal>> {
        let found =
            sql!("key_principal").bind(key_hash.as_slice()).fetch_optional(&self.reader).await.map_err(error)?;
        found
            .map(|row| {
                let role = get::<&str>(&row, "role")?;
                Ok(Principal {
                    id: get::<Option<Uuid>>(&row, "member_id")?.map_or_else(|| get(&row, "id"), Ok)?,
                    organisation: get(&row, "organisation_id")?,
                    role: Role::parse(role).ok_or_else(|| rows::damaged("role", role))?,
                    label: get(&row, "label")?,
                })
            })
            .transpose()
    }

    async fn audit(&self, organisation: OrganisationId, page: PageRequest) -> Result<Page<Entry>> {
        let [after] = rows::cursor(&page)?;
        let list = sql!("audit_list").bind(organisation).bind(after).bind(i64::from(page.limit) + 1);
        let found = list.fetch_all(&self.reader).await.map_err(error)?;
        let entries = found.iter().map(entry).collect::<Result<Vec<_>>>()?;
        Ok(rows::page(entries, &page, |e| e.sequence.to_string()))
    }

    async fn answered(&self, actor: &Principal, key: &Idempotency) -> Result<Option<Value>> {
        let mut connection = self.reader.acquire().await.map_err(error)?;
        answers::find(&mut connection, actor, Some(key)).await
    }

    async fn verify_audit(&self) -> Result<Vec<String>> {
        let mut broken = Vec::new();
        for row in sql!("organisation_ids").fetch_all(&self.reader).await.map_err(error)? {
            broken.extend(self.verify_chain(get(&row, "id")?).await?);
        }
        Ok(broken)
    }
}

impl SqliteStore {
    /// The first broken place of one organisation's chain.
    async fn verify_chain(&self, organisation: OrganisationId) -> Result<Option<String>> {
        const PAGE: i64 = 1_000;
        let (mut previous, mut after) = (audit::GENESIS, -1_i64);
        loop {
            let list = sql!("audit_list").bind(organisation).bind(after).bind(PAGE);
            let found = list.fetch_all(&self.reader).await.map_err(error)?;
            for row in &found {
                let entry = entry(row)?;
                let hash = audit::chain(&previous, &entry);
                if entry.sequence != after.max(0) + 1 || get::<Vec<u8>>(row, "hash")? != hash {
                    let place = format!("organisation {organisation}: the chain breaks at entry {}", entry.sequence);
                    return Ok(Some(place));
                }
                (previous, after) = (hash, entry.sequence);
            }
            if found.len() < PAGE as usize {
                return Ok(None);
            }
        }
    }
}

fn entry(row: &SqliteRow) -> Result<Entry> {
    Ok(Entry {
        sequence: get(row, "sequence")?,
        organisation_id: get(row, "organisation_id")?,
        at: time(row, "at")?,
        actor: get(row, "actor")?,
        act: get(row, "act")?,
        subject: get(row, "subject")?,
        detail: get(row, "detail")?,
    })
}

async fn find_member(tx: &mut Tx, organisation: OrganisationId, email: &str) -> Result<Option<Uuid>> {
    let found = sql!("member_find").bind(organisation).bind(email).fetch_optional(tx).await.map_err(error)?;
    found.map(|row| get(&row, "id")).transpose()
}

/// Opens an account unless it is open.
pub(super) async fn open_account(
    tx: &mut Tx,
    kind: AccountKind,
    organisation: OrganisationId,
    currency: Currency,
    id: Uuid,
) -> Result<()> {
    let open = sql!("account_open").bind(id).bind(organisation).bind(kind.name()).bind(currency.code());
    open.execute(tx).await.map_err(error)?;
    Ok(())
}

/// Appends to the organisation's audit chain.
pub(super) async fn record_act(
    tx: &mut Tx,
    actor: &Principal,
    act: &str,
    subject: Option<Uuid>,
    detail: &str,
    at: Time,
) -> Result<()> {
    let last = sql!("audit_last").bind(actor.organisation).fetch_optional(&mut *tx).await.map_err(error)?;
    let (sequence, previous) = match last {
        None => (1, audit::GENESIS),
        Some(row) => {
            let hash: Vec<u8> = get(&row, "hash")?;
            let hash = <[u8; 32]>::try_from(hash).map_err(|_| rows::damaged("hash", "not 32 bytes"))?;
            (get::<i64>(&row, "sequence")? + 1, hash)
        }
    };
    let actor_text = if actor.id.is_nil() { actor.label.clone() } else { format!("{} ({})", actor.label, actor.id) };
    let entry = Entry {
        sequence,
        organisation_id: actor.organisation,
        at,
        actor: actor_text,
        act: act.to_owned(),
        subject,
        detail: detail.to_owned(),
    };
    let insert = sql!("audit_insert")
        .bind(entry.organisation_id)
        .bind(entry.sequence)
        .bind(at.micros())
        .bind(&entry.actor)
        .bind(&entry.act)
        .bind(entry.subject)
        .bind(&entry.detail)
        .bind(audit::chain(&previous, &entry).to_vec());
    insert.execute(tx).await.map_err(error)?;
    Ok(())
}
