//! What an upload says beside its file. Everything wrong with it is told at once.

use crate::batch::import::parse_amount;
use crate::batch::{Declared, Kind};
use crate::clock::Time;
use crate::config::Config;
use crate::http::problem::{FieldError, Problem};
use crate::lane::route;
use crate::money::{Currency, Money};
use crate::rail::TELCO_RAILS;
use crate::sms::template;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// The fields of the form beside `file`. Their order is that of the fingerprint: add, never reorder.
const FIELDS: [&str; 9] = [
    "name",
    "kind",
    "currency",
    "mapping",
    "sms_template",
    "notify",
    "scheduled_at",
    "declared_total",
    "declared_count",
];
/// Our columns, which a mapping may name.
const COLUMNS: [&str; 6] = ["msisdn", "amount", "name", "reference", "note", "network"];
const FORM_BYTES_MAX: usize = 64 * 1024;
const NAME_CHARS_MAX: usize = 200;
/// About ten SMS.
const TEMPLATE_CHARS_MAX: usize = 1_600;

/// The fields as they came.
#[derive(Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Refuses a field that is unknown or there already, before its value is read.
    pub fn expect(&self, name: &str) -> Result<(), Problem> {
        let pointer = format!("/{}", name.chars().take(100).collect::<String>());
        if name == "cover_withdrawal_fee" {
            let message = "cover_withdrawal_fee is reserved for a later version; leave it out";
            return Err(Problem::field(pointer, "unknown", message));
        }
        if !FIELDS.contains(&name) {
            let message = format!("the form has an unknown field; its fields are file, {}", FIELDS.join(", "));
            return Err(Problem::field(pointer, "unknown", message));
        }
        match self.get(name) {
            Some(_) => Err(Problem::field(pointer, "repeated", format!("give {name} once"))),
            None => Ok(()),
        }
    }

    pub fn put(&mut self, name: String, value: String) -> Result<(), Problem> {
        self.expect(&name)?;
        self.0.push((name, value));
        Ok(())
    }

    /// Bytes that further fields may have.
    pub fn room(&self) -> usize {
        FORM_BYTES_MAX.saturating_sub(self.0.iter().map(|(_, value)| value.len()).sum())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// An optional field. Forms send empty fields for what was left empty.
    fn given(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// What this upload is recognised by when it is sent again: the file and every field, each after its length.
    pub fn fingerprint(&self, file: [u8; 32]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(file);
        for name in FIELDS {
            // A field that is not there differs from an empty one.
            let (present, value) = self.get(name).map_or((0_u8, ""), |value| (1, value));
            hash.update([present]);
            hash.update((value.len() as u64).to_be_bytes());
            hash.update(value.as_bytes());
        }
        hash.finalize().into()
    }

    pub fn read(&self) -> Result<Terms, Problem> {
        let mut faults = Faults::default();
        let kind = faults.take("/kind", self.kind()).unwrap_or(Kind::Payout);
        let terms = Terms {
            kind,
            name: faults.take("/name", self.name()).unwrap_or_default(),
            currency: faults.take("/currency", self.currency()).unwrap_or(Currency::Ugx),
            notify: faults.take("/notify", self.notify(kind)).unwrap_or_default(),
            sms_template: faults.take("/sms_template", self.sms_template(kind)).flatten(),
            mapping: faults.take("/mapping", self.mapping()).flatten(),
            scheduled_at: faults.take("/scheduled_at", self.scheduled_at()).flatten(),
            declared: Declared {
                total: faults.take("/declared_total", self.declared_total(kind)).flatten(),
                count: faults.take("/declared_count", self.declared_count()).flatten(),
            },
        };
        faults.end().map(|()| terms)
    }

    fn name(&self) -> Read<String> {
        let name = self.given("name").ok_or_else(|| missing("give the batch a name, such as \"March payroll\""))?;
        if name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
            return Err(malformed("a name has at most 200 characters, on one line"));
        }
        Ok(name.to_owned())
    }

    fn kind(&self) -> Read<Kind> {
        let kind = self.given("kind").ok_or_else(|| missing("say kind=payout, or kind=sms to tell and not to pay"))?;
        Kind::parse(kind).ok_or_else(|| malformed("kind must be payout or sms"))
    }

    fn currency(&self) -> Read<Currency> {
        let text = self.given("currency").ok_or_else(|| missing("give the currency of the amounts, such as UGX"))?;
        text.parse().map_err(|error: crate::money::MoneyError| unsupported(error.to_string()))
    }

    fn notify(&self, kind: Kind) -> Read<bool> {
        match self.given("notify") {
            None | Some("false") => Ok(false),
            Some("true") if kind == Kind::Sms => {
                Err(malformed("a batch of kind sms tells everybody on its list and pays nobody; leave notify out"))
            }
            Some("true") => Ok(true),
            Some(_) => Err(malformed("notify must be true or false")),
        }
    }

    fn sms_template(&self, kind: Kind) -> Read<Option<String>> {
        let template = self.given("sms_template");
        if kind == Kind::Sms && template.is_none() {
            return Err(missing("give the text as sms_template, such as \"Dear ((name)), …\""));
        }
        template.map_or(Ok(()), template::check).map_err(|error| malformed(error.to_string()))?;
        if template.is_some_and(|text| text.chars().count() > TEMPLATE_CHARS_MAX) {
            return Err(malformed("the template has more than 1,600 characters; make it shorter"));
        }
        // Browsers end lines with two characters, and each is charged for.
        Ok(template.map(|text| text.replace("\r\n", "\n")))
    }

    fn mapping(&self) -> Read<Option<String>> {
        let Some(text) = self.given("mapping") else { return Ok(None) };
        let shape =
            || malformed("mapping must be a JSON object of our column to yours, such as {\"amount\":\"Net pay\"}");
        let mapping: Map<String, Value> = serde_json::from_str(text).map_err(|_| shape())?;
        if mapping.values().any(|theirs| theirs.as_str().is_none_or(|name| name.trim().is_empty())) {
            return Err(shape());
        }
        if let Some(unknown) = mapping.keys().find(|ours| !COLUMNS.contains(&ours.as_str())) {
            let unknown: String = unknown.chars().take(100).collect();
            return Err(malformed(format!("{unknown:?} is no column of ours; map {}", COLUMNS.join(", "))));
        }
        Ok(Some(text.to_owned()))
    }

    /// Read as the amounts of the list are.
    fn declared_total(&self, kind: Kind) -> Read<Option<Money>> {
        if kind == Kind::Sms && self.given("declared_total").is_some() {
            return Err(malformed("a list of SMS has no amounts to add up; give declared_count instead"));
        }
        let (Some(text), Ok(currency)) = (self.given("declared_total"), self.currency()) else { return Ok(None) };
        let message = |why| malformed(format!("declared_total is the sum of the list, such as 1250000: {why}"));
        parse_amount(text, currency).map(Some).map_err(message)
    }

    fn declared_count(&self) -> Read<Option<i64>> {
        let Some(text) = self.given("declared_count") else { return Ok(None) };
        let count = text.parse::<u32>().ok().filter(|count| *count > 0 && text.bytes().all(|b| b.is_ascii_digit()));
        let message = "declared_count is the number of recipients that can be paid, such as 200";
        count.map(|count| Some(count.into())).ok_or_else(|| malformed(message))
    }

    fn scheduled_at(&self) -> Read<Option<Time>> {
        let time = self.given("scheduled_at").map(str::parse).transpose();
        time.map_err(|_| {
            malformed("scheduled_at must be an RFC 3339 time with its offset, such as 2026-03-31T06:00:00Z")
        })
    }
}

