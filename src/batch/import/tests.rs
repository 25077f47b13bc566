//! Whole text files through [`super::read`]: the committed fixtures, and files made here.

mod bounds;
mod lists;
mod messages;

use super::*;
use crate::config::Config;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

const LANES: &str = r#"
[[lanes]]
name = "mtn-ug"
rail = "http"
base_url = "http://x"
currency = "UGX"
prefixes = ["25676", "25677", "25678", "25639"]

[[lanes]]
name = "airtel-ug"
rail = "http"
base_url = "http://x"
currency = "UGX"
prefixes = ["25670", "25674", "25675"]
"#;

/// What one import said and handed out.
struct Read {
    result: Result<Summary, ImportError>,
    rows: Vec<Row>,
}

impl Read {
    fn summary(&self) -> &Summary {
        self.result.as_ref().unwrap_or_else(|e| panic!("{}: {e}", e.code()))
    }

    fn error(&self) -> &ImportError {
        self.result.as_ref().expect_err("the file is refused")
    }

    /// `(row, code)` of every issue, in order.
    fn issues(&self) -> Vec<(u32, &'static str)> {
        self.rows.iter().flat_map(|r| &r.issues).map(|i| (i.row, i.code)).collect()
    }

    fn recipient(&self, row: u32) -> &Recipient {
        let found = self.rows.iter().find(|r| r.row == row).unwrap_or_else(|| panic!("row {row} was handed out"));
        found.recipient.as_ref().unwrap_or_else(|| panic!("row {row} has a recipient: {:?}", found.issues))
    }
}

/// Spreadsheets are read by a process, which `tests/sheets` starts.
fn no_sheets() -> Program {
    Program::new("/nowhere")
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/uploads").join(name)
}

fn read_path(path: &Path, mapping: Option<&str>, rows_max: u32) -> Read {
    let router = Router::new(&Config::parse(LANES).unwrap().lanes).unwrap();
    let mapping = mapping.map(|m| Mapping::parse(m).unwrap());
    let terms = Terms {
        currency: Currency::Ugx,
        country: Country::Uganda,
        router: &router,
        mapping,
        rows_max,
        sms: None,
        notice: None,
    };
    let mut rows = Vec::new();
    let result = read(path, &terms, &no_sheets(), &mut |row| {
        rows.push(row);
        Ok(())
    });
    Read { result, rows }
}

/// A file that is removed when the test is done with it.
struct Upload(PathBuf);

impl Upload {
    fn new(bytes: &[u8]) -> Upload {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("gaba-import-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, bytes).unwrap();
        Upload(path)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn read_bytes(bytes: &[u8]) -> Read {
    read_path(&Upload::new(bytes).0, None, 1_000_000)
}

fn read_text(text: &str) -> Read {
    read_bytes(text.as_bytes())
}
