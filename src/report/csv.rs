//! CSV that is safe to open in a spreadsheet.

/// One record, with its line end.
pub fn record<F: AsRef<[u8]>>(fields: impl IntoIterator<Item = F>) -> Vec<u8> {
    let mut writer =
        ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(Vec::with_capacity(512));
    writer.write_record(fields).expect("writing to memory");
    writer.into_inner().expect("flushing to memory")
}

/// Keeps a spreadsheet from reading a cell as a formula: what could begin one, even after blanks, gets an apostrophe.
pub fn safe(text: &str) -> String {
    let risky = text
        .split(['\n', '\r'])
        .filter_map(|line| line.trim_start_matches(is_blank).chars().next())
        .any(|c| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠'));
    if risky || text.starts_with(['\t', '\r', '\n']) { format!("'{text}") } else { text.to_owned() }
}

/// What a cell said before [`safe`] had it. An apostrophe of the text's own stays.
pub fn unmarked(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| safe(rest) == text).unwrap_or(text)
}

/// What a spreadsheet may skip before it looks for a formula: any space, and what is not seen at all.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_marked_is_read_back_as_it_was() {
        for text in ["=1+1", "-5", "+256 772 123 456", " =1", "\t=1", "Akello", "'t Hooft", "", "'", "a\n=1"] {
            assert_eq!(unmarked(&safe(text)), text, "{text:?}");
        }
    }

    #[test]
    fn nothing_in_a_cell_can_begin_a_formula() {
        for text in [
            "=1+1",
            "+1",
            "-1",
            "@x",
            "\t=1",
            "\r=1",
            " =1",
            "＝1",
            "＠x",
            "a\n=1",
            "a\r\n =1",
            "\u{3000}=1",
            "\u{200b}=1",
            "\u{feff}=1",
            "\u{202e}=1",
            "\u{0}=1",
        ] {
            assert!(safe(text).starts_with('\''), "{text:?}");
        }
        for text in ["Akello", "256772123456", "O'Brien", "a=b", ""] {
            assert_eq!(safe(text), text);
        }
    }

    #[test]
    fn quotes_and_line_breaks_stay_in_their_cell() {
        assert_eq!(record(["a\"b", "c\r\nd", ""]), b"\"a\"\"b\",\"c\r\nd\",\r\n");
    }
}
