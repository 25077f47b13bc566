//! What people do: lists, approvals, verdicts.

use super::super::clock::{Micros, SECOND};
use super::super::command::{Act, Person};
use super::super::process::Ran;
use super::engine::alive;
use super::{World, pick};
use crate::support::chance::Chance;
use crate::support::walks::Wrong;
use gaba::batch::correction::{self, Correction};
use gaba::batch::import::{Mapping, SmsTerms, Terms};
use gaba::batch::{Batch, Kind, NewBatch, approval};
use gaba::clock::{Clock, Time};
use gaba::config::Config;
use gaba::ids;
use gaba::lane::route::{self, Router};
use gaba::money::{Currency, Money};
use gaba::org::Principal;
use gaba::payout::exception::{Proposal, Verdict};
use gaba::store::{Done, Idempotency, JudgeRow, Refusal, SharedStore, StoreError};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use uuid::Uuid;

/// A list as its maker has it.
pub struct List {
    org: usize,
    id: Uuid,
    sms: bool,
    notify: bool,
    scheduled_at: Option<Time>,
    file: String,
}

impl List {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn new(
        world: &World,
        org: usize,
        rows: u32,
        bad: u32,
        sms: bool,
        notify: bool,
        later: Option<u32>,
        seed: u64,
    ) -> List {
        let (org, mut chance) = (org % world.tenants.len(), Chance::new(seed));
        let mut file = String::from("phone,amount,name\n");
        for n in 0..rows + bad {
            let number = if n < rows {
                format!("2567{}{:07}", chance.of(&[7, 5]), chance.below(9_999_999))
            } else {
                "nobody".into()
            };
            file += &format!("{number},{},Recipient {n}\n", 500 + chance.below(900));
        }
        let key = format!("list-{}", world.lists.len());
        List {
            org,
            id: ids::batch(world.tenants[org].id, ids::MODE_LIVE, &key),
            sms,
            notify: notify || sms,
            scheduled_at: later.map(|seconds| Time(world.now() + Micros::from(seconds) * SECOND)),
            file,
        }
    }

    fn batch(&self, maker: &Principal, same: bool) -> NewBatch {
        NewBatch {
            id: self.id,
            organisation: maker.organisation,
            kind: if self.sms { Kind::Sms } else { Kind::Payout },
            name: "A list".into(),
            currency: Currency::Ugx,
            notify: self.notify,
            sms_template: self.sms.then(|| "Hello ((name))".into()),
            mapping: None,
            scheduled_at: self.scheduled_at,
            declared: Default::default(),
            file_name: "list.csv".into(),
            fingerprint: [u8::from(same); 32],
            file_hash: Sha256::digest(self.file.as_bytes()).into(),
            upload: Uuid::nil(),
            created_by: maker.id,
            created_by_label: maker.label.clone(),
        }
    }
}

impl World {
    fn store(&self) -> SharedStore {
        self.process().life().store.clone()
    }

