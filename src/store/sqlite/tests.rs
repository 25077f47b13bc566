//! What only this engine has to keep: its settings, its statements, its triggers.

use super::*;
use crate::clock::SystemClock;
use crate::machine::State;
use std::collections::BTreeMap;
use std::path::Path;

async fn store() -> (tempdir::Dir, SqliteStore) {
    let dir = tempdir::Dir::new("sqlite");
    let url = format!("sqlite://{}", dir.path().join("gaba.db").display());
    let store = SqliteStore::open(&url, Arc::new(SystemClock)).await.unwrap();
    (dir, store)
}

/// A folder that goes away with the test.
mod tempdir {
    use std::path::{Path, PathBuf};

    pub struct Dir(PathBuf);

    impl Dir {
        pub fn new(name: &str) -> Dir {
            let path = std::env::temp_dir().join(format!("gaba-{name}-{}", uuid::Uuid::now_v7()));
            std::fs::create_dir_all(&path).unwrap();
            Dir(path)
        }

        pub fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

#[tokio::test]
async fn every_connection_keeps_what_it_reports() {
    let (_dir, store) = store().await;
    for pool in [&store.writer, &store.reader] {
        let mut connections = Vec::new();
        for _ in 0..pool.options().get_max_connections() {
            let mut connection = pool.acquire().await.unwrap();
            check_settings(&mut connection).await.unwrap();
            connections.push(connection);
        }
    }
}

/// The statements of both folders, by name as the macros take it.
fn statements() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut found = BTreeMap::new();
    for folder in [root.join("sql"), root.join("sqlite/sql")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            assert!(found.insert(name, std::fs::read_to_string(path).unwrap()).is_none(), "a name used twice");
        }
    }
    found
}

/// The highest `$n` of a statement.
fn parameters(sql: &str) -> usize {
    let numbers = sql.split('$').skip(1).filter_map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<usize>().ok()
    });
    numbers.max().unwrap_or(0)
}

#[tokio::test]
async fn every_statement_is_accepted_by_the_schema() {
    let (_dir, store) = store().await;
    let mut connection = store.writer.acquire().await.unwrap();
    for (name, sql) in statements() {
        use sqlx::Executor;
        let prepared = connection.prepare(AssertSqlSafe(sql.clone()).into_sql_str()).await;
        assert!(prepared.is_ok(), "{name}: {:?}", prepared.err());
        let mut wanted: Vec<usize> = (1..=parameters(&sql)).filter(|n| !sql.contains(&format!("${n}"))).collect();
        assert!(wanted.pop().is_none(), "{name} skips a parameter");
    }
}

/// A missing bind is silently NULL here, so the binds of every call are counted in the source.
#[test]
fn every_call_binds_every_parameter() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/sqlite");
    let statements = statements();
    let mut used = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "rs") || path.ends_with("tests.rs") || path.ends_with("mod.rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        for macro_name in ["sql!(\"", "own!(\""] {
            for (at, _) in source.match_indices(macro_name) {
                let rest = &source[at + macro_name.len()..];
                let name = &rest[..rest.find('"').unwrap()];
                used.insert(name.to_owned(), ());
                // A statement that is chosen among several is bound after the choice.
                if rest[name.len()..].starts_with("\"),") || rest[name.len()..].starts_with("\")]") {
                    continue;
                }
                let end = ["execute(", "fetch_", "execute("].iter().filter_map(|stop| rest.find(stop)).min().unwrap();
                let binds = rest[..end].matches(".bind(").count();
                let wanted = parameters(&statements[name]);
                assert_eq!(binds, wanted, "{name} in {}", path.display());
            }
        }
    }
    for name in statements.keys() {
        assert!(used.contains_key(name), "{name}.sql is used by nobody");
    }
}

#[test]
fn every_migration_of_the_folder_is_in_the_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let mut files: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    files.sort();
    let known: Vec<String> =
        MIGRATIONS.iter().map(|(n, name, _)| format!("{n:04}_{}.sql", name.replace(' ', "_"))).collect();
    assert_eq!(files, known);
}

