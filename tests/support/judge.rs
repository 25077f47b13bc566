//! The judge of every fault test: the network's own book against ours, and our books against themselves.

use super::engine::ENGINE;
use super::{Installation, Network};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// What the judge found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Payouts of the batches in question.
    pub payouts: usize,
    /// Payouts that the network paid more than once, and people who were told more than once.
    pub doubles: usize,
    /// Payments that only one of the two books knows.
    pub lost: usize,
    /// What else does not hold, each by its invariant.
    pub off: Vec<String>,
}

impl Findings {
    pub fn are_sound(&self) -> bool {
        self.doubles == 0 && self.lost == 0 && self.off.is_empty()
    }

    fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.off.push(what());
        }
    }
}

/// Checks I1–I10 at rest; panics with what is broken.
pub async fn at_rest(installation: &Installation, network: &Network, batches: &[&str]) {
    let found = look(installation, network, batches).await;
    assert!(found.are_sound(), "{found:#?}");
}

/// Checks I1–I10 at rest, with the server running. Everything that the network took must have ended.
pub async fn look(installation: &Installation, network: &Network, batches: &[&str]) -> Findings {
    let book = network.book().await;
    let money: Vec<&Value> = book.iter().filter(|e| e["rail"] != "sms-http").collect();
    let mut ours = BTreeMap::new();
    for batch in batches {
        for payout in installation.maker.all(&format!("/v1/batches/{batch}/payouts")).await {
            ours.insert(payout["id"].as_str().unwrap().to_owned(), payout);
        }
    }
    let mut found = Findings { payouts: ours.len(), ..Findings::default() };
    paid_once(&money, &mut found);
    same_paid_sets(&money, &ours, &mut found);
    told_once(&book, &mut found);
    the_database_agrees(installation, &money, &mut found).await;
    for (command, what) in [(["ledger", "check"], "I4–I6"), (["audit", "verify"], "I10")] {
        let check = installation.run(&command);
        found.expect(check.status.success(), || format!("{what}: {}{}", text(&check.stdout), text(&check.stderr)));
    }
    found
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// I1: no payout is paid twice in the network's book.
fn paid_once(money: &[&Value], found: &mut Findings) {
    let mut payments: HashMap<&str, u32> = HashMap::new();
    for entry in money.iter().filter(|e| e["state"] == "paid") {
        *payments.entry(entry["payout_id"].as_str().unwrap()).or_default() += 1;
    }
    let twice: Vec<_> = payments.iter().filter(|(_, n)| **n > 1).collect();
    found.doubles += twice.len();
    found.expect(twice.is_empty(), || format!("I1: paid more than once: {twice:?}"));
}

/// I2: the network's paid are our paid, with amount, number and currency.
fn same_paid_sets(money: &[&Value], ours: &BTreeMap<String, Value>, found: &mut Findings) {
    let key = |amount: &Value, msisdn: &Value, currency: &Value| {
        [amount, msisdn, currency].map(|v| v.as_str().unwrap_or_default().to_owned())
    };
    let theirs: BTreeMap<&str, _> = money
        .iter()
        .filter(|e| e["state"] == "paid")
        .map(|e| (e["payout_id"].as_str().unwrap(), key(&e["amount"], &e["msisdn"], &e["currency"])))
        .collect();
    let paid: BTreeMap<&str, _> = ours
        .iter()
        .filter(|(_, p)| p["state"] == "paid")
        .map(|(id, p)| (id.as_str(), key(&p["amount"], &p["msisdn"], &p["currency"])))
        .collect();
    let forgotten: Vec<_> = theirs.iter().filter(|(id, _)| !paid.contains_key(*id)).collect();
    let invented: Vec<_> = paid.iter().filter(|(id, _)| !theirs.contains_key(*id)).collect();
    let differ = theirs.iter().filter(|(id, payment)| paid.get(*id).is_some_and(|ours| ours != *payment)).count();
    found.lost += forgotten.len() + invented.len();
    let first = |some: &[_]| format!("{} such as {:?}", some.len(), some.first());
    found.expect(forgotten.is_empty(), || {
        format!("I2: the network paid what we do not call paid: {}", first(&forgotten))
    });
    found
        .expect(invented.is_empty(), || format!("I2: we call paid what the network did not pay: {}", first(&invented)));
    found.expect(differ == 0, || format!("I2: amounts, numbers or currencies of {differ} payments differ"));
}

/// I10: at most one SMS per batch, row and purpose, by the network's own book.
fn told_once(book: &[Value], found: &mut Findings) {
    let mut told: HashMap<(&str, &str), u32> = HashMap::new();
    for entry in book.iter().filter(|e| e["rail"] == "sms-http" && e["state"] != "seen") {
        // A number that is in two lists is told twice, of different things.
        let key = (entry["msisdn"].as_str().unwrap(), entry["text"].as_str().unwrap_or_default());
        *told.entry(key).or_default() += 1;
    }
    let twice: Vec<_> = told.iter().filter(|(_, n)| **n > 1).collect();
    found.doubles += twice.len();
    found.expect(twice.is_empty(), || format!("I10: told more than once: {twice:?}"));
}

/// I3, I7, I8, I9, and that the files are sound.
async fn the_database_agrees(installation: &Installation, money: &[&Value], found: &mut Findings) {
    let database = ENGINE.open(&installation.folder).await;
    let committed = database.references().await;
    let stranger = money.iter().find(|e| !committed.contains(&e["reference"].as_str().unwrap().replace('-', "")));
    found.expect(stranger.is_none(), || format!("I3: the network saw {stranger:?}, which was never committed"));
    let left = database.left_a_final_state().await;
    found.expect(left == 0, || format!("I7: {left} payouts left a final state"));
    let doubled = database.doubled_attempts().await;
    found.expect(doubled == 0, || format!("I8: {doubled} payouts have two successes or two open attempts"));
    let waiting = database.due_in_closed_batches().await;
    found.expect(waiting == 0, || format!("I9: {waiting} rows of closed batches still wait for something"));
    let damage = database.damage().await;
    found.expect(damage.is_none(), || format!("the files are damaged: {damage:?}"));
}
