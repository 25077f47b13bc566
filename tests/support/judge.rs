//! The judge of every fault test: the network's own book against ours, and our books against themselves.

use super::{Installation, Network};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Checks I1–I8 at rest; panics with what is broken.
pub async fn at_rest(installation: &Installation, network: &Network, batches: &[&str]) {
    let book = network.book().await;
    let money: Vec<&Value> = book.iter().filter(|e| e["rail"] != "sms-http").collect();
    let mut ours = BTreeMap::new();
    for batch in batches {
        for payout in installation.maker.all(&format!("/v1/batches/{batch}/payouts")).await {
            ours.insert(payout["id"].as_str().unwrap().to_owned(), payout);
        }
    }
    paid_once(&money);
    same_paid_sets(&money, &ours);
    every_reference_is_ours(installation, &money).await;
    told_once(&book);
    nothing_left_a_final_state(installation).await;
    let check = installation.run(&["ledger", "check"]);
    assert!(check.status.success(), "I4–I6: {}{}", text(&check.stdout), text(&check.stderr));
    let audit = installation.run(&["audit", "verify"]);
    assert!(audit.status.success(), "I10: {}{}", text(&audit.stdout), text(&audit.stderr));
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// I1: no payout is paid twice in the network's book.
fn paid_once(money: &[&Value]) {
    let mut payments: HashMap<&str, u32> = HashMap::new();
    for entry in money.iter().filter(|e| e["state"] == "paid") {
        *payments.entry(entry["payout_id"].as_str().unwrap()).or_default() += 1;
    }
    let twice: Vec<_> = payments.iter().filter(|(_, n)| **n > 1).collect();
    assert!(twice.is_empty(), "I1: paid more than once: {twice:?}");
}

/// I2: the network's paid are our paid, with amount, number and currency.
fn same_paid_sets(money: &[&Value], ours: &BTreeMap<String, Value>) {
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
    let forgotten: Vec<_> = theirs.iter().filter(|(id, _)| !paid.contains_key(*id)).take(5).collect();
    assert!(forgotten.is_empty(), "I2: the network paid what we do not call paid: {forgotten:?}");
    let invented: Vec<_> = paid.iter().filter(|(id, _)| !theirs.contains_key(*id)).take(5).collect();
    assert!(invented.is_empty(), "I2: we call paid what the network did not pay: {invented:?}");
    assert_eq!(theirs, paid, "I2: amounts, numbers or currencies differ");
}

/// I3 and I8: every reference the network saw was committed by us, and nobody has two successes or two open attempts.
async fn every_reference_is_ours(installation: &Installation, money: &[&Value]) {
    use sqlx::Row;
    let pool = database(installation).await;
    let rows = sqlx::query("SELECT lower(hex(reference)) AS reference FROM attempts").fetch_all(&pool).await.unwrap();
    let committed: HashSet<String> = rows.iter().map(|r| r.get::<String, _>("reference")).collect();
    for entry in money {
        let reference = entry["reference"].as_str().unwrap().replace('-', "");
        assert!(committed.contains(&reference), "I3: the network saw {entry}, which was never committed");
    }
    let doubled = sqlx::query(
        "SELECT row FROM attempts GROUP BY batch_id, row HAVING SUM(state = 'succeeded') > 1 OR SUM(state = 'open') > 1",
    );
    assert!(doubled.fetch_all(&pool).await.unwrap().is_empty(), "I8: two successes or two open attempts");
}

/// I10: at most one SMS per batch, row and purpose, by the network's own book.
fn told_once(book: &[Value]) {
    let mut told: HashMap<&str, u32> = HashMap::new();
    for entry in book.iter().filter(|e| e["rail"] == "sms-http" && e["state"] != "seen") {
        *told.entry(entry["msisdn"].as_str().unwrap()).or_default() += 1;
    }
    let twice: Vec<_> = told.iter().filter(|(_, n)| **n > 1).collect();
    assert!(twice.is_empty(), "I10: told more than once: {twice:?}");
}

/// I7: in the log of events, nothing follows a payment; and nothing follows another final state but what people said: a
/// retry of the failed, or a verdict on a late success.
async fn nothing_left_a_final_state(installation: &Installation) {
    let pool = database(installation).await;
    let after = sqlx::query(
        "SELECT a.row FROM payout_events a JOIN payout_events b ON b.batch_id = a.batch_id AND b.row = a.row AND b.claim > a.claim
         WHERE a.kind IN ('paid', 'failed', 'cancelled') AND b.kind NOT LIKE 'exception.%'
           AND NOT (a.kind <> 'paid' AND EXISTS (
                 SELECT 1 FROM payout_events c
                 WHERE c.batch_id = a.batch_id AND c.row = a.row AND c.claim > a.claim AND c.claim <= b.claim
                   AND ((c.kind = 'queued' AND c.detail LIKE '%paid again under a new reference')
                        OR c.kind = 'exception.late_success.resolved')))",
    );
    assert!(after.fetch_all(&pool).await.unwrap().is_empty(), "I7: something left a final state");
}

async fn database(installation: &Installation) -> sqlx::SqlitePool {
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(installation.folder.file("gaba.db")).read_only(true);
    sqlx::SqlitePool::connect_with(options).await.unwrap()
}