/// The one migration that makes a table anew, which is the ledger's.
#[tokio::test]
async fn a_ledger_that_is_made_anew_is_the_same_ledger() {
    use sqlx::Connection;
    let mut db = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let all = |version: i64| MIGRATIONS.into_iter().find(|(n, ..)| *n == version).unwrap().2;
    for version in 1..=5 {
        sqlx::raw_sql(all(version)).execute(&mut db).await.unwrap();
    }
    let before = "INSERT INTO organisations (id, name, created_at) VALUES (x'01', 'one', 0); \
                  INSERT INTO accounts (id, organisation_id, kind, currency) VALUES (x'0a', x'01', 'funding', 'UGX'), \
                      (x'0b', x'01', 'wallet', 'UGX'), (x'0c', x'01', 'settlement', 'UGX'); \
                  INSERT INTO transfers (position, organisation_id, kind, debit_account, credit_account, amount, currency, batch_id, \
                                         row, payout_id, attempt, reference, created_at) \
                  VALUES (3, x'01', 'funding', x'0a', x'0b', 5, 'UGX', NULL, NULL, NULL, NULL, 'bank-1', 7), \
                         (9, x'01', 'paid', x'0b', x'0c', 4, 'UGX', x'02', 2, x'03', 1, NULL, 8)";
    sqlx::raw_sql(before).execute(&mut db).await.unwrap();
    async fn of(db: &mut SqliteConnection, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(sql).fetch_all(db).await.unwrap()
    }
    let rows = "SELECT json_array(position, hex(organisation_id), kind, hex(debit_account), hex(credit_account), amount, currency, \
                                  hex(batch_id), row, hex(payout_id), attempt, reference, created_at) FROM transfers";
    let around = "SELECT sql FROM sqlite_master WHERE tbl_name = 'transfers' AND type <> 'table' AND sql IS NOT NULL ORDER BY name";
    let (had, guards) = (of(&mut db, rows).await, of(&mut db, around).await);
    sqlx::raw_sql("PRAGMA foreign_keys = ON; BEGIN").execute(&mut db).await.unwrap();
    sqlx::raw_sql(all(6)).execute(&mut db).await.unwrap();
    sqlx::raw_sql("COMMIT").execute(&mut db).await.unwrap();
    assert_eq!(of(&mut db, rows).await, had);
    assert_eq!(of(&mut db, around).await, guards, "its indexes and triggers");
    let after = "INSERT INTO transfers (organisation_id, kind, debit_account, credit_account, amount, currency, batch_id, row, \
                                        payout_id, attempt, created_at) \
                 VALUES (x'01', 'difference', x'0c', x'0b', 1, 'UGX', x'02', 2, x'03', 1, 9)";
    sqlx::raw_sql(after).execute(&mut db).await.unwrap();
    assert_eq!(of(&mut db, "SELECT CAST(MAX(position) AS TEXT) FROM transfers").await, ["10"]);
    assert!(sqlx::raw_sql(after).execute(&mut db).await.is_err(), "once per attempt");
    assert!(sqlx::raw_sql("DELETE FROM transfers").execute(&mut db).await.is_err());
}

