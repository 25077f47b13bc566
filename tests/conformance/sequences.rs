//! Whatever happens in whatever order: the books agree after every step, and everything ends.
//!
//! The provider of these sequences is consistent: what a reference comes to is settled by the seed, so that its answers,
//! receipts and repeats may come late, doubled and in any order, and never contradict each other.

use super::books::{all_payouts, assert_tenant};
use super::steps::*;
use super::support::*;
use gaba::batch::{Batch, State};
use gaba::payout::Payout;
use gaba::payout::resolve::Source;
use gaba::rail::Outcome;
use gaba::store::{Done, StoreError};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::HashSet;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

const SEQUENCES: u32 = 40;
const STEPS_MAX: usize = 30;
/// Rounds within which everything must have ended once the provider only tells the truth.
const ROUNDS_MAX: usize = 40;

#[derive(Clone, Copy, Debug)]
enum Told {
    Truth,
    Accepted,
    Unknown,
    NotSent,
    NotFound,
}

#[derive(Clone, Debug)]
enum Step {
    Claim(u32),
    Ask(u32),
    /// The answer to something that is in hand.
    Answer(usize, Told),
    /// Several answers in one group, old and present claims among them.
    Group(Vec<Told>),
    /// The truth once more for something that was answered before.
    Repeat(usize),
    Receipt(usize),
    Apply,
    Wait(u64),
    Cancel(usize),
    Pause(usize),
    Resume(usize),
    Drive(u32),
}

fn told() -> impl Strategy<Value = Told> {
    use Told::*;
    prop_oneof![4 => Just(Truth), 1 => Just(Accepted), 2 => Just(Unknown), 1 => Just(NotSent), 1 => Just(NotFound)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (1..6_u32).prop_map(Step::Claim),
        4 => (1..6_u32).prop_map(Step::Ask),
        6 => (any::<usize>(), told()).prop_map(|(which, told)| Step::Answer(which, told)),
        2 => prop::collection::vec(told(), 1..6).prop_map(Step::Group),
        2 => any::<usize>().prop_map(Step::Repeat),
        3 => any::<usize>().prop_map(Step::Receipt),
        2 => Just(Step::Apply),
        4 => (1..1_200_u64).prop_map(Step::Wait),
        1 => any::<usize>().prop_map(Step::Cancel),
        1 => any::<usize>().prop_map(Step::Pause),
        1 => any::<usize>().prop_map(Step::Resume),
        2 => (1..4_u32).prop_map(Step::Drive),
    ]
}

#[derive(Clone, Debug)]
struct Sequence {
    seed: u64,
    /// Rows of each batch.
    batches: Vec<u32>,
    steps: Vec<Step>,
}

fn sequence() -> impl Strategy<Value = Sequence> {
    let batches = prop::collection::vec(1..6_u32, 1..3);
    let steps = prop::collection::vec(step(), 1..STEPS_MAX);
    (any::<u64>(), batches, steps).prop_map(|(seed, batches, steps)| Sequence { seed, batches, steps })
}

/// One organisation, its batches, and what the workers of its lane have in hand.
struct World<'h> {
    h: &'h Harness,
    org: Tenant,
    lane: &'static str,
    seed: u64,
    batches: Vec<Batch>,
    in_hand: Vec<(Payout, Source)>,
    /// What the provider was asked to pay, and did or did not.
    executed: Vec<Payout>,
}

pub async fn whatever_happens_the_books_agree_and_everything_ends(h: Harness) {
    let config = Config { cases: SEQUENCES, failure_persistence: None, ..Config::default() };
    let run = |sequence: Sequence| {
        block_in_place(|| Handle::current().block_on(play(&h, sequence)));
        Ok(())
    };
    block_in_place(|| TestRunner::new(config).run(&sequence(), run)).unwrap();
}

async fn play(h: &Harness, sequence: Sequence) {
    let org = h.tenant().await;
    // A lane of its own: what a sequence that failed left behind is not this one's.
    let lane = format!("lane-{}", h.next()).leak();
    let mut world =
        World { h, org, lane, seed: sequence.seed, batches: Vec::new(), in_hand: Vec::new(), executed: Vec::new() };
    for rows in sequence.batches {
        let terms = List { lanes: vec![lane], fee: 7, rise: 100, notify: true, ..list(rows) };
        world.batches.push(h.approved(&world.org, &terms).await);
    }
    for step in sequence.steps {
        world.take(step).await;
        assert_tenant(h, &world.org).await;
    }
    world.drain().await;
    world.assert_ended().await;
}

