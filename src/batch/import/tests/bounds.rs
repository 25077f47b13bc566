//! How much of a list is kept.

use super::*;
use crate::sheet::Fault;

#[test]
fn names_of_columns_are_kept_with_every_row_and_have_a_bound() {
    let list = |letters: usize| format!("phone,amount,{}\n0772345678,5000,x\n", "n".repeat(letters));
    assert_eq!(read_text(&list(16 * 1024 + 1)).error().code(), "header_too_long");
    assert_eq!(read_text(&list(16 * 1024 - 11)).summary().valid, 1);
}

#[test]
fn a_small_file_is_not_kept_as_a_large_one() {
    let list = |letters: usize| format!("phone,amount,{}\n{}", "n".repeat(letters), "x\n".repeat(20_000));
    let read = read_text(&list(16_000));
    assert_eq!(read.error().code(), "too_much_text");
    assert!((8_000..9_500).contains(&read.rows.len()), "128 MiB of them: {}", read.rows.len());
    assert_eq!(read_text(&list(100)).summary().invalid, 20_000);
}

#[test]
fn a_row_tells_the_worst_of_it_and_how_much_more_there_is() {
    let router = Router::new(&Config::parse(LANES).unwrap().lanes).unwrap();
    let (currency, country) = (Currency::Ugx, Country::Uganda);
    let terms = Terms { currency, country, router: &router, mapping: None, rows_max: 1, sms: None, notice: None };
    let at_fault = |n: usize| Uploaded { fault: Some(Fault::Error), ..Uploaded::new(&format!("c{n}"), "#N/A") };
    let paid = [Uploaded::new("phone", "0772345678"), Uploaded::new("amount", "five")];
    let row = |n: usize| judge_one(&terms, &(0..n).map(at_fault).chain(paid.clone()).collect::<Vec<_>>(), 7);
    assert_eq!(row(19).issues.len(), 20, "all of them");
    let issues = row(250).issues;
    assert_eq!((issues.len(), issues[0].severity), (21, Severity::Error), "the error came last");
    assert_eq!((issues[20].code, issues[20].row), ("more_issues", 7));
    assert!(issues[20].message.starts_with("231 more"), "{}", issues[20].message);
}
