//! The simulated network as a child process: it ends with the demo, also when the demo is killed.

use crate::cli::Failure;
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

const START_TIME_MAX: Duration = Duration::from_secs(20);
const READY: &str = "listening on ";

pub struct Network {
    pub url: String,
    /// Killed when dropped. Its stdin is a pipe that closes when this process is gone, however it went.
    _child: Child,
    _stdout: Lines<BufReader<ChildStdout>>,
}

impl Network {
    pub async fn start(data: &Path) -> Result<Network, Failure> {
        let log = data.join("network.log");
        let failed =
            |why: String| Failure::new(format!("the simulated network did not start ({why}); see {}", log.display()));
        let program = std::env::current_exe().map_err(|why| failed(why.to_string()))?;
        let mut child = Command::new(program)
            .args(["simulate", "--port", "0", "--exit-on-stdin-close", "--book"])
            .arg(data.join("network-book.jsonl"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).map_err(|why| failed(why.to_string()))?)
            // Ctrl-C is for the demo: it still needs the network while it ends in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|why| failed(why.to_string()))?;
        let stdout = child.stdout.take().ok_or_else(|| failed("no output".to_owned()))?;
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(START_TIME_MAX, lines.next_line()).await;
        let line = line.map_err(|_| failed("it does not say where it listens".to_owned()))?;
        let line = line.map_err(|why| failed(why.to_string()))?.unwrap_or_default();
        let url = line.strip_prefix(READY).ok_or_else(|| failed("it ended at once".to_owned()))?;
        Ok(Network { url: url.trim().to_owned(), _child: child, _stdout: lines })
    }
}
