//! `gaba demo --exit`: the whole job in one command, as a newcomer runs it.

use super::*;
use crate::support::GABA;
use std::process::Command;

fn demo(folder: &Folder, arguments: &[&str]) -> Output {
    let mut command = Command::new(GABA);
    // Neither a configuration nor a secret is needed.
    command.args(["demo", "--exit", "--json", "--port", "0"]).args(arguments).current_dir(folder.path());
    command.env_remove("TEST_SECRET").output().unwrap()
}

fn shown(output: &Output) -> Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_demo_of_fifty_pays_everybody_and_tells_a_script_so() {
    let folder = Folder::new("demo");
    let data = folder.file("fresh/data");
    let output = demo(&folder, &["--recipients", "50", "--data", data.to_str().unwrap()]);
    let told = shown(&output);
    for key in ["url", "keys", "batch", "counts", "totals", "report", "seconds"] {
        assert!(!told[key].is_null(), "{key} is missing: {told}");
    }
    assert!(told["keys"]["maker"].is_string() && told["keys"]["checker"].is_string());
    assert_eq!((&told["counts"]["paid"], &told["counts"]["failed"]), (&json!(50), &json!(0)));
    assert_eq!(told["messages"], json!({"sent": 50, "delivered": 50}));
    let report = std::fs::read_to_string(told["report"].as_str().unwrap()).unwrap();
    assert_eq!(report.lines().count(), 51);
    let network = std::fs::read_to_string(data.join("network-book.jsonl")).unwrap();
    assert!(network.contains("256771000010"), "everything of the demo is in its directory");

    let again = demo(&folder, &["--recipients", "5", "--data", data.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(2), "{}", stderr(&again));
    assert!(stderr(&again).contains("not an empty directory"), "{}", stderr(&again));
    let no_file = demo(&folder, &["--file", "nothing.csv"]);
    assert_eq!(no_file.status.code(), Some(2), "{}", stderr(&no_file));
}

#[test]
fn the_demo_pays_a_list_of_ones_own() {
    let folder = Folder::new("demo-grants");
    let (data, grants) = (folder.file("data"), fixture("grants.csv"));
    let told = shown(&demo(&folder, &["--file", grants.to_str().unwrap(), "--data", data.to_str().unwrap()]));
    assert_eq!((&told["counts"]["rows"], &told["counts"]["paid"]), (&json!(1_000), &json!(1_000)));
    assert_eq!((&told["totals"]["held"], &told["totals"]["released"]), (&json!("0"), &json!("0")));
    let report = std::fs::read(told["report"].as_str().unwrap()).unwrap();
    let lines = csv::Reader::from_reader(report.as_slice()).into_records().count();
    assert_eq!(lines, 1_000);
}

#[test]
fn the_sample_workbook_is_paid_whole() {
    let folder = Folder::new("demo-sample");
    let data = folder.file("data");
    let told = shown(&demo(&folder, &["--data", data.to_str().unwrap()]));
    assert_eq!((&told["counts"]["paid"], &told["counts"]["invalid"]), (&json!(200), &json!(0)));
}

#[test]
fn a_demo_that_cannot_pay_everybody_says_so_with_its_exit_code() {
    let folder = Folder::new("demo-failing");
    let list = folder.file("list.csv");
    std::fs::write(&list, "name,phone,amount\nAkello,256772345678,5000\nOkot,256700000001,6000\n").unwrap();
    let failed = demo(&folder, &["--file", list.to_str().unwrap(), "--data", folder.file("a").to_str().unwrap()]);
    assert_eq!(failed.status.code(), Some(1), "{}", stderr(&failed));
    assert!(stderr(&failed).contains("1 of 2 payable recipients were paid"), "{}", stderr(&failed));
    let told: Value = serde_json::from_slice(&failed.stdout).unwrap();
    assert_eq!(told["counts"]["failed"], 1);
    std::fs::write(&list, "no list at all").unwrap();
    let failed = demo(&folder, &["--file", list.to_str().unwrap(), "--data", folder.file("b").to_str().unwrap()]);
    assert_eq!(failed.status.code(), Some(1), "{}", stderr(&failed));
    assert!(stderr(&failed).contains("the list cannot be read"), "{}", stderr(&failed));
}
