//! National number plans: where a mobile number belongs.
//!
//! Prefixes are national, without the trunk zero; the longest match wins. They are facts of the regulators' plans and
//! name the network that first had the number: where numbers are portable (Kenya, Ghana) it may have moved since.

use std::fmt;

/// A country whose number plan Gaba knows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Country {
    Uganda,
    Kenya,
    Tanzania,
    Rwanda,
    Ghana,
    IvoryCoast,
}

/// One country's plan.
struct Plan {
    iso: &'static str,
    name: &'static str,
    calling_code: &'static str,
    /// Digits of a national number, without a trunk zero.
    national_digits: usize,
    /// Whether a zero is dialled before the national number that is not part of it.
    trunk_zero: bool,
    /// A number as people of this country write it, for messages.
    example: &'static str,
    mobile: &'static [(&'static str, &'static [&'static str])],
    /// First digits of numbers that are fixed lines, for a message that says so.
    landline: &'static [&'static str],
}

const UGANDA: Plan = Plan {
    iso: "UG",
    name: "Uganda",
    calling_code: "256",
    national_digits: 9,
    trunk_zero: true,
    example: "0772123456",
    mobile: &[
        ("MTN", &["76", "77", "78", "79", "724", "737", "39", "31"]),
        ("Airtel", &["70", "74", "75", "730", "731", "732"]),
        ("UTL", &["71"]),
        ("Lyca", &["721", "726", "727"]),
        ("Roke", &["734"]),
        ("Africell", &["798", "799"]),
    ],
    landline: &["20", "4"],
};

const KENYA: Plan = Plan {
    iso: "KE",
    name: "Kenya",
    calling_code: "254",
    national_digits: 9,
    trunk_zero: true,
    example: "0722123456",
    mobile: &[
        ("Safaricom", &["70", "71", "72", "74", "757", "758", "759", "768", "769", "79", "11", "14", "18"]),
        ("Airtel", &["73", "75", "76", "78", "10", "135", "136", "137", "138", "139"]),
        ("Telkom", &["77", "761", "120"]),
        ("JTL", &["747"]),
    ],
    landline: &["2", "4", "5", "6"],
};

const TANZANIA: Plan = Plan {
    iso: "TZ",
    name: "Tanzania",
    calling_code: "255",
    national_digits: 9,
    trunk_zero: true,
    example: "0742123456",
    mobile: &[
        ("Vodacom", &["72", "74", "75", "76", "79"]),
        ("Airtel", &["60", "66", "68", "69", "78"]),
        ("Yas", &["65", "67", "70", "71", "77"]),
        ("Halotel", &["61", "62", "63"]),
        ("TTCL", &["73"]),
    ],
    landline: &["2"],
};

const RWANDA: Plan = Plan {
    iso: "RW",
    name: "Rwanda",
    calling_code: "250",
    national_digits: 9,
    trunk_zero: true,
    example: "0782123456",
    mobile: &[("MTN", &["78", "79"]), ("Airtel", &["72", "73"])],
    landline: &["2"],
};

const GHANA: Plan = Plan {
    iso: "GH",
    name: "Ghana",
    calling_code: "233",
    national_digits: 9,
    trunk_zero: true,
    example: "0242123456",
    mobile: &[
        ("MTN", &["24", "25", "53", "54", "55", "59"]),
        ("Telecel", &["20", "50"]),
        ("AT", &["23", "26", "27", "56", "57"]),
    ],
    landline: &["3"],
};

const IVORY_COAST: Plan = Plan {
    iso: "CI",
    name: "Ivory Coast",
    calling_code: "225",
    national_digits: 10,
    trunk_zero: false,
    example: "0712345678",
    mobile: &[("MTN", &["05"]), ("Moov", &["01"]), ("Orange", &["07"])],
    landline: &["2"],
};

/// Names under which people know a network, in lower-case letters and digits; the brand's own name is always known.
const ALSO_KNOWN_AS: &[(Country, &str, &str)] = &[
    (Country::Uganda, "Lyca", "lycamobile"),
    (Country::Uganda, "UTL", "ugandatelecom"),
    (Country::Kenya, "Safaricom", "mpesa"),
    (Country::Tanzania, "Vodacom", "mpesa"),
    (Country::Tanzania, "Yas", "tigo"),
    (Country::Tanzania, "Yas", "mixx"),
    (Country::Tanzania, "Halotel", "halopesa"),
    (Country::Ghana, "Telecel", "vodafone"),
    (Country::Ghana, "AT", "airteltigo"),
];

impl Country {
    pub const ALL: [Country; 6] =
        [Country::Uganda, Country::Kenya, Country::Tanzania, Country::Rwanda, Country::Ghana, Country::IvoryCoast];

