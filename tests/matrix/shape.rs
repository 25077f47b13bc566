//! How a text is cut into rows and cells.

use super::{Becomes, Case, Upload};
use std::fmt::Write;

const GROUP: &str = "Rows and columns of a text";
const LIST: &str = "name,phone,amount\nGrace Nakato,0772345201,50000\nMoses Okello,0752345201,60000\n";

fn case(name: &'static str, text: impl Into<Vec<u8>>, becomes: Becomes) -> Case {
    Case { group: GROUP, name, upload: Upload::Text(text.into(), "list.csv"), becomes }
}

pub fn cases() -> Vec<Case> {
    [dialects(), records(), headers(), around()].into_iter().flatten().collect()
}

fn dialects() -> Vec<Case> {
    use Becomes::*;
    vec![
        case("commas", LIST, Paid { rows: 2 }),
        Case {
            group: GROUP,
            name: "a list of 1,000 grants",
            upload: Upload::Fixture("grants.csv"),
            becomes: Paid { rows: 1_000 },
        },
        case("semicolons", LIST.replace(',', ";"), Paid { rows: 2 }),
        case("tabs", LIST.replace(',', "\t"), Paid { rows: 2 }),
        case("vertical bars", LIST.replace(',', "|"), Paid { rows: 2 }),
        case("`sep=;` in the first line", format!("sep=;\n{}", LIST.replace(',', ";")), Paid { rows: 2 }),
        case(
            "`sep=` names a delimiter that would not be guessed",
            format!("sep=~\n{}", LIST.replace(',', "~")),
            Paid { rows: 2 },
        ),
        case("line ends CR LF", LIST.replace('\n', "\r\n"), Paid { rows: 2 }),
        case("line ends CR alone (old Mac)", LIST.replace('\n', "\r"), Paid { rows: 2 }),
        case("mixed line ends", LIST.replacen('\n', "\r\n", 1).replacen("50000\n", "50000\r", 1), Paid { rows: 2 }),
        case("no line end after the last row", LIST.trim_end(), Paid { rows: 2 }),
        case("commas within names, in quotes", LIST.replace("Grace Nakato", "\"Nakato, Grace\""), Paid { rows: 2 }),
        case(
            "semicolons between, commas within",
            LIST.replace(',', ";").replace("Grace Nakato", "Nakato, Grace, Ms, PhD"),
            Paid { rows: 2 },
        ),
    ]
}

