//! The settlement report as CSV, safe to open in a spreadsheet.

use super::settlement::{COLUMNS, Line};

/// The header line, with its line end.
pub fn header() -> Vec<u8> {
    write(COLUMNS.iter().copied())
}

/// One line, with its line end.
pub fn line(line: &Line) -> Vec<u8> {
    let text = |value: &Option<String>| safe(value.as_deref().unwrap_or_default());
    let shown = |value: Option<String>| value.unwrap_or_default();
    write([
        line.batch_id.to_string(),
        safe(&line.batch_name),
        line.row.to_string(),
        text(&line.reference),
        shown(line.payout_id.map(|v| v.to_string())),
        shown(line.provider_reference.map(|v| v.to_string())),
        text(&line.provider_transaction_id),
        text(&line.name),
        text(&line.msisdn),
        text(&line.network),
        line.currency.clone(),
        text(&line.amount),
        text(&line.fee),
        text(&line.tax),
        text(&line.total),
        line.state.clone(),
        text(&line.reason_code),
        text(&line.reason),
        line.attempts.to_string(),
        shown(line.approved_at.map(|v| v.to_string())),
        shown(line.sent_at.map(|v| v.to_string())),
        shown(line.settled_at.map(|v| v.to_string())),
        text(&line.approved_by),
    ])
}

pub(super) fn write<F: AsRef<[u8]>>(fields: impl IntoIterator<Item = F>) -> Vec<u8> {
    let mut writer =
        ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(Vec::with_capacity(256));
    writer.write_record(fields).expect("writing to memory");
    writer.into_inner().expect("flushing to memory")
}

/// Keeps a spreadsheet from reading a cell as a formula: what could begin one, even after blanks, gets an apostrophe.
pub fn safe(text: &str) -> String {
    let risky = text
        .split(['\n', '\r'])
        .filter_map(|line| line.trim_start_matches([' ', '\t', '\u{a0}']).chars().next())
        .any(|c| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠'));
    if risky || text.starts_with(['\t', '\r', '\n']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_cell_can_begin_a_formula() {
        for text in ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "＝1", "a\n=1"] {
            assert!(safe(text).starts_with('\''), "{text:?}");
        }
        for text in ["Akello", "256772123456", "O'Brien", "a=b", ""] {
            assert_eq!(safe(text), text);
        }
    }

    #[test]
    fn the_columns_are_those_of_a_line() {
        let header = String::from_utf8(header()).unwrap();
        assert_eq!(header.trim_end().split(',').count(), COLUMNS.len());
    }
}
