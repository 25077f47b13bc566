//! What every case stands on: a store with a clock that the case sets, and the way from an upload to a running batch.

use gaba::batch::{self, Batch, Kind, NewBatch};
use gaba::clock::{Clock, SharedClock, Time};
use gaba::ids::{self, OrganisationId};
use gaba::money::{Currency, Money};
use gaba::org::{Principal, Role, keys};
use gaba::payout::exception::ExceptionView;
use gaba::store::sqlite::SqliteStore;
use gaba::store::{
    Compared, Done, Idempotency, ImportTotals, IssueView, NewRecipient, NewRow, PageRequest, Refusal, RejectedRow,
    SharedStore, StoreError,
};
use std::any::Any;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Lease of every claim of the suite.
pub const LEASE: Duration = Duration::from_secs(60);
/// The number of the first row: the header is row 1.
pub const FIRST_ROW: u32 = 2;
/// The lane most rows go through.
pub const LANE: &str = "mtn-ug";
const CURRENCY: Currency = Currency::Ugx;

/// Stands still until it is told to move; wall and monotonic time move together, unless the wall clock is put back.
pub struct TestClock {
    began: Instant,
    passed: Mutex<Duration>,
    back: Mutex<Duration>,
}

impl Clock for TestClock {
    fn now(&self) -> Time {
        Time(1_800_000_000_000_000) + *self.passed.lock().unwrap() - *self.back.lock().unwrap()
    }

    fn monotonic(&self) -> Instant {
        self.began + *self.passed.lock().unwrap()
    }
}

/// One installation of an engine, empty.
pub struct Harness {
    pub store: SharedStore,
    clock: Arc<TestClock>,
    /// What the engine lives in, removed with the harness.
    _home: Box<dyn Any + Send + Sync>,
    counter: AtomicU64,
}

pub async fn open_sqlite() -> Harness {
    let home = crate::support::Folder::new("store");
    let clock = Arc::new(TestClock { began: Instant::now(), passed: Mutex::default(), back: Mutex::default() });
    let shared: SharedClock = clock.clone();
    let store = SqliteStore::open(&format!("sqlite://{}", home.file("gaba.db").display()), shared).await.unwrap();
    Harness { store: Arc::new(store), clock, _home: Box::new(home), counter: AtomicU64::new(0) }
}

/// An organisation with those who act for it.
#[derive(Clone)]
pub struct Tenant {
    pub id: OrganisationId,
    pub maker: Principal,
    pub checker: Principal,
    pub operator: Principal,
}

/// A list to be uploaded. Row *n* of `rows` goes to lane *n* modulo `lanes`.
#[derive(Clone)]
pub struct List {
    pub lanes: Vec<&'static str>,
    pub rows: u32,
    /// Rows after those that cannot be paid.
    pub invalid: u32,
    pub amount: i64,
    /// By how much each row's amount is more than that of the row before.
    pub rise: i64,
    /// Everybody has the number of whoever stands so many rows below in other lists.
    pub shift: u32,
    pub fee: i64,
    pub tax: i64,
    pub notify: bool,
    pub note: Option<&'static str>,
    pub scheduled_at: Option<Time>,
}

/// `rows` rows of 1,000 through one lane.
pub fn list(rows: u32) -> List {
    List {
        lanes: vec![LANE],
        rows,
        invalid: 0,
        amount: 1_000,
        rise: 0,
        shift: 0,
        fee: 0,
        tax: 0,
        notify: false,
        note: None,
        scheduled_at: None,
    }
}

impl List {
    /// What approving it reserves.
    pub fn needs(&self) -> i64 {
        self.amounts() + i64::from(self.rows) * (self.fee + self.tax)
    }

    fn amounts(&self) -> i64 {
        (0..i64::from(self.rows)).map(|n| self.amount + n * self.rise).sum()
    }

    fn row(&self, n: u32) -> NewRow {
        let row = FIRST_ROW + n;
        if n >= self.rows {
            return rejected_row(row);
        }
        let money = |minor| Money::new(minor, CURRENCY);
        let recipient = NewRecipient {
            msisdn: format!("25677{:07}", row + self.shift),
            network: Some("MTN".into()),
            lane: self.lanes[n as usize % self.lanes.len()].into(),
            amount: money(self.amount + i64::from(n) * self.rise),
            fee: money(self.fee),
            tax: money(self.tax),
            name: format!("Recipient {row}"),
            reference: Some(format!("S-{row}")),
            note: self.note.map(str::to_owned),
            variables: r#"{"department":"Finance"}"#.into(),
            sms: None,
        };
        NewRow { row, recipient: Some(recipient), rejected: None, issues: Vec::new() }
    }