    const fn plan(self) -> &'static Plan {
        match self {
            Country::Uganda => &UGANDA,
            Country::Kenya => &KENYA,
            Country::Tanzania => &TANZANIA,
            Country::Rwanda => &RWANDA,
            Country::Ghana => &GHANA,
            Country::IvoryCoast => &IVORY_COAST,
        }
    }

    /// The ISO 3166 code, as in `country = "UG"` of a lane.
    pub fn iso(self) -> &'static str {
        self.plan().iso
    }

    pub fn from_iso(code: &str) -> Option<Country> {
        Country::ALL.into_iter().find(|c| c.iso().eq_ignore_ascii_case(code.trim()))
    }

    /// The digits after `+`.
    pub fn calling_code(self) -> &'static str {
        self.plan().calling_code
    }

    pub fn national_digits(self) -> usize {
        self.plan().national_digits
    }

    pub(super) fn trunk_zero(self) -> bool {
        self.plan().trunk_zero
    }

    /// A mobile number as people there write it.
    pub fn example(self) -> &'static str {
        self.plan().example
    }

    /// The network of a national number, by longest prefix.
    pub fn network(self, national: &str) -> Option<&'static str> {
        let matches = self.plan().mobile.iter().flat_map(|(network, prefixes)| {
            prefixes.iter().filter(|p| national.starts_with(**p)).map(move |p| (p.len(), *network))
        });
        matches.max_by_key(|(length, _)| *length).map(|(_, network)| network)
    }

    pub(super) fn is_landline(self, national: &str) -> bool {
        self.network(national).is_none() && self.plan().landline.iter().any(|p| national.starts_with(p))
    }

    /// The network that people mean by `text`: `MTN Uganda`, `Airtel Money`, `M-Pesa`.
    pub fn network_named(self, text: &str) -> Option<&'static str> {
        let told: Vec<String> =
            text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
        let joined = told.concat();
        let alias = ALSO_KNOWN_AS.iter().find(|(country, _, alias)| *country == self && joined.starts_with(alias));
        alias.map(|(_, network, _)| *network).or_else(|| {
            let networks = self.plan().mobile.iter().map(|(network, _)| *network);
            // Whole words only: the network AT is not named by "Atlas".
            networks.into_iter().find(|n| told.iter().any(|word| word.eq_ignore_ascii_case(n)))
        })
    }

    pub fn networks(self) -> impl Iterator<Item = &'static str> {
        self.plan().mobile.iter().map(|(network, _)| *network)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.plan().name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_names_the_network() {
        use Country::*;
        for (country, national, network) in [
            (Uganda, "772123456", Some("MTN")),
            (Uganda, "724123456", Some("MTN")),
            (Uganda, "721123456", Some("Lyca")),
            (Uganda, "790123456", Some("MTN")),
            (Uganda, "798123456", Some("Africell")),
            (Uganda, "731123456", Some("Airtel")),
            (Uganda, "812345678", None),
            (Kenya, "757123456", Some("Safaricom")),
            (Kenya, "751123456", Some("Airtel")),
            (Kenya, "747123456", Some("JTL")),
            (Kenya, "110123456", Some("Safaricom")),
            (Tanzania, "651234567", Some("Yas")),
            (Rwanda, "731234567", Some("Airtel")),
            (Ghana, "201234567", Some("Telecel")),
            (IvoryCoast, "0512345678", Some("MTN")),
        ] {
            assert_eq!(country.network(national), network, "{country} {national}");
        }
    }

    #[test]
    fn networks_are_known_by_the_names_people_use() {
        use Country::*;
        for (country, text, network) in [
            (Uganda, "MTN", Some("MTN")),
            (Uganda, " mtn uganda ", Some("MTN")),
            (Uganda, "Airtel-Money", Some("Airtel")),
            (Uganda, "Mobile Money", None),
            (Kenya, "M-PESA", Some("Safaricom")),
            (Tanzania, "M-Pesa", Some("Vodacom")),
            (Tanzania, "Tigo Pesa", Some("Yas")),
            (Ghana, "AirtelTigo Money", Some("AT")),
            (Ghana, "Atlas", None),
        ] {
            assert_eq!(country.network_named(text), network, "{country} {text}");
        }
    }

    #[test]
    fn countries_are_named_by_their_iso_code() {
        assert_eq!(Country::from_iso("ug"), Some(Country::Uganda));
        assert_eq!(Country::from_iso("XX"), None);
        for country in Country::ALL {
            assert_eq!(Country::from_iso(country.iso()), Some(country));
        }
    }
}
