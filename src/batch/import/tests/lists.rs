//! Lists as CSV.

use super::*;
use std::fmt::Write;

#[test]
fn the_sample_grants_are_read_without_an_issue() {
    let read = read_path(&fixture("grants.csv"), None, 1_000_000);
    let summary = read.summary();
    assert_eq!((summary.rows, summary.valid, summary.invalid, summary.warnings), (1_000, 1_000, 0, 0));
    assert_eq!(summary.source, Source::Csv { encoding: "UTF-8", delimiter: ',' });
    let sum: i64 = read.rows.iter().map(|r| r.recipient.as_ref().unwrap().amount.minor).sum();
    assert_eq!(summary.total, Money::new(sum, Currency::Ugx));
    let first = read.recipient(2);
    assert_eq!(first.variables.keys().collect::<Vec<_>>(), ["programme", "village"]);
    assert_eq!(read.rows[0].cells[0], Uploaded::new("name", &*first.name));
}

#[test]
fn each_typical_mistake_is_named_in_its_row_and_column() {
    let read = read_path(&fixture("bad_rows.csv"), None, 1_000_000);
    let told: Vec<(u32, Option<&str>, &str, Severity)> =
        read.rows.iter().flat_map(|r| &r.issues).map(|i| (i.row, i.column.as_deref(), i.code, i.severity)).collect();
    use Severity::{Error, Warning};
    assert_eq!(
        told,
        [
            (3, Some("phone"), "phone_digits_lost", Error),
            (4, Some("phone"), "phone_too_short", Error),
            (5, Some("phone"), "phone_letters", Error),
            (6, Some("phone"), "phone_other_country", Error),
            (7, Some("phone"), "phone_landline", Error),
            (8, Some("phone"), "phone_several", Error),
            (9, Some("network"), "network_mismatch", Error),
            (10, Some("amount"), "amount_ambiguous", Error),
            (11, Some("amount"), "amount_negative", Error),
            (12, Some("amount"), "amount_decimals", Error),
            (13, Some("amount"), "amount_other_currency", Error),
            (14, Some("phone"), "phone_missing", Error),
            (15, Some("reference"), "duplicate_reference", Error),
            (16, Some("phone"), "no_lane", Error),
            (17, Some("phone"), "duplicate_payment", Warning),
            (18, Some("phone"), "phone_no_leading_zero", Warning),
            (18, Some("name"), "name_missing", Warning),
        ]
    );
    let summary = read.summary();
    assert_eq!((summary.rows, summary.valid, summary.invalid, summary.warnings), (18, 4, 14, 3));
    assert_eq!(summary.total, Money::new(1_400_000, Currency::Ugx));
    assert!(read.rows[13].issues[0].message.contains("row 2"), "{:?}", read.rows[13].issues);
    let rejected = &read.rows[1].stated;
    assert_eq!((rejected.name.as_str(), rejected.msisdn.as_str()), ("Moses Okello", "2.56772E+11"));
    assert_eq!((rejected.amount.as_str(), rejected.reference.as_str()), ("50000", "B-02"));
}

#[test]
fn all_problems_of_a_row_are_told_at_once() {
    let long = "x".repeat(201);
    let read = read_text(&format!("phone,amount,name,note\n0772,1.000,{long},\"a\nb\"\n"));
    assert_eq!(
        read.issues(),
        [(2, "phone_too_short"), (2, "amount_ambiguous"), (2, "text_too_long"), (2, "control_character")]
    );
    assert!(read.rows[0].recipient.is_none());
}

