//! What is wrong with a cell before its text means anything, as a payroll officer reads it.

use super::rows::Fault;

impl Fault {
    pub(super) fn code(self) -> &'static str {
        match self {
            Fault::Error => "cell_error",
            Fault::NoValue => "formula_without_value",
            Fault::Imprecise => "number_imprecise",
            Fault::Date => "cell_is_a_date",
            Fault::Percent => "amount_percent",
            Fault::Money => "amount_other_currency",
            Fault::Shifted => "row_shape",
            Fault::Split => "amount_split",
        }
    }

    pub(super) fn message(self) -> &'static str {
        match self {
            Fault::Error => "the cell shows an error. Correct the formula, or type the value",
            Fault::NoValue => {
                "the cell has a formula without a calculated value. Open the file in Excel, save it and upload it \
                 again, or type the value"
            }
            Fault::Imprecise => {
                "the number has more digits than a spreadsheet keeps exactly. Round it, for example with \
                 =ROUND(…, 2), or format the column as Text and type it in full"
            }
            Fault::Date => {
                "the cell holds a date or a time. Excel makes one of what looks like it (3/4, 1-2) and of any number in a \
                 column of dates. Format the column as Text and type what is meant"
            }
            Fault::Percent => {
                "the cell shows a percentage. Format the column as Number and type the amount itself, such as 50000"
            }
            Fault::Money => "the cell shows a sign of money beside its number. Format the column as Number",
            Fault::Shifted => {
                "the row has more or fewer cells than the header, so the cell may belong to another column and is not \
                 used. Give its value again"
            }
            Fault::Split => {
                "the amount and the cell beside it look like one amount that was split at its comma, as 500,000 is \
                 without quotes. Put the amount in double quotes or type it without commas; an amount below 1000 is \
                 understood with its decimals, such as 500.00"
            }
        }
    }
}