impl World<'_> {
    async fn take(&mut self, step: Step) {
        match step {
            Step::Claim(n) => self.claim(n).await,
            Step::Ask(n) => self.ask(n).await,
            Step::Answer(which, told) if !self.in_hand.is_empty() => {
                let (payout, source) = self.in_hand.swap_remove(which % self.in_hand.len());
                self.answer(vec![(payout, source, told)]).await;
            }
            Step::Group(told) => {
                let n = told.len().min(self.in_hand.len());
                let taken = self.in_hand.drain(..n).zip(told).map(|((payout, source), told)| (payout, source, told));
                let group = taken.collect();
                self.answer(group).await;
            }
            Step::Repeat(which) if !self.executed.is_empty() => {
                let payout = self.executed[which % self.executed.len()].clone();
                self.answer(vec![(payout, Source::Submit, Told::Truth)]).await;
            }
            Step::Receipt(which) if !self.executed.is_empty() => {
                let payout = &self.executed[which % self.executed.len()];
                let told = receipt(self.h, self.lane, payout.reference(), self.truth(payout));
                self.h.store_receipt(told).await;
            }
            Step::Apply => drop(self.h.apply_receipts().await),
            Step::Wait(seconds) => self.h.advance(Duration::from_secs(seconds)),
            Step::Cancel(n) => allowed(self.h.store.cancel(&self.org.maker, self.batch(n)).await),
            Step::Pause(n) => allowed(self.h.store.pause(&self.org.maker, self.batch(n)).await),
            Step::Resume(n) => allowed(self.h.store.resume(&self.org.maker, self.batch(n)).await),
            Step::Drive(rows) => {
                self.h.store.start_scheduled().await.unwrap();
                self.h.store.sweep_cancelled(rows).await.unwrap();
            }
            Step::Answer(..) | Step::Repeat(_) | Step::Receipt(_) => {}
        }
    }

    fn batch(&self, n: usize) -> uuid::Uuid {
        self.batches[n % self.batches.len()].id
    }

    async fn claim(&mut self, n: u32) {
        let claimed = self.h.claim_on(self.lane, n).await;
        self.in_hand.extend(claimed.into_iter().map(|s| (s.payout, Source::Submit)));
    }

    async fn ask(&mut self, n: u32) {
        let claimed = self.h.store.claim_enquiries(self.lane, n, LEASE).await.unwrap();
        self.in_hand.extend(claimed.into_iter().map(|e| (e.payout, Source::Query)));
    }

    /// What the provider did, or would do, under the reference of this attempt.
    fn truth(&self, payout: &Payout) -> Outcome {
        let batch = self.batches.iter().position(|b| b.id == payout.batch).unwrap() as u64;
        let which = self.seed ^ (batch << 16 | u64::from(payout.row) << 8 | u64::from(payout.attempt));
        match (which.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 60) % 4 {
            0 | 1 => confirmed(payout),
            2 => failed(true),
            _ => failed(false),
        }
    }

    /// Records a group of answers. Whatever was executed once cannot be said not to have been.
    async fn answer(&mut self, group: Vec<(Payout, Source, Told)>) {
        let mut records = Vec::new();
        for (payout, source, told) in group {
            let executed = self.executed.iter().any(|p| p.reference() == payout.reference());
            let outcome = match told {
                Told::Truth => self.truth(&payout),
                Told::Accepted => accepted(),
                Told::NotSent if !executed && source == Source::Submit => not_sent(),
                Told::NotFound if !executed && source == Source::Query => Outcome::NotFound,
                Told::Unknown | Told::NotSent | Told::NotFound => unknown(),
            };
            if !executed && matches!(told, Told::Truth | Told::Accepted) {
                self.executed.push(payout.clone());
            }
            records.extend(record_of(self.h, &payout, outcome, source));
        }
        let (sent, answered) = (records.len(), self.h.store.record_payouts(records).await.unwrap());
        assert_eq!(sent, answered.len());
    }

    /// The provider tells the truth about everything from now on.
    async fn drain(&mut self) {
        for _ in 0..ROUNDS_MAX {
            if self.closed().await {
                return;
            }
            for n in 0..self.batches.len() {
                allowed(self.h.store.resume(&self.org.maker, self.batch(n)).await);
            }
            self.h.advance(Duration::from_secs(2 * 3600));
            self.h.apply_receipts().await;
            self.h.drive(2).await;
            self.in_hand.clear();
            self.claim(50).await;
            self.ask(50).await;
            let group = std::mem::take(&mut self.in_hand);
            self.answer(group.into_iter().map(|(payout, source)| (payout, source, Told::Truth)).collect()).await;
            assert_tenant(self.h, &self.org).await;
        }
    }

    async fn closed(&self) -> bool {
        let mut open = 0;
        for batch in &self.batches {
            let state = self.h.batch(&self.org, batch).await.state;
            open += usize::from(!matches!(state, State::Completed | State::Cancelled));
        }
        open == 0
    }

    async fn assert_ended(&self) {
        assert!(self.closed().await, "everything has ended");
        self.h.apply_receipts().await;
        assert_tenant(self.h, &self.org).await;
        assert_eq!(self.h.wallet(&self.org).await.1, 0, "nothing is held");
        let told = self.h.exceptions(self.org.id).await;
        assert!(told.iter().all(|e| e.kind == "overdue"), "{told:?}");
        let truly_paid = self.executed.iter().filter(|p| matches!(self.truth(p), Outcome::Paid(_)));
        let truly_paid: HashSet<_> = truly_paid.map(|p| p.id).collect();
        for batch in &self.batches {
            let rows = all_payouts(self.h, &self.org, batch).await;
            for row in &rows {
                assert_eq!(row.state == "paid", truly_paid.contains(&row.id), "row {} is {}", row.row, row.state);
            }
            let paid = rows.iter().filter(|p| p.state == "paid").count();
            let told = self.h.store.messages(self.org.id, batch.id, None, page(500)).await.unwrap().items;
            assert_eq!(told.len(), paid, "whoever is paid is told");
        }
    }
}

/// Refused for the batch's state is a fine answer here; trouble is not.
fn allowed(result: Result<Done<Batch>, StoreError>) {
    if !matches!(result, Ok(_) | Err(StoreError::Refused(_))) {
        panic!("{result:?}");
    }
}