#[test]
fn every_dialect_reads_the_same() {
    let plain = "name,phone,amount\nGrace Nakato,0772345678,50000\nMoses Okello,0752345678,\"1,250,000\"\n";
    let semicolon = plain.replace("\"1,250,000\"", "1250000").replace(',', ";");
    for text in [
        plain.to_owned(),
        format!("\u{FEFF}{plain}"),
        plain.replace('\n', "\r\n"),
        plain.replace('\n', "\r"),
        plain.trim_end().to_owned(),
        semicolon.clone(),
        semicolon.replace(';', "\t"),
        semicolon.replace(';', "|"),
        format!("sep=;\n{semicolon}"),
        plain.replace('\n', ",,\n"),
        plain.replacen('\n', "\n,,\n\n , ,\n", 1).replace("\n\n", "\n"),
        "Amount,Phone Number,FULL NAME\n50000,0772345678,Grace Nakato\n1250000,0752345678,Moses Okello\n".to_owned(),
    ] {
        let read = read_text(&text);
        assert_eq!(read.issues(), [], "{text:?}");
        let summary = read.summary();
        assert_eq!((summary.valid, summary.total.minor), (2, 1_300_000), "{text:?}");
        let last = read.rows.last().unwrap().recipient.as_ref().unwrap();
        assert_eq!((last.name.as_str(), last.msisdn.as_str()), ("Moses Okello", "256752345678"), "{text:?}");
        assert_eq!((last.lane.as_str(), last.network), ("airtel-ug", Some("Airtel")), "{text:?}");
    }
}

#[test]
fn blank_rows_are_passed_over_and_keep_the_numbering() {
    let read = read_text("phone,amount\n\n0772345678,50000\n,\n \u{00A0},\n0772345679,50000\n");
    assert_eq!(read.rows.iter().map(|r| r.row).collect::<Vec<_>>(), [3, 6]);
    assert_eq!(read.summary().rows, 2);
}

#[test]
fn a_row_with_too_few_or_too_many_cells_is_not_guessed_at() {
    let read = read_text("name,phone,amount\nGrace,0772345678,50,000\nMoses,0752345678\nIrene,0772345679,5000\n");
    assert_eq!(read.issues(), [(2, "row_shape"), (3, "row_shape")]);
    assert_eq!(read.summary().valid, 1);
    let cells: Vec<&str> = read.rows[0].cells.iter().map(Uploaded::text).collect();
    assert_eq!(cells, ["Grace", "0772345678", "50", "000"], "nothing of the row is lost");
}

#[test]
fn repeats_are_told_on_the_later_row_and_name_the_first() {
    let read = read_text(
        "id,phone,amount\nA,0772345678,5000\nB,256772345678,5000\nC,+256 772 345678,7000\nD,0772345678,7000\n\
         A,0772345679,1\n",
    );
    assert_eq!(
        read.issues(),
        [(3, "duplicate_payment"), (4, "repeated_number"), (5, "duplicate_payment"), (6, "duplicate_reference")]
    );
    let names = |row: usize, first: &str| read.rows[row].issues[0].message.starts_with(first);
    assert!(names(1, "row 2 ") && names(2, "row 2 ") && names(3, "row 4 ") && names(4, "row 2 "));
    assert_eq!(read.summary().valid, 4);
}

#[test]
fn files_that_are_no_list_are_refused_with_what_to_do() {
    let mut many = String::from("phone,amount");
    (0..300).for_each(|i| write!(many, ",c{i}").unwrap());
    for (bytes, code) in [
        (&b""[..], "file_empty"),
        (b"\n\n \n", "file_empty"),
        (b",,\n,,\n", "file_empty"),
        (b"phone,amount\n", "no_rows"),
        (b"phone,amount\n,\n\n", "no_rows"),
        (b"name,fone,amount\nA,0772345678,5\n", "missing_column"),
        (b"phone,salary,net pay\n0772345678,5,5\n", "ambiguous_column"),
        (b"phone,amount,Village,VILLAGE\n0772345678,5,a,b\n", "duplicate_column"),
        (b"phone,amount\n0772345678,\"5\n0772345679,6\n", "unclosed_quote"),
        (b"name,phone,amount\nOdh\xE9,0772345678,5\nOdh\xC3\xA9,0772345679,5\n", "encoding"),
        (b"\xFF\xFEp\0h\0o\0n\0e\0,\0a\0m\0o\0u\0n\0t\0\n\0\0\xD8,\0", "encoding"),
        (b"phone,0772345678,5\nname,phone,amount\nA,0772345678,5\n", "row_above_header"),
        (b"phone,amount,name\n0772345678,5,a long enough name\n0772345678,5,a long\0 enough name\n", "nul_character"),
        (many.as_bytes(), "too_many_columns"),
        (b"%PDF-1.7\n%\xE2\xE3", "not_a_list"),
    ] {
        let read = read_bytes(bytes);
        assert_eq!(read.error().code(), code, "{}", read.error());
    }
}