/// A list of SMS may have replaced what a payroll taught of their header: the lists still have both. What lists taught that are
/// older than their headers is a payroll's.
#[tokio::test]
async fn what_lists_taught_of_their_columns_is_kept_by_kind() {
    use sqlx::Connection;
    let mut db = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let migrate = async |db: &mut SqliteConnection, versions: std::ops::RangeInclusive<i64>| {
        for (_, _, sql) in MIGRATIONS.into_iter().filter(|(version, ..)| versions.contains(version)) {
            sqlx::raw_sql(sql).execute(&mut *db).await.unwrap();
        }
    };
    migrate(&mut db, 1..=8).await;
    let list = |id: u8, kind: &str, mapping: &str, source: &str, header: &str, approved_at: &str| {
        format!(
            "(x'{id:02x}', x'01', 'live', '{kind}', 'completed', '{mapping}', '{source}', {header}, {approved_at}, \
                  'l', 'UGX', 0, 'l.csv', x'01', x'01', x'01', x'01', 'm', 0)"
        )
    };
    let lists = [
        list(1, "payout", "momo", "given", "x'aa'", "1"),
        list(2, "payout", "new momo", "given", "x'aa'", "3"),
        list(3, "sms", "whatsapp", "given", "x'aa'", "5"),
        list(4, "payout", "slip", "given", "x'aa'", "NULL"),
        list(5, "payout", "known", "recognised", "x'bb'", "6"),
    ];
    let before = format!(
        "DROP TRIGGER batch_begins_importing; INSERT INTO organisations (id, name, created_at) VALUES (x'01', 'one', 0); \
         INSERT INTO batches (id, organisation_id, mode, kind, state, mapping, mapping_source, header, approved_at, name, currency, \
                              notify, file_name, upload_id, fingerprint, file_hash, created_by, created_by_label, created_at) \
         VALUES {}; \
         INSERT INTO column_mappings (organisation_id, fingerprint, mapping, given_at) \
         VALUES (x'01', x'aa', 'whatsapp', 5), (x'01', x'cc', 'old', 0)",
        lists.join(", ")
    );
    sqlx::raw_sql(AssertSqlSafe(before)).execute(&mut db).await.unwrap();
    migrate(&mut db, 9..=9).await;
    let kept =
        "SELECT kind || ' ' || hex(fingerprint) || ' ' || mapping || ' ' || given_at FROM column_mappings ORDER BY 1";
    let kept: Vec<String> = sqlx::query_scalar(kept).fetch_all(&mut db).await.unwrap();
    assert_eq!(kept, ["payout AA new momo 3", "payout CC old 0", "sms AA whatsapp 5"]);
}

#[tokio::test]
async fn what_was_really_paid_is_said_once_and_of_what_is_paid() {
    let (_dir, store) = store().await;
    let mut db = store.writer.acquire().await.unwrap();
    let seed = "PRAGMA foreign_keys = OFF; DROP TRIGGER payout_begins_queued; DROP TRIGGER payouts_are_added_before; \
                INSERT INTO payouts (id, organisation_id, batch_id, row, lane, msisdn, amount, fee, tax, currency, state, action, \
                                     created_at) \
                VALUES (x'01', x'02', x'03', 1, 'l', '256', 500, 0, 0, 'UGX', 'paid', 'submit', 0), \
                       (x'04', x'02', x'03', 2, 'l', '256', 500, 0, 0, 'UGX', 'failed', 'submit', 0)";
    sqlx::raw_sql(seed).execute(&mut *db).await.unwrap();
    for (change, allowed) in [
        ("UPDATE payouts SET paid_amount = 400 WHERE id = x'04'", false),
        ("UPDATE payouts SET paid_amount = 500 WHERE id = x'01'", false),
        ("UPDATE payouts SET paid_amount = 0 WHERE id = x'01'", false),
        ("UPDATE payouts SET paid_amount = 400 WHERE id = x'01'", true),
        ("UPDATE payouts SET paid_amount = 300 WHERE id = x'01'", false),
        ("UPDATE payouts SET paid_amount = NULL WHERE id = x'01'", false),
    ] {
        assert_eq!(sqlx::raw_sql(change).execute(&mut *db).await.is_ok(), allowed, "{change}");
    }
}

