//! Lists whose people are told something: only the number is read, every column is a variable of the text.

use super::*;
use crate::sms::segments::{Encoding, measure};
use crate::sms::template;

fn read_list(csv: &str, template: &str) -> Read {
    read_mapped(csv, template, None)
}

fn read_mapped(csv: &str, template: &str, mapping: Option<&str>) -> Read {
    let router = Router::new(&Config::parse(LANES).unwrap().lanes).unwrap();
    let mapping = mapping.map(|m| Mapping::parse(m).unwrap());
    let price = Money::new(35, Currency::Ugx);
    let sms = Some(SmsTerms { template: template.into(), lane: "blasta".into(), price });
    let terms = Terms {
        currency: Currency::Ugx,
        country: Country::Uganda,
        router: &router,
        mapping,
        rows_max: 100,
        sms,
        notice: None,
    };
    let (upload, mut rows) = (Upload::new(csv.as_bytes()), Vec::new());
    let result = read(&upload.0, &terms, &no_sheets(), &mut |row| {
        rows.push(row);
        Ok(())
    });
    Read { result, rows }
}

/// As it is merged when it is sent.
fn text(template: &str, recipient: &Recipient) -> String {
    template::merge(template, &recipient.variables, Some(&recipient.name), recipient.reference.as_deref())
}

#[test]
fn a_list_of_numbers_and_columns_is_told_its_text() {
    let csv = "Village,Phone,Amount,Net pay\nGulu,0772345678,see note,1\nLira,0752345678,,\nKasese,0414123456,x,1\n";
    let read = read_list(csv, "To ((VILLAGE )): come");
    assert_eq!(read.issues(), [(4, "phone_landline")], "amounts are plain variables here");
    let recipient = read.recipient(2);
    assert_eq!((recipient.lane.as_str(), recipient.amount.minor), ("blasta", 35));
    assert_eq!(recipient.sms, Some(measure("To Gulu: come")));
    assert_eq!(recipient.variables["Amount"], "see note");
    assert_eq!(recipient.variables["Phone"], "0772345678", "as uploaded");
    let summary = read.summary();
    assert_eq!((summary.valid, summary.invalid, summary.total.minor), (2, 1, 70));
    // What is sent is merged from the same columns by the same function.
    assert_eq!(text("To ((VILLAGE )): come", recipient), "To Gulu: come");
}

#[test]
fn numbers_of_every_network_are_told_whether_a_lane_pays_them_or_not() {
    let read = read_list("phone\n0712345678\n", "Come");
    assert_eq!(read.recipient(2).msisdn.as_str(), "256712345678");
}

#[test]
fn a_tag_without_a_column_names_itself_and_what_there_is() {
    let read = read_list("phone,Village\n0772345678,Gulu\n", "Dear ((Name)), ((village))");
    assert_eq!(read.error().code(), "unknown_tag");
    let message = read.error().to_string();
    assert!(message.contains("((name))") && message.contains("\"phone\", \"Village\""), "{message}");
    assert!(read.rows.is_empty());
}

#[test]
fn our_own_word_for_a_column_is_a_tag_too_where_no_header_is() {
    let template = "Dear ((name)), ((full name)): ((reference))";
    let read = read_mapped("Tel.,Full Name,Staff ID\n0772345678,Akello,7\n", template, Some(r#"{"msisdn":"Tel."}"#));
    assert_eq!(text(template, read.recipient(2)), "Dear Akello, Akello: 7");
    let read = read_list("phone,Full Name,Beneficiary\n0772345678,Akello,Okot\n", "Dear ((name))");
    assert_eq!(read.error().code(), "unknown_tag", "which of the two is not guessed");
}

#[test]
fn the_header_is_found_below_titles_and_nobody_above_it_is_forgotten() {
    let read = read_list("Members to be told\nPhone,\nphone,village\n0772345678,Gulu\n", "In ((village))");
    assert_eq!(read.recipient(4).sms, Some(measure("In Gulu")));
    let read = read_list("0772345679,Lira\nphone,village\n0772345678,Gulu\n", "In ((village))");
    assert_eq!(read.error().code(), "row_above_header");
    let read = read_list("phone,amount\n0772345678,500\nTotal,500\n", "Come");
    assert_eq!(read.issues(), [(3, "phone_letters")], "a list that is told adds up to nothing");
}

#[test]
fn a_missing_value_blocks_its_row_and_names_the_tag() {
    let csv = "phone,name,village,unused\n0772345678, ,Gulu,\n0772345679,Okot,,\n0772345671,Adong,Lira,\n";
    let read = read_list(csv, "Dear ((name)) of ((village)), dear ((NAME))");
    assert_eq!(read.issues(), [(2, "missing_value"), (3, "missing_value")], "once per tag, and only of used columns");
    let issue = &read.rows[1].issues[0];
    assert_eq!(issue.column.as_deref(), Some("village"));
    assert!(issue.message.contains("((village))"), "{}", issue.message);
    assert!(read.rows[0].recipient.is_none());
    read.recipient(4);
}

#[test]
fn what_a_row_costs_depends_on_its_own_text() {
    let long = "b".repeat(160);
    let csv = format!("phone,name\n0772345678,Ann\n0772345679,{long}\n0772345671,\u{e7}\n");
    let read = read_list(&csv, "Hi ((name))");
    let costs: Vec<i64> = [2, 3, 4].iter().map(|row| read.recipient(*row).amount.minor).collect();
    assert_eq!(costs, [35, 70, 35]);
    assert_eq!(read.recipient(4).sms.unwrap().encoding, Encoding::Ucs2);
    assert_eq!(read.summary().total.minor, 140);
}

#[test]
fn a_text_of_more_than_ten_sms_is_refused() {
    // The template takes one septet, ten SMS are 1,530.
    let csv = |length: usize| format!("phone,text\n0772345678,{}\n", "a".repeat(length));
    assert_eq!(read_list(&csv(1529), ".((text))").recipient(2).sms.unwrap().segments, 10);
    let read = read_list(&csv(1530), ".((text))");
    assert_eq!(read.issues(), [(2, "text_too_long")]);
    assert!(read.rows[0].issues[0].message.contains("11 SMS"), "{}", read.rows[0].issues[0].message);
}

#[test]
fn the_same_number_twice_is_told_before_it_is_sent() {
    let csv = "phone,name,x\n0772345678,Ann,1\n+256772345678,Ann,2\n0772345678,Bo,3\n0772345679,Ann,4\n";
    let read = read_list(csv, "Hi ((name))");
    assert_eq!(read.issues(), [(3, "duplicate_message"), (4, "repeated_number")]);
    assert_eq!(read.summary().valid, 4, "both are warnings");
}

#[test]
fn line_breaks_are_told_and_other_control_characters_are_not() {
    let read = read_list("phone,note\n0772345678,\"one\r\ntwo\"\n0772345679,a\u{7}b\n", "((note))");
    assert_eq!(read.issues(), [(3, "control_character")]);
    assert_eq!(text("((note))", read.recipient(2)), "one\ntwo");
}
