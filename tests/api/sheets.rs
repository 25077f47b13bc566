//! Spreadsheets beside other lists.

use super::*;
use crate::sheets::hostile;
use crate::support::{list, until};
use futures::StreamExt;
use std::cell::Cell;
use std::process::Command;
use std::time::{Duration, Instant};

/// The process that reads a spreadsheet for the server of this folder.
fn reader(folder: &str) -> Option<u32> {
    let read = |pid: u32, name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).ok();
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok());
    processes.into_iter().find(|pid: &u32| {
        let is_reader = read(*pid, "cmdline").is_some_and(|line| line.split('\0').nth(1) == Some("read-sheet"));
        let parent = || read(*pid, "status")?.lines().find_map(|l| l.strip_prefix("PPid:"))?.trim().parse().ok();
        is_reader && parent().and_then(|parent| read(parent, "cmdline")).is_some_and(|line| line.contains(folder))
    })
}

#[tokio::test]
async fn a_list_is_read_while_a_spreadsheet_keeps_its_reader_busy() {
    let world = World::start("beside").await;
    let maker = &world.gaba.maker;
    let folder = world.gaba.folder.path().display().to_string();
    let (_, bomb, _) = &hostile::files()[0];
    // The reader is stopped in the middle of its work. Should this machine be so slow that its parent gives it up before the
    // other list is read, nothing was seen, and it is tried again.
    for attempt in 0.. {
        assert!(attempt < 5, "a list waits until the one before it is given up");
        let (status, stuck) = maker.upload_as(&fresh(), "stuck", bomb.clone(), &[]).await;
        assert_eq!(status, 202, "{stuck}");
        let pid = until("the reader to begin", || async { reader(&folder) }).await;
        let stopped = Command::new("kill").args(["-STOP", &pid.to_string()]).status().unwrap();
        let (status, good) = maker.upload_as(&fresh(), "good", list(50, 1_000).into_bytes(), &[]).await;
        assert_eq!(status, 202, "{good}");
        let good = maker.batch_in(id(&good), &["ready", "import_failed"]).await;
        assert_eq!(good["counts"]["valid"], 50, "{good}");
        let (_, seen) = maker.get(&format!("/v1/batches/{}", id(&stuck))).await;
        let failed = maker.batch_in(id(&stuck), &["import_failed"]).await;
        assert!(failed.to_string().contains("upload that file"), "{failed}");
        if stopped.success() && seen["state"] == "importing" {
            break;
        }
    }
    let (status, _) = maker.get("/v1/wallets").await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_reader_that_is_ended_from_outside_does_not_cost_the_list() {
    let world = World::start("ended").await;
    let maker = &world.gaba.maker;
    let folder = world.gaba.folder.path().display().to_string();
    let (_, bomb, _) = &hostile::files()[0];
    let (_, batch) = maker.upload_as(&fresh(), "ended", bomb.clone(), &[]).await;
    let pid = until("the reader to begin", || async { reader(&folder) }).await;
    Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap();
    until("the reader to be gone", || async { (reader(&folder) != Some(pid)).then_some(()) }).await;
    let (_, seen) = maker.get(&format!("/v1/batches/{}", id(&batch))).await;
    assert_eq!(seen["state"], "importing", "it is read again when the claim is over: {seen}");
}

/// Two at a time, which is as many as one organisation has read: more would count how long they wait for each other.
const HOSTILE_AT_ONCE: usize = 2;
/// From the upload to the end: ten seconds, and four times that without optimisation and beside the other tests.
const HOSTILE_MAX: Duration = Duration::from_secs(if cfg!(debug_assertions) { 40 } else { 10 });

#[tokio::test]
async fn every_hostile_spreadsheet_ends_soon_and_in_words_while_another_organisation_is_served() {
    const ROWS: usize = 10_000;
    let world = World::start("hostile").await;
    let ((_, maker, _), neighbour) = (world.other_organisation(), &world.gaba.maker);
    let left = Cell::new(hostile::files().len());
    let hostile =
        futures::stream::iter(hostile::files()).for_each_concurrent(HOSTILE_AT_ONCE, async |(what, file, code)| {
            let began = Instant::now();
            let (status, batch) = maker.upload_as(&fresh(), what, file.clone(), &[]).await;
            assert_eq!(status, 202, "{what}: {batch}");
            let failed = maker.batch_in(id(&batch), &["ready", "import_failed"]).await;
            assert_eq!(failed["state"], "import_failed", "{what}: {failed}");
            let failure = failed["failure"].as_str().unwrap();
            assert!(failure.contains(hostile::says(code)), "{what}: {failure}");
            assert!(began.elapsed() < HOSTILE_MAX, "{what}: {:?}", began.elapsed());
            left.set(left.get() - 1);
        });
    // One long list after another, so that there is one under way whatever the machine is like.
    let neighbours = async {
        while left.get() > 0 {
            let (status, batch) = neighbour.upload_as(&fresh(), "long", list(ROWS, 1_000).into_bytes(), &[]).await;
            assert_eq!(status, 202, "{batch}");
            let read = neighbour.batch_in(id(&batch), &["ready", "import_failed"]).await;
            assert_eq!((&read["state"], &read["counts"]["valid"]), (&json!("ready"), &json!(ROWS)), "{read}");
        }
    };
    tokio::join!(hostile, neighbours);
}
