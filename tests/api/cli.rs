//! The command: results on stdout, one readable line on stderr when it fails, exit 2 where it was used wrongly.

use super::*;
use crate::support::{GABA, list};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// The command in the world's folder, with `TEST_SECRET` where `secret` says so.
fn gaba_with(world: &World, arguments: &[&str], secret: Option<&str>) -> Output {
    let mut command = Command::new(GABA);
    command
        .arg("--config")
        .arg(world.gaba.folder.file("gaba.toml"))
        .args(arguments)
        .current_dir(world.gaba.folder.path());
    command.env_remove("GABA_DATABASE_URL").env_remove("TEST_SECRET");
    command.envs(secret.map(|secret| ("TEST_SECRET", secret))).stdin(Stdio::null()).output().unwrap()
}

/// Fails with this exit code and one line that holds `told`.
fn fails(output: &Output, code: i32, told: &str) {
    let (error, what) = (stderr(output), stdout(output));
    assert_eq!(output.status.code(), Some(code), "{what}{error}");
    let lines: Vec<&str> = error.lines().filter(|l| l.starts_with("gaba: ")).collect();
    assert_eq!(lines.len(), 1, "one line of what went wrong: {error}");
    assert!(lines[0].contains(told), "{told:?} in {error}");
    assert!(!error.contains("panicked") && !error.contains("RUST_BACKTRACE"), "{error}");
}

#[tokio::test]
async fn every_command_tells_a_script_what_it_did() {
    let world = World::start("commands").await;
    assert_eq!(world.json(&["migrate"])["status"], "current");
    let organisation = world.json(&["org", "create", "Mbale Schools", "--currency", "ugx"]);
    let member = world.json(&["member", "add", "Mbale Schools", "head@mbale.test", "--role", "maker"]);
    assert!(uuid::Uuid::parse_str(id(&organisation)).is_ok() && uuid::Uuid::parse_str(id(&member)).is_ok());
    let key = world.json(&["key", "create", id(&organisation), "--role", "maker", "--member", "head@mbale.test"]);
    assert!(key["key"].as_str().unwrap().starts_with("gaba_live_"));
    let api = Api::new(&world.gaba.url, key["key"].as_str().unwrap());
    assert_eq!(api.get("/v1/batches").await.0, 200, "a key works at once, beside the running server");
    let funded = world.json(&["fund", "Mbale Schools", "1000000", "--reference", "B-1"]);
    assert_eq!((&funded["amount"], &funded["wallet"]["available"]), (&json!("1000000"), &json!("1000000")));

    let batch = world.settle("payroll", list(3, 50_000), &[]).await;
    let report = world.gaba.folder.file("report.csv");
    let written = world.json(&["report", id(&batch), "--format", "csv", "-o", report.to_str().unwrap()]);
    assert_eq!((&written["lines"], written["file"].as_str()), (&json!(3), report.to_str()));
    assert_eq!(world.json(&["report", id(&batch), "--format", "json"])["lines"].as_array().unwrap().len(), 3);
    let ledger = world.json(&["ledger", "check"]);
    assert_eq!((&ledger["balances"], &ledger["differences"]), (&json!(true), &json!([])));
    assert_eq!(world.json(&["audit", "verify"]), json!({"whole": true, "broken": []}));
    let doctor = world.json(&["doctor"]);
    assert_eq!(doctor["ok"], true, "{doctor}");
    assert_eq!(doctor["checks"].as_array().unwrap().len(), 7, "clock, settings, address, database, three lanes");
    assert!(world.json(&["config", "show"])["lanes"].as_array().unwrap().len() == 3);
    for arguments in [&["doctor"][..], &["ledger", "check"], &["audit", "verify"], &["config", "show"], &["migrate"]] {
        let output = world.gaba.run(arguments);
        assert!(output.status.success() && !output.stdout.is_empty(), "{arguments:?}: {}", stderr(&output));
    }
}

