//! Cells as they were uploaded, kept with a row that cannot be paid: whatever made it doubtful is kept with them, so that
//! correcting one cell does not vouch for another.

use crate::sheet::Fault;
use serde::de::Error;
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

/// A cell of a row, as uploaded or as corrected since. Stored as `[header, text]` or `[header, text, fault]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// `None` when it stands beyond the columns of the header.
    pub header: Option<Arc<str>>,
    /// `None` when the row ended before it.
    pub text: Option<String>,
    /// Why its text is not to be believed.
    pub fault: Option<Fault>,
}

impl Uploaded {
    pub fn new(header: &str, text: impl Into<String>) -> Uploaded {
        Uploaded { header: Some(Arc::from(header)), text: Some(text.into()), fault: None }
    }

    pub fn is_in(&self, header: &str) -> bool {
        self.header.as_deref() == Some(header)
    }

    pub fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// What a person now says stands there.
    pub fn correct(&mut self, text: &str) {
        (self.text, self.fault) = (Some(text.to_owned()), None);
    }
}

/// Header and value of each, as shown: what stands beyond the header is named by its position.
pub fn shown(cells: &[Uploaded]) -> Vec<(String, String)> {
    let named = |(at, cell): (usize, &Uploaded)| {
        let header = cell.header.as_deref().map_or_else(|| format!("column {}", at + 1), str::to_owned);
        (header, cell.text().to_owned())
    };
    cells.iter().enumerate().map(named).collect()
}

impl Serialize for Uploaded {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut cell = to.serialize_seq(Some(2 + usize::from(self.fault.is_some())))?;
        cell.serialize_element(&self.header.as_deref())?;
        cell.serialize_element(&self.text)?;
        if let Some(fault) = self.fault {
            cell.serialize_element(fault.name())?;
        }
        cell.end()
    }
}

impl<'de> Deserialize<'de> for Uploaded {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Uploaded, D::Error> {
        let mut parts = Vec::<Option<String>>::deserialize(from)?.into_iter();
        let (Some(header), Some(text)) = (parts.next(), parts.next()) else {
            return Err(D::Error::custom("a cell has a header and a text"));
        };
        let fault = parts.next().flatten();
        let known = |name: String| Fault::parse(&name).ok_or_else(|| D::Error::custom(format!("no fault: {name}")));
        Ok(Uploaded { header: header.map(Arc::from), text, fault: fault.map(known).transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_as_they_were_stored() {
        let shifted = |header: Option<&str>, text: Option<&str>| Uploaded {
            header: header.map(Arc::from),
            text: text.map(str::to_owned),
            fault: Some(Fault::Shifted),
        };
        let cells = [Uploaded::new("Tel", "0772"), shifted(Some("amount"), None), shifted(None, Some("000"))];
        let stored = serde_json::to_string(&cells).unwrap();
        assert_eq!(stored, r#"[["Tel","0772"],["amount",null,"shifted"],[null,"000","shifted"]]"#);
        assert_eq!(serde_json::from_str::<Vec<Uploaded>>(&stored).unwrap(), cells);
        assert_eq!(shown(&cells)[2], ("column 3".into(), "000".into()));
        for damaged in [r#"["a"]"#, r#"["a","b","c"]"#, "[]", "7"] {
            assert!(serde_json::from_str::<Uploaded>(damaged).is_err(), "{damaged}");
        }
    }
}
