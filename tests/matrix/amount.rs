//! What a cell says of money.

use super::{Becomes, Case, Upload};

const GROUP: &str = "Amounts";

fn list(cell: &str, phone: &str) -> Vec<u8> {
    format!("phone,amount\n{phone},\"{}\"\n", cell.replace('"', "\"\"")).into_bytes()
}

/// `name` is the cell, or says what is in it.
fn shillings(name: &'static str, cell: &str, becomes: Becomes) -> Case {
    Case { group: GROUP, name, upload: Upload::Text(list(cell, "0772345301"), "list.csv"), becomes }
}

fn cents(name: &'static str, cell: &str, becomes: Becomes) -> Case {
    let upload = Upload::With(list(cell, "0722345301"), "list.csv", &[("currency", "KES")]);
    Case { group: GROUP, name, upload, becomes }
}

pub fn cases() -> Vec<Case> {
    use Becomes::*;
    vec![
        shillings("1000", "1000", Reads("256772345301 1000")),
        shillings("1,000", "1,000", Reads("256772345301 1000")),
        shillings("1,250,000", "1,250,000", Reads("256772345301 1250000")),
        shillings("1 000 (a space)", "1 000", Reads("256772345301 1000")),
        shillings("1 000 (a no-break space)", "1\u{A0}000", Reads("256772345301 1000")),
        shillings("1 000 (a narrow no-break space)", "1\u{202F}000", Reads("256772345301 1000")),
        shillings("UGX 500", "UGX 500", Reads("256772345301 500")),
        shillings("500/=", "500/=", Reads("256772345301 500")),
        shillings("500.00", "500.00", Reads("256772345301 500")),
        shillings("'500 (an apostrophe before it)", "'500", Reads("256772345301 500")),
        cents("1,000.50 in KES", "1,000.50", Reads("254722345301 1000.50")),
        cents("12.5 in KES", "12.5", Reads("254722345301 12.50")),
        shillings("1.000", "1.000", Refused("amount_ambiguous")),
        cents("1.000 in KES", "1.000", Refused("amount_ambiguous")),
        cents("1.000,50 in KES", "1.000,50", Refused("amount_ambiguous")),
        cents("1000,50 in KES", "1000,50", Refused("amount_ambiguous")),
        shillings("1'000", "1'000", Refused("amount_grouping")),
        shillings("1,00,000", "1,00,000", Refused("amount_grouping")),
        shillings("-5", "-5", Refused("amount_negative")),
        shillings("(5)", "(5)", Refused("amount_in_parentheses")),
        shillings("+5", "+5", Refused("amount_signed")),
        shillings("0", "0", Refused("amount_zero")),
        cents("0.001 in KES", "0.001", Refused("amount_decimals")),
        shillings("500.50 in UGX", "500.50", Refused("amount_decimals")),
        shillings("1e3", "1e3", Refused("amount_exponent")),
        shillings("1e400", "1e400", Refused("amount_exponent")),
        shillings("NaN", "NaN", Refused("amount_not_a_number")),
        shillings("Infinity", "Infinity", Refused("amount_not_a_number")),
        shillings("#N/A", "#N/A", Refused("amount_not_a_number")),
        shillings("0x10", "0x10", Refused("amount_hexadecimal")),
        shillings("٥٠٠ (Arabic digits)", "٥٠٠", Refused("amount_foreign_digits")),
        shillings("１００ (full-width digits)", "１００", Refused("amount_foreign_digits")),
        shillings("5%", "5%", Refused("amount_percent")),
        shillings("KES 500 in a list of UGX", "KES 500", Refused("amount_other_currency")),
        shillings("9223372036854775808", "9223372036854775808", Refused("amount_too_large")),
        shillings("0772345301 (a phone number)", "0772345301", Refused("amount_leading_zero")),
        shillings("five hundred", "five hundred", Refused("amount_letters")),
        shillings("5OO (the letter O)", "5OO", Refused("amount_letters")),
        shillings("500;600", "500;600", Refused("amount_character")),
        shillings("500 and 600, a line break between them", "500\n600", Refused("amount_several")),
        shillings("500 and 600, a tab between them", "500\t600", Refused("amount_several")),
        shillings("5000/6000 (two amounts in a cell)", "5000/6000", Refused("amount_character")),
        shillings("5000, 6000 (two amounts in a cell)", "5000, 6000", Refused("amount_grouping")),
        shillings("5000 6000 (two amounts in a cell)", "5000 6000", Refused("amount_grouping")),
        shillings("nothing", "", Refused("amount_missing")),
        Case {
            group: GROUP,
            name: "US$ in a column of currencies",
            upload: Upload::Text("phone,amount,currency\n0772345302,500,US$\n".into(), "list.csv"),
            becomes: Refused("amount_other_currency"),
        },
        Case {
            group: GROUP,
            name: "the list's own currency in such a column, as people write it",
            upload: Upload::Text("phone,amount,currency\n0772345303,500,Ushs\n".into(), "list.csv"),
            becomes: Reads("256772345303 500"),
        },
    ]
}
