//! The table of `docs/RELIABILITY.md`: a line per fault, each as its last blessed run left it.

use super::trial::Line;
use std::path::PathBuf;
use std::sync::Mutex;

const BEGIN: &str = "<!-- chaos: written by `make chaos` -->";
const END: &str = "<!-- end of chaos -->";

pub fn row(line: &Line) -> String {
    let books = if line.sound { "ok" } else { "OFF" };
    let Line { fault, injected, payouts, doubles, lost, seconds, seed, note, .. } = line;
    format!("| {fault} | {injected} | {payouts} | {doubles} | {lost} | {books} | {seconds} | {seed} | {note} |")
}

/// Puts a line in the place of the one about the same fault, or at the end.
pub fn keep(line: &Line) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/RELIABILITY.md");
    let page = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, with(&page, line)).unwrap();
}

fn with(page: &str, line: &Line) -> String {
    let (before, rest) = page.split_once(BEGIN).expect("the mark where the table begins");
    let (table, after) = rest.split_once(END).expect("the mark where the table ends");
    let same = format!("| {} |", line.fault);
    let mut rows: Vec<String> = table.trim().lines().map(str::to_owned).collect();
    match rows.iter_mut().find(|row| row.starts_with(&same)) {
        Some(old) => *old = row(line),
        None => rows.push(row(line)),
    }
    format!("{before}{BEGIN}\n{}\n{END}{after}", rows.join("\n"))
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
    let page = format!("words\n{BEGIN}\n| head |\n{END}\nmore words\n");
    let page = with(&with(&with(&page, &line("a", 1)), &line("a b", 2)), &line("a", 3));
    assert_eq!(page.matches("| a | 3 |").count(), 1);
    assert_eq!((page.matches("| a |").count(), page.matches("| a b | 2 |").count()), (1, 1));
    assert!(page.starts_with("words\n") && page.ends_with("more words\n"));
}
