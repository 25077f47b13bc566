//! What a cell says of whom to pay.

use super::{Becomes, Case, Upload};

const GROUP: &str = "Phone numbers";
const READ: Becomes = Becomes::Reads("256772345401 5000");

/// `name` is the cell, or says what is in it.
fn case(name: &'static str, cell: &str, becomes: Becomes) -> Case {
    let list = format!("phone,amount\n\"{}\",5000\n", cell.replace('"', "\"\""));
    Case { group: GROUP, name, upload: Upload::Text(list.into(), "list.csv"), becomes }
}

fn stated(name: &'static str, phone: &str, network: &str, becomes: Becomes) -> Case {
    let list = format!("phone,amount,network\n{phone},5000,{network}\n");
    Case { group: GROUP, name, upload: Upload::Text(list.into(), "list.csv"), becomes }
}

pub fn cases() -> Vec<Case> {
    use Becomes::*;
    let warned = |code| WarnedReads(code, "256772345401 5000");
    vec![
        case("0772345401", "0772345401", READ),
        case("256772345401", "256772345401", READ),
        case("+256772345401", "+256772345401", READ),
        case("00256772345401", "00256772345401", READ),
        case("+256(0)772345401", "+256(0)772345401", READ),
        case("256772345401.0 (an exported number)", "256772345401.0", READ),
        case("0772 345-401", "0772 345-401", READ),
        case("(+256) 772.345.401", "(+256) 772.345.401", READ),
        case("'0772345401 (an apostrophe before it)", "'0772345401", READ),
        case("with a mark of the writing direction (U+202A)", "\u{202A}0772345401\u{202C}", READ),
        case("with a space of no width (U+200B)", "0772\u{200B}345401", READ),
        case("772345401", "772345401", warned("phone_no_leading_zero")),
        case("2560772345401", "2560772345401", warned("phone_zero_after_country_code")),
        case("2.56772E+11", "2.56772E+11", Refused("phone_digits_lost")),
        case(
            "256772000000 (2.56772E+11, made long again)",
            "256772000000",
            WarnedReads("phone_zeros", "256772000000 5000"),
        ),
        case("-772345056 (a spreadsheet's +256-772345312)", "-772345056", Refused("phone_negative")),
        case("77234540.0 (an exported number, a digit short)", "77234540.0", Refused("phone_too_short")),
        case("772345401.5 (calculated with)", "772345401.5", Refused("phone_decimals")),
        case("07723454O1 (the letter O)", "07723454O1", Refused("phone_letters")),
        case("0772345l01 (the letter l)", "0772345l01", Refused("phone_letters")),
        case("0772-FLOWER", "0772-FLOWER", Refused("phone_letters")),
        case("０７７２３４５４０１ (full-width digits)", "０７７２３４５４０１", Refused("phone_foreign_digits")),
        case("٠٧٧٢٣٤٥٤٠١ (Arabic digits)", "٠٧٧٢٣٤٥٤٠١", Refused("phone_foreign_digits")),
        case("0772345401 ext 12", "0772345401 ext 12", Refused("phone_extension")),
        case("0772345401/0752345401", "0772345401/0752345401", Refused("phone_several")),
        case("0772345401 or 0752345401", "0772345401 or 0752345401", Refused("phone_several")),
        case("077234540", "077234540", Refused("phone_too_short")),
        case("07723454011", "07723454011", Refused("phone_too_long")),
        case("0414345401 (a fixed line)", "0414345401", Refused("phone_landline")),
        case("+254722345401 (Kenya)", "+254722345401", Refused("phone_other_country")),
        case("0712345401 (a network that no lane pays)", "0712345401", Refused("no_lane")),
        case("0772345401 & 5", "0772345401 & 5", Refused("phone_character")),
        case("nothing", "", Refused("phone_missing")),
        stated("0772345401 with the network MTN", "0772345401", "mtn", READ),
        stated("0772345401 with the network Airtel", "0772345401", "Airtel", Refused("network_mismatch")),
        stated("0772345401 with the network Orange", "0772345401", "Orange", warned("network_unknown")),
    ]
}
