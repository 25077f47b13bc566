//! Routing: which lane pays a number.
//!
//! The longest prefix over *all* lanes that pay decides, and decides alone: when its lane pays another currency the
//! number has no lane. Falling back to a shorter prefix would send the number to a network it does not belong to.

use crate::config::LaneConfig;
use crate::money::{Currency, Money, MoneyError};
use crate::phone::{Country, Msisdn};
use crate::rail::{SMS_RAILS, TELCO_RAILS};
use std::collections::HashMap;

/// Two lanes claim the same numbers in the same currency.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the lanes {first:?} and {second:?} both pay {currency} to numbers that begin with {prefix}; remove the prefix \
     from one"
)]
pub struct Overlap {
    pub prefix: String,
    pub currency: Currency,
    pub first: String,
    pub second: String,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    #[error(
        "no provider is set up for numbers that begin with +{start}. Use a number of another network, or ask your \
         operator to add a lane for it"
    )]
    NoLane { start: String },
    #[error(
        "the provider of this number ({lane}) pays {paid}, and this batch is in {asked}. Put the row into a batch in \
         {paid}"
    )]
    OtherCurrency { lane: String, paid: Currency, asked: Currency },
}

impl RouteError {
    pub fn code(&self) -> &'static str {
        match self {
            RouteError::NoLane { .. } => "no_lane",
            RouteError::OtherCurrency { .. } => "lane_of_other_currency",
        }
    }
}

/// The prefixes of all lanes that pay.
#[derive(Clone, Debug, Default)]
pub struct Router {
    /// Prefix → lanes, one per currency.
    lanes: HashMap<String, Vec<(Currency, String)>>,
    prefix_max: usize,
    limits: HashMap<String, Limits>,
}

/// What a lane pays at least and at most at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub min: Option<Money>,
    pub max: Option<Money>,
}

impl Router {
    /// Takes the telco lanes of the configuration; lanes that send SMS are passed over.
    pub fn new(lanes: &[LaneConfig]) -> Result<Router, Overlap> {
        let mut router = Router::default();
        for lane in lanes.iter().filter(|l| TELCO_RAILS.contains(&l.rail.as_str())) {
            let Some(currency) = lane.currency else { continue };
            // Amounts that cannot be read stop the start: `Config::check`.
            let limit = |text: &Option<String>| text.as_deref().and_then(|t| Money::parse(t, currency).ok());
            let limits = Limits { min: limit(&lane.amount_min), max: limit(&lane.amount_max) };
            router.limits.insert(lane.name.clone(), limits);
            for prefix in &lane.prefixes {
                router.add(prefix, currency, &lane.name)?;
            }
        }
        Ok(router)
    }

    fn add(&mut self, prefix: &str, currency: Currency, lane: &str) -> Result<(), Overlap> {
        let lanes = self.lanes.entry(prefix.to_owned()).or_default();
        if let Some((_, first)) = lanes.iter().find(|(c, name)| *c == currency && name != lane) {
            let (first, second) = (first.clone(), lane.to_owned());
            return Err(Overlap { prefix: prefix.to_owned(), currency, first, second });
        }
        lanes.push((currency, lane.to_owned()));
        self.prefix_max = self.prefix_max.max(prefix.len());
        Ok(())
    }

    pub fn limits(&self, lane: &str) -> Limits {
        self.limits.get(lane).copied().unwrap_or_default()
    }

    /// The name of the lane that pays `msisdn` in `currency`.
    pub fn route(&self, msisdn: &Msisdn, currency: Currency) -> Result<&str, RouteError> {
        let digits = msisdn.as_str();
        let longest =
            (1..=self.prefix_max.min(digits.len())).rev().find_map(|length| self.lanes.get(&digits[..length]));
        let Some(lanes) = longest else {
            return Err(RouteError::NoLane { start: digits.chars().take(5).collect() });
        };
        match lanes.iter().find(|(c, _)| *c == currency) {
            Some((_, lane)) => Ok(lane),
            None => {
                let (paid, lane) = lanes[0].clone();
                Err(RouteError::OtherCurrency { lane, paid, asked: currency })
            }
        }
    }
}

/// The lane that tells the paid: the first that sends SMS.
pub fn sms_lane(lanes: &[LaneConfig]) -> Option<&LaneConfig> {
    lanes.iter().find(|lane| SMS_RAILS.contains(&lane.rail.as_str()))
}

/// Why a list of SMS cannot be sent.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSmsLane {
    #[error("no SMS lane of this installation is priced in {0}")]
    Currency(Currency),
    #[error("no SMS lane is configured, so nobody can be told")]
    None,
    #[error("the price of an SMS over lane {lane:?} is none in {currency}: {why}")]
    Price { lane: String, currency: Currency, why: MoneyError },
}

/// The lane that a list of SMS goes through, and what a segment costs in the list's currency: the first lane that sends SMS
/// and does not state another currency.
pub fn bulk_sms_lane(lanes: &[LaneConfig], currency: Currency) -> Result<(&LaneConfig, Money), NoSmsLane> {
    sms_lane(lanes).ok_or(NoSmsLane::None)?;
    let fits = |lane: &&LaneConfig| {
        SMS_RAILS.contains(&lane.rail.as_str()) && lane.currency.is_none_or(|stated| stated == currency)
    };
    let lane = lanes.iter().find(fits).ok_or(NoSmsLane::Currency(currency))?;
    let price = lane.price_per_segment.as_deref().map_or(Ok(Money::zero(currency)), |p| Money::parse(p, currency));
    let price = price.map_err(|why| NoSmsLane::Price { lane: lane.name.clone(), currency, why })?;
    Ok((lane, price))
}

