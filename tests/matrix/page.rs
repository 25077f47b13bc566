//! `docs/IMPORT.md`, written from the table and from what the server said to each of its lines.

use super::{Becomes, Outcome, Told, api, reports};
use gaba::batch::import::Field;
use std::fmt::Write;
use std::path::PathBuf;

const HEAD: &str = "# What a list may look like

This page is for those who make lists. It is written from a test that uploads every line below to a running Gaba: what
stands on the right is what Gaba says, with the row and the column that it says it of. A list that is not understood is never
guessed at; it ends in an error that says what to do.

A list is a CSV or TSV text or a spreadsheet with one row per recipient and a header. Two columns are needed: the phone number and
the amount. They are found by their names, whatever the case, the accents or the order:

| column | names that are understood |
|---|---|
{names}
Other names can be told at the upload, as a `mapping` from our column to yours: `{\"msisdn\": \"Simu\", \"amount\": \"To
pay\"}`. Once the list was approved it is remembered: the next list with the same header needs none. What a list of SMS taught is
used for lists of SMS alone, and what a payroll taught for payrolls. `{}` means that nothing remembered is to be used.
A second column that may be the phone number or the amount by its name (*Amount paid* beside *Amount*, *MM number* beside *Phone*)
stops the list until a mapping says which is meant. A column *currency* is compared with the currency of the list.
Every other column is kept for the text of the SMS; only `gaba_reason`, which the list of bad rows adds, is dropped.

Of a workbook (XLSX, XLSM, XLS, ODS) the first visible sheet is read, and a warning names other sheets with cells. Rows that are
hidden or filtered out are rows like the others, with a warning; so is a list of which it cannot be told what is hidden. An amount that is shown
with the sign of another currency, or as a percentage, is refused whatever number stands behind it, in XLSX and ODS: how an XLS
shows its numbers is not read, and neither is what a currency format means that each computer shows as its own. Formulas count as what they
were last calculated to be. A text says a number as the sheet shows it (5%, $5,000.00), of an XLSX with the points and commas of
English; where it is not known how a number is shown (of an XLS never), a warning says so. XLS holds 65,536 rows; a larger list is better an XLSX or a CSV.

Titles may stand above the header, among the first 20 rows; rows keep the numbers that a spreadsheet shows. A total below the
list is left out when it is surely one, and so are signatures (*Prepared by*, *Approved by*, *Signature*) with what stands below them. `declared_total` and `declared_count`, when given with the upload, are
compared with what can be paid; a list that is something else is not submitted.

A list has at most a million recipients and its file 64 MiB, where the operator sets no other (`rows_max`, `upload_bytes_max`); 256
columns, whose names have 16 KiB together; and 64 KiB of text in a cell. What takes far more to keep than its file is long, because
long names go with every row, is refused.

A list is compared with the others of its organisation that are open, or were last paid from within the `duplicate_window` (14 days
where the operator sets no other): by its file, and row by row, for whoever gets the same amount, and for references that another
number has there. A list of SMS is no payment; it is compared with lists of SMS, by its file and its text.

**Taken** means that the row is paid as it stands. A **warning** is for whoever submits the list to look at; the row can be paid. A
**refused row** is not paid and can be corrected; all other rows stay as they are. A **refused file** has to be uploaded again.
";

/// Compares the page with what the table gave, or writes it.
pub fn is_current(outcomes: &[Outcome]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/IMPORT.md");
    let page = page(outcomes);
    if std::env::var_os("GABA_BLESS").is_some() {
        std::fs::write(&path, page).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    if let Some((kept, now)) = kept.lines().zip(page.lines()).find(|(kept, now)| kept != now) {
        panic!("docs/IMPORT.md is not what Gaba does; write it anew with GABA_BLESS=1\nthere: {kept}\n now: {now}");
    }
    assert_eq!(kept.lines().count(), page.lines().count(), "docs/IMPORT.md is not whole; write it with GABA_BLESS=1");
}

fn page(outcomes: &[Outcome]) -> String {
    let mut page = HEAD.replace("{names}", &names());
    for group in outcomes.chunk_by(|one, next| one.case.group == next.case.group) {
        let lines = group.iter().map(|outcome| (outcome.case.name.to_owned(), verdict(outcome)));
        section(&mut page, group[0].case.group, ["in the list", "what becomes of it"], lines);
    }
    section(&mut page, "In the report", ["a name in the list", "the same in the report (CSV)"], reports::lines());
    section(&mut page, "What is asked of the API", ["what is done", "status and code"], api::lines());
    page
}

fn section(page: &mut String, title: &str, head: [&str; 2], lines: impl IntoIterator<Item = (String, String)>) {
    let _ = write!(page, "\n## {title}\n\n| {} | {} |\n|---|---|\n", head[0], head[1]);
    for (left, right) in lines {
        let _ = writeln!(page, "| {} | {} |", cell(&left), cell(&right));
    }
}

/// A row per field with the names of columns that are understood.
fn names() -> String {
    let row = |field: Field| {
        let names = [field.headers(), field.also()].concat();
        format!("| {} | {} |\n", field.headers()[0], names.join(", "))
    };
    Field::ALL.into_iter().map(row).collect()
}

fn verdict(outcome: &Outcome) -> String {
    let Told { message, place } = &outcome.told;
    match &outcome.case.becomes {
        Becomes::Paid { rows: 1 } => "taken".into(),
        Becomes::Paid { rows } => format!("taken: all {rows} rows"),
        Becomes::Reads(row) => format!("taken, read as {row}"),
        Becomes::Warned(_) => format!("taken, with a warning ({place}): {message}"),
        Becomes::WarnedReads(_, row) => format!("taken, read as {row}, with a warning ({place}): {message}"),
        Becomes::Refused(_) => format!("row refused ({place}): {message}"),
        Becomes::Unreadable(_) | Becomes::NotTaken(..) => format!("file refused: {message}"),
    }
}

/// Text within a table.
fn cell(text: &str) -> String {
    let shown = |c: char| match c {
        '|' => "\\|".to_owned(),
        '<' => "&lt;".to_owned(),
        '*' => "\\*".to_owned(),
        c if c.is_control() => format!("U+{:04X}", c as u32),
        c => c.to_string(),
    };
    text.chars().map(shown).collect()
}
