//! How many SMS a text takes, which is what a gateway charges for.
//!
//! A text whose every character is in the GSM 7-bit alphabet (3GPP TS 23.038) is sent in septets: 160 in a single SMS, 153 in
//! each part of a longer one. Characters of its extension table take two. Any other character turns the whole text into
//! UCS-2: 70 units of 16 bits, or 67 in each part. An escape or a surrogate pair is never split over two parts, so a part may
//! end one unit early.

use serde::Serialize;

/// The basic alphabet without the escape, in its own order.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                     ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// The extension table: an escape and a septet each.
const EXTENSION: &str = "\u{0C}^{}\\[~]|€";

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub enum Encoding {
    #[serde(rename = "gsm-7")]
    Gsm7,
    #[serde(rename = "ucs-2")]
    Ucs2,
}

impl Encoding {
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Gsm7 => "gsm-7",
            Encoding::Ucs2 => "ucs-2",
        }
    }

    /// Units of a text that is one SMS, and of each part of a longer one.
    fn room(self) -> (u32, u32) {
        match self {
            Encoding::Gsm7 => (160, 153),
            Encoding::Ucs2 => (70, 67),
        }
    }

    fn units(self, c: char) -> u32 {
        match self {
            Encoding::Gsm7 => septets(c).unwrap_or(1),
            Encoding::Ucs2 => c.len_utf16() as u32,
        }
    }
}

/// How large a text is on the air.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    pub encoding: Encoding,
    /// Septets, or units of 16 bits.
    pub units: u32,
    pub segments: u32,
}

/// Septets of a character; `None` when the alphabet does not have it.
fn septets(c: char) -> Option<u32> {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' => Some(1),
        _ if BASIC.contains(c) => Some(1),
        _ if EXTENSION.contains(c) => Some(2),
        _ => None,
    }
}

/// Measures a text. An empty one is a segment too: a gateway that sent it would charge for it.
pub fn measure(text: &str) -> Size {
    let encoding = if text.chars().all(|c| septets(c).is_some()) { Encoding::Gsm7 } else { Encoding::Ucs2 };
    let (single, part) = encoding.room();
    let units = text.chars().map(|c| encoding.units(c)).fold(0_u32, u32::saturating_add);
    if units <= single {
        return Size { encoding, units, segments: 1 };
    }
    let (mut segments, mut left) = (1, part);
    for c in text.chars() {
        let wanted = encoding.units(c);
        if wanted > left {
            segments += 1;
            left = part;
        }
        left -= wanted;
    }
    Size { encoding, units, segments }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn segments(text: &str) -> (Encoding, u32) {
        let size = measure(text);
        (size.encoding, size.segments)
    }

    #[test]
    fn the_limits_of_both_alphabets_hold_to_the_unit() {
        use Encoding::*;
        for (text, encoding, count) in [
            ("".to_owned(), Gsm7, 1),
            ("a".repeat(160), Gsm7, 1),
            ("a".repeat(161), Gsm7, 2),
            ("a".repeat(306), Gsm7, 2),
            ("a".repeat(307), Gsm7, 3),
            ("a".repeat(1530), Gsm7, 10),
            ("a".repeat(1531), Gsm7, 11),
            ("é@Ç¿\n\r".to_owned(), Gsm7, 1),
            ("€".repeat(80), Gsm7, 1),
            ("€".repeat(81), Gsm7, 2),
            ("ç".repeat(70), Ucs2, 1),
            ("ç".repeat(71), Ucs2, 2),
            ("ç".repeat(134), Ucs2, 2),
            ("ç".repeat(135), Ucs2, 3),
            ("😀".repeat(35), Ucs2, 1),
            ("😀".repeat(36), Ucs2, 2),
            // A typographic apostrophe is what makes many a text dear.
            (format!("{}’", "a".repeat(70)), Ucs2, 2),
        ] {
            assert_eq!(segments(&text), (encoding, count), "{} × {:?}", text.chars().count(), text.chars().next());
        }
    }

    #[test]
    fn an_escape_and_a_surrogate_pair_stay_together() {
        // 152 septets, then an escape that no longer fits the first part of 153: it moves on whole.
        let split = |last: usize| format!("{}€{}", "a".repeat(152), "a".repeat(last));
        assert_eq!(measure(&split(151)), Size { encoding: Encoding::Gsm7, units: 305, segments: 2 });
        assert_eq!(measure(&split(152)).segments, 3, "306 septets would be two parts, had the escape been split");
        let split = |last: usize| format!("{}😀{}", "ç".repeat(66), "ç".repeat(last));
        assert_eq!(measure(&split(65)).segments, 2);
        assert_eq!(measure(&split(66)), Size { encoding: Encoding::Ucs2, units: 134, segments: 3 });
    }

    #[test]
    fn the_alphabet_has_its_127_characters_and_10_more() {
        assert_eq!((BASIC.chars().count(), EXTENSION.chars().count()), (127, 10));
        let mut all: Vec<char> = BASIC.chars().chain(EXTENSION.chars()).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 137, "no character twice");
        for foreign in ['ç', '`', '’', '“', 'ê', '\t', '\u{1b}', '\u{a0}', 'Α'] {
            assert_eq!(septets(foreign), None, "{foreign:?}");
        }
    }

    /// The fewest parts by trying every place to cut: nothing in common with [`measure`] but the limits.
    fn oracle(text: &str) -> u32 {
        const TWO: [u32; 10] = [0x0C, 0x5E, 0x7B, 0x7D, 0x5C, 0x5B, 0x7E, 0x5D, 0x7C, 0x20AC];
        let gsm = text.chars().all(|c| TWO.contains(&(c as u32)) || BASIC.chars().any(|b| b == c));
        let width = |c: &char| match gsm {
            true => 1 + usize::from(TWO.contains(&(*c as u32))),
            false => c.encode_utf16(&mut [0; 2]).len(),
        };
        let widths: Vec<usize> = text.chars().collect::<Vec<_>>().iter().map(width).collect();
        let (single, part) = if gsm { (160, 153) } else { (70, 67) };
        if widths.iter().sum::<usize>() <= single {
            return 1;
        }
        let mut fewest = vec![u32::MAX; widths.len() + 1];
        fewest[0] = 0;
        for end in 1..=widths.len() {
            let mut width = 0;
            for start in (0..end).rev() {
                width += widths[start];
                if width > part {
                    break;
                }
                fewest[end] = fewest[end].min(fewest[start] + 1);
            }
        }
        fewest[widths.len()]
    }

    proptest! {
        #[test]
        fn no_text_takes_more_or_fewer_parts_than_it_must(text in "[a-zé€^{~ ]{0,700}") {
            prop_assert_eq!(measure(&text).segments, oracle(&text));
        }

        #[test]
        fn nor_does_a_text_beyond_the_alphabet(text in "[a-zç😀€ŋ]{0,400}") {
            prop_assert_eq!(measure(&text).segments, oracle(&text));
        }
    }
}
