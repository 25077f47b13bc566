//! The bad-input matrix: a line per case, through a real server and a real upload.

mod sheets;

use crate::support::{Folder, Installation, Network};
use std::path::Path;

pub struct Case {
    pub group: &'static str,
    pub name: &'static str,
    pub upload: Upload,
    pub becomes: Becomes,
}

pub enum Upload {
    /// Bytes, and the name of the file.
    Text(Vec<u8>, &'static str),
    /// A path under `fixtures/uploads`.
    Fixture(&'static str),
}

pub enum Becomes {
    /// All rows can be paid, without an issue.
    Paid { rows: u32 },
    /// All rows can be paid; there is this warning.
    Warned(&'static str),
    /// A row has this error.
    Refused(&'static str),
    /// The file cannot be read: part of why.
    Unreadable(&'static str),
}

#[tokio::test]
async fn every_case_becomes_what_it_should() {
    let folder = Folder::new("matrix-book");
    let network = Network::start(&folder).await;
    let mut gaba = Installation::new("matrix", &network, "").await;
    gaba.serve().await;
    for case in sheets::cases() {
        let (file, name) = match case.upload {
            Upload::Text(bytes, name) => (bytes, name),
            Upload::Fixture(path) => {
                let uploads = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/uploads");
                (std::fs::read(uploads.join(path)).unwrap(), path)
            }
        };
        let what = format!("{}: {} ({name})", case.group, case.name);
        let (status, batch) = gaba.maker.upload_as(&what, case.name, file, &[]).await;
        assert_eq!(status, 202, "{what}: {batch}");
        let id = batch["id"].as_str().unwrap();
        let batch = gaba.maker.batch_in(id, &["ready", "import_failed"]).await;
        let issues = gaba.maker.all(&format!("/v1/batches/{id}/issues")).await;
        let has = |severity, code| issues.iter().any(|i| i["severity"] == severity && i["code"] == code);
        let ready = batch["state"] == "ready";
        let sound = match case.becomes {
            Becomes::Paid { rows } => ready && batch["counts"]["valid"] == rows && issues.is_empty(),
            Becomes::Warned(code) => ready && batch["counts"]["invalid"] == 0 && has("warning", code),
            Becomes::Refused(code) => ready && has("error", code),
            Becomes::Unreadable(why) => !ready && batch.to_string().contains(why),
        };
        assert!(sound, "{what}: {batch:#} {issues:#?}");
    }
}