#[test]
fn bounds_on_rows_and_on_the_total_hold() {
    let upload = Upload::new(b"phone,amount\n0772345678,5\n0772345679,5\n0772345680,5\n");
    assert_eq!(read_path(&upload.0, None, 2).error().code(), "too_many_rows");
    assert_eq!(read_path(&upload.0, None, 3).summary().rows, 3);
    let most = i64::MAX;
    let read = read_text(&format!("phone,amount\n0772345678,{most}\n0772345679,1\n"));
    assert_eq!(read.error().code(), "total_too_large");
}

#[test]
fn a_mapping_decides_which_column_is_meant() {
    let upload = Upload::new(b"Tel.,salary,net pay\n0772345678,900,500\n");
    let read = read_path(&upload.0, Some(r#"{"msisdn":"Tel.","amount":"net pay"}"#), 10);
    let recipient = read.recipient(2);
    assert_eq!(recipient.amount.minor, 500);
    assert_eq!(recipient.variables["salary"], "900");
}

#[test]
fn an_error_of_the_sink_ends_the_import() {
    let router = Router::new(&Config::parse(LANES).unwrap().lanes).unwrap();
    let terms = Terms {
        currency: Currency::Ugx,
        country: Country::Uganda,
        router: &router,
        mapping: None,
        rows_max: 10,
        sms: None,
        notice: None,
    };
    let upload = Upload::new(b"phone,amount\n0772345678,5\n0772345679,5\n");
    let mut seen = 0;
    let error = read(&upload.0, &terms, &no_sheets(), &mut |_| {
        seen += 1;
        Err("disk full".into())
    })
    .unwrap_err();
    assert_eq!((error.code(), seen), ("not_stored", 1));
}

#[test]
fn a_row_judged_alone_is_judged_as_in_its_file() {
    let router = Router::new(&Config::parse(LANES).unwrap().lanes).unwrap();
    let terms = Terms {
        currency: Currency::Ugx,
        country: Country::Uganda,
        router: &router,
        mapping: None,
        rows_max: 10,
        sms: None,
        notice: None,
    };
    for name in ["grants.csv", "bad_rows.csv"] {
        let read = read_path(&fixture(name), None, 1_000_000);
        for row in &read.rows {
            let alone = judge_one(&terms, &row.cells, row.row);
            if row.issues.iter().any(|i| i.code.starts_with("duplicate")) {
                assert!(alone.recipient.is_some(), "it repeats nothing when it is alone");
            } else {
                assert_eq!(&alone, row, "{name}");
            }
        }
    }
    let nameless = judge_one(&terms, &[Uploaded::new("fone", "0772345678"), Uploaded::new("amount", "5")], 7);
    assert_eq!((nameless.issues[0].code, nameless.recipient), ("missing_column", None));
    assert_eq!(nameless.cells[0], Uploaded::new("fone", "0772345678"));
}

/// `text` in each encoding a list may come in, with what is said of it.
fn encoded(text: &str) -> [(Vec<u8>, &'static str, usize); 6] {
    let utf16 = |unit: fn(u16) -> [u8; 2], bom: &str| format!("{bom}{text}").encode_utf16().flat_map(unit).collect();
    [
        (text.as_bytes().to_vec(), "UTF-8", 0),
        (format!("\u{FEFF}{text}").into_bytes(), "UTF-8", 0),
        (utf16(u16::to_le_bytes, "\u{FEFF}"), "UTF-16LE", 0),
        (utf16(u16::to_be_bytes, "\u{FEFF}"), "UTF-16BE", 0),
        (utf16(u16::to_le_bytes, ""), "UTF-16LE", 1),
        (encoding_rs::WINDOWS_1252.encode(text).0.into_owned(), "windows-1252", 1),
    ]
}

#[test]
fn names_are_right_in_every_encoding_and_a_guess_is_told() {
    let text = "sep=;\r\nname;phone;amount\r\nZo\u{EB} M\u{FC}ller;0772345678;50000\r\nAndr\u{E9};0752345678;60000\r\n";
    for (bytes, encoding, warnings) in encoded(text) {
        let read = read_bytes(&bytes);
        let summary = read.summary();
        assert_eq!(summary.source, Source::Csv { encoding, delimiter: ';' });
        assert_eq!(read.recipient(2).name, "Zo\u{EB} M\u{FC}ller", "{encoding}");
        assert_eq!((summary.valid, summary.warnings as usize, summary.notices.len()), (2, warnings, warnings));
        for notice in &summary.notices {
            assert_eq!((notice.row, notice.code), (1, "encoding_guessed"));
            assert!(notice.message.contains(encoding) && notice.message.contains("Zo\u{EB} M\u{FC}ller"), "{notice:?}");
        }
    }
}

#[test]
fn titles_above_the_header_are_passed_over_and_rows_keep_their_numbers() {
    let read = read_text(
        "Kampala Relief,,\n\"Payroll of March, 2026\",,\n\nname,phone,amount\nGrace,0772345678,50000\nMoses,077,1\n",
    );
    assert_eq!(read.summary().header.row, 4);
    assert_eq!(read.summary().rows, 2);
    assert_eq!(read.recipient(5).name, "Grace");
    assert_eq!(read.issues(), [(6, "phone_too_short")]);
}

#[test]
fn a_total_at_the_end_is_left_out_only_when_it_is_surely_one() {
    let list = "name,phone,amount\nGrace,0772345678,\"50,000\"\nMoses,0752345678,60000\nIrene,bad,40000\n";
    for (rows, left_out, issues) in [
        ("Total,,150000\n", &[5][..], &[][..]),
        ("Subtotal,,\"150,000\"\n\nGRAND TOTAL:,,UGX 150000\n", &[5, 7], &[]),
        (",,150000\n", &[5], &[]),
        (",Jumla,150000\n", &[5], &[]),
        ("Total,,149999\n", &[], &[(5, "total_row")]),
        ("Total,,\n", &[], &[(5, "total_row")]),
        (",,149999\n", &[], &[(5, "phone_missing")]),
        ("Jane,,150000\n", &[], &[(5, "phone_missing")]),
        ("Total,,150000\nPeter,0772345679,1000\n", &[], &[(5, "total_row")]),
        ("Total,150000\n", &[], &[(5, "row_shape")]),
    ] {
        let read = read_text(&format!("{list}{rows}"));
        let summary = read.summary();
        let told: Vec<u32> = summary.notices.iter().map(|n| n.row).collect();
        assert_eq!(told, left_out, "{rows:?}");
        assert!(
            summary.notices.iter().all(|n| n.code == "total_row_left_out" && n.column.as_deref() == Some("amount"))
        );
        let bad: Vec<_> = read.issues().into_iter().filter(|(row, _)| *row > 4).collect();
        assert_eq!(bad, issues, "{rows:?}");
        assert_eq!(summary.rows as usize, read.rows.len());
        assert_eq!(summary.warnings as usize, read.issues().len() - summary.invalid as usize + left_out.len());
    }
    let unclear = read_text(&format!("{list}Total,,149999\n"));
    let row = unclear.rows.last().unwrap();
    assert!(row.issues[0].message.contains("UGX 150,000"), "{:?}", row.issues);
    assert_eq!((row.stated.amount.as_str(), row.recipient.is_none()), ("149999", true));
}

#[test]
fn more_totals_than_a_list_has_are_rows() {
    let many = "Total,,50000\n".repeat(20);
    let read = read_text(&format!("name,phone,amount\nGrace,0772345678,50000\n{many}"));
    let summary = read.summary();
    assert_eq!((summary.notices.len() + read.rows.len(), summary.valid), (21, 1));
    assert!(summary.notices.len() <= 8 && read.issues().iter().all(|(_, code)| *code == "total_row"));
}

#[test]
fn our_own_column_of_reasons_is_dropped() {
    let read = read_text("phone,amount,village,gaba_reason\n0772345678,5,Kira,\"was bad, is good\"\n0772,5,Kira,bad\n");
    let recipient = read.recipient(2);
    assert_eq!(recipient.variables.keys().collect::<Vec<_>>(), ["village"]);
    assert_eq!(recipient.note, None);
    let headers: Vec<&str> = read.rows[1].cells.iter().filter_map(|cell| cell.header.as_deref()).collect();
    assert_eq!(headers, ["phone", "amount", "village"], "it is not handed out twice");
    assert_eq!(read.issues(), [(3, "phone_too_short")]);
}

#[test]
fn the_marks_against_formulas_of_our_own_list_are_taken_off() {
    let rows = "'+256772345678,5,'=1+1,'t Hooft";
    let read = read_text(&format!("phone,amount,'@home,name,gaba_reason\n{rows},bad\n"));
    let recipient = read.recipient(2);
    assert_eq!((recipient.variables["@home"].as_str(), recipient.name.as_str()), ("=1+1", "'t Hooft"));
    let theirs = read_text(&format!("phone,amount,home,name\n{rows}\n"));
    assert_eq!(theirs.recipient(2).variables["home"], "'=1+1", "what is not of our making stays as it is");
}

#[test]
fn amounts_beyond_the_limits_of_a_lane_are_refused() {
    let lanes =
        LANES.replacen("currency = \"UGX\"", "currency = \"UGX\"\namount_min = \"500\"\namount_max = \"5000000\"", 1);
    let router = Router::new(&Config::parse(&lanes).unwrap().lanes).unwrap();
    let terms = Terms {
        currency: Currency::Ugx,
        country: Country::Uganda,
        router: &router,
        mapping: None,
        rows_max: 10,
        sms: None,
        notice: None,
    };
    for (phone, amount, code) in [
        ("0772345678", "500", None),
        ("0772345678", "5,000,000", None),
        ("0772345678", "499", Some("below_lane_minimum")),
        ("0772345678", "5000001", Some("above_lane_maximum")),
        ("0752345678", "1", None),
    ] {
        let row = judge_one(&terms, &[Uploaded::new("phone", phone), Uploaded::new("amount", amount)], 2);
        assert_eq!(row.issues.first().map(|i| i.code), code, "{phone} {amount}");
        assert_eq!(row.recipient.is_none(), code.is_some());
        assert!(row.issues.iter().all(|i| i.column.as_deref() == Some("amount")));
    }
}

#[test]
fn progress_ends_at_the_size_of_the_file() {
    let path = fixture("grants.csv");
    let router = Router::new(&Config::parse(LANES).unwrap().lanes).unwrap();
    let terms = Terms {
        currency: Currency::Ugx,
        country: Country::Uganda,
        router: &router,
        mapping: None,
        rows_max: 2_000,
        sms: None,
        notice: None,
    };
    let progress = Progress::default();
    read_with(&path, &terms, &no_sheets(), &Remembered::new(), &progress, &mut |_| Ok(())).unwrap();
    assert_eq!(progress.read_bytes(), std::fs::metadata(&path).unwrap().len());
}
