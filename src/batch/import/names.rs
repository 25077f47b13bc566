//! The names of columns: those that are understood, and words that make another one doubtful. All as `fold` leaves them.

use super::columns::Field;

/// Words of headers below which numbers stand that count or name something.
pub(super) const COUNTING: [&str; 14] = [
    "no", "number", "id", "code", "age", "day", "days", "hours", "qty", "quantity", "units", "ward", "staff", "branch",
];

/// Words of headers below which sums of money stand that are not what is paid.
pub(super) const SUMS: [&str; 46] = [
    "advance",
    "airtime",
    "allowance",
    "allowances",
    "amount",
    "amt",
    "arrears",
    "balance",
    "basic",
    "bonus",
    "bonuses",
    "charge",
    "charges",
    "commission",
    "contribution",
    "deducted",
    "deduction",
    "deductions",
    "due",
    "fee",
    "fees",
    "fine",
    "gross",
    "interest",
    "loan",
    "loans",
    "lunch",
    "net",
    "nhif",
    "nssf",
    "overtime",
    "pay",
    "paye",
    "payment",
    "penalty",
    "rate",
    "refund",
    "salary",
    "savings",
    "tax",
    "taxes",
    "total",
    "transport",
    "wage",
    "wages",
    "withholding",
];

/// Headers of the column that says each row's currency.
pub(super) const CURRENCY_HEADERS: [&str; 3] = ["currency", "currency code", "ccy"];

impl Field {
    /// Headers understood without a mapping, in lower case and without padding. The first is the one to recommend.
    pub fn headers(self) -> &'static [&'static str] {
        match self {
            Field::Msisdn => &[
                "phone number",
                "msisdn",
                "phone",
                "mobile",
                "number",
                "telephone",
                "mobile number",
                "mobile money number",
                "phone no",
                "tel no",
                "telephone no",
                "telephone number",
                "mobile no",
                "mobile money no",
                "contact",
                "contact no",
                "contact number",
                "phone numbers",
                "telephone contact",
                "tel",
                "tel number",
                "cell no",
                "cell phone",
                "cell number",
                "momo no",
                "momo number",
            ],
            Field::Amount => &[
                "amount",
                "net pay",
                "salary",
                "value",
                "amt",
                "net salary",
                "net payable",
                "net amount",
                "amount payable",
                "amount due",
                "amount to pay",
                "take home",
                "take home pay",
            ],
            Field::Name => &["name", "full name", "beneficiary", "recipient"],
            Field::Reference => &["reference", "id", "employee id", "staff id"],
            Field::Note => &["note", "narration", "reason"],
            Field::Network => &["network"],
        }
    }

    /// Headers that are understood where there is none of [`headers`](Self::headers), and one of these alone.
    pub fn also(self) -> &'static [&'static str] {
        match self {
            Field::Name => {
                &["names", "full names", "beneficiary name", "recipient name", "employee name", "staff name", "payee"]
            }
            _ => &[],
        }
    }

    /// Words by which a header may mean the field, whatever else it says; where it has one of the second, it does not.
    fn hints(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Field::Msisdn => (
                &[
                    "phone",
                    "telephone",
                    "tel",
                    "mobile",
                    "msisdn",
                    "momo",
                    "mm",
                    "cellphone",
                    "handphone",
                    "contacts",
                    "phone2",
                    "telephone2",
                    "airtel",
                    "mtn",
                    "pesa",
                    "mpesa",
                    "wallet",
                    "alternative",
                ],
                &[
                    "allowance",
                    "allowances",
                    "app",
                    "charge",
                    "charges",
                    "fee",
                    "fees",
                    "home",
                    "kin",
                    "leader",
                    "model",
                    "name",
                    "network",
                    "office",
                    "operator",
                    "owner",
                    "provider",
                    "registered",
                    "type",
                    "verified",
                ],
            ),
            Field::Amount => (
                &[
                    "amount", "amt", "net", "pay", "paid", "payable", "salary", "wage", "wages", "balance", "due",
                    "payment", "payments", "payout", "total",
                ],
                &[
                    "account",
                    "advance",
                    "allowance",
                    "allowances",
                    "bank",
                    "basic",
                    "by",
                    "charge",
                    "charges",
                    "code",
                    "cycle",
                    "date",
                    "day",
                    "days",
                    "deducted",
                    "deductions",
                    "fee",
                    "fees",
                    "figures",
                    "for",
                    "grade",
                    "gross",
                    "group",
                    "hours",
                    "id",
                    "leave",
                    "loan",
                    "method",
                    "mode",
                    "month",
                    "mosquito",
                    "n",
                    "name",
                    "no",
                    "nssf",
                    "number",
                    "overtime",
                    "paye",
                    "period",
                    "point",
                    "purpose",
                    "ref",
                    "reference",
                    "scale",
                    "signature",
                    "slip",
                    "station",
                    "status",
                    "tax",
                    "taxable",
                    "to",
                    "type",
                    "withdraw",
                    "words",
                    "y",
                ],
            ),
            _ => (&[], &[]),
        }
    }

    /// Whether a header that is not one of [`headers`](Self::headers) may mean the field all the same. Beside a net pay the
    /// pay that it was reckoned from does not.
    pub(super) fn is_hinted_at(self, folded: &str, beside: &str) -> bool {
        let (hints, others) = self.hints();
        let words = || folded.split(|c: char| !c.is_alphanumeric());
        // Only what is called net as well, or final, may be meant beside a net pay.
        let is_net = beside.split(' ').any(|word| word == "net");
        let hints = if is_net { &["net", "final", "actual", "adjusted", "home"][..] } else { hints };
        words().any(|word| hints.contains(&word)) && !words().any(|word| others.contains(&word))
    }
}