fn records() -> Vec<Case> {
    use Becomes::*;
    let long = format!("name,phone,amount\n{},0772345202,5\n", "x".repeat(10 * 1024 * 1024));
    let many = (0..10_000).fold("phone,amount".to_owned(), |mut header, n| {
        let _ = write!(header, ",c{n}");
        header
    });
    vec![
        case("a row with a cell too few", "name,phone,amount\nGrace,0772345203\n", Refused("row_shape")),
        case(
            "an amount with a comma that is not in quotes",
            "name,phone,amount\nGrace,0772345204,50,000\n",
            Refused("row_shape"),
        ),
        case(
            "an amount with a comma that is not in quotes, where a column follows",
            "name,phone,amount,note\nGrace,0772345227,500,000,\n",
            Refused("amount_split"),
        ),
        case(
            "the same with the currency before it",
            "name,phone,amount,note\nGrace,0772345239,UGX 500,000\n",
            Refused("amount_split"),
        ),
        case(
            "a short amount and a short number beside it, with semicolons between",
            "phone;amount;ward\n0772345240;500;101\n",
            Reads("256772345240 500"),
        ),
        case(
            "a short amount, and beside it a column of numbers by its name",
            "phone,amount,staff no\n0772345241,500,101\n",
            Reads("256772345241 500"),
        ),
        case(
            "the same beside a name in quotes",
            "name,phone,amount,village\n\"Nakato, Grace\",0772345252,500,000\n",
            Refused("amount_split"),
        ),
        case(
            "the same in a row that fits the header",
            "phone,amount,village,district\n0772345228,900,000,Kololo\n",
            Refused("amount_split"),
        ),
        case("a comma too many at the end of each line", LIST.replace('\n', ",\n"), Paid { rows: 2 }),
        case(
            "a quote that is not closed",
            "name,phone,amount\n\"Grace,0772345205,5000\nMoses,0772345206,5000\n",
            Unreadable("row 2 opens a double quote"),
        ),
        case(
            "a quote that is not closed, and a second one below it",
            "name,phone,amount,village\nGrace,0772345229,5000,\"Kololo\nMoses,0772345230,6000,\"Kira\"\n",
            Unreadable("row 2 has text after a double quote"),
        ),
        case(
            "a quote that is not closed, and a cell below it that ends with one",
            "phone,amount,remark\n0772345231,5000,\"see note\n0772345232,6000,pipe of 5\"\n",
            Unreadable("one of them looks like another recipient"),
        ),
        case(
            "a quote that is not closed, over a row that could not be paid",
            "phone,amount,remark\n0772345240,5000,\"see note\n07723,UGX 6OOO,pipe of 5\"\n",
            Warned("lines_in_cell"),
        ),
        case(
            "names in quotes, amounts with a comma in none, and a last cell that is blank",
            "\"name\",\"phone\",\"amount\",\"remark\"\n\"Grace Nakato\",0772345254,512,550,\"\"\n",
            Refused("amount_split"),
        ),
        case(
            "the same without the last cell",
            "\"name\",\"phone\",\"amount\",\"remark\"\n\"Moses Okello\",0772345255,648,725\n",
            Refused("amount_split"),
        ),
        case(
            "a count beside the amount, and one cell more than the header has",
            "name,phone,amount,staff no\nGrace Nakato,0772345256,512,550,\n",
            Refused("amount_split"),
        ),
        case(
            "a count beside a small amount",
            "name,phone,amount,staff no\n\"Nakato, Grace\",0772345257,512,550\n",
            Reads("256772345257 512 Nakato, Grace"),
        ),
        case(
            "every cell in quotes, and a number beside a small amount",
            "\"name\",\"phone\",\"amount\",\"reference\"\n\"Jane\",\"0772345258\",\"500\",\"101\"\n",
            Reads("256772345258 500 Jane"),
        ),
        case(
            "names under a header that stands in two rows, of which the second has none for them",
            "name,Mobile money,\n,phone,amount\nIrene,0772345251,5000\n",
            Warned("cell_without_header"),
        ),
        case(
            "a column that only counts the rows, without a header",
            ",phone,amount\n1.,0772345252,5000\n",
            Reads("256772345252 5000"),
        ),
        case(
            "an address of several lines, with commas",
            "phone,amount,address\n0772345244,5000,\"Plot 1\nKampala, Central, 256\"\n",
            Reads("256772345244 5000"),
        ),
        case(
            "a quote that is not closed in the header, over rows that could not be paid",
            "name,phone,amount,\"note\nIrene,O772345249,5000,x\nMoses,0772345250,5O00,y\"\nGrace,0772345251,7000,z\n",
            Unreadable("one of them looks like another recipient"),
        ),
        case(
            "a quote that is not closed in the header",
            "name,phone,amount,\"note\nGrace,0772345236,5000,x\nMoses,0772345237,6000,y\"\nIrene,0772345238,7000,z\n",
            Unreadable("one of them looks like another recipient"),
        ),
        case(
            "quotes within a cell in quotes",
            "phone,amount,remark\n0772345233,5000,\"a \"\"good\"\" one\"\n",
            Reads("256772345233 5000"),
        ),
        case(
            "a quote within a cell without",
            "phone,amount,remark\n0772345234,5000,pipe 5\" long\n",
            Reads("256772345234 5000"),
        ),
        case(
            "cells such as =\"0772345235\", as exports write them",
            "phone,amount\n=\"0772345235\",=\"5000\"\n",
            Reads("256772345235 5000"),
        ),
        case(
            "a line break within a name",
            "name,phone,amount\n\"Grace\nNakato\",0772345207,5000\n",
            Refused("control_character"),
        ),
        case(
            "a line break within a column that is not ours",
            "phone,amount,address\n0772345208,5000,\"Plot 1\nKampala\"\n",
            Reads("256772345208 5000"),
        ),
        case("a cell of 10 MB", long, Unreadable("row 2 has a cell with more than 64 KiB")),
        case("10,000 columns", format!("{many}\n"), Unreadable("row 1 has more than 256 columns")),
        case(
            "blank rows",
            "name,phone,amount\n\n,,\nGrace,0772345209,5000\n , ,\n\nMoses,0772345210,5000\n",
            Paid { rows: 2 },
        ),
    ]
}