/// What is asked for, each part well formed.
#[derive(Debug)]
pub struct Terms {
    pub kind: Kind,
    pub name: String,
    pub currency: Currency,
    pub notify: bool,
    pub sms_template: Option<String>,
    pub mapping: Option<String>,
    pub scheduled_at: Option<Time>,
    pub declared: Declared,
}

impl Terms {
    /// Refuses what the lanes of this installation cannot do.
    pub fn payable_with(&self, config: &Config) -> Result<(), Problem> {
        let mut errors = Vec::new();
        if self.kind == Kind::Sms {
            let lane = route::bulk_sms_lane(&config.lanes, self.currency);
            let refused = |why: route::NoSmsLane| {
                let pointer = if why == route::NoSmsLane::None { "/kind" } else { "/currency" };
                let message = format!("{why}; ask the operator for one");
                Problem::unprocessable(vec![FieldError::new(pointer, "no_lane", message)])
            };
            return lane.map(|_| ()).map_err(refused);
        }
        let pays = |rail: &str| TELCO_RAILS.contains(&rail);
        if !config.lanes.iter().any(|lane| pays(&lane.rail) && lane.currency == Some(self.currency)) {
            let message = format!("no lane of this installation pays in {}; ask the operator for one", self.currency);
            errors.push(FieldError::new("/currency", "no_lane", message));
        }
        if self.notify && route::sms_lane(&config.lanes).is_none() {
            let message =
                "no SMS lane is configured, so nobody can be told; send notify=false or ask the operator for one";
            errors.push(FieldError::new("/notify", "no_lane", message));
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::unprocessable(errors)) }
    }
}