/// Tries every pair of states of a machine on a row of `table`, with the row's other columns kept valid.
async fn refuses_what_the_code_refuses<S: State>(store: &SqliteStore, table: &str, seed: &str) {
    let mut connection = store.writer.acquire().await.unwrap();
    sqlx::raw_sql("PRAGMA foreign_keys = OFF").execute(&mut *connection).await.unwrap();
    let run = |sql: String| AssertSqlSafe(sql);
    for from in S::ALL {
        for to in S::ALL {
            // Rows cannot be inserted in a later state: the trigger for beginnings is put aside for the preparation only.
            sqlx::raw_sql(run(format!("DELETE FROM {table}"))).execute(&mut *connection).await.unwrap();
            let beginning: String = sqlx::query(run(format!(
                "SELECT name || '|' || sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{table}' AND name LIKE '%_begins_%'"
            )))
            .fetch_one(&mut *connection)
            .await
            .unwrap()
            .get(0);
            let (name, sql) = beginning.split_once('|').unwrap();
            sqlx::raw_sql(run(format!("DROP TRIGGER {name}"))).execute(&mut *connection).await.unwrap();
            let insert = seed.replace("$state", from.name());
            sqlx::raw_sql(run(insert)).execute(&mut *connection).await.unwrap();
            sqlx::raw_sql(run(sql.to_owned())).execute(&mut *connection).await.unwrap();
            let update = format!("UPDATE {table} SET state = '{}'", to.name());
            let allowed = sqlx::raw_sql(run(update)).execute(&mut *connection).await.is_ok();
            assert_eq!(allowed, from == to || from.may_become(*to), "{table}: {from:?} → {to:?}");
        }
    }
}

#[tokio::test]
async fn the_database_refuses_every_step_that_the_code_refuses() {
    let (_dir, store) = store().await;
    refuses_what_the_code_refuses::<crate::payout::State>(
        &store,
        "payouts",
        "INSERT INTO payouts (id, organisation_id, batch_id, row, lane, msisdn, amount, fee, tax, currency, state, action, created_at) \
         VALUES (x'01', x'02', x'03', 1, 'l', '256', 1, 0, 0, 'UGX', '$state', 'submit', 0)",
    )
    .await;
    refuses_what_the_code_refuses::<crate::batch::State>(
        &store,
        "batches",
        "INSERT INTO batches (id, organisation_id, mode, kind, name, currency, state, notify, file_name, upload_id, fingerprint, file_hash, created_by, created_by_label, created_at) \
         VALUES (x'01', x'02', 'live', 'payout', 'n', 'UGX', '$state', 0, 'f', x'03', x'04', x'06', x'05', 'm', 0)",
    )
    .await;
    refuses_what_the_code_refuses::<crate::payout::exception::State>(
        &store,
        "exceptions",
        "INSERT INTO exceptions (id, organisation_id, batch_id, payout_id, kind, attempt, detail, state, opened_at, verdict, proposed_by, resolution) \
         VALUES (x'01', x'02', x'03', x'04', 'overdue', 1, '', '$state', 0, 'paid', x'05', 'answered')",
    )
    .await;
    refuses_what_the_code_refuses::<crate::sms::State>(
        &store,
        "messages",
        "INSERT INTO messages (id, organisation_id, batch_id, row, purpose, lane, msisdn, currency, state, created_at) \
         VALUES (x'01', x'02', x'03', 1, 'paid', 'l', '256', 'UGX', '$state', 0)",
    )
    .await;
}

#[tokio::test]
async fn only_one_process_works_on_a_database() {
    use crate::store::Installation;
    let (dir, first) = store().await;
    first.take_over().await.unwrap();
    let url = format!("sqlite://{}", dir.path().join("gaba.db").display());
    let second = SqliteStore::open(&url, Arc::new(SystemClock)).await.unwrap();
    let error = second.take_over().await.unwrap_err().to_string();
    assert!(error.contains("another process"), "{error}");
    second.ready().await.unwrap();
}

#[tokio::test]
async fn a_writer_that_is_dropped_in_the_middle_leaves_no_transaction_open() {
    use crate::store::Organisations;
    let (_dir, store) = store().await;
    for n in 0..50 {
        let store = store.clone();
        let act = async move { store.create_organisation(&format!("org {n}"), crate::money::Currency::Ugx).await };
        // Dropped at its first await.
        let _ = tokio::time::timeout(Duration::from_micros(n), act).await;
    }
    store.create_organisation("afterwards", crate::money::Currency::Ugx).await.unwrap();
    assert!(store.verify_audit().await.unwrap().is_empty());
}

