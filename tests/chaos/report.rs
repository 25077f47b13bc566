//! The table of `docs/RELIABILITY.md`: a line per fault, each as its last blessed run left it.

use super::trial::Line;
use crate::support::page;

pub fn row(line: &Line) -> String {
    let books = if line.sound { "ok" } else { "OFF" };
    let Line { fault, injected, payouts, doubles, lost, seconds, seed, note, .. } = line;
    format!("| {fault} | {injected} | {payouts} | {doubles} | {lost} | {books} | {seconds} | {seed} | {note} |")
}

/// Puts a line in the place of the one about the same fault, or at the end.
pub fn keep(line: &Line) {
    page::rewrite("chaos", |table| with(table, line));
}

fn with(table: &str, line: &Line) -> String {
    let same = format!("| {} |", line.fault);
    let mut rows: Vec<String> = table.trim().lines().map(str::to_owned).collect();
    match rows.iter_mut().find(|row| row.starts_with(&same)) {
        Some(old) => *old = row(line),
        None => rows.push(row(line)),
    }
    rows.join("\n")
}

#[test]
fn a_line_takes_the_place_of_the_one_about_the_same_fault() {
    let line = |fault, injected| Line {
        fault,
        injected,
        payouts: 10,
        doubles: 0,
        lost: 0,
        sound: true,
        seconds: 1,
        seed: 7,
        note: String::new(),
    };
    let table = with(&with(&with("| head |", &line("a", 1)), &line("a b", 2)), &line("a", 3));
    assert_eq!(table.matches("| a | 3 |").count(), 1);
    assert_eq!((table.matches("| a |").count(), table.matches("| a b | 2 |").count()), (1, 1));
    assert!(table.starts_with("| head |\n"), "{table}");
}