    pub fn new_rows(&self) -> Vec<NewRow> {
        (0..self.rows + self.invalid).map(|n| self.row(n)).collect()
    }

    pub fn totals(&self, digest: &str) -> ImportTotals {
        let (valid, invalid) = (i64::from(self.rows), i64::from(self.invalid));
        ImportTotals {
            rows: valid + invalid,
            valid,
            invalid,
            warnings: 0,
            amount: self.amounts(),
            fees: valid * self.fee,
            tax: valid * self.tax,
            digest: digest.to_owned(),
            understood: None,
        }
    }
}

fn rejected_row(row: u32) -> NewRow {
    let rejected = RejectedRow {
        reference: Some(format!("S-{row}")),
        name: Some("Nobody".into()),
        msisdn: Some("12".into()),
        amount: Some("1,00".into()),
        cells: "[]".into(),
    };
    let issue = |code: &str| IssueView {
        row,
        column: Some("phone".into()),
        code: code.into(),
        severity: "error".into(),
        message: "the number is too short; write it in full".into(),
        value: Some("12".into()),
        other_row: None,
    };
    let issues = vec![issue("phone_too_short"), issue("amount_ambiguous")];
    NewRow { row, recipient: None, rejected: Some(rejected), issues }
}

pub fn ugx(minor: i64) -> Money {
    Money::new(minor, CURRENCY)
}

pub fn page(limit: u32) -> PageRequest {
    PageRequest { cursor: None, limit }
}

pub fn idempotency(key: &str, body: u8) -> Option<Idempotency> {
    Some(Idempotency { key: key.into(), route: "POST /v1/x".into(), fingerprint: [body; 32] })
}

/// The refusal of an act that was refused.
#[track_caller]
pub fn refusal<T: Debug>(result: Result<T, StoreError>) -> Refusal {
    match result {
        Err(StoreError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[track_caller]
pub fn assert_invalid_state<T: Debug>(result: Result<T, StoreError>) {
    let refusal = refusal(result);
    assert!(matches!(refusal, Refusal::InvalidState { .. }), "{refusal:?}");
}

#[track_caller]
pub fn assert_not_found<T: Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::NotFound)), "{result:?}");
}

#[track_caller]
pub fn assert_fenced<T: Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::Fenced)), "{result:?}");
}

#[track_caller]
pub fn applied<T: Debug>(result: Result<Done<T>, StoreError>) -> T {
    match result {
        Ok(Done::Applied(done)) => done,
        other => panic!("not applied: {other:?}"),
    }
}

#[track_caller]
pub fn already<T: Debug>(result: Result<Done<T>, StoreError>) -> T {
    match result {
        Ok(Done::AlreadyApplied(found)) => found,
        other => panic!("not found done: {other:?}"),
    }
}

/// The digest that an upload under `key` gets in this suite; the store keeps it and does not read it.
pub fn digest(key: &str) -> String {
    format!("sha256:{key}")
}

pub async fn approve_with(
    store: &SharedStore,
    who: &Principal,
    batch: Uuid,
    digest: &str,
    key: Option<Idempotency>,
) -> Result<Done<serde_json::Value>, StoreError> {
    let seen = store.lists_seen(who.organisation).await?;
    store.approve(who, batch, digest, Compared::Seen(seen), key).await
}

impl Harness {
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    pub fn monotonic(&self) -> Instant {
        self.clock.monotonic()
    }

    pub fn step_back(&self, by: Duration) {
        *self.clock.back.lock().unwrap() += by;
    }

    pub fn advance(&self, by: Duration) {
        *self.clock.passed.lock().unwrap() += by;
    }

    /// Until the claims made so far have lapsed.
    pub fn lapse(&self) {
        self.advance(LEASE + Duration::from_millis(1));
    }

