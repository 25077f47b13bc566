//! I5 after every step: the transfers are added up beside the store, from where the step before left off, and every wallet
//! and every hold is held against its sum and against the model. What a transfer belongs to is compared after this step,
//! whether the model thinks that it moved or not.

use super::world::{World, same};
use crate::support::walks::Wrong;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{ConnectOptions, Row};
use std::collections::HashMap;
use std::path::Path;
use uuid::Uuid;

/// Transfers are only ever added, so what was added up once stays true: after a crash too.
#[derive(Default)]
pub struct Books {
    beside: Option<SqliteConnection>,
    /// Of the database as it was when it was last looked at: another number means that somebody has written.
    version: i64,
    /// Of the last transfer that was added up.
    position: i64,
    /// What came in less what went out, by account.
    sums: HashMap<Uuid, i64>,
}

struct Account {
    kind: String,
    organisation: Uuid,
    batch: Option<Uuid>,
    currency: String,
    balance: i64,
}

impl Books {
    /// Goes on with this file, which holds all that the one before did.
    pub async fn open(&mut self, file: &Path) {
        let options = SqliteConnectOptions::new().filename(file).read_only(true);
        (self.beside, self.version) = (Some(options.connect().await.unwrap()), 0);
    }

    /// The transfers that nobody has added up, and every account; nothing when nothing was written.
    async fn news(&mut self) -> sqlx::Result<Option<(Vec<SqliteRow>, HashMap<Uuid, Account>)>> {
        let beside = self.beside.as_mut().expect("an open file");
        let version = sqlx::query("PRAGMA data_version").fetch_one(&mut *beside).await?.get(0);
        if version == std::mem::replace(&mut self.version, version) {
            return Ok(None);
        }
        let transfers =
            "SELECT position, debit_account, credit_account, amount, currency, kind, batch_id FROM transfers
                         WHERE position > ?1 ORDER BY position";
        let transfers = sqlx::query(transfers).bind(self.position).fetch_all(&mut *beside).await?;
        let accounts = "SELECT id, kind, organisation_id, batch_id, currency, balance FROM accounts";
        let accounts = sqlx::query(accounts).fetch_all(beside).await?;
        let account = |row: &SqliteRow| {
            let [kind, currency] = ["kind", "currency"].map(|column| row.get(column));
            let (organisation, batch) = (row.get("organisation_id"), row.get("batch_id"));
            (row.get("id"), Account { kind, organisation, batch, currency, balance: row.get("balance") })
        };
        Ok(Some((transfers, accounts.iter().map(account).collect())))
    }

    /// Adds a transfer to its two accounts, which is why all of a currency sum to zero. The batch that it belongs to.
    fn add(&mut self, transfer: &SqliteRow, accounts: &HashMap<Uuid, Account>) -> Result<Option<Uuid>, Wrong> {
        let (position, amount, batch): (i64, i64, Option<Uuid>) =
            (transfer.get("position"), transfer.get("amount"), transfer.get("batch_id"));
        let (kind, currency): (&str, &str) = (transfer.get("kind"), transfer.get("currency"));
        for (side, amount) in [("debit_account", -amount), ("credit_account", amount)] {
            let id = transfer.get(side);
            match accounts.get(&id) {
                Some(account) if account.currency == currency => *self.sums.entry(id).or_default() += amount,
                _ => return Err(format!("I5: transfer {position} has no {side} in {currency}")),
            }
        }
        self.position = position;
        same(format!("I5: whether transfer {position} ({kind}) is of no batch"), batch.is_none(), kind == "funding")?;
        Ok(batch)
    }
}

/// Looks at what the step did to the books, and sees to it that what it moved is compared.
pub async fn follow(world: &mut World) -> Result<(), Wrong> {
    let Some((transfers, accounts)) = world.books.news().await.map_err(|e| e.to_string())? else { return Ok(()) };
    for transfer in &transfers {
        if let Some(id) = world.books.add(transfer, &accounts)? {
            let batch = batch(world, id)?;
            world.model.touched.insert(batch);
        }
    }
    for (id, account) in &accounts {
        let model = match account.kind.as_str() {
            "wallet" => {
                let org = world.tenants.iter().position(|tenant| tenant.id == account.organisation);
                world.model.orgs[org.ok_or("I5: a wallet of nobody")?].wallet
            }
            "hold" => world.model.batches[batch(world, account.batch.ok_or("I5: a hold of no batch")?)?].held,
            _ => continue,
        };
        let what = format!("I5: the {} of {}", account.kind, account.batch.unwrap_or(account.organisation));
        let sum = world.books.sums.get(id).copied().unwrap_or_default();
        if account.balance != sum || sum < 0 {
            return Err(format!("{what} has {}, and its transfers sum to {sum}", account.balance));
        }
        same(what, sum, model)?;
    }
    Ok(())
}

fn batch(world: &World, id: Uuid) -> Result<usize, Wrong> {
    let found = world.model.batches.iter().position(|batch| batch.id == id);
    found.ok_or_else(|| format!("I5: money of batch {id}, which there is not"))
}
