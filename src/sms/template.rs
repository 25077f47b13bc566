//! SMS templates: text with `((tags))`, filled from the recipient's row. A tag names a column, whatever its case.

use super::{DueMessage, PURPOSE_BULK};
use std::collections::BTreeMap;

/// What the paid are told unless the upload says otherwise.
pub const DEFAULT: &str = "Dear ((name)), ((organisation)) has paid you ((amount)). Ref ((reference)).";
/// The same for whom the list has no name.
const DEFAULT_NAMELESS: &str = "((organisation)) has paid you ((amount)). Ref ((reference)).";

/// What is known of every payment, whatever columns its list has.
pub const OF_A_PAYMENT: [&str; 6] = ["name", "amount", "reference", "organisation", "batch", "transaction"];

/// A stretch of a template.
#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Tag(&'a str),
}

fn parts(template: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some(open) = rest.find("((") {
        let Some(length) = rest[open + 2..].find("))") else { break };
        parts.push(Part::Text(&rest[..open]));
        parts.push(Part::Tag(rest[open + 2..open + 2 + length].trim()));
        rest = &rest[open + 2 + length + 2..];
    }
    parts.push(Part::Text(rest));
    parts
}

/// The tags a template uses, in lower case.
pub fn tags(template: &str) -> Vec<String> {
    let tags = parts(template).into_iter();
    tags.filter_map(|p| if let Part::Tag(tag) = p { Some(tag.to_lowercase()) } else { None }).collect()
}

/// What a list cannot be sent with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("the template opens a tag with (( and does not close it with )); close it, such as ((name))")]
    Unclosed,
    #[error("the template has a tag without a name; write the header of a column into it, such as ((name))")]
    Nameless,
}

/// Refuses what would reach every recipient as a slip of the pen.
pub fn check(template: &str) -> Result<(), TemplateError> {
    for part in parts(template) {
        match part {
            Part::Text(text) if text.contains("((") => return Err(TemplateError::Unclosed),
            Part::Tag("") => return Err(TemplateError::Nameless),
            Part::Tag(tag) if tag.contains("((") => return Err(TemplateError::Unclosed),
            _ => {}
        }
    }
    Ok(())
}

/// Fills `template`. A tag without a value becomes nothing: the message still tells the rest.
pub fn render(template: &str, values: &BTreeMap<String, String>) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    for part in parts(template) {
        match part {
            Part::Text(plain) => text.push_str(plain),
            Part::Tag(tag) => text.push_str(values.get(&tag.to_lowercase()).map_or("", String::as_str)),
        }
    }
    text
}

/// What a tag is compared by.
pub fn key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The text of one recipient of a list of SMS: its columns, of which `name` and `reference` may have other headers. What was
/// priced at the import and what is sent are both made here.
pub fn merge(
    template: &str,
    columns: &BTreeMap<String, String>,
    name: Option<&str>,
    reference: Option<&str>,
) -> String {
    let mut values: BTreeMap<String, String> = columns.iter().map(|(name, value)| (key(name), value.clone())).collect();
    for (word, value) in [("name", name), ("reference", reference)] {
        values.entry(word.to_owned()).or_insert_with(|| value.unwrap_or_default().to_owned());
    }
    render(template, &values)
}

/// The text of a message, whatever its purpose.
pub fn text(message: &DueMessage) -> String {
    match message.purpose.as_str() {
        PURPOSE_BULK => {
            let template = message.template.as_deref().unwrap_or_default();
            merge(template, &message.variables, Some(&message.name), message.reference.as_deref())
        }
        _ => paid(message),
    }
}

/// The text of the message that tells somebody they were paid.
pub fn paid(message: &DueMessage) -> String {
    let mut values: BTreeMap<String, String> =
        message.variables.iter().map(|(name, value)| (key(name), value.clone())).collect();
    let reference = message.reference.clone().or_else(|| message.transaction_id.clone()).unwrap_or_default();
    values.insert("name".into(), message.name.clone());
    values.insert("amount".into(), message.amount.display());
    values.insert("reference".into(), reference);
    values.insert("organisation".into(), message.organisation_name.clone());
    values.insert("batch".into(), message.batch_name.clone());
    values.insert("transaction".into(), message.transaction_id.clone().unwrap_or_default());
    let default = if message.name.trim().is_empty() { DEFAULT_NAMELESS } else { DEFAULT };
    render(message.template.as_deref().unwrap_or(default), &values)
}

#[cfg(test)]
mod tests {
    use super::super::PURPOSE_PAID;
    use super::*;
    use crate::money::{Currency, Money};
    use crate::phone::Msisdn;
    use uuid::Uuid;

    #[test]
    fn tags_are_filled_whatever_their_case_and_padding() {
        let values = BTreeMap::from([("name".to_owned(), "Akello".to_owned())]);
        assert_eq!(render("Hi (( Name )), bye ((name))((x)).", &values), "Hi Akello, bye Akello.");
        assert_eq!(render("((unclosed and ((name", &values), "((unclosed and ((name");
        assert_eq!(tags("((A)) ((b ))"), ["a", "b"]);
    }

    #[test]
    fn a_template_with_a_slip_of_the_pen_is_refused() {
        assert_eq!(check("Hi ((name)), (see us) ((Net Pay))"), Ok(()));
        assert_eq!(check("No tags at all :))"), Ok(()));
        for unclosed in ["Hi ((name", "Hi ((name) and ((amount))", "Hi ((name)). (("] {
            assert_eq!(check(unclosed), Err(TemplateError::Unclosed), "{unclosed}");
        }
        assert_eq!(check("Hi (( )),"), Err(TemplateError::Nameless));
    }

    #[test]
    fn a_list_is_merged_from_its_columns_alone() {
        let columns = BTreeMap::from([("Full Name".to_owned(), "Akello".to_owned())]);
        let merged = |template| merge(template, &columns, Some("A. Akello"), None);
        assert_eq!(merged("((full name))((organisation))!"), "Akello!");
        assert_eq!(merged("((name)), ((reference))"), "A. Akello, ");
        let own = BTreeMap::from([("Name".to_owned(), "Okot".to_owned())]);
        assert_eq!(merge("((name))", &own, Some("A. Akello"), None), "Okot", "a header goes first");
    }

    #[test]
    fn whom_the_list_does_not_name_is_told_without_a_gap() {
        let message = |name: &str, template: Option<&str>| {
            text(&DueMessage {
                id: Uuid::nil(),
                organisation: Uuid::nil(),
                batch: Uuid::nil(),
                row: 2,
                purpose: PURPOSE_PAID.into(),
                msisdn: Msisdn::from_digits("256772123456").unwrap(),
                template: template.map(str::to_owned),
                name: name.into(),
                amount: Money::new(5_000, Currency::Ugx),
                reference: Some("R1".into()),
                organisation_name: "Kampala Relief".into(),
                batch_name: "March".into(),
                transaction_id: None,
                variables: BTreeMap::new(),
                step: 0,
                claim: 0,
            })
        };
        assert_eq!(message("Akello", None), "Dear Akello, Kampala Relief has paid you UGX 5,000. Ref R1.");
        assert_eq!(message(" ", None), "Kampala Relief has paid you UGX 5,000. Ref R1.");
        assert_eq!(message("", Some("Hi ((name))!")), "Hi !", "the list's own text is its own");
    }

    #[test]
    fn a_value_is_never_itself_a_template() {
        let values = BTreeMap::from([("name".to_owned(), "((amount))".to_owned())]);
        assert_eq!(render("Hi ((name))", &values), "Hi ((amount))");
    }
}