    /// A number that this installation has not had yet.
    pub fn next(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    pub async fn tenant(&self) -> Tenant {
        let organisation = self.store.create_organisation(&format!("Tenant {}", self.next()), CURRENCY).await.unwrap();
        let id = organisation.id;
        let maker = self.principal(id, Role::Maker).await;
        let checker = self.principal(id, Role::Checker).await;
        Tenant { id, maker, checker, operator: Principal::operator(id) }
    }

    /// A member with a key.
    pub async fn principal(&self, organisation: OrganisationId, role: Role) -> Principal {
        let email = format!("{}-{}@example.org", role.name(), self.next());
        self.store.add_member(organisation, &email, role).await.unwrap();
        let key = keys::generate();
        self.store.create_key(organisation, role, Some(&email), key.hash, &key.prefix).await.unwrap();
        self.store.principal(key.hash).await.unwrap().unwrap()
    }

    pub async fn fund(&self, tenant: &Tenant, minor: i64) {
        let reference = format!("bank-{}", self.next());
        applied(self.store.fund(&tenant.operator, ugx(minor), &reference, None).await);
    }

    /// What the organisation may spend, and what it has set aside, in minor units.
    pub async fn wallet(&self, tenant: &Tenant) -> (i64, i64) {
        let wallets = self.store.wallets(tenant.id).await.unwrap();
        let wallet = wallets.iter().find(|w| w.currency == CURRENCY.code()).unwrap();
        (wallet.available.parse().unwrap(), wallet.held.parse().unwrap())
    }

    pub fn new_batch(&self, tenant: &Tenant, key: &str, list: &List) -> NewBatch {
        NewBatch {
            id: ids::batch(tenant.id, ids::MODE_LIVE, key),
            organisation: tenant.id,
            kind: Kind::Payout,
            name: format!("List {key}"),
            currency: CURRENCY,
            notify: list.notify,
            sms_template: None,
            mapping: None,
            scheduled_at: list.scheduled_at,
            declared: Default::default(),
            file_name: format!("{key}.csv"),
            fingerprint: [7; 32],
            file_hash: [self.next() as u8; 32],
            upload: Uuid::from_u128(u128::from(self.next())),
            created_by: tenant.maker.id,
            created_by_label: tenant.maker.label.clone(),
        }
    }

    /// A batch in state `importing`, under a key of its own.
    pub async fn uploaded(&self, tenant: &Tenant, list: &List) -> Batch {
        let key = format!("key-{}", self.next());
        applied(self.store.create_batch(self.new_batch(tenant, &key, list)).await)
    }

    pub async fn ready(&self, tenant: &Tenant, list: &List) -> Batch {
        let id = self.uploaded(tenant, list).await.id;
        let ready = self.imported(tenant, list).await;
        assert_eq!(ready.id, id, "another batch waits to be imported");
        ready
    }

    /// Imports the batch that waits for it.
    pub async fn imported(&self, tenant: &Tenant, list: &List) -> Batch {
        let batch = self.store.claim_import(LEASE).await.unwrap().unwrap();
        for rows in list.new_rows().chunks(1_000) {
            self.store.import_rows(&batch, LEASE, rows.to_vec()).await.unwrap();
        }
        self.store.finish_import(&batch, list.totals(&digest(&batch.name))).await.unwrap();
        self.batch(tenant, &batch).await
    }

    pub async fn awaiting(&self, tenant: &Tenant, list: &List) -> Batch {
        let batch = self.ready(tenant, list).await;
        self.submit(tenant, &batch).await
    }

    /// The maker submits it, without the rows that cannot be paid.
    pub async fn submit(&self, tenant: &Tenant, batch: &Batch) -> Batch {
        applied(self.store.submit(&tenant.maker, batch.id, true, None).await);
        self.batch(tenant, batch).await
    }

    /// Funded with exactly what it needs, and approved: running, or scheduled.
    pub async fn approved(&self, tenant: &Tenant, list: &List) -> Batch {
        let batch = self.awaiting(tenant, list).await;
        self.fund(tenant, list.needs()).await;
        applied(self.approve(tenant, &batch).await);
        self.batch(tenant, &batch).await
    }

    /// The checker approves what it looked at.
    pub async fn approve(&self, tenant: &Tenant, batch: &Batch) -> Result<Done<serde_json::Value>, StoreError> {
        self.approve_as(&tenant.checker, batch.id, batch.digest.as_deref().unwrap(), None).await
    }

    pub async fn batch(&self, tenant: &Tenant, batch: &Batch) -> Batch {
        self.store.batch(tenant.id, batch.id).await.unwrap()
    }

    /// Approves having seen every list as it stands.
    pub async fn approve_as(
        &self,
        who: &Principal,
        batch: Uuid,
        digest: &str,
        key: Option<Idempotency>,
    ) -> Result<Done<serde_json::Value>, StoreError> {
        approve_with(&self.store, who, batch, digest, key).await
    }

    /// Every exception of the organisation, settled or not.
    pub async fn exceptions(&self, organisation: OrganisationId) -> Vec<ExceptionView> {
        self.store.exceptions(organisation, None, None, page(500)).await.unwrap().items
    }

    pub async fn assert_state(&self, tenant: &Tenant, batch: &Batch, state: batch::State) {
        assert_eq!(self.batch(tenant, batch).await.state, state);
    }
}
