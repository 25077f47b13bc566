//! The book on disk: append-only JSON lines, one whole [`Entry`] a line, the last line of a reference counts.
//!
//! One thread writes. It takes all lines that gathered while it was writing the last ones, appends them in one write,
//! syncs once, and wakes everyone whose lines these were: a group commit. Lines are appended under the lock of the book,
//! so their order is the order of the deeds.
//!
//! A crash may cut the last line; what it said was never answered, so it is dropped. Any other broken line means that the
//! file is not a book, and refuses the start. The file is locked: two networks never write one book.

use super::entry::Entry;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use tokio::sync::watch;

#[derive(Default)]
struct Gathered {
    bytes: Vec<u8>,
    /// Lines ever appended.
    lines: u64,
    closing: bool,
}

struct Shared {
    gathered: Mutex<Gathered>,
    wake: Condvar,
    written: watch::Sender<Written>,
}

/// How many lines are on disk, or why no more will be.
#[derive(Clone)]
enum Written {
    Lines(u64),
    Failed(Arc<io::Error>),
}

pub struct Journal {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Journal {
    /// Opens or makes the file, hands every entry in it to `replay`, and starts the writer behind the last whole line.
    pub fn open(path: &Path, replay: impl FnMut(Entry)) -> io::Result<Journal> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        file.try_lock().map_err(|e| match e {
            TryLockError::WouldBlock => io::Error::other(format!("the book {} is in use", path.display())),
            TryLockError::Error(e) => e,
        })?;
        let whole = read_lines(&file, path, replay)?;
        file.set_len(whole)?;
        file.seek(SeekFrom::Start(whole))?;
        file.sync_all()?;
        let shared = Arc::new(Shared {
            gathered: Mutex::default(),
            wake: Condvar::new(),
            written: watch::Sender::new(Written::Lines(0)),
        });
        let theirs = shared.clone();
        let writer = std::thread::Builder::new().name("book".into()).spawn(move || theirs.write(file))?;
        Ok(Journal { shared, writer: Mutex::new(Some(writer)) })
    }

    /// Appends a line. It is durable once [`Journal::durable`], called after this, resolves.
    pub fn append(&self, entry: &Entry) {
        let mut gathered = self.shared.gathered();
        serde_json::to_writer(&mut gathered.bytes, entry).expect("an entry is always JSON");
        gathered.bytes.push(b'\n');
        gathered.lines += 1;
        drop(gathered);
        self.shared.wake.notify_one();
    }

    /// Waits until everything appended so far is on disk. Never resolves when writing failed: nothing may be answered
    /// then, and the network is about to stop.
    pub async fn durable(&self) {
        let lines = self.shared.gathered().lines;
        let mut written = self.shared.written.subscribe();
        if written.wait_for(|w| matches!(w, Written::Lines(n) if *n >= lines)).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Resolves when the book could not be written.
    pub async fn failed(&self) -> io::Error {
        let mut written = self.shared.written.subscribe();
        let failed = written.wait_for(|w| matches!(w, Written::Failed(_))).await;
        match failed.as_deref() {
            Ok(Written::Failed(e)) => io::Error::new(e.kind(), format!("the book cannot be written: {e}")),
            _ => io::Error::other("the writer of the book is gone"),
        }
    }

    /// Writes what is left and ends the writer.
    pub fn close(&self) {
        self.shared.gathered().closing = true;
        self.shared.wake.notify_one();
        let writer = self.writer.lock().expect("no panic while closing").take();
        if let Some(writer) = writer
            && writer.join().is_err()
        {
            tracing::error!("the writer of the book panicked");
        }
    }
}

impl Shared {
    fn gathered(&self) -> std::sync::MutexGuard<'_, Gathered> {
        self.gathered.lock().expect("no panic while appending to the book")
    }

    fn write(&self, mut file: File) {
        let mut bytes = Vec::new();
        loop {
            let mut gathered = self.gathered();
            while gathered.bytes.is_empty() {
                if gathered.closing {
                    return;
                }
                gathered = self.wake.wait(gathered).expect("no panic while appending to the book");
            }
            bytes.clear();
            std::mem::swap(&mut bytes, &mut gathered.bytes);
            let lines = gathered.lines;
            drop(gathered);
            let wrote = file.write_all(&bytes).and_then(|()| file.sync_data());
            let failed = wrote.is_err();
            self.written.send_replace(match wrote {
                Ok(()) => Written::Lines(lines),
                Err(e) => Written::Failed(Arc::new(e)),
            });
            if failed {
                return;
            }
        }
    }
}

/// Reads every line; returns where the last whole one ends.
fn read_lines(file: &File, path: &Path, mut replay: impl FnMut(Entry)) -> io::Result<u64> {
    let mut reader = BufReader::new(file);
    let (mut line, mut number, mut whole) = (Vec::new(), 0_u64, 0_u64);
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(whole);
        }
        number += 1;
        let ended = line.last() == Some(&b'\n');
        match serde_json::from_slice::<Entry>(&line) {
            Ok(entry) if ended => replay(entry),
            Ok(_) => return Ok(whole),
            Err(_) if !ended || reader.fill_buf()?.is_empty() => return Ok(whole),
            Err(e) => {
                let message = format!("line {number} of the book {} is broken: {e}", path.display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        }
        whole += read as u64;
    }
}