    /// Runs what somebody asks for; a refusal is an answer.
    fn asks<T>(
        &mut self,
        what: &str,
        act: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<Ran<Option<T>>, Wrong> {
        match alive!(self.process().run(act)) {
            Ok(done) => Ok(Ran::Done(Some(done))),
            Err(e) => {
                self.trouble(what, &e)?;
                let short = |text: String| text.split([' ', '(', '{']).next().unwrap_or_default().to_owned();
                if let StoreError::Refused(refusal) = &e {
                    self.tell(&format!("refused: {}", short(format!("{refusal:?}"))));
                }
                Ok(Ran::Done(None))
            }
        }
    }

    fn done<T>(ran: Ran<Option<T>>) -> Ran<()> {
        match ran {
            Ran::Done(_) => Ran::Done(()),
            Ran::Crashed => Ran::Crashed,
        }
    }

    pub(super) fn fund(&mut self, org: usize, amount: i64, reference: Option<u32>) -> Result<Ran<()>, Wrong> {
        let reference = reference.map_or_else(|| self.next() + 1_000, u64::from);
        let operator = self.tenants[org % self.tenants.len()].operator.clone();
        let (store, reference) = (self.store(), format!("bank-{reference}"));
        let key = Idempotency { key: reference.clone(), route: "fund".into(), fingerprint: [0; 32] };
        let fund = async move { store.fund(&operator, Money::new(amount, Currency::Ugx), &reference, Some(key)).await };
        self.asks("a funding", fund).map(Self::done)
    }

    pub(super) fn upload(&mut self, list: usize, same: bool) -> Result<Ran<()>, Wrong> {
        let (store, list) = (self.store(), &self.lists[list]);
        let maker = &self.tenants[list.org].maker;
        let (batch, file, organisation) = (list.batch(maker, same), list.file.clone().into_bytes(), maker.organisation);
        // As the server does it: the file in parts first, each upload under a name of its own.
        let upload = Uuid::from_u128(u128::from(self.next()) << 64);
        let act = async move {
            store.store_upload_part(organisation, upload, 0, file).await?;
            store.create_batch(NewBatch { upload, ..batch }).await
        };
        self.asks("an upload", act).map(Self::done)
    }

    pub(super) fn act(&mut self, batch: usize, by: Person, act: Act) -> Result<Ran<()>, Wrong> {
        let Some(b) = pick(batch, self.auditor.now.batches.len()) else { return Ok(Ran::Done(())) };
        let batch = self.auditor.now.batches[b].clone();
        let Some(tenant) = self.tenants.iter().find(|t| t.id == batch.organisation) else {
            return Err(format!("batch {} is nobody's", batch.id));
        };
        let (actor, store, id) = (tenant.person(by).clone(), self.store(), batch.id);
        let since = self.process().life().config.duplicates_since(self.clock.now());
        let key = self.key(act);
        let acted = async move {
            match act {
                Act::Submit => approval::submit(&store, &actor, id, true, since, None).await.map(drop),
                Act::Withdraw => store.withdraw(&actor, id, None).await.map(drop),
                Act::Approve { stale } => {
                    let shown = if stale { None } else { batch.digest }.unwrap_or_else(|| "sha256:stale".into());
                    approval::approve(&store, &actor, id, &shown, since, key).await.map(drop)
                }
                Act::Reject => store.reject(&actor, id, "look again", None).await.map(drop),
                Act::Pause => store.pause(&actor, id, None).await.map(drop),
                Act::Resume => store.resume(&actor, id, None).await.map(drop),
                Act::Cancel => store.cancel(&actor, id, None).await.map(drop),
                Act::Retry => store.retry_failed(&actor, id, since, key).await.map(drop),
            }
        };
        let ran = self.asks(&format!("{act:?}"), acted)?;
        if matches!(ran, Ran::Done(Some(()))) {
            let word = format!("{act:?}");
            self.tell(&format!("done: {}", word.split(' ').next().unwrap_or_default()));
        }
        Ok(Self::done(ran))
    }

    fn key(&mut self, act: Act) -> Option<Idempotency> {
        let key = format!("key-{}", self.next());
        let keyed = matches!(act, Act::Approve { .. } | Act::Retry);
        keyed.then(|| Idempotency { key, route: "act".into(), fingerprint: [0; 32] })
    }

    /// A row is put right, made wrong, set aside or brought back.
    pub(super) fn correct(&mut self, batch: usize, row: u32, how: u8) -> Result<Ran<()>, Wrong> {
        let ready: Vec<_> = self.auditor.now.batches.iter().filter(|b| b.state == "ready").cloned().collect();
        let Some(batch) = pick(batch, ready.len()).map(|b| ready[b].clone()) else { return Ok(Ran::Done(())) };
        let Some(tenant) = self.tenants.iter().find(|t| t.id == batch.organisation) else { return Ok(Ran::Done(())) };
        let rows = (batch.valid + batch.invalid).max(1) as u32;
        let correction = match how {
            0 => Correction { msisdn: Some("0772123456".into()), ..Correction::default() },
            1 => Correction { amount: Some("1234".into()), ..Correction::default() },
            2 => Correction { excluded: Some(true), ..Correction::default() },
            3 => Correction { excluded: Some(false), ..Correction::default() },
            _ => Correction { msisdn: Some("nobody".into()), ..Correction::default() },
        };
        let (store, maker, id) = (self.store(), tenant.maker.clone(), batch.id);
        let judge = judge(self.process().life().config.clone());
        let act = async move {
            let view = store.correct_row(&maker, id, 2 + row % rows, None, &correction, judge).await?.into_inner();
            approval::with_digest(&store, view.batch).await
        };
        let ran = self.asks("a correction", act)?;
        if matches!(ran, Ran::Done(Some(_))) {
            self.tell("done: Correct");
        }
        Ok(Self::done(ran))
    }

    pub(super) fn verdict(&mut self, case: usize, by: Person, verdict: Verdict) -> Result<Ran<()>, Wrong> {
        let cases = &self.auditor.now.exceptions;
        let Some(case) = pick(case, cases.len()).map(|c| cases[c].clone()) else { return Ok(Ran::Done(())) };
        let Some(tenant) = self.tenants.iter().find(|t| t.id == case.organisation) else {
            return Err(format!("exception {} is nobody's", case.id));
        };
        let (store, actor, config) = (self.store(), tenant.person(by).clone(), self.process().life().config.clone());
        let proposal = Proposal {
            verdict,
            note: "seen".into(),
            evidence_sha256: None,
            transaction_id: None,
            paid_amount: None,
            seen: None,
        };
        let act = async move {
            store.resolve(&actor, case.id, proposal, Arc::new(move |lane| config.lane_terms(lane)), None).await
        };
        let ran = self.asks("a verdict", act)?;
        if let Ran::Done(Some(Done::Applied(view))) = &ran
            && let (Some(kind), Some(resolution)) = (view["kind"].as_str(), view["resolution"].as_str())
        {
            self.tell(&format!("settled: {kind} as {resolution}"));
        }
        Ok(Self::done(ran))
    }
}

/// As the server judges a corrected row.
fn judge(config: Arc<Config>) -> JudgeRow {
    Arc::new(move |stored, correction, batch: &Batch| {
        let router = Router::new(&config.lanes).map_err(|e| StoreError::Rejected(e.to_string()))?;
        let mapping = batch.mapping.as_deref().map(Mapping::parse).transpose();
        let terms = Terms {
            currency: batch.currency,
            country: route::country(&config.lanes, batch.currency),
            router: &router,
            mapping: mapping.map_err(|e| StoreError::Rejected(e.to_string()))?,
            rows_max: config.rows_max,
            sms: SmsTerms::of(&config.lanes, batch).map_err(|why| Refusal::Invalid(why.to_string()))?,
            notice: None,
        };
        correction::correct(stored, correction, &terms).map_err(Refusal::into)
    })
}