type Read<T> = Result<T, Fault>;

struct Fault {
    code: &'static str,
    message: String,
    /// Well formed, but nothing this version or installation does.
    unsupported: bool,
}

fn fault(code: &'static str, unsupported: bool, message: impl Into<String>) -> Fault {
    Fault { code, message: message.into(), unsupported }
}

fn missing(message: &str) -> Fault {
    fault("missing", false, message)
}

fn malformed(message: impl Into<String>) -> Fault {
    fault("invalid", false, message)
}

fn unsupported(message: impl Into<String>) -> Fault {
    fault("unsupported", true, message)
}

/// Everything wrong with a form.
#[derive(Default)]
struct Faults {
    errors: Vec<FieldError>,
    malformed: bool,
}

impl Faults {
    fn take<T>(&mut self, pointer: &str, read: Read<T>) -> Option<T> {
        let note = |fault: Fault| {
            self.malformed |= !fault.unsupported;
            self.errors.push(FieldError::new(pointer, fault.code, fault.message));
        };
        read.map_err(note).ok()
    }

    /// A form that is broken anywhere is a bad request; one that is whole but asks for too much cannot be processed.
    fn end(self) -> Result<(), Problem> {
        match (self.errors.is_empty(), self.malformed) {
            (true, _) => Ok(()),
            (false, true) => Err(Problem::fields(self.errors)),
            (false, false) => Err(Problem::unprocessable(self.errors)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: [(&str, &str); 3] = [("name", "March"), ("kind", "payout"), ("currency", "UGX")];

    fn form(fields: &[(&str, &str)]) -> Form {
        let mut form = Form::default();
        for (name, value) in fields {
            form.put((*name).to_owned(), (*value).to_owned()).unwrap();
        }
        form
    }

    fn with(name: &str, value: &str) -> Result<Terms, (u16, String)> {
        let fields: Vec<_> = PLAIN.into_iter().filter(|(n, _)| *n != name).chain([(name, value)]).collect();
        form(&fields).read().map_err(|problem| (problem.status.as_u16(), problem.detail))
    }

    #[test]
    fn unknown_and_repeated_fields_are_refused() {
        let mut form = form(&PLAIN);
        assert!(form.put("name".into(), "April".into()).is_err());
        assert!(form.put("nmae".into(), "April".into()).unwrap_err().detail.contains("sms_template"));
        assert!(form.put("cover_withdrawal_fee".into(), "true".into()).unwrap_err().detail.contains("reserved"));
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let problem = form(&[("notify", "maybe")]).read().unwrap_err();
        assert_eq!(problem.status.as_u16(), 400);
        for part in ["name", "currency", "notify", "kind"] {
            assert!(problem.detail.contains(part), "{part}: {}", problem.detail);
        }
    }

    #[test]
    fn what_is_well_formed_but_not_done_here_is_unprocessable() {
        assert_eq!(with("currency", "XYZ").unwrap_err().0, 422);
        let long = "x".repeat(201);
        for (name, value) in [
            ("kind", "gift"),
            ("name", ""),
            ("name", "a\nb"),
            ("name", long.as_str()),
            ("mapping", "[]"),
            ("mapping", r#"{"amount":5}"#),
            ("mapping", r#"{"amuont":"Net pay"}"#),
            ("declared_total", "1.000"),
            ("declared_total", "KES 500"),
            ("declared_total", "0"),
            ("declared_count", "0"),
            ("declared_count", "+5"),
            ("declared_count", "5.0"),
            ("declared_count", "99999999999"),
            ("scheduled_at", "tomorrow"),
            ("scheduled_at", "2026-03-31T06:00:00"),
        ] {
            assert_eq!(with(name, value).unwrap_err().0, 400, "{name}={value}");
        }
    }

    #[test]
    fn a_list_of_sms_needs_its_text_and_tells_everybody() {
        let sms = |more: &[(&str, &str)]| {
            let fields = [&[PLAIN[0], ("kind", "sms"), PLAIN[2]], more].concat();
            form(&fields).read().map_err(|problem| (problem.status.as_u16(), problem.detail))
        };
        let terms = sms(&[("sms_template", "Dear ((name)),\r\ncome!")]).unwrap();
        assert_eq!((terms.kind, terms.sms_template.as_deref()), (Kind::Sms, Some("Dear ((name)),\ncome!")));
        assert!(sms(&[]).unwrap_err().1.contains("sms_template"));
        for slip in ["Dear ((name", "Dear (()),"] {
            assert_eq!(sms(&[("sms_template", slip)]).unwrap_err().0, 400, "{slip}");
        }
        let told = sms(&[("sms_template", "Come"), ("notify", "true")]).unwrap_err();
        assert!(told.0 == 400 && told.1.contains("notify"), "{told:?}");
        let summed = sms(&[("sms_template", "Come"), ("declared_total", "500")]).unwrap_err();
        assert!(summed.0 == 400 && summed.1.contains("declared_count"), "{summed:?}");
        let config = |lanes: &str| Config::parse(lanes).unwrap();
        let telco =
            "[[lanes]]\nname=\"m\"\nrail=\"http\"\nbase_url=\"http://x\"\ncurrency=\"UGX\"\nprefixes=[\"256\"]\n";
        let gateway = "[[lanes]]\nname=\"s\"\nrail=\"sms-http\"\nbase_url=\"http://x\"\ncurrency=\"KES\"\n";
        assert_eq!(terms.payable_with(&config(telco)).unwrap_err().status.as_u16(), 422);
        let elsewhere = terms.payable_with(&config(gateway)).unwrap_err();
        assert!(elsewhere.detail.contains("UGX"), "{}", elsewhere.detail);
        assert!(terms.payable_with(&config(&gateway.replace("KES", "UGX"))).is_ok());
    }

    #[test]
    fn fields_left_empty_are_left_out() {
        let terms =
            form(&[PLAIN[0], PLAIN[1], PLAIN[2], ("mapping", ""), ("notify", ""), ("scheduled_at", " ")]).read();
        let terms = terms.unwrap();
        assert!(terms.mapping.is_none() && !terms.notify && terms.scheduled_at.is_none());
        assert_eq!(
            with("mapping", r#"{"amount":"Net pay"}"#).unwrap().mapping.as_deref(),
            Some(r#"{"amount":"Net pay"}"#)
        );
    }

    #[test]
    fn a_declared_total_is_read_as_the_amounts_of_the_list_are() {
        let declared = with("declared_total", "1,250,000").unwrap().declared;
        assert_eq!(declared.total, Some(Money::new(1_250_000, Currency::Ugx)));
        assert_eq!(with("declared_count", "200").unwrap().declared, Declared { total: None, count: Some(200) });
    }

    #[test]
    fn a_currency_needs_a_lane_and_telling_needs_an_sms_lane() {
        let telco =
            "[[lanes]]\nname=\"m\"\nrail=\"http\"\nbase_url=\"http://x\"\ncurrency=\"UGX\"\nprefixes=[\"256\"]\n";
        let sms = "[[lanes]]\nname=\"s\"\nrail=\"sms-http\"\nbase_url=\"http://x\"\n";
        let refused = |fields: (&str, &str), lanes: &str| {
            let config = Config::parse(lanes).unwrap();
            with(fields.0, fields.1).unwrap().payable_with(&config).map_err(|problem| problem.status.as_u16())
        };
        assert_eq!(refused(("notify", "false"), telco), Ok(()));
        assert_eq!(refused(("notify", "false"), sms), Err(422));
        assert_eq!(refused(("notify", "true"), telco), Err(422));
        assert_eq!(refused(("notify", "true"), &format!("{telco}{sms}")), Ok(()));
        assert_eq!(refused(("currency", "KES"), telco), Err(422));
    }

    #[test]
    fn the_fingerprint_covers_the_file_and_every_field() {
        let print = |fields: &[(&str, &str)], file: u8| form(fields).fingerprint([file; 32]);
        let plain = print(&PLAIN, 1);
        assert_eq!(plain, print(&[PLAIN[2], PLAIN[0], PLAIN[1]], 1), "the order they came in does not matter");
        assert_ne!(plain, print(&PLAIN, 2));
        assert_ne!(plain, print(&PLAIN[..2], 1));
        assert_ne!(print(&[("name", "ab"), ("kind", "c")], 1), print(&[("name", "a"), ("kind", "bc")], 1));
        assert_ne!(print(&[("mapping", "")], 1), print(&[], 1));
    }

    #[test]
    fn the_fields_together_are_bounded() {
        assert_eq!(form(&[("name", &"x".repeat(FORM_BYTES_MAX))]).room(), 0);
    }
}
