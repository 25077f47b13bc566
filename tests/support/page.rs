//! `docs/RELIABILITY.md`: what runs of the tests write there, each between marks of its own.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

const END: &str = "<!-- end -->";

/// Whether this run is one whose figures are to be kept (`GABA_BLESS=1`).
pub fn is_blessed() -> bool {
    std::env::var_os("GABA_BLESS").is_some()
}

/// Gives what stands between `<!-- name … -->` and the end mark after it the words that `change` makes of it.
pub fn rewrite(name: &str, change: impl FnOnce(&str) -> String) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/RELIABILITY.md");
    let page = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, with(&page, name, change)).unwrap();
}

fn with(page: &str, name: &str, change: impl FnOnce(&str) -> String) -> String {
    let mark = page.find(&format!("<!-- {name}")).unwrap_or_else(|| panic!("the page has no place for {name}"));
    let begin = mark + page[mark..].find("-->\n").expect("a mark is a line of its own") + "-->\n".len();
    let end = begin + page[begin..].find(END).expect("the mark of the end");
    format!("{}{}\n{}", &page[..begin], change(&page[begin..end]).trim(), &page[end..])
}

#[test]
fn words_are_put_between_their_own_marks() {
    let page = "a\n<!-- one: by hand -->\nold\n<!-- end -->\nb\n<!-- two -->\n<!-- end -->\nc\n";
    let page = with(page, "one", |old| format!("{old}and new\n"));
    let page = with(&page, "two", |_| "2".into());
    assert_eq!(page, "a\n<!-- one: by hand -->\nold\nand new\n<!-- end -->\nb\n<!-- two -->\n2\n<!-- end -->\nc\n");
}