fn headers() -> Vec<Case> {
    use Becomes::*;
    vec![
        case(
            "columns in another order, with spaces and capitals",
            " AMOUNT , Full  Name ,Phone-Number\n50000,Grace,0772345211\n",
            Reads("256772345211 50000 Grace"),
        ),
        case(
            "a header with accents",
            "Téléphone,Amount,Bénéficiary\n0772345212,50000,Grace\n",
            Reads("256772345212 50000 Grace"),
        ),
        case(
            "a column twice",
            "phone,amount,village,Village\n0772345213,5000,a,b\n",
            Unreadable("\"Village\" occurs more than once"),
        ),
        case(
            "two columns that may be the amount",
            "phone,salary,net pay\n0772345214,900,500\n",
            Unreadable("more than one column may hold the amount"),
        ),
        case(
            "no column of phone numbers",
            "name,fone,amount\nGrace,0772345215,5000\n",
            Unreadable("no column holds the phone number. The file has \"name\", \"fone\", \"amount\""),
        ),
        case(
            "the money in the header",
            "name,Tel.,Amount (UGX)\nGrace,0772345242,5000\n",
            Reads("256772345242 5000 Grace"),
        ),
        case(
            "two kinds of money in the header",
            "name,phone,Amount (UGX/USD)\nGrace,0772345247,5000\n",
            Unreadable("no column holds the amount"),
        ),
        case(
            "other money in the header",
            "name,Tel.,Amount (KSh)\nGrace,0772345243,5000\n",
            Unreadable("says its amounts are in KES, and this batch is in UGX"),
        ),
        case(
            "a second column that may be the amount, by a name that is not known",
            "name,phone,salary,PAYE,net wage\nGrace,0772345222,500000,100000,400000\n",
            Unreadable("more than one column may hold the amount: \"salary\", \"net wage\""),
        ),
        case(
            "gross and net pay",
            "name,phone,gross pay,net pay\nGrace,0772345223,500000,400000\n",
            Reads("256772345223 400000 Grace"),
        ),
        case(
            "a second column that may be the phone number",
            "name,phone,MM number,amount\nGrace,0772345224,0782345224,5000\n",
            Unreadable("more than one column may hold the phone number: \"phone\", \"MM number\""),
        ),
        case(
            "a header in two rows",
            "name,phone,salary,,\n,,gross,tax,net pay\nGrace,0772345225,500000,100000,400000\n",
            Unreadable("row 2 looks like a second header"),
        ),
        case(
            "the header once more within the list",
            "name,phone,amount\nGrace,0772345226,5000\nname,phone,amount\n",
            Refused("header_again"),
        ),
        case(
            "a remark that is the name of a column, in a row without a number",
            "name,phone,amount,narration\nGrace,,6000,Salary\n",
            Refused("phone_missing"),
        ),
        case(
            "no column of amounts",
            "name,phone,to pay\nGrace,0772345216,5000\n",
            Unreadable("no column holds the amount"),
        ),
        case(
            "no header at all",
            "Grace,0772345217,5000\nMoses,0772345218,5000\n",
            Unreadable("no column holds the phone number or the amount"),
        ),
        case("a column without a header", "phone,,amount\n0772345219,,5000\n", Reads("256772345219 5000")),
        case(
            "the column `gaba_reason` of our own list of bad rows",
            "phone,amount,gaba_reason\n0772345220,5000,\"phone: too short\"\n",
            Reads("256772345220 5000"),
        ),
    ]
}

fn around() -> Vec<Case> {
    use Becomes::*;
    vec![
        case(
            "titles above the header",
            format!("Kampala Relief,,\n\"Payroll, March 2026\",,\n\n{LIST}"),
            Paid { rows: 2 },
        ),
        case(
            "a recipient above the header",
            format!("Irene,0772345221,5000\n{LIST}"),
            Unreadable("row 1 looks like a recipient"),
        ),
        case(
            "a header below row 20",
            format!("{}{LIST}", "a title,,\n".repeat(20)),
            Unreadable("no column holds the phone number"),
        ),
        case("a total below, which is the sum", format!("{LIST}Total,,\"110,000\"\n"), Warned("total_row_left_out")),
        case("a sum below without a word", format!("{LIST},,110000\n"), Warned("total_row_left_out")),
        case("a total below, which is not the sum", format!("{LIST}Grand total,,111000\n"), Refused("total_row")),
        case("a total in the middle", LIST.replacen("50000\n", "50000\nJumla,,50000\n", 1), Refused("total_row")),
        case("a name and the sum without a number", format!("{LIST}Irene,,110000\n"), Refused("phone_missing")),
        case(
            "signatures below the total",
            format!(
                "{LIST}Total,,110000\nPrepared by: Okello,Approved by: Akello,\nAccountant,Director,\nDate,1/11/2026,\n"
            ),
            Warned("signature_left_out"),
        ),
        case(
            "a signature, and a recipient below it whom nothing can be paid",
            format!("{LIST}Prepared by: Okello,,\nIrene,O772345245,\"5O,000\"\n"),
            Refused("phone_letters"),
        ),
        case(
            "a signature, and a recipient below it whose number and amount look like dates",
            format!("{LIST}Prepared by: Okello,,\nIrene,O772-345-603,1.250.000\n"),
            Refused("amount_ambiguous"),
        ),
        case(
            "a first column whose words are those of a signature",
            "status,name,phone,amount\nVerified by LC1,Grace,0772345248,5000\nVerified by LC1,Irene,not registered,\n",
            Refused("amount_missing"),
        ),
        case(
            "a remark that reads like a signature",
            "name,phone,amount,remark\nGrace,0772345246,5000,\nIrene,to follow,,Verified by LC1\n",
            Refused("amount_missing"),
        ),
        case("a signature below the list", format!("{LIST}Prepared by: Accounts,,\n"), Warned("signature_left_out")),
        case(
            "a recipient below a signature",
            format!("{LIST}Prepared by: Accounts,,\nIrene,0772345239,5000\n"),
            Refused("phone_missing"),
        ),
    ]
}