/// As on a full disk: sqlx believes that the transaction is still open.
#[tokio::test]
async fn a_transaction_that_the_engine_rolled_back_by_itself_keeps_nobody_out() {
    use crate::store::Installation;
    let (_dir, store) = store().await;
    let lost: Result<()> = store
        .write(|tx| {
            Box::pin(async move {
                sqlx::query("ROLLBACK").execute(tx).await.map_err(error)?;
                Err(StoreError::Unavailable("database or disk is full".into()))
            })
        })
        .await;
    assert!(lost.is_err());
    store.ready().await.unwrap();
}

#[tokio::test]
async fn a_ledger_added_up_in_stretches_is_the_same_ledger() {
    use crate::money::{Currency, Money};
    use crate::org::Principal;
    use crate::store::{Organisations, Wallets};
    use crate::wallet::check::Folded;
    let (_dir, store) = store().await;
    let operator = Principal::operator(store.create_organisation("one", Currency::Ugx).await.unwrap().id);
    for n in 1..=5 {
        store.fund(&operator, Money::new(n, Currency::Ugx), &format!("bank-{n}"), None).await.unwrap();
    }
    let told = async |stretch| {
        let (check, folded) = ledger_check::check(&store.reader, Folded::default(), stretch).await.unwrap();
        assert!(check.balances(), "{:?}", check.differences);
        assert_eq!(folded.position, check.position);
        serde_json::to_value(check).unwrap()
    };
    let whole = told(100).await;
    assert_eq!((&whole["transfers"], &whole["trial_balance"][1]["credits"]), (&5.into(), &15.into()));
    for stretch in [1, 2, 4, 5] {
        assert_eq!(told(stretch).await, whole, "{stretch} at once");
    }
}

/// The tables that payouts are judged by, with what is looked at.
async fn bare_books() -> sqlx::SqliteConnection {
    use sqlx::Connection;
    let mut tx = sqlx::sqlite::SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let tables = "CREATE TABLE payouts (id DEFAULT x'01', batch_id, row DEFAULT 1, state, amount DEFAULT 500, paid_amount, \
                  reason_code, attempt DEFAULT 1, first_attempt DEFAULT 1); \
                  CREATE TABLE transfers (batch_id, row DEFAULT 1, attempt, kind, debit_account, amount); \
                  CREATE TABLE accounts (id, kind); \
                  INSERT INTO accounts VALUES ('settlement', 'settlement'), ('suspense', 'suspense')";
    sqlx::raw_sql(tables).execute(&mut tx).await.unwrap();
    tx
}

/// What a payout of 500 says was paid and whether it came back; what the books moved beside its payment; whether that may be.
#[tokio::test]
async fn what_was_really_paid_is_in_the_books_and_comes_back_once() {
    let mut tx = bare_books().await;
    type Moved = Vec<(&'static str, &'static str, i64)>;
    const LESS: (&str, &str, i64) = ("difference", "settlement", 200);
    const MORE: (&str, &str, i64) = ("difference", "suspense", 200);
    let back = |whole, wallet| [("reversal", "settlement", whole), ("refund", "suspense", wallet)];
    let cases: [(&str, Option<i64>, bool, Moved, bool); 17] = [
        ("paid", None, false, vec![], true),
        ("paid", None, false, vec![LESS], false),
        ("paid", Some(300), false, vec![LESS], true),
        ("paid", Some(300), false, vec![], false),
        ("paid", Some(300), false, vec![MORE], false),
        ("paid", Some(300), false, vec![LESS, LESS], false),
        ("paid", Some(301), false, vec![LESS], false),
        ("paid", Some(700), false, vec![MORE], true),
        ("paid", Some(700), false, vec![LESS], false),
        ("failed", None, false, vec![LESS], false),
        ("paid", None, true, back(500, 500).to_vec(), true),
        ("paid", None, false, back(500, 500).to_vec(), false),
        ("paid", None, true, vec![], false),
        ("paid", Some(300), true, [&[LESS][..], &back(300, 300)].concat(), true),
        ("paid", Some(300), true, [&[LESS][..], &back(500, 500)].concat(), false),
        ("paid", Some(700), true, [&[MORE][..], &back(700, 500)].concat(), true),
        ("paid", Some(700), true, [&[MORE][..], &back(700, 700)].concat(), false),
    ];
    for (batch, (state, paid, reversed, moved, right)) in cases.into_iter().enumerate() {
        let payout =
            sqlx::query("INSERT INTO payouts (batch_id, state, paid_amount, reason_code) VALUES ($1, $2, $3, $4)");
        let payout = payout.bind(batch as i64).bind(state).bind(paid).bind(reversed.then_some("reversed"));
        payout.execute(&mut tx).await.unwrap();
        let payment = (state == "paid").then_some(("paid", "hold", 500));
        for (kind, from, amount) in moved.iter().chain(&payment) {
            let transfer = sqlx::query("INSERT INTO transfers VALUES ($1, 1, 1, $2, $3, $4)");
            transfer.bind(batch as i64).bind(kind).bind(from).bind(amount).execute(&mut tx).await.unwrap();
        }
        let found = own!("check_payments").bind(batch as i64).bind(0).bind(1).fetch_all(&mut tx).await.unwrap();
        assert_eq!(found.is_empty(), right, "{state}, paid {paid:?}, back {reversed}: {moved:?}");
    }
}

