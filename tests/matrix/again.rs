//! What is said of a list because of another one. Each line has people of its own.

use super::{Becomes, Case, Earlier, Fields, Upload};

const GROUP: &str = "Lists that come again";
const TELLING: Fields = &[("kind", "sms"), ("sms_template", "Come on Monday")];

fn case(name: &'static str, earlier: Earlier, text: &'static str, fields: Fields, becomes: Becomes) -> Case {
    Case { group: GROUP, name, upload: Upload::After(earlier, text, fields), becomes }
}

fn paid(text: &'static str) -> Earlier {
    Earlier { text, fields: &[], done: true }
}

fn open(text: &'static str) -> Earlier {
    Earlier { text, fields: &[], done: false }
}

fn told(text: &'static str) -> Earlier {
    Earlier { text, fields: TELLING, done: true }
}

pub fn cases() -> Vec<Case> {
    use Becomes::*;
    let again = "phone,amount\n0772345601,5000\n0772345602,6000\n";
    let open_again = "phone,amount\n0772345603,5000\n";
    let told_first = "phone,amount\n0772345604,5000\n";
    let told_again = "phone,amount\n0772345605,5000\n";
    vec![
        case("the very same file, after its list was paid", paid(again), again, &[], Warned("same_file")),
        case("the very same file, while its list is open", open(open_again), open_again, &[], Warned("same_file")),
        case(
            "the very same file, after those on it were told by SMS",
            told(told_first),
            told_first,
            &[],
            Paid { rows: 1 },
        ),
        case(
            "the very same file as a list of SMS with the same text",
            told(told_again),
            told_again,
            TELLING,
            Warned("same_file"),
        ),
        case(
            "a row that another open list pays",
            open("phone,amount\n0772345606,5000\n"),
            "name,phone,amount\nAkello,0772345607,5000\nOkot,0772345606,5000\n",
            &[],
            Warned("duplicate_in_batch"),
        ),
        case(
            "a row that a list of these days has paid",
            paid("phone,amount\n0772345608,5000\n"),
            "name,phone,amount\nAkello,0772345609,5000\nOkot,0772345608,5000\n",
            &[],
            Warned("duplicate_in_batch"),
        ),
        case(
            "a row that another list pays another amount",
            open("phone,amount\n0772345610,5000\n"),
            "name,phone,amount\nOkot,0772345610,5500\n",
            &[],
            Paid { rows: 1 },
        ),
    ]
}
