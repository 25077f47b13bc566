//! The list of people to pay: the sample, a file, or made up.

use crate::cli::Failure;
use std::fmt::Write;
use std::path::Path;

/// The sample travels inside the program, so that an installed one needs nothing beside it.
const SAMPLE: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/uploads/payroll_uganda.xlsx"));
pub const RECIPIENTS_MAX: u32 = 1_000_000;

const PREFIXES: [&str; 5] = ["25677", "25670", "25678", "25675", "25676"];
/// The simulated network has outcomes of its own for numbers ending in 000001 to 000005.
const FIRST_NUMBER: u32 = 1_000_010;

pub struct List {
    pub name: String,
    pub file_name: String,
    pub bytes: Vec<u8>,
}

impl List {
    pub fn choose(file: Option<&Path>, recipients: Option<u32>) -> Result<List, Failure> {
        match (file, recipients) {
            (Some(path), _) => List::read(path),
            (None, Some(count)) => Ok(List {
                name: format!("{count} recipients"),
                file_name: "recipients.csv".to_owned(),
                bytes: made_up(count).into_bytes(),
            }),
            (None, None) => Ok(List {
                name: "March payroll".to_owned(),
                file_name: "payroll_uganda.xlsx".to_owned(),
                bytes: SAMPLE.to_vec(),
            }),
        }
    }

    fn read(path: &Path) -> Result<List, Failure> {
        let bytes = std::fs::read(path)
            .map_err(|why| Failure::usage(format!("cannot read {}: {why}; name a list with --file", path.display())))?;
        let text = |part: Option<&std::ffi::OsStr>| part.map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(List { name: text(path.file_stem()), file_name: text(path.file_name()), bytes })
    }
}

/// Different numbers of both networks, amounts of everyday size.
fn made_up(count: u32) -> String {
    let mut csv = String::with_capacity(count as usize * 48);
    csv.push_str("reference,name,phone,amount\n");
    let networks = PREFIXES.len() as u32;
    for i in 0..count {
        let (prefix, number) = (PREFIXES[(i % networks) as usize], FIRST_NUMBER + i / networks);
        let amount = 5_000 + (i % 46) * 1_000;
        writeln!(csv, "R{i:07},Recipient {i},{prefix}{number},{amount}").expect("writing to memory");
    }
    csv
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn made_up_recipients_differ_and_none_has_an_outcome_of_its_own() {
        let list = made_up(20_000);
        let numbers: Vec<&str> = list.lines().skip(1).map(|line| line.split(',').nth(2).unwrap()).collect();
        assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), 20_000);
        assert!(numbers.iter().all(|n| n.len() == 12 && !(1..=5).contains(&n[6..].parse::<u32>().unwrap())));
        let last = FIRST_NUMBER + RECIPIENTS_MAX / PREFIXES.len() as u32;
        assert!(last < 2_000_000, "seven digits, and never an ending of 000001");
    }
}