#[tokio::test]
async fn wrong_usage_ends_with_2_and_says_what_to_do() {
    let world = World::stopped("usage", |toml| toml).await;
    let organisation = world.gaba.organisation.as_str();
    for wrong in [
        &[][..],
        &["pay"],
        &["org"],
        &["org", "create", "X"],
        &["org", "create", "X", "--currency", "XXX"],
        &["member", "add", organisation, "a@b.test", "--role", "king"],
        &["key", "create", organisation, "--role", "maker", "--mode", "sandbox"],
        &["fund", organisation, "1000"],
        &["report", "not-an-id"],
        &["report", "019bf000-0000-7000-8000-000000000000", "--format", "doc"],
        &["simulate", "--port", "99999"],
        &["demo", "--recipients", "0"],
        &["serve", "--fast"],
    ] {
        let output = world.gaba.run(wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{wrong:?}: {}", stdout(&output));
    }
    for (wrong, told) in [
        (&["member", "add", organisation, "nobody", "--role", "maker"][..], "no e-mail address"),
        (&["org", "create", "Kampala Relief", "--currency", "UGX"], "already an organisation"),
        (&["org", "create", "  ", "--currency", "UGX"], "needs a name"),
        (&["key", "create", organisation, "--role", "maker", "--member", "x@y.test"], "gaba member add"),
        (&["key", "create", organisation, "--role", "maker", "--mode", "test"], "--mode live"),
        (&["fund", organisation, "0", "--reference", "R"], "more than nothing"),
        (&["fund", organisation, "1,000", "--reference", "R"], "decimal number"),
        (&["fund", organisation, "1.5", "--reference", "R"], "more decimals"),
        (&["fund", organisation, "1", "--reference", " "], "reference"),
        (&["fund", organisation, "1", "--reference", "R", "--currency", "KES"], "--currency"),
    ] {
        fails(&world.gaba.run(wrong), 2, told);
    }
    fails(&world.gaba.run(&["fund", "Nobody", "1", "--reference", "R"]), 1, "gaba org create");
    fails(&world.gaba.run(&["report", "019bf000-0000-7000-8000-000000000000"]), 1, "nothing of that id");
    let nowhere = world.gaba.folder.file("no/such/folder/report.csv");
    fails(&world.gaba.run(&["report", "019bf000-0000-7000-8000-000000000000", "-o", nowhere.to_str().unwrap()]), 1, "");
}

#[tokio::test]
async fn a_funding_is_confirmed_once_per_reference() {
    let world = World::stopped("fund", |toml| toml).await;
    let organisation = world.gaba.organisation.as_str();
    world.json(&["fund", organisation, "5000", "--reference", "BANK-7"]);
    fails(&world.gaba.run(&["fund", organisation, "5000", "--reference", "BANK-7"]), 1, "BANK-7");
    fails(&world.gaba.run(&["fund", organisation, "9000", "--reference", " BANK-7 "]), 1, "BANK-7");
    let next = world.json(&["fund", organisation, "1", "--reference", "BANK-8"]);
    assert_eq!(next["wallet"]["available"], "5001");
}

#[tokio::test]
async fn a_configuration_that_cannot_work_stops_the_start_with_a_remedy() {
    let world = World::stopped("configuration", |toml| toml).await;
    for arguments in [&["serve"][..], &["config", "show"], &["ledger", "check"], &["migrate"]] {
        for secret in [None, Some("")] {
            fails(&gaba_with(&world, arguments, secret), 2, "TEST_SECRET, which is not set");
        }
    }
    let doctor = gaba_with(&world, &["doctor"], None);
    assert!(stdout(&doctor).contains("TEST_SECRET") && doctor.status.code() == Some(1), "{}", stdout(&doctor));
    let shown = stdout(&gaba_with(&world, &["config", "show"], Some("s3cr3t-of-the-lane")));
    assert!(shown.contains("TEST_SECRET (set, hidden)") && !shown.contains("s3cr3t"), "{shown}");
    let shown = stdout(&gaba_with(&world, &["config", "show", "--json"], Some("s3cr3t-of-the-lane")));
    assert!(!shown.contains("s3cr3t"), "{shown}");

    let path = world.gaba.folder.file("gaba.toml");
    let toml = std::fs::read_to_string(&path).unwrap();
    for (edited, told) in [
        (toml.replace("database_url", "databse_url"), "databse_url"),
        (toml.replace("\"400ms\"", "\"400 years\""), "400 years"),
        (toml.replace("\"400ms\"", "\"2s\""), "request_timeout"),
        (toml.replace("idempotent_for = \"10m\"", "idempotent_for = \"100ms\""), "resend_after"),
        (toml.replace("sqlite://", "postgres://"), "sqlite://"),
        (toml.replace("\"mtn-momo\"", "\"carrier-pigeon\""), "carrier-pigeon"),
        (toml.replace("name = \"blasta\"", "name = \"mtn-ug\""), "used twice"),
        (toml.replace("\"25670\"", "\"+25670\""), "digits"),
        ("lanes = 5".to_owned(), "lanes"),
        ("[[lanes]".to_owned(), "gaba.toml"),
    ] {
        std::fs::write(&path, edited).unwrap();
        fails(&gaba_with(&world, &["config", "show"], Some("x")), 2, told);
    }
    std::fs::remove_file(&path).unwrap();
    fails(&gaba_with(&world, &["config", "show"], Some("x")), 2, "gaba.toml");
}

#[tokio::test]
async fn what_money_goes_by_is_shown_and_nobody_else_reads_the_database() {
    let limits = "currency = \"UGX\"\namount_min = \"500\"\namount_max = \"5000000\"";
    let world = World::stopped("limits", |toml| toml.replacen("currency = \"UGX\"", limits, 1)).await;
    let shown = world.json(&["config", "show"]);
    assert_eq!(
        (&shown["lanes"][0]["amount_min"], &shown["lanes"][0]["amount_max"]),
        (&json!("500"), &json!("5000000")),
        "{shown}"
    );
    assert!(shown["connections_per_source"].is_u64(), "{shown}");
    let mode = std::fs::metadata(world.gaba.folder.file("gaba.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
    let unsigned = gaba_with(&world, &["doctor"], Some("a password"));
    assert!(stdout(&unsigned).contains("TEST_SECRET is no signing key"), "{}", stdout(&unsigned));
    assert_eq!(unsigned.status.code(), Some(1));
}

#[tokio::test]
async fn the_doctor_names_what_is_ill_and_the_remedy() {
    let world = World::stopped("doctor", |toml| toml).await;
    let healthy = world.gaba.run(&["doctor"]);
    assert!(healthy.status.success(), "{}", stdout(&healthy));
    let path = world.gaba.folder.file("gaba.toml");
    let toml = std::fs::read_to_string(&path).unwrap();
    let port = crate::support::free_port();
    let dead = toml.replace(&format!("{}/http", world.network.url), &format!("http://127.0.0.1:{port}"));
    std::fs::write(&path, dead).unwrap();
    let ill = world.gaba.run(&["doctor", "--json"]);
    fails(&ill, 1, "1 of 7 checks failed");
    let found: Value = serde_json::from_slice(&ill.stdout).unwrap();
    let failing: Vec<&Value> = found["checks"].as_array().unwrap().iter().filter(|c| c["ok"] == false).collect();
    assert_eq!((failing.len(), &failing[0]["check"]), (1, &json!("lane airtel-ug")), "{found}");
    assert!(failing[0]["detail"].as_str().unwrap().contains("base_url"), "{found}");
    std::fs::write(&path, toml.replace("gaba.db", "elsewhere.db")).unwrap();
    let missing = world.gaba.run(&["doctor"]);
    assert!(stdout(&missing).contains("gaba migrate") && missing.status.code() == Some(1), "{}", stdout(&missing));
    assert!(!world.gaba.folder.file("elsewhere.db").exists(), "looking makes no database");
}

#[tokio::test]
async fn a_report_by_command_is_byte_for_byte_the_apis() {
    let world = World::start("same-report").await;
    let csv = format!("{}=Okot,256700000001,90000,F\nBad,0414345678,1,G\n", list(700, 50_000));
    let maker = &world.gaba.maker;
    let uploaded = upload(maker, &fresh(), form(csv, "list.csv", &[])).await.body;
    maker.batch_in(id(&uploaded), &["ready"]).await;
    let submitted = command(maker, &uploaded, "submit", json!({"exclude_invalid": true})).await.body;
    assert_eq!(world.gaba.checker.approve(&submitted).await.0, 200);
    maker.batch_in(id(&uploaded), &["completed"]).await;
    for format in ["csv", "json"] {
        let path = format!("/v1/batches/{}/report?format={format}", id(&uploaded));
        let told = send(request(maker, "GET", &path)).await.text();
        let file = world.gaba.folder.file(format);
        let written = world.gaba.run(&["report", id(&uploaded), "--format", format, "-o", file.to_str().unwrap()]);
        assert!(written.status.success(), "{}", stderr(&written));
        let printed = world.gaba.run(&["report", id(&uploaded), "--format", format]).stdout;
        let bytes = std::fs::read(&file).unwrap();
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), told, "{format}");
        assert_eq!(printed, bytes);
        assert!(!world.gaba.folder.file(&format!("{format}.part")).exists());
    }
    // Without a word about the format, the name of the file says it.
    for (name, begins) in [("a.XLSX", &b"PK"[..]), ("a.json", b"{"), ("a.txt", b"batch_id,")] {
        let file = world.gaba.folder.file(name);
        let written = world.gaba.run(&["report", id(&uploaded), "-o", file.to_str().unwrap()]);
        assert!(written.status.success(), "{}", stderr(&written));
        let bytes = std::fs::read(&file).unwrap();
        assert!(bytes.starts_with(begins), "{name}: {:?}", &bytes[..bytes.len().min(20)]);
    }
}

#[tokio::test]
async fn books_and_trail_that_were_tampered_with_are_found_out() {
    let mut world = World::start("tampered").await;
    let batch = world.settle("payroll", list(3, 50_000), &[]).await;
    assert_eq!(world.gaba.stop(), Some(0));
    world.books_balance();
    let pool = world.database().await;
    let run = async |sql: &'static str| sqlx::query(sql).execute(&pool).await;

    for (harm, mend) in [
        (
            "UPDATE accounts SET balance = balance + 1 WHERE kind = 'wallet'",
            "UPDATE accounts SET balance = balance - 1 WHERE kind = 'wallet'",
        ),
        ("UPDATE batches SET paid = paid - 1", "UPDATE batches SET paid = paid + 1"),
        (
            "UPDATE batch_tallies SET rows = rows + 1 WHERE state = 'paid'",
            "UPDATE batch_tallies SET rows = rows - 1 WHERE state = 'paid'",
        ),
    ] {
        run(harm).await.unwrap();
        let off = world.gaba.run(&["ledger", "check", "--json"]);
        fails(&off, 1, "the books are off");
        let found: Value = serde_json::from_slice(&off.stdout).unwrap();
        assert!(found["balances"] == false && !found["differences"].as_array().unwrap().is_empty(), "{found}");
        run(mend).await.unwrap();
        world.books_balance();
    }
    for refused in [
        "UPDATE transfers SET amount = 1",
        "DELETE FROM transfers",
        "UPDATE payouts SET amount = 1",
        "UPDATE audit SET detail = ''",
        "DELETE FROM audit",
        "UPDATE payout_events SET detail = ''",
        "DELETE FROM payout_events",
        "UPDATE accounts SET currency = 'KES'",
        "DELETE FROM accounts WHERE kind = 'hold'",
    ] {
        assert!(run(refused).await.is_err(), "{refused}");
    }
    assert!(run("UPDATE payouts SET state = 'queued' WHERE state = 'paid'").await.is_err());

    // Whoever can write to the file can take the triggers away, too: the chain tells.
    for trigger in ["DROP TRIGGER audit_is_never_changed", "DROP TRIGGER audit_is_never_deleted"] {
        run(trigger).await.unwrap();
    }
    let tampered = [
        "UPDATE audit SET detail = detail || '0' WHERE sequence = 3",
        "UPDATE audit SET actor = 'nobody' WHERE sequence = 3",
    ];
    for harm in tampered {
        let kept: (String, String) =
            sqlx::query_as("SELECT actor, detail FROM audit WHERE sequence = 3").fetch_one(&pool).await.unwrap();
        run(harm).await.unwrap();
        let broken = world.gaba.run(&["audit", "verify"]);
        fails(&broken, 1, "changed outside of Gaba");
        assert!(stdout(&broken).contains("breaks at entry 3"), "{}", stdout(&broken));
        let mend = sqlx::query("UPDATE audit SET actor = $1, detail = $2 WHERE sequence = 3");
        mend.bind(kept.0).bind(kept.1).execute(&pool).await.unwrap();
        assert!(world.gaba.run(&["audit", "verify"]).status.success());
    }
    run("DELETE FROM audit WHERE sequence = 2").await.unwrap();
    fails(&world.gaba.run(&["audit", "verify"]), 1, "changed outside of Gaba");
    assert_eq!(batch["counts"]["paid"], 3);
}

#[tokio::test]
async fn a_second_server_on_the_same_database_is_refused_and_disturbs_nothing() {
    let world = World::start("second").await;
    let second = world.gaba.folder.file("second.toml");
    let toml = std::fs::read_to_string(world.gaba.folder.file("gaba.toml")).unwrap();
    let port = world.gaba.url.rsplit(':').next().unwrap();
    fails(&world.gaba.run(&["serve"]), 1, port);
    std::fs::write(&second, toml.replace(&format!(":{port}\""), ":0\"")).unwrap();
    let mut command = Command::new(GABA);
    command.arg("--config").arg(&second).arg("serve").env("TEST_SECRET", gaba::simulator::SECRET);
    fails(&command.output().unwrap(), 1, "another process already works on");
    let batch = world.settle("payroll", list(3, 50_000), &[]).await;
    assert_eq!(batch["counts"]["paid"], 3);
}