/// Whose number plan a list in `currency` follows: that of the lanes that work in it, else that of its country.
pub fn country(lanes: &[LaneConfig], currency: Currency) -> Country {
    let of_lanes = lanes.iter().filter(|lane| lane.currency == Some(currency));
    let stated = of_lanes.filter_map(|lane| lane.country.as_deref()).find_map(Country::from_iso);
    stated.unwrap_or(match currency {
        Currency::Kes => Country::Kenya,
        Currency::Tzs => Country::Tanzania,
        Currency::Rwf => Country::Rwanda,
        Currency::Ghs => Country::Ghana,
        Currency::Xof => Country::IvoryCoast,
        Currency::Ugx | Currency::Eur | Currency::Usd => Country::Uganda,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use Currency::*;

    fn lane(name: &str, rail: &str, currency: &str, prefixes: &str) -> String {
        format!(
            "[[lanes]]\nname = \"{name}\"\nrail = \"{rail}\"\nbase_url = \"http://x\"\ncurrency = \
             \"{currency}\"\nprefixes = {prefixes}\n"
        )
    }

    fn router(lanes: &[String]) -> Result<Router, Overlap> {
        Router::new(&Config::parse(&lanes.concat()).unwrap().lanes)
    }

    fn msisdn(digits: &str) -> Msisdn {
        Msisdn::from_digits(digits).unwrap()
    }

    #[test]
    fn the_longest_prefix_of_all_lanes_decides() {
        let router = router(&[
            lane("wide", "http", "UGX", "[\"256\"]"),
            lane("mtn-ug", "mtn-momo", "UGX", "[\"25677\", \"25678\"]"),
            lane("blasta", "sms-http", "UGX", "[\"2567721\"]"),
        ])
        .unwrap();
        assert_eq!(router.route(&msisdn("256772123456"), Ugx), Ok("mtn-ug"), "an SMS lane pays nobody");
        assert_eq!(router.route(&msisdn("256752123456"), Ugx), Ok("wide"));
        let error = router.route(&msisdn("254722123456"), Ugx).unwrap_err();
        assert_eq!((error.code(), error.to_string().contains("+25472")), ("no_lane", true));
    }

    #[test]
    fn a_lane_of_another_currency_is_no_lane_and_no_shorter_prefix_steps_in() {
        let router =
            router(&[lane("wide", "http", "UGX", "[\"256\"]"), lane("usd", "http", "USD", "[\"25677\"]")]).unwrap();
        let error = router.route(&msisdn("256772123456"), Ugx).unwrap_err();
        assert_eq!(error, RouteError::OtherCurrency { lane: "usd".into(), paid: Usd, asked: Ugx });
        assert_eq!(router.route(&msisdn("256772123456"), Usd), Ok("usd"));
    }

    #[test]
    fn a_list_of_sms_goes_through_the_first_lane_that_is_priced_in_its_currency() {
        let sms = |name: &str, more: &str| {
            format!("[[lanes]]\nname = \"{name}\"\nrail = \"sms-http\"\nbase_url = \"http://x\"\n{more}\n")
        };
        let chosen = |lanes: &[String], currency| {
            let lanes = Config::parse(&lanes.concat()).unwrap().lanes;
            bulk_sms_lane(&lanes, currency).map(|(lane, price)| (lane.name.clone(), price.minor))
        };
        let (free, ugx) = (sms("free", ""), sms("ug", "currency = \"UGX\"\nprice_per_segment = \"35\""));
        let telco = lane("mtn-ug", "http", "UGX", "[\"25677\"]");
        assert_eq!(chosen(&[telco.clone()], Ugx), Err(NoSmsLane::None));
        assert_eq!(chosen(&[telco, ugx.clone(), free.clone()], Ugx), Ok(("ug".into(), 35)));
        assert_eq!(chosen(&[ugx.clone(), free], Kes), Ok(("free".into(), 0)));
        assert_eq!(chosen(&[ugx], Kes), Err(NoSmsLane::Currency(Kes)));
        let cents = sms("any", "price_per_segment = \"0.80\"");
        assert_eq!(chosen(&[cents.clone()], Kes), Ok(("any".into(), 80)));
        assert!(matches!(chosen(&[cents], Ugx), Err(NoSmsLane::Price { .. })), "a shilling of Uganda has no cents");
    }

    #[test]
    fn two_lanes_for_the_same_numbers_are_refused_unless_their_currencies_differ() {
        let ugx = lane("a", "http", "UGX", "[\"25677\"]");
        assert!(router(&[ugx.clone(), lane("b", "http", "USD", "[\"25677\"]")]).is_ok());
        let overlap = router(&[ugx, lane("b", "http", "UGX", "[\"25677\"]")]).unwrap_err();
        assert_eq!((overlap.first.as_str(), overlap.second.as_str()), ("a", "b"));
    }
}
