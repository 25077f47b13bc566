//! Acts that are asked for twice: what was answered first under an Idempotency-Key is answered again.
//!
//! The key is looked up and the answer stored in the transaction of the act, and acts are serial: of two equal requests
//! at the same moment the second waits for its turn and finds the answer of the first. Nobody has to be told that the
//! first still runs. A refusal is rolled back with its key, so that the same request can be tried again.

use super::rows::{self, get};
use super::{Result, SqliteStore, Tx, error, sql};
use crate::clock::Time;
use crate::org::Principal;
use crate::store::{Done, Idempotency, Refusal, StoreError};
use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;

impl SqliteStore {
    /// Runs an act of a person, at most once under each of their keys.
    pub(super) async fn once<T, F>(&self, actor: &Principal, key: Option<Idempotency>, act: F) -> Result<Done<Value>>
    where
        T: Serialize + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx, &'t Principal, Time) -> BoxFuture<'t, Result<Done<T>>> + Send + 'static,
    {
        let (now, actor) = (self.now(), actor.clone());
        self.write(move |tx| {
            Box::pin(async move {
                if let Some(stored) = find(tx, &actor, key.as_ref()).await? {
                    return Ok(Done::AlreadyApplied(stored));
                }
                let done = match act(tx, &actor, now).await? {
                    Done::Applied(made) => Done::Applied(answer(&made)?),
                    Done::AlreadyApplied(found) => Done::AlreadyApplied(answer(&found)?),
                };
                let (Done::Applied(answer) | Done::AlreadyApplied(answer)) = &done;
                keep(tx, &actor, key.as_ref(), answer, now).await?;
                Ok(done)
            })
        })
        .await
    }
}

fn answer(told: &impl Serialize) -> Result<Value> {
    serde_json::to_value(told).map_err(|e| StoreError::Rejected(e.to_string()))
}

/// The answer kept for a key, if it was used for the same request.
pub(super) async fn find(tx: &mut Tx, actor: &Principal, key: Option<&Idempotency>) -> Result<Option<Value>> {
    let Some(key) = key else { return Ok(None) };
    let find = sql!("idempotency_find").bind(actor.organisation).bind(actor.id).bind(&key.route).bind(&key.key);
    let Some(row) = find.fetch_optional(tx).await.map_err(error)? else { return Ok(None) };
    if get::<Vec<u8>>(&row, "fingerprint")? != key.fingerprint {
        return Err(Refusal::KeyReused.into());
    }
    let answer = serde_json::from_str(get::<&str>(&row, "answer")?);
    answer.map(Some).map_err(|e| rows::damaged("answer", e))
}

async fn keep(tx: &mut Tx, actor: &Principal, key: Option<&Idempotency>, answer: &Value, now: Time) -> Result<()> {
    let Some(key) = key else { return Ok(()) };
    let insert = sql!("idempotency_insert")
        .bind(actor.organisation)
        .bind(actor.id)
        .bind(&key.route)
        .bind(&key.key)
        .bind(key.fingerprint.as_slice())
        .bind(answer.to_string())
        .bind(now.micros());
    insert.execute(tx).await.map_err(error)?;
    Ok(())
}
