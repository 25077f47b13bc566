//! What a guessed encoding made of names, for a person to look at.

use super::issue::Issue;
use super::rows::Cell;
use crate::text::bare;

/// Longest sample of a converted name.
const SAMPLE_CHARS_MAX: usize = 60;

/// The first name with letters that another encoding would have made others of, or the first such text.
#[derive(Default)]
pub(super) struct Foreign {
    name: Option<String>,
    other: Option<String>,
}

impl Foreign {
    /// `name` is the column of names, once it is known.
    pub fn notice(&mut self, cells: &[Cell<'_>], name: Option<usize>) {
        if self.name.is_some() {
            return;
        }
        for (at, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.text.is_ascii()) {
            let text = || bare(&cell.text).chars().take(SAMPLE_CHARS_MAX).collect();
            if name == Some(at) {
                self.name = Some(text());
            } else if self.other.is_none() {
                self.other = Some(text());
            }
        }
    }

    /// The warning on the header's row that names may be wrong.
    pub fn warning(self, header: u32, encoding: &str) -> Issue {
        let seen = self.name.or(self.other).map(|text| format!(" (such as {text:?})")).unwrap_or_default();
        let message = format!(
            "the file does not say how its letters are encoded; it was read as {encoding}. Look whether names with \
             special letters{seen} are right; if not, save the list as CSV UTF-8 and upload that"
        );
        Issue::warning(header, "encoding_guessed", message)
    }
}
