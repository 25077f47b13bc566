//! The rows of a list that can still be corrected: each as the store shows it, and what is said of those that repeat others.
//!
//! Which of several rows that repeat each other is told of which is the engine's to choose. That nobody is told what is not
//! so, nor twice, and that all but one of them are told, is not.

use super::list::{Line, Standing};
use super::rules::*;
use super::world::{World, same};
use crate::support::walks::Wrong;
use gaba::batch::Batch as Shown;
use gaba::batch::correction::Standing as Stands;
use gaba::store::{IssueView, PageRequest};
use std::collections::BTreeMap;

pub async fn list(world: &World, b: usize, shown: &Shown) -> Result<(), Wrong> {
    let model = &world.model.batches[b];
    for line in &model.lines {
        let row = world.store.row(shown.organisation, shown.id, line.number).await.map_err(|e| e.to_string())?;
        let at = format!("line {} of batch {b}", line.number);
        same(format!("how {at} stands"), row.state, stands(line))?;
        same(format!("what {at} says"), row.cells.into_iter().collect(), words(line))?;
        let errors = row.issues.iter().any(|issue| issue.severity == "error");
        same(format!("whether {at} has an error"), errors, line.standing == Standing::Refused)?;
    }
    let page = PageRequest { cursor: None, limit: 500 };
    let issues = world.store.issues(shown.organisation, shown.id, None, page).await.map_err(|e| e.to_string())?.items;
    let warnings = issues.iter().filter(|issue| issue.severity == "warning").count() as i64;
    same(format!("the warnings of batch {b}"), shown.warnings, warnings)?;
    repeats(model, &issues).map_err(|wrong| format!("batch {b}: {wrong}: {issues:?}"))
}

pub fn stands(line: &Line) -> Stands {
    match line.standing {
        Standing::Payable => Stands::Valid,
        Standing::Refused => Stands::Invalid,
        Standing::Aside => Stands::Excluded,
    }
}

/// By the headers of the file.
pub fn words(line: &Line) -> BTreeMap<String, String> {
    let of_ours = [("Phone", &line.msisdn.text), ("To pay", &line.amount.text), ("Who", &line.name)];
    let all = of_ours.into_iter().chain([("Id", &line.reference), ("Team", &line.team)]);
    all.map(|(header, text)| (header.to_owned(), text.clone())).collect()
}

fn repeats(batch: &Batch, issues: &[IssueView]) -> Result<(), Wrong> {
    let line = |number| batch.lines.iter().find(|line| line.number == number);
    let payable = || batch.lines.iter().filter(|line| line.standing == Standing::Payable);
    let mut told: BTreeMap<u32, u32> = BTreeMap::new();
    for issue in issues {
        let Some(other) = issue.other_row else { continue };
        let (Some(one), Some(other)) = (line(issue.row), line(other)) else {
            return Err(format!("row {} is told of a row that is not there", issue.row));
        };
        let true_of = match issue.code.as_str() {
            "duplicate_reference" => one.reference == other.reference,
            "duplicate_payment" => (&one.msisdn.means, &one.amount.means) == (&other.msisdn.means, &other.amount.means),
            "repeated_number" => one.msisdn.means == other.msisdn.means && one.amount.means != other.amount.means,
            _ => false,
        };
        if !true_of || other.standing != Standing::Payable || one.number == other.number {
            return Err(format!("row {} is told of {}, and it is not so", one.number, other.number));
        }
        if issue.severity == "warning" && told.insert(one.number, other.number).is_some() {
            return Err(format!("row {} is told twice what it repeats", one.number));
        }
    }
    let both = told.iter().find(|(one, other)| told.get(other) == Some(one));
    if let Some((one, other)) = both {
        return Err(format!("{one} and {other} are told of each other"));
    }
    for one in payable().filter(|line| !told.contains_key(&line.number)) {
        let mut same = payable().filter(|line| line.msisdn.means == one.msisdn.means && line.number != one.number);
        if let Some(other) = same.find(|line| !told.contains_key(&line.number)) {
            return Err(format!("{} and {} repeat each other, and neither is told", one.number, other.number));
        }
    }
    Ok(())
}
