//! What the fuzz targets call, and the tests with the inputs that were kept (`fuzz/`): each takes any bytes and checks what
//! must hold whatever they are. No part of the program.

mod hook;

use crate::batch::import::{self, Severity, Terms};
use crate::config::Config;
use crate::http;
use crate::lane::route::Router;
use crate::money::{Currency, Money};
use crate::phone::{self, Country};
use crate::sheet::read_sheet_bytes;
use crate::sms::template;
pub use hook::{hook_http, hook_mtn_momo, hook_sms_http, is_vouched_for};
use std::cell::OnceCell;
use std::collections::BTreeMap;

const LANES: &str = r#"
[[lanes]]
name = "mtn-ug"
rail = "http"
base_url = "http://x"
currency = "UGX"
prefixes = ["25676", "25677", "25678", "25639"]
amount_min = "500"
"#;
const ROWS_MAX: u32 = 1_000;

/// A target of the fuzzer.
pub type Target = fn(&[u8]);

pub const TARGETS: [(&str, Target); 9] = [
    ("list", list),
    ("sheet", sheet),
    ("amount", amount),
    ("phone", phone),
    ("template", template),
    ("multipart", multipart),
    ("hook_mtn_momo", hook_mtn_momo),
    ("hook_http", hook_http),
    ("hook_sms_http", hook_sms_http),
];

/// A text as a list: every row has a recipient or an error, and the counts are those of the rows.
pub fn list(bytes: &[u8]) {
    thread_local! {
        static ROUTER: Router = Router::new(&Config::parse(LANES).expect("a configuration").lanes).expect("one lane");
    }
    ROUTER.with(|router| {
        let terms = Terms {
            currency: Currency::Ugx,
            country: Country::Uganda,
            router,
            mapping: None,
            rows_max: ROWS_MAX,
            sms: None,
            notice: None,
        };
        let (mut rows, mut valid, mut total, mut warnings, mut last) = (0, 0, 0_i128, 0, 0);
        let read = import::read_bytes(bytes, &terms, &mut |row| {
            assert!(row.row > last, "rows come in the order of the file");
            last = row.row;
            rows += 1;
            warnings += row.issues.iter().filter(|i| i.severity == Severity::Warning).count();
            let errors = row.issues.iter().any(|i| i.severity == Severity::Error);
            assert_ne!(row.recipient.is_some(), errors, "{row:?}");
            assert!(row.issues.iter().all(|i| i.row == row.row && !i.message.is_empty()), "{row:?}");
            if let Some(recipient) = &row.recipient {
                valid += 1;
                total += i128::from(recipient.amount.minor);
                assert!(recipient.amount.minor >= 500 && recipient.lane == "mtn-ug", "{row:?}");
            }
            Ok(())
        });
        match read {
            None => {}
            Some(Err(error)) => assert!(!error.to_string().is_empty() && !error.code().is_empty()),
            Some(Ok(summary)) => {
                let told = (summary.rows, summary.valid, i128::from(summary.total.minor), summary.warnings as usize);
                assert_eq!(told, (rows, valid, total, warnings + summary.notices.len()));
                assert!(summary.header.row > 0 && rows == summary.valid + summary.invalid);
            }
        }
    });
}

/// A package of parts, or the content of an ODS: rows within bounds, or an error in words. A panic of the reader of XLSX
/// is caught where it is called.
pub fn sheet(bytes: &[u8]) {
    if let Err(error) = read_sheet_bytes(bytes) {
        assert!(!error.is_ours() && !error.to_string().is_empty(), "{error:?}");
    }
}

/// An amount that is read is more than nothing, and reads the same again as we write it.
pub fn amount(bytes: &[u8]) {
    let Some((currency, text)) = chosen(bytes, &Currency::ALL) else { return };
    match import::parse_amount(text, currency) {
        Ok(money) => {
            assert!(money.minor > 0 && money.currency == currency, "{text:?}: {money:?}");
            assert_eq!(import::parse_amount(&money.amount(), currency), Ok(money), "{text:?}");
            assert_eq!(Money::parse(&money.amount(), currency), Ok(money), "{text:?}");
        }
        Err(error) => assert!(!error.to_string().is_empty() && error.code().starts_with("amount_")),
    }
}

/// A number that is read is one of the country, and reads the same again without a doubt.
pub fn phone(bytes: &[u8]) {
    let Some((country, text)) = chosen(bytes, &Country::ALL) else { return };
    match phone::normalise(text, country) {
        Ok(read) => {
            assert!(read.msisdn.as_str().starts_with(country.calling_code()), "{text:?}: {read:?}");
            let again = phone::normalise(read.msisdn.as_str(), country).expect("what we wrote is a number");
            assert_eq!((&again.msisdn, again.network), (&read.msisdn, read.network), "{text:?}");
            assert!(matches!(again.warning, None | Some(phone::PhoneWarning::Zeros { .. })), "{text:?}");
        }
        Err(error) => assert!(!error.to_string().is_empty() && error.code().starts_with("phone_")),
    }
}

/// A template without tags is its text; one with tags says only what it says itself and what it is given.
pub fn template(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let tags = template::tags(text);
    let nothing = template::render(text, &BTreeMap::new());
    assert!(nothing.len() <= text.len());
    if tags.is_empty() {
        assert_eq!(nothing, text);
    }
    // A value is no template, whatever is in it.
    let values: BTreeMap<String, String> = tags.iter().map(|tag| (tag.clone(), "((name))".to_owned())).collect();
    let filled = template::render(text, &values);
    assert_eq!(filled.len(), nothing.len() + tags.len() * "((name))".len(), "{text:?}");
}

/// The form of an upload, after its head: `--X` begins each part.
pub fn multipart(bytes: &[u8]) {
    thread_local! {
        static RUNTIME: OnceCell<tokio::runtime::Runtime> = const { OnceCell::new() };
    }
    RUNTIME.with(|runtime| {
        let runtime = runtime.get_or_init(|| {
            tokio::runtime::Builder::new_current_thread().build().expect("a runtime without any driver")
        });
        runtime.block_on(http::read_upload(bytes.to_vec()));
    });
}

/// The first byte chooses, the rest is the text.
fn chosen<'b, T: Copy>(bytes: &'b [u8], choices: &[T]) -> Option<(T, &'b str)> {
    let (choice, text) = bytes.split_first()?;
    Some((choices[usize::from(*choice) % choices.len()], std::str::from_utf8(text).ok()?))
}
