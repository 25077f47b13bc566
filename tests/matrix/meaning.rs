//! What rows mean together, and with what the uploader says of them.

use super::{Becomes, Case, Upload};

const GROUP: &str = "What a list means";

fn case(name: &'static str, text: &str, becomes: Becomes) -> Case {
    Case { group: GROUP, name, upload: Upload::Text(text.into(), "list.csv"), becomes }
}

fn with(name: &'static str, text: &str, fields: &'static [(&'static str, &'static str)], becomes: Becomes) -> Case {
    Case { group: GROUP, name, upload: Upload::With(text.into(), "list.csv", fields), becomes }
}

pub fn cases() -> Vec<Case> {
    use Becomes::*;
    let two = "phone,amount\n0772345501,5000\n0772345502,6000\n";
    let theirs = "Tel.,Gross,Net\n0772345503,9000,5000\n";
    vec![
        case(
            "the same number and amount twice",
            "phone,amount\n0772345504,5000\n0772345504,5000\n",
            Warned("duplicate_payment"),
        ),
        case(
            "the same number written two ways",
            "phone,amount\n0772345505,5000\n+256 772 345505,5000\n",
            Warned("duplicate_payment"),
        ),
        case(
            "the same number with another amount",
            "phone,amount\n0772345506,5000\n0772345506,6000\n",
            Warned("repeated_number"),
        ),
        case(
            "the same reference twice",
            "phone,amount,id\n0772345507,5000,S1\n0772345508,5000,S1\n",
            Refused("duplicate_reference"),
        ),
        case("an empty name", "name,phone,amount\n,0772345509,5000\n", Warned("name_missing")),
        case(
            "a name of 201 letters",
            &format!("name,phone,amount\n{},0772345510,5000\n", "x".repeat(201)),
            Refused("text_too_long"),
        ),
        case("less than the lane pays at least", "phone,amount\n0752345511,499\n", Refused("below_lane_minimum")),
        case("more than the lane pays at most", "phone,amount\n0752345512,5000001\n", Refused("above_lane_maximum")),
        case(
            "amounts that together are more than can be counted",
            "phone,amount\n0772345513,9223372036854775807\n0772345514,1\n",
            Unreadable("the amounts together"),
        ),
        with(
            "a declared total that is right",
            two,
            &[("declared_total", "11,000"), ("declared_count", "2")],
            Paid { rows: 2 },
        ),
        with("a declared total that is not", two, &[("declared_total", "12000")], Warned("declared_mismatch")),
        with(
            "a declared number of recipients that is not right",
            two,
            &[("declared_count", "3")],
            Warned("declared_mismatch"),
        ),
        with(
            "columns named by a mapping",
            theirs,
            &[("mapping", r#"{"msisdn":"Tel.","amount":"net"}"#)],
            Reads("256772345503 5000"),
        ),
        with(
            "a text for the paid with a tag that is no column",
            two,
            &[("notify", "true"), ("sms_template", "Hi ((nmae))")],
            Unreadable("the text uses ((nmae))"),
        ),
        with(
            "a text for the paid with a tag that is empty in a row",
            "phone,amount,village\n0772345516,5000,\n",
            &[("notify", "true"), ("sms_template", "Hi from ((village))")],
            Warned("missing_value"),
        ),
        with(
            "a mapping to a column that is not there",
            theirs,
            &[("mapping", r#"{"msisdn":"Fax","amount":"Net"}"#)],
            Unreadable("is in column \"Fax\""),
        ),
        with(
            "a mapping of one column to two fields",
            theirs,
            &[("mapping", r#"{"msisdn":"Net","amount":"Net"}"#)],
            Unreadable("uses column \"Net\" both"),
        ),
        with("a list of another currency than any lane pays", two, &[("currency", "EUR")], NotTaken(422, "no_lane")),
    ]
}
