//! What a spreadsheet's cell says, as text.
//!
//! A number becomes text only when the text is the number: a spreadsheet keeps 15 significant digits, and what claims
//! more is refused rather than rounded.

use super::{Cell, Fault};
use calamine::{Data, DataRef, ExcelDateTime};

const SIGNIFICANT_DIGITS_MAX: usize = 15;

/// `calculated`: whether a formula stands behind the value.
pub(super) fn cell(value: DataRef<'_>, calculated: bool) -> Cell<'_> {
    match value {
        DataRef::Empty if calculated => Cell::fault(Fault::NoValue, ""),
        DataRef::Empty => Cell::default(),
        DataRef::SharedString(text) => Cell::text(text),
        DataRef::String(text) => Cell::text(text),
        DataRef::DateTimeIso(text) => iso_date(&text),
        DataRef::DurationIso(text) => iso_duration(&text),
        DataRef::Bool(true) => Cell::text("TRUE"),
        DataRef::Bool(false) => Cell::text("FALSE"),
        DataRef::Int(number) => Cell::text(number.to_string()),
        DataRef::Float(number) => float(number),
        DataRef::DateTime(moment) => Cell::fault(Fault::Date, date_time(moment)),
        DataRef::Error(error) => Cell::fault(Fault::Error, error.to_string()),
    }
}

/// A cell that holds its value itself.
pub(super) fn owned(value: &Data) -> Cell<'_> {
    match value {
        Data::Empty => Cell::default(),
        Data::String(text) => Cell::text(text.as_str()),
        Data::Float(number) => float(*number),
        Data::Int(number) => Cell::text(number.to_string()),
        Data::Bool(true) => Cell::text("TRUE"),
        Data::Bool(false) => Cell::text("FALSE"),
        Data::DateTime(moment) => Cell::fault(Fault::Date, date_time(*moment)),
        Data::DateTimeIso(text) => iso_date(text),
        Data::DurationIso(text) => iso_duration(text),
        Data::Error(error) => Cell::fault(Fault::Error, error.to_string()),
    }
}

/// `2026-03-01T00:00:00` is a date that was given a time it does not need.
pub(super) fn iso_date(text: &str) -> Cell<'static> {
    let text = text.trim();
    let midnight = ["T00:00:00", "T00:00:00Z", "T00:00:00.000"].into_iter().find_map(|t| text.strip_suffix(t));
    Cell::fault(Fault::Date, midnight.unwrap_or(text).to_owned())
}

/// `PT36H05M00S` as `36:05:00`; anything else as it stands.
pub(super) fn iso_duration(text: &str) -> Cell<'static> {
    let text = text.trim();
    let parts = || {
        let (hours, rest) = text.strip_prefix("PT")?.split_once('H')?;
        let (minutes, rest) = rest.split_once('M')?;
        let seconds = rest.strip_suffix('S')?.split(['.', ',']).next()?;
        let [hours, minutes, seconds] = [hours, minutes, seconds].map(|n| n.parse::<u32>().ok());
        Some(format!("{:02}:{:02}:{:02}", hours?, minutes?, seconds?))
    };
    Cell::fault(Fault::Date, parts().unwrap_or_else(|| text.to_owned()))
}

pub(super) fn float(number: f64) -> Cell<'static> {
    // The shortest text that reads back as this very number, without an exponent.
    let text = number.to_string();
    let digits = text.trim_start_matches(['-', '0', '.']).replace('.', "");
    let significant = if text.contains('.') { digits.len() } else { digits.trim_end_matches('0').len() };
    if number.is_finite() && significant <= SIGNIFICANT_DIGITS_MAX {
        Cell::text(text)
    } else {
        Cell::fault(Fault::Imprecise, text)
    }
}

/// ISO 8601: a date, a date with its time, or a time alone.
fn date_time(moment: ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, milli) = moment.to_ymd_hms_milli();
    let time = match milli {
        0 => format!("{hour:02}:{minute:02}:{second:02}"),
        _ => format!("{hour:02}:{minute:02}:{second:02}.{milli:03}"),
    };
    let days = moment.as_f64();
    if moment.is_duration() {
        let hours = (days * 24.0).trunc();
        return format!("{hours:02}:{minute:02}:{second:02}");
    }
    if (0.0..1.0).contains(&days) {
        return time;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    if days.fract() == 0.0 { date } else { format!("{date}T{time}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::{CellErrorType, ExcelDateTimeType};

    #[test]
    fn numbers_become_text_without_exponent_or_trailing_zero() {
        for (number, text) in [
            (256_772_123_456.0, "256772123456"),
            (50_000.0, "50000"),
            (12.5, "12.5"),
            (0.1, "0.1"),
            (-5.0, "-5"),
            (0.0, "0"),
            (1e21, "1000000000000000000000"),
            (123_456_789_012_345.0, "123456789012345"),
            (1e-7, "0.0000001"),
        ] {
            assert_eq!(cell(DataRef::Float(number), false), Cell::text(text), "{number}");
        }
    }

    #[test]
    fn numbers_a_spreadsheet_cannot_keep_are_refused() {
        for number in [0.1 + 0.2, 1_234_567_890_123_456.0, 9_007_199_254_740_993.0, f64::NAN, f64::INFINITY] {
            assert_eq!(cell(DataRef::Float(number), false).fault, Some(Fault::Imprecise), "{number}");
        }
    }

    #[test]
    fn other_cells_say_what_a_person_sees() {
        let date = |days, kind, is_1904| DataRef::DateTime(ExcelDateTime::new(days, kind, is_1904));
        use ExcelDateTimeType::*;
        for (value, text) in [
            (date(45_943.0, DateTime, false), "2025-10-13"),
            (date(45_943.5, DateTime, false), "2025-10-13T12:00:00"),
            (date(45_943.0 - 1_462.0, DateTime, true), "2025-10-13"),
            (date(0.25, DateTime, false), "06:00:00"),
            (date(1.5, TimeDelta, false), "36:00:00"),
            (DataRef::DateTimeIso("2025-10-13T00:00:00".into()), "2025-10-13"),
            (DataRef::DateTimeIso("2025-10-13T12:00:00".into()), "2025-10-13T12:00:00"),
            (DataRef::DurationIso("PT36H05M00S".into()), "36:05:00"),
            (DataRef::DurationIso("P1D".into()), "P1D"),
        ] {
            assert_eq!(cell(value.clone(), true), Cell::fault(Fault::Date, text));
            assert_eq!(owned(&value.into()), Cell::fault(Fault::Date, text));
        }
        assert_eq!(cell(DataRef::Bool(true), false), Cell::text("TRUE"));
        let error = cell(DataRef::Error(CellErrorType::NA), true);
        assert_eq!((error.fault, &*error.text), (Some(Fault::Error), "#N/A"));
        assert_eq!(cell(DataRef::Empty, true).fault, Some(Fault::NoValue));
        assert!(cell(DataRef::Empty, false).is_blank());
    }
}
