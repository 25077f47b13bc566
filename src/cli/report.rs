//! `gaba report`: the settlement report of a batch, to a file or to stdout.

use super::{Context, Failure, Outcome};
use clap::ValueEnum;
use gaba::batch::Batch;
use gaba::report::settlement::{Head, Line, csv, json, xlsx};
use gaba::report::{Book, LINES_AT_A_TIME, Text};
use gaba::store::SharedStore;
use serde_json::json;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use uuid::Uuid;

#[derive(clap::Args)]
pub struct Args {
    /// Id of the batch
    batch: Uuid,
    /// [default: what the name of FILE ends in, else csv]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Where to write it [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Csv,
    Json,
    Xlsx,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    let store = context.store().await?;
    let batch = store.find_batch(args.batch).await?;
    let named = args.output.as_deref().and_then(Path::extension).and_then(|end| end.to_str());
    let format = args.format.or_else(|| Format::from_str(named?, true).ok()).unwrap_or(Format::Csv);
    let Some(path) = &args.output else {
        return print(&store, &batch, format).await;
    };
    let lines = write_file(&store, &batch, format, path).await?;
    let text = format!("{lines} lines of {:?} are in {}.", batch.name, path.display());
    context.output.tell(text, &json!({"file": path, "lines": lines}));
    Ok(())
}

async fn print(store: &SharedStore, batch: &Batch, format: Format) -> Outcome {
    if format == Format::Xlsx && io::stdout().is_terminal() {
        return Err(Failure::new("a workbook is not for the screen; say where to write it with -o FILE"));
    }
    let failed = |why: io::Error| Failure::new(format!("the report cannot be written: {why}"));
    if format != Format::Xlsx {
        return write_text(store, batch, format, &mut io::stdout().lock()).await.map(drop);
    }
    let path = std::env::temp_dir().join(format!("gaba-report-{}.xlsx", Uuid::new_v4()));
    write_file(store, batch, format, &path).await?;
    let copied = File::open(&path).and_then(|mut file| io::copy(&mut file, &mut io::stdout().lock()));
    std::fs::remove_file(&path).map_err(failed)?;
    copied.map(drop).map_err(failed)
}

/// Under its name only once it is whole.
async fn write_file(store: &SharedStore, batch: &Batch, format: Format, path: &Path) -> Result<u64, Failure> {
    let failed = |why: io::Error| Failure::new(format!("cannot write {}: {why}", path.display()));
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let file = File::create(&part).map_err(failed)?;
    let lines = if format == Format::Xlsx {
        write_book(store, batch, &file, folder_of(path)).await?
    } else {
        write_text(store, batch, format, &mut BufWriter::new(&file)).await?
    };
    file.sync_all().map_err(failed)?;
    std::fs::rename(&part, path).map_err(failed)?;
    Ok(lines)
}

/// Where there is room for the report there is room for what it is made from.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

async fn write_text(store: &SharedStore, batch: &Batch, format: Format, out: &mut impl Write) -> Result<u64, Failure> {
    let failed = |why: io::Error| Failure::new(format!("the report cannot be written: {why}"));
    let head = store.report_head(batch.organisation, batch.id).await?;
    let mut pages = Pages::of(store, &head);
    let mut text: Box<dyn Text<Line>> = match format {
        Format::Csv => Box::new(csv::Csv),
        _ => Box::new(json::Json::new(head)),
    };
    out.write_all(&text.begin()).map_err(failed)?;
    while let Some(lines) = pages.next().await? {
        out.write_all(&text.lines(&lines)).map_err(failed)?;
    }
    out.write_all(&text.end()).and_then(|()| out.flush()).map_err(failed)?;
    Ok(pages.count)
}

async fn write_book(store: &SharedStore, batch: &Batch, file: &File, folder: &Path) -> Result<u64, Failure> {
    let failed = |why: gaba::report::BookError| Failure::new(why.to_string());
    let head = store.report_head(batch.organisation, batch.id).await?;
    let mut pages = Pages::of(store, &head);
    let mut book = Box::new(xlsx::Book::new(head, folder).map_err(failed)?);
    while let Some(lines) = pages.next().await? {
        book.lines(&lines).map_err(failed)?;
    }
    book.save(file).map_err(failed)?;
    Ok(pages.count)
}

/// The lines of a report, page by page.
struct Pages<'a> {
    store: &'a SharedStore,
    organisation: Uuid,
    batch: Uuid,
    after: u32,
    count: u64,
}

impl<'a> Pages<'a> {
    fn of(store: &'a SharedStore, head: &Head) -> Pages<'a> {
        Pages { store, organisation: head.batch.organisation, batch: head.batch.id, after: 0, count: 0 }
    }

    async fn next(&mut self) -> Result<Option<Vec<Line>>, Failure> {
        let lines = self.store.report_lines(self.organisation, self.batch, self.after, LINES_AT_A_TIME).await?;
        let Some(last) = lines.last() else { return Ok(None) };
        self.after = last.row;
        self.count += lines.len() as u64;
        Ok(Some(lines))
    }
}
