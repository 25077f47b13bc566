//! Faults on demand, in test builds alone: places where a process can be made to die, hang or fail, and guards that can be
//! taken away, so that the tests prove that each is needed.
//!
//! The feature `faults` is turned on by nothing but the tests' own dependency on this crate (`Cargo.toml`); in every other
//! build [`at`] does nothing and [`stands`] is always true.
//!
//! A process is told by its environment:
//!
//! - `GABA_FAULT=after_intent:die@3,before_record:fail` — what happens at which [`Point`], every time or the third time
//!   alone: `die` (as by `kill -9`), `fail`, `panic`, `hang`, `wait250` (milliseconds); `after_answer:die#256771000117`:
//!   only while that row is in hand. What was injected is told on stderr, to be counted.
//! - `GABA_WITHOUT=fence,resend_rule` — the [`Guard`]s that are taken away.
//! - `GABA_CLOCK_OFFSET=-86400` — seconds by which its wall clock is wrong.
//!
//! A simulation that shares its process with others tells its own thread ([`script`]).

use std::time::Duration;

/// Names of an enum's variants, as the environment gives them.
macro_rules! named {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant),+];

            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
        }
    };
}

named! {
    /// A place where something can go wrong.
    Point {
        /// Rows are about to be claimed and their intent written.
        BeforeIntent = "before_intent",
        /// The intent is committed, nothing is sent.
        AfterIntent = "after_intent",
        /// A request is being written.
        MidBody = "mid_body",
        /// The provider has answered, nothing is recorded.
        AfterAnswer = "after_answer",
        /// Outcomes are about to be recorded together.
        BeforeRecord = "before_record",
        /// They are recorded, and whoever waits for that has not heard of it.
        AfterRecord = "after_record",
        /// A receipt came in and is not stored.
        BeforeReceipt = "before_receipt",
        /// It is stored, and its sender has no answer.
        AfterReceipt = "after_receipt",
        /// Receipts are about to be applied.
        BeforeApply = "before_apply",
        /// The gateway has answered for an SMS, nothing is recorded.
        AfterSms = "after_sms",
        /// A transaction of the store has begun.
        StoreBegin = "store_begin",
        /// It has written everything and is not committed.
        StoreCommit = "store_commit",
        /// It is committed, and whoever waits for it has not heard of it.
        StoreCommitted = "store_committed",
    }
}

named! {
    /// Something that keeps money safe, and that a test build can do without.
    Guard {
        /// A record changes a row only under the claim that it was made under.
        Fence = "fence",
        /// Time does not step back while the process lives.
        NeverBack = "never_back",
        /// The attempt and its request are committed before anything is sent.
        IntentFirst = "intent_first",
        /// Nothing is sent of a batch that nobody has approved.
        ApprovedFirst = "approved_first",
        /// What is frozen waits for two people, whatever is heard of it.
        FrozenStays = "frozen_stays",
        /// No send starts with less of its claim left than it may take.
        LeaseLeft = "lease_left",
        /// Whose claim lapsed while it was being sent may have been sent.
        LapseIsDoubt = "lapse_is_doubt",
        /// What is sent again goes under its own reference; a payout has one open attempt.
        SameReference = "same_reference",
        /// When the provider may be sent the same reference again.
        ResendRule = "resend_rule",
        /// No new attempt after an answer that does not say how it ended.
        UnknownIsAsked = "unknown_is_asked",
        /// Nothing is released after an answer that does not say how it ended.
        HoldKept = "hold_kept",
        /// That the provider has it does not mean that it paid.
        AcceptedIsNotPaid = "accepted_is_not_paid",
        /// That a resend was refused says nothing about the send before it.
        ResendRefused = "resend_refused",
        /// News of an attempt are no news of the next one.
        NewsOfAttempt = "news_of_attempt",
        /// A payment that comes after the payout was given up is told to people.
        LateSuccess = "late_success",
        /// A batch is closed when nothing of it is out and its hold is at zero.
        ClosedWhenOver = "closed_when_over",
        /// A receipt that nobody vouches for is a hint.
        ReceiptVerified = "receipt_verified",
        /// What is confirmed must be what was sent.
        ReceiptMatches = "receipt_matches",
        /// No wallet goes below nothing.
        WalletFloor = "wallet_floor",
        /// A message that may have been sent is not sent again.
        SmsNeverResent = "sms_never_resent",
    }
}

/// What happens at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Pass,
    /// The process ends at once: nothing is written, closed or given back.
    Die,
    Fail,
    Panic,
    /// Nothing follows, for ever.
    Hang,
    Wait(Duration),
}

/// A fault was injected.
#[derive(Debug, thiserror::Error)]
#[error("a fault was injected at {}", .0.name())]
pub struct Injected(pub Point);

#[cfg(feature = "faults")]
pub use told::{at, at_row, awaited, clock_offset, script, stands};

#[cfg(not(feature = "faults"))]
mod never {
    use super::{Guard, Injected, Point};

    /// Nothing happens here.
    #[inline(always)]
    pub async fn at(_: Point) -> Result<(), Injected> {
        Ok(())
    }

