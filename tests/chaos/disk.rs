//! No room is left: nobody is told a lie, and when there is room again everything goes on.

use super::bad_day;
use super::stage::Stage;
use super::trial::{Trial, size};
use crate::support::engine::ENGINE;
use crate::support::{Api, Folder, Installation, configuration, described, until};
use rand::RngExt;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

const ROOM: &str = "256m";
const UPLOAD_BYTES: usize = 256 << 10;

/// The disk that the database is on, and how it is filled.
enum Disk {
    /// A small file system of its own, which only root can mount.
    Small(Folder),
    /// The disk of the machine; no file of the process may grow any more, which may end it.
    Limit,
}

impl Disk {
    fn get() -> Disk {
        let folder = Folder::new("small-disk");
        let size = format!("size={ROOM}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", size.as_str(), "gaba-chaos"]).arg(folder.path()).stderr(Stdio::null());
        let mounted = mount.status();
        if mounted.is_ok_and(|status| status.success()) { Disk::Small(folder) } else { Disk::Limit }
    }

    fn way(&self) -> String {
        match self {
            Disk::Small(_) => format!("a tmpfs of {ROOM} filled up"),
            Disk::Limit => "no tmpfs could be mounted: RLIMIT_FSIZE of one byte".into(),
        }
    }

    fn fill(&self, server: u32) {
        match self {
            Disk::Small(folder) => {
                let mut file = std::fs::File::options().create(true).append(true).open(folder.file("filler")).unwrap();
                while file.write_all(&[0; 4096]).is_ok() {}
            }
            Disk::Limit => limit(server, "1:unlimited"),
        }
    }

    fn empty(&self, gaba: &mut Installation) {
        match self {
            Disk::Small(folder) => std::fs::remove_file(folder.file("filler")).unwrap(),
            Disk::Limit if gaba.is_running() => limit(gaba.server_id(), "unlimited"),
            Disk::Limit => gaba.start(&[]),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Disk::Small(folder) = self {
            drop(Command::new("umount").arg("-l").arg(folder.path()).status());
        }
    }
}

fn limit(process: u32, bytes: &str) {
    let set = Command::new("prlimit").args([&format!("--pid={process}"), &format!("--fsize={bytes}")]).status();
    assert!(set.unwrap().success(), "the limit of process {process} cannot be set");
}

/// What an upload is answered; it is no list that could be read.
async fn upload(api: &Api, nth: u64) -> Option<u16> {
    let file = reqwest::multipart::Part::bytes(vec![b'x'; UPLOAD_BYTES]).file_name("list.csv");
    let form = reqwest::multipart::Form::new().text("name", "no list").text("currency", "UGX").text("kind", "payout");
    let request = api.client.post(format!("{}/v1/batches", api.url)).bearer_auth(&api.key);
    let request = request.header("Idempotency-Key", format!("no-list-{nth}")).multipart(form.part("file", file));
    Some(described::try_send(request).await.ok()?.status)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_heals_by_itself() {
    let mut trial = Trial::begin("disk full", size(20, 3_000), size(2, 200));
    let disk = Disk::get();
    let mut stage = Stage::before("disk", bad_day(trial.seed), |folder, port, network| {
        if let Disk::Small(small) = &disk {
            ENGINE.place_on(small.path(), folder);
        }
        configuration(folder, port, network, "rate_per_second = 40")
    })
    .await;
    stage.gaba.serve().await;
    stage.pay(trial.size.payouts, false).await;
    let mut off = Vec::new();
    let mut nth = 0;
    for _ in 0..trial.size.faults {
        tokio::time::sleep(Duration::from_millis(trial.chance.random_range(50..300))).await;
        disk.fill(stage.gaba.server_id());
        let mut answer = Some(202);
        for _ in 0..100 {
            nth += 1;
            answer = upload(&stage.gaba.maker, nth).await;
            if answer != Some(202) {
                break;
            }
        }
        let mine = matches!(disk, Disk::Small(_));
        if mine && answer != Some(503) {
            off.push(format!("an upload to a full disk is answered {answer:?}"));
        }
        if mine && !stage.gaba.is_running() {
            off.push("the process ended".into());
        }
        // It is paid for as long as it lasts: what was sent meanwhile waits to be recorded.
        tokio::time::sleep(Duration::from_millis(trial.chance.random_range(100..800))).await;
        disk.empty(&mut stage.gaba);
        let ready = format!("{}/readyz", stage.gaba.url);
        until("the server to be ready again", || async {
            let answer = described::try_send(stage.gaba.maker.client.get(&ready)).await.ok()?;
            answer.is_success().then_some(())
        })
        .await;
    }
    stage.settle().await;
    let mut found = stage.verdict().await;
    if matches!(disk, Disk::Small(_)) && !stage.gaba.log().contains("full") {
        off.push("the log does not say that the disk is full".into());
    }
    found.off.extend(off);
    let times = trial.size.faults;
    trial.end(times, found, disk.way());
}
