//! Spreadsheets, honest and hostile.

use super::{Becomes::*, Case, Upload::*};
use crate::sheets::{hostile, shown};

const HONEST: &str = "Spreadsheets";
const HOSTILE: &str = "Spreadsheets that mean harm";

const TELLING: &[(&str, &str)] = &[("notify", "true"), ("sms_template", "Your bonus is ((bonus))")];
const NARROW: &str = "<cols><col min=\"3\" max=\"3\" width=\"0\"/></cols>";

pub fn cases() -> Vec<Case> {
    let honest = [
        ("XLSX, numbers as text and as numbers", "staff.xlsx", Paid { rows: 4 }),
        ("XLSX of LibreOffice", "staff_libreoffice.xlsx", Paid { rows: 4 }),
        ("XLS (Excel 97)", "staff_97.xls", Paid { rows: 4 }),
        ("ODS", "staff_libreoffice.ods", Paid { rows: 4 }),
        ("XLSX named .xls", "staff_xlsx_named.xls", Paid { rows: 4 }),
        ("XLS named .xlsx", "staff_xls_named.xlsx", Paid { rows: 4 }),
        ("ODS named .csv", "staff_ods_named.csv", Paid { rows: 4 }),
        ("Strict OOXML, dates as text", "staff_strict.xlsx", Paid { rows: 4 }),
        ("macros (.xlsm)", "staff_macros.xlsm", Paid { rows: 4 }),
        ("serial dates of 1904", "date_1904.xlsx", Paid { rows: 4 }),
        ("a date in the amount", "date_amount.xlsx", Refused("cell_is_a_date")),
        ("a date in the amount, XLS", "date_amount_97.xls", Refused("cell_is_a_date")),
        ("a date in the amount, ODS", "date_amount_libreoffice.ods", Refused("cell_is_a_date")),
        ("a date in the phone number", "date_phone.xlsx", Refused("cell_is_a_date")),
        ("the amount as text", "text_amount.xlsx", Paid { rows: 4 }),
        ("#N/A in the amount", "na_amount.xlsx", Refused("cell_error")),
        ("#DIV/0!, XLS", "errors_97.xls", Refused("cell_error")),
        ("#DIV/0!, ODS", "errors_libreoffice.ods", Refused("cell_error")),
        ("formulas with their values", "formulas_libreoffice.xlsx", Paid { rows: 4 }),
        ("formulas with their values, XLS", "formulas_97.xls", Paid { rows: 4 }),
        ("formulas with their values, ODS", "formulas_libreoffice.ods", Paid { rows: 4 }),
        ("formulas that were never calculated", "formulas.xlsx", Refused("formula_without_value")),
        ("a phone number as an exact number", "float_phone.xlsx", Paid { rows: 4 }),
        ("an amount with more digits than a number has", "imprecise_amount.xlsx", Refused("number_imprecise")),
        ("TRUE in the amount", "boolean_amount.xlsx", Refused("amount_letters")),
        ("an amount merged over two rows", "merged.xlsx", Refused("amount_missing")),
        ("an amount merged over two rows, ODS", "merged_libreoffice.ods", Refused("amount_missing")),
        ("hidden and filtered rows", "hidden.xlsx", Warned("row_hidden")),
        ("hidden and filtered rows, ODS", "hidden_libreoffice.ods", Warned("row_hidden")),
        ("hidden and filtered rows, XLS", "hidden_97.xls", Warned("row_hidden")),
        ("a hidden column", "hidden.xlsx", Warned("column_hidden")),
        ("a hidden column, XLS", "hidden_97.xls", Warned("column_hidden")),
        ("several sheets", "sheets.xlsx", Warned("other_sheets")),
        ("several sheets, XLS", "sheets_97.xls", Warned("other_sheets")),
        ("several sheets, ODS", "sheets_libreoffice.ods", Warned("other_sheets")),
        ("an empty sheet before the list", "cover.xlsx", Unreadable("is empty")),
        ("rich text", "rich_text.xlsx", Paid { rows: 4 }),
        ("_x000D_ after a name", "x000d.xlsx", Paid { rows: 4 }),
        ("blanks down to row 1,048,576", "blanks.xlsx", Paid { rows: 4 }),
        ("a password, XLSX", "calamine/pass_protected.xlsx", Unreadable("protected by a password")),
        ("a password, ODS", "calamine/pass_protected.ods", Unreadable("protected by a password")),
        ("XLSB", "calamine/issue_666_panic.xlsb", Unreadable("(.xlsb)")),
    ];
    let honest = honest.map(|(name, file, becomes)| {
        // A fixture is named by its path, which lives as long as the program.
        let path: &'static str = Box::leak(format!("sheets/{file}").into_boxed_str());
        Case { group: HONEST, name, upload: Fixture(path), becomes }
    });
    let made = [
        ("the list on the second sheet", shown::behind(&[&["Please fill in sheet 2"]], true), Unreadable("\"List\"")),
        ("a row of no height", shown::with_row("", "ht=\"0\" customHeight=\"1\""), Warned("row_hidden")),
        ("a column of no width", shown::with_row(NARROW, ""), Warned("column_hidden")),
        ("5000 shown as $5,000.00", shown::formatted(5_000.0, ["\"$\"#,##0.00", "0"]), Refused("amount_character")),
        ("5000 shown as KES 5,000", shown::formatted(5_000.0, ["[$KES] #,##0", "0"]), Refused("amount_other_currency")),
        ("5000 shown as UGX 5,000", shown::formatted(5_000.0, ["[$UGX] #,##0", "0"]), Paid { rows: 1 }),
        ("5000 shown as 5,000/=", shown::formatted(5_000.0, ["#,##0\"/=\"", "0"]), Paid { rows: 1 }),
        ("5000 shown by a format of a language", shown::formatted(5_000.0, ["[$-en-US]#,##0", "0"]), Paid { rows: 1 }),
        (
            "500,000 that came apart in a text file",
            shown::rows(&[&["name", "phone", "amount", "village"], &["Grace", "0772345678", "500", "0", "Kololo"]]),
            Refused("amount_split"),
        ),
        (
            "the same, with nothing behind it",
            shown::rows(&[&["name", "phone", "amount", "remark"], &["Grace", "0772345678", "500", "0"]]),
            Refused("amount_split"),
        ),
        (
            "512,550 that came apart",
            shown::rows(&[&["name", "phone", "amount", "remark"], &["Grace", "0772345678", "512", "550"]]),
            Refused("amount_split"),
        ),
        (
            "a small amount beside a number",
            shown::rows(&[&["name", "phone", "amount", "staff no"], &["Grace", "0772345678", "512", "550"]]),
            Paid { rows: 1 },
        ),
        (
            "500,000/= that came apart",
            shown::rows(&[&["name", "phone", "amount", "signature"], &["Grace", "0772345678", "500", "000/="]]),
            Refused("amount_split"),
        ),
        (
            "a million that came apart",
            shown::rows(&[&["name", "phone", "amount", "village", "sign"], &["Grace", "0772345678", "1", "250", "0"]]),
            Refused("amount_split"),
        ),
        (
            "a small amount beside a sum of nothing",
            shown::rows(&[&["name", "phone", "amount", "bonus"], &["Grace", "0772345678", "500", "0"]]),
            Paid { rows: 1 },
        ),
        (
            "our own list of bad rows, saved as a workbook, with a row that did not fit the header",
            shown::rows(&[&["phone", "amount", "gaba_reason"], &["0772345678", "500", "row_shape", "000"]]),
            Refused("row_shape"),
        ),
        ("0.5 shown as 50%", shown::formatted(0.5, ["0%", "0"]), Refused("amount_percent")),
        ("5000 shown as $5,000, ODS", shown::formatted_ods("\"float\"", "$5,000"), Refused("amount_character")),
        (
            "5000 shown as KES 5000, ODS",
            shown::formatted_ods("\"float\"", "KES 5000"),
            Refused("amount_other_currency"),
        ),
        ("5000 shown as UGX 5,000, ODS", shown::formatted_ods("\"float\"", "UGX 5,000"), Paid { rows: 1 }),
        ("hidden rows that cannot be found, XLS", hostile::pathless_xls(), Warned("hidden_unknown")),
        ("a password, XLS", hostile::protected_xls(), Unreadable("protected by a password")),
    ];
    let made =
        made.map(|(name, bytes, becomes)| Case { group: HONEST, name, upload: Text(bytes, "list.xlsx"), becomes });
    let told = Case {
        group: HONEST,
        name: "a number in the text for the paid, shown as a fraction",
        upload: With(shown::formatted(5_000.0, ["0", "# ?/?"]), "list.xlsx", TELLING),
        becomes: Warned("shown_unknown"),
    };
    let hostile = hostile::files().iter().map(|(name, bytes, code)| {
        let becomes = Unreadable(hostile::says(code));
        Case { group: HOSTILE, name, upload: Text(bytes.clone(), "list.xlsx"), becomes }
    });
    let sound = [
        ("an entry `../../etc/passwd` beside a sound list", hostile::escaping()),
        ("a shared formula of number 99999999999 in a sound list", hostile::far_formula()),
    ];
    let sound = sound.map(|(name, bytes)| Case {
        group: HOSTILE,
        name,
        upload: Text(bytes, "list.xlsx"),
        becomes: Paid { rows: 1 },
    });
    honest.into_iter().chain(made).chain([told]).chain(hostile).chain(sound).collect()
}
