//! What one transaction moves: rows from state to state, and the money of payouts from account to account. Collected first,
//! then written in a few statements, accounts and batches in the order of their ids.

use super::rows::hex;
use super::{Result, Tx, error, own, sql, wallets};
use crate::batch::RowState;
use crate::clock::Time;
use crate::ids::{BatchId, OrganisationId, PayoutId};
use crate::money::{Currency, Money};
use crate::payout::{Payout, State};
use crate::wallet::transfers::TransferKind;
use crate::wallet::{self, AccountKind};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Rows that move from state to state, summed per batch and state.
#[derive(Default)]
pub(super) struct Moves(BTreeMap<(BatchId, &'static str), (i64, i64, i64)>);

impl Moves {
    pub fn add(&mut self, payout: &Payout, to: State) {
        if payout.state != to {
            self.count(payout.batch, payout.state, -1, -payout.amount.minor, -payout.reserved_minor());
            self.count(payout.batch, to, 1, payout.amount.minor, payout.reserved_minor());
        }
    }

    /// Of a payout's state or a message's.
    pub fn count(&mut self, batch: BatchId, state: impl Into<RowState>, rows: i64, amount: i64, total: i64) {
        let sum = self.0.entry((batch, state.into().name())).or_default();
        *sum = (sum.0 + rows, sum.1 + amount, sum.2 + total);
    }

    pub async fn apply(self, tx: &mut Tx) -> Result<()> {
        for ((batch, state), (rows, amount, total)) in self.0 {
            if (rows, amount, total) != (0, 0, 0) {
                let add = sql!("tally_add").bind(batch).bind(state);
                add.bind(rows).bind(amount).bind(total).execute(&mut *tx).await.map_err(error)?;
            }
        }
        Ok(())
    }
}

/// Whose money a posting moves.
pub(super) struct Of {
    pub organisation: OrganisationId,
    pub batch: BatchId,
    pub currency: Currency,
    pub row: u32,
    /// Or the message, in a batch of kind `sms`.
    pub payout: PayoutId,
    pub attempt: u32,
}

impl From<&Payout> for Of {
    fn from(payout: &Payout) -> Of {
        Of {
            organisation: payout.organisation,
            batch: payout.batch,
            currency: payout.amount.currency,
            row: payout.row,
            payout: payout.id,
            attempt: payout.attempt,
        }
    }
}

/// The postings of one transaction.
#[derive(Default)]
pub(super) struct Books {
    transfers: Vec<Value>,
    /// Accounts that transfers need and that nobody opened yet: id → (kind, organisation, currency, lane).
    accounts: BTreeMap<Uuid, (AccountKind, OrganisationId, Currency, Option<String>)>,
    /// What changes on folded balances, in the order of account ids.
    balances: BTreeMap<Uuid, i64>,
    /// What each batch reserved, paid and released.
    batches: BTreeMap<BatchId, Sums>,
}

#[derive(Default)]
struct Sums {
    reserved: i64,
    paid: i64,
    released: i64,
}

impl Books {
    /// `attempt` is the one that paid.
    pub fn paid(&mut self, payout: &Payout, attempt: u32) {
        let of = Of { attempt, ..Of::from(payout) };
        let settlement = wallet::settlement_account(of.organisation, &payout.lane, of.currency);
        self.open_settlement(settlement, payout);
        let hold = wallet::hold_account(of.organisation, of.batch);
        self.post(&of, TransferKind::Paid, hold, settlement, payout.amount.minor);
        for (kind, account, amount) in
            [(TransferKind::Fee, AccountKind::Fees, payout.fee), (TransferKind::Tax, AccountKind::Tax, payout.tax)]
        {
            if amount.minor > 0 {
                let id = self.common(account, &of);
                self.post(&of, kind, hold, id, amount.minor);
            }
        }
        self.batches.entry(of.batch).or_default().paid += payout.reserved_minor();
    }

    /// A message that is, or may be, out.
    pub fn charged(&mut self, of: &Of, cost: i64) {
        let fees = self.common(AccountKind::Fees, of);
        let hold = wallet::hold_account(of.organisation, of.batch);
        self.post(of, TransferKind::Sms, hold, fees, cost);
        self.batches.entry(of.batch).or_default().paid += cost;
    }

    pub fn released(&mut self, of: &Of, total: i64) {
        let wallet = wallet::wallet_account(of.organisation, of.currency);
        let hold = wallet::hold_account(of.organisation, of.batch);
        self.post(of, TransferKind::Release, hold, wallet, total);
        self.batches.entry(of.batch).or_default().released += total;
    }

    /// Sets the money of one payout aside again, from the wallet or, when that has too little, as a receivable.
    pub fn reserved_again(&mut self, of: &Of, total: i64, from_wallet: bool) {
        let hold = wallet::hold_account(of.organisation, of.batch);
        if from_wallet {
            let wallet = wallet::wallet_account(of.organisation, of.currency);
            self.post(of, TransferKind::Reserve, wallet, hold, total);
        } else {
            let suspense = self.common(AccountKind::Suspense, of);
            self.post(of, TransferKind::Receivable, suspense, hold, total);
        }
        self.batches.entry(of.batch).or_default().reserved += total;
    }

    /// A payout that is paid already was paid once more, under `attempt`.
    pub fn surplus(&mut self, payout: &Payout, attempt: u32, paid: Money) {
        let of = Of { attempt, ..Of::from(payout) };
        let settlement = wallet::settlement_account(of.organisation, &payout.lane, of.currency);
        self.open_settlement(settlement, payout);
        let suspense = self.common(AccountKind::Suspense, &of);
        self.post(&of, TransferKind::Surplus, suspense, settlement, paid.minor);
    }

    /// The payment of `attempt` came to `paid` and not to what was sent. What never left goes back to the wallet; of what
    /// went out beyond, somebody owes us: the wallet is charged no more than was approved. What its batch counts as paid is
    /// what left the hold, and stays: the hold is at zero then, whatever is found out later.
    pub fn difference(&mut self, payout: &Payout, attempt: u32, paid: Money) {
        let of = Of { attempt, ..Of::from(payout) };
        let settlement = wallet::settlement_account(of.organisation, &payout.lane, of.currency);
        self.open_settlement(settlement, payout);
        let more = paid.minor - payout.amount.minor;
        if more < 0 {
            let wallet = wallet::wallet_account(of.organisation, of.currency);
            self.post(&of, TransferKind::Shortfall, settlement, wallet, -more);
        } else if more > 0 {
            let suspense = self.common(AccountKind::Suspense, &of);
            self.post(&of, TransferKind::Excess, suspense, settlement, more);
        }
    }

    /// The payment of `attempt`, which came to `paid`, came back. The wallet gets what it was charged for it; what had gone
    /// out beyond that is what somebody owed.
    pub fn reversed(&mut self, payout: &Payout, attempt: u32, paid: Money) {
        let of = Of { attempt, ..Of::from(payout) };
        let settlement = wallet::settlement_account(of.organisation, &payout.lane, of.currency);
        let (suspense, wallet) =
            (self.common(AccountKind::Suspense, &of), wallet::wallet_account(of.organisation, of.currency));
        self.post(&of, TransferKind::Reversal, settlement, suspense, paid.minor);
        self.post(&of, TransferKind::Refund, suspense, wallet, paid.minor.min(payout.amount.minor));
    }

    /// An account of the organisation, opened when it is first needed.
    fn common(&mut self, kind: AccountKind, of: &Of) -> Uuid {
        let id = wallet::common_account(kind, of.organisation, of.currency);
        self.accounts.insert(id, (kind, of.organisation, of.currency, None));
        id
    }

    fn open_settlement(&mut self, id: Uuid, payout: &Payout) {
        let lane = Some(payout.lane.clone());
        self.accounts.insert(id, (AccountKind::Settlement, payout.organisation, payout.amount.currency, lane));
    }

    /// The balances of wallets and holds are folded; of the others the transfers are the sum.
    fn post(&mut self, of: &Of, kind: TransferKind, from: Uuid, to: Uuid, amount: i64) {
        let (debited, credited) = kind.accounts();
        for (account, folded, by) in [(from, debited.is_folded(), -amount), (to, credited.is_folded(), amount)] {
            if folded {
                *self.balances.entry(account).or_default() += by;
            }
        }
        self.transfers.push(json!({
            "organisation": hex(of.organisation),
            "kind": kind.name(),
            "debit": hex(from),
            "credit": hex(to),
            "amount": amount,
            "currency": of.currency.code(),
            "batch": hex(of.batch),
            "row": of.row,
            "payout": hex(of.payout),
            "attempt": of.attempt,
        }));
    }

    pub async fn write(self, tx: &mut Tx, now: Time) -> Result<()> {
        if self.transfers.is_empty() {
            return Ok(());
        }
        for (id, (kind, organisation, currency, lane)) in self.accounts {
            match lane {
                Some(lane) => {
                    let open = sql!("account_open_settlement").bind(id).bind(organisation).bind(currency.code());
                    open.bind(lane).execute(&mut *tx).await.map_err(error)?;
                }
                None => super::organisations::open_account(tx, kind, organisation, currency, id).await?,
            }
        }
        let transfers = Value::Array(self.transfers).to_string();
        own!("transfers_insert").bind(transfers).bind(now.micros()).execute(&mut *tx).await.map_err(error)?;
        for (account, by) in self.balances {
            wallets::fold(tx, account, by).await?;
        }
        for (batch, sums) in self.batches {
            let add = sql!("batch_add_money").bind(batch).bind(sums.reserved).bind(sums.paid).bind(sums.released);
            add.execute(&mut *tx).await.map_err(error)?;
        }
        Ok(())
    }
}