    /// Nothing happens here either.
    #[inline(always)]
    pub async fn at_row(_: Point, _: &str) -> Result<(), Injected> {
        Ok(())
    }

    /// Every guard stands.
    #[inline(always)]
    pub const fn stands(_: Guard) -> bool {
        true
    }

    /// The clock is the machine's.
    #[inline(always)]
    pub const fn clock_offset() -> i64 {
        0
    }
}
#[cfg(not(feature = "faults"))]
pub use never::{at, at_row, clock_offset, stands};

#[cfg(feature = "faults")]
mod told {
    use super::{Act, Guard, Injected, Point};
    use std::cell::RefCell;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    type Script = Box<dyn FnMut(Point) -> Act>;

    thread_local! {
        static SCRIPT: RefCell<Option<Script>> = const { RefCell::new(None) };
    }

    /// What happens at the points that this thread passes, instead of what the environment says.
    pub fn script(script: Option<Script>) {
        SCRIPT.with(|own| *own.borrow_mut() = script);
    }

    /// Passes a point; what was ordered happens.
    pub async fn at(point: Point) -> Result<(), Injected> {
        pass(point, None).await
    }

    /// Passes a point with a row in hand, which an order may name by its number.
    pub async fn at_row(point: Point, row: &str) -> Result<(), Injected> {
        pass(point, Some(row)).await
    }

    /// Whether the environment orders anything at a point.
    pub fn awaited(point: Point) -> bool {
        orders().iter().any(|order| order.point == point)
    }

    async fn pass(point: Point, row: Option<&str>) -> Result<(), Injected> {
        let scripted = SCRIPT.with(|own| own.borrow_mut().as_mut().map(|script| script(point)));
        match scripted.unwrap_or_else(|| ordered(point, row)) {
            Act::Pass => {}
            Act::Die => std::process::abort(),
            Act::Fail => return Err(Injected(point)),
            Act::Panic => panic!("{}", Injected(point)),
            Act::Hang => std::future::pending().await,
            Act::Wait(span) => tokio::time::sleep(span).await,
        }
        Ok(())
    }

    /// Whether a guard is there.
    pub fn stands(guard: Guard) -> bool {
        static WITHOUT: OnceLock<Vec<Guard>> = OnceLock::new();
        !WITHOUT.get_or_init(|| list("GABA_WITHOUT", |text| find(Guard::ALL, Guard::name, text))).contains(&guard)
    }

    /// Microseconds by which the wall clock of this process is wrong.
    pub fn clock_offset() -> i64 {
        static OFFSET: OnceLock<i64> = OnceLock::new();
        let seconds = || list("GABA_CLOCK_OFFSET", |text| text.parse::<i64>().ok()).first().copied();
        *OFFSET.get_or_init(|| seconds().unwrap_or_default() * 1_000_000)
    }

    /// One order of the environment.
    struct Order {
        point: Point,
        act: Act,
        /// The only time that it happens; every time where there is none.
        nth: Option<u64>,
        /// The only row that it concerns; any where there is none.
        row: Option<String>,
        passed: AtomicU64,
    }

    fn orders() -> &'static [Order] {
        static ORDERS: OnceLock<Vec<Order>> = OnceLock::new();
        ORDERS.get_or_init(|| list("GABA_FAULT", order))
    }

    fn ordered(point: Point, row: Option<&str>) -> Act {
        let concerns = |order: &&Order| order.point == point && (order.row.is_none() || order.row.as_deref() == row);
        let mut happens = Act::Pass;
        // Every order counts every passing, whatever another one makes of it.
        for order in orders().iter().filter(concerns) {
            let passed = order.passed.fetch_add(1, Ordering::Relaxed) + 1;
            if order.nth.is_none_or(|nth| nth == passed) {
                happens = order.act;
            }
        }
        if happens != Act::Pass {
            eprintln!("fault injected: {} {happens:?}", point.name());
        }
        happens
    }

    fn order(text: &str) -> Option<Order> {
        let (point, act) = text.split_once(':')?;
        let (act, row) = match act.split_once('#') {
            Some((act, row)) => (act, Some(row.to_owned())),
            None => (act, None),
        };
        let (act, nth) = match act.split_once('@') {
            Some((act, nth)) => (act, Some(nth.parse().ok()?)),
            None => (act, None),
        };
        let act = match act {
            "die" => Act::Die,
            "fail" => Act::Fail,
            "panic" => Act::Panic,
            "hang" => Act::Hang,
            _ => Act::Wait(Duration::from_millis(act.strip_prefix("wait")?.parse().ok()?)),
        };
        Some(Order { point: find(Point::ALL, Point::name, point)?, act, nth, row, passed: AtomicU64::new(0) })
    }

    fn find<T: Copy>(all: &[T], name: fn(T) -> &'static str, text: &str) -> Option<T> {
        all.iter().copied().find(|one| name(*one) == text)
    }

    /// A test that misspells an order must not pass because nothing happened.
    fn list<T>(variable: &str, read: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let told = std::env::var(variable).unwrap_or_default();
        let one = |text: &str| read(text).unwrap_or_else(|| panic!("{variable} cannot be {text:?}"));
        told.split(',').map(str::trim).filter(|text| !text.is_empty()).map(one).collect()
    }
}