/// What each attempt of one payout moved, and whether that may be.
#[tokio::test]
async fn what_was_set_aside_for_a_payout_is_spent_once() {
    let mut tx = bare_books().await;
    type Moved = &'static [(u32, &'static str)];
    let cases: [(&str, u32, u32, Moved, bool); 17] = [
        ("queued", 1, 1, &[], true),
        ("paid", 1, 1, &[(1, "paid")], true),
        ("paid", 1, 1, &[], false),
        ("failed", 1, 1, &[(1, "paid")], false),
        ("paid", 2, 1, &[(1, "paid"), (2, "paid")], false),
        ("failed", 2, 1, &[(2, "release")], true),
        ("failed", 1, 1, &[(1, "release"), (1, "release")], false),
        ("failed", 2, 1, &[(1, "release"), (2, "release")], false),
        ("sending", 1, 1, &[(1, "release")], false),
        ("paid", 1, 1, &[(1, "paid"), (1, "release")], false),
        ("paid", 2, 1, &[(1, "paid"), (2, "release")], false),
        // Paid after all, from the wallet again or as a receivable.
        ("paid", 1, 1, &[(1, "release"), (1, "reserve"), (1, "paid")], true),
        ("paid", 1, 1, &[(1, "release"), (1, "receivable"), (1, "paid")], true),
        // Retried.
        ("paid", 2, 2, &[(1, "release"), (2, "paid")], true),
        ("failed", 2, 2, &[(1, "release"), (2, "release")], true),
        // Retried, and the attempt before it had paid.
        ("paid", 1, 2, &[(1, "release"), (1, "paid")], true),
        ("paid", 1, 2, &[(1, "release"), (1, "paid"), (2, "release")], false),
    ];
    for (batch, (state, attempt, first_attempt, moved, right)) in cases.into_iter().enumerate() {
        let payout =
            sqlx::query("INSERT INTO payouts (batch_id, state, attempt, first_attempt) VALUES ($1, $2, $3, $4)");
        let payout = payout.bind(batch as i64).bind(state).bind(attempt).bind(first_attempt);
        payout.execute(&mut tx).await.unwrap();
        for (attempt, kind) in moved {
            let transfer = sqlx::query("INSERT INTO transfers VALUES ($1, 1, $2, $3, NULL, 500)");
            transfer.bind(batch as i64).bind(attempt).bind(kind).execute(&mut tx).await.unwrap();
        }
        let found = own!("check_payments").bind(batch as i64).bind(0).bind(1).fetch_all(&mut tx).await.unwrap();
        assert_eq!(found.is_empty(), right, "{state}, attempt {attempt} from {first_attempt}: {moved:?}");
    }
}
