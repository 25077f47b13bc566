//! `gaba report`: the settlement report of a batch, to a file or to stdout.

use super::{Context, Failure, Outcome};
use gaba::batch::Batch;
use gaba::report::csv;
use gaba::report::settlement::Line;
use gaba::store::SharedStore;
use serde_json::json;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use uuid::Uuid;

const LINES_AT_A_TIME: u32 = 500;

#[derive(clap::Args)]
pub struct Args {
    /// Id of the batch
    batch: Uuid,
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// Where to write it [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Csv,
    Json,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    let store = context.store().await?;
    let batch = store.find_batch(args.batch).await?;
    let Some(path) = &args.output else {
        let mut out = io::stdout().lock();
        return write(&store, &batch, args.format, &mut out).await.map(|_| ());
    };
    let lines = write_file(&store, &batch, args.format, path).await?;
    let text = format!("{lines} lines of {:?} are in {}.", batch.name, path.display());
    context.output.tell(text, &json!({"file": path, "lines": lines}));
    Ok(())
}

/// Under its name only once it is whole.
async fn write_file(store: &SharedStore, batch: &Batch, format: Format, path: &Path) -> Result<u64, Failure> {
    let failed = |why: io::Error| Failure::new(format!("cannot write {}: {why}", path.display()));
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let mut out = BufWriter::new(File::create(&part).map_err(failed)?);
    let lines = write(store, batch, format, &mut out).await?;
    out.into_inner().map_err(|e| failed(e.into_error())).and_then(|file| file.sync_all().map_err(failed))?;
    std::fs::rename(&part, path).map_err(failed)?;
    Ok(lines)
}

async fn write(store: &SharedStore, batch: &Batch, format: Format, out: &mut impl Write) -> Result<u64, Failure> {
    let failed = |why: io::Error| Failure::new(format!("the report cannot be written: {why}"));
    let position = store.ledger_position().await?;
    out.write_all(&head(batch, format, position)).map_err(failed)?;
    let (mut after, mut count) = (0, 0_u64);
    loop {
        let lines = store.report_lines(batch.organisation, batch.id, after, LINES_AT_A_TIME).await?;
        let Some(last) = lines.last() else { break };
        after = last.row;
        for line in &lines {
            out.write_all(&written(line, format, count == 0)).map_err(failed)?;
            count += 1;
        }
    }
    if format == Format::Json {
        out.write_all(b"]}").map_err(failed)?;
    }
    out.flush().map_err(failed)?;
    Ok(count)
}

fn head(batch: &Batch, format: Format, position: i64) -> Vec<u8> {
    match format {
        Format::Csv => csv::header(),
        Format::Json => {
            let shown = json!(batch);
            let totals = &shown["totals"];
            format!(r#"{{"batch":{shown},"position":{position},"totals":{totals},"lines":["#).into_bytes()
        }
    }
}

fn written(line: &Line, format: Format, first: bool) -> Vec<u8> {
    match format {
        Format::Csv => csv::line(line),
        Format::Json => format!("{}{}", if first { "" } else { "," }, json!(line)).into_bytes(),
    }
}
