//! What the benches share: a batch put into a store without an upload, and memory as the system counts it.

#![allow(dead_code)]

use gaba::batch::{Kind, NewBatch};
use gaba::money::Currency;
use gaba::store::SharedStore;
use uuid::Uuid;

/// A batch that is importing, its file of no interest.
pub async fn new_batch(store: &SharedStore, organisation: Uuid, created_by: Uuid) {
    let upload = Uuid::new_v4();
    store.store_upload_part(organisation, upload, 0, b"x".to_vec()).await.unwrap();
    let new = NewBatch {
        kind: Kind::Payout,
        declared: Default::default(),
        file_hash: [0; 32],
        id: Uuid::new_v4(),
        organisation,
        name: "A long list".into(),
        currency: Currency::Ugx,
        notify: false,
        sms_template: None,
        mapping: None,
        scheduled_at: None,
        file_name: "list.csv".into(),
        fingerprint: [0; 32],
        upload,
        created_by,
        created_by_label: "the maker".into(),
    };
    store.create_batch(new).await.unwrap();
}

/// The most memory that a process ever held, in MiB; Linux tells it.
pub fn peak_mib(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
}

/// The processes that `parent` started and that still run.
pub fn children(parent: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
}
