//! What is answered to what.

use labwire_link::Reply;
use proptest::prelude::*;

use super::*;

/// The answers to a message, segments separated by `/`; each gets the control IDs A1, A2 and so on.
fn answers(content: &str, verdict: &Verdict, settings: &Acknowledging) -> Vec<String> {
    let mut number = 0;
    let mut next = || {
        number += 1;
        ControlId::new(&format!("A{number}")).unwrap()
    };
    let mut stamp = Stamp { sent: "20260102", next_control_id: &mut next };
    let content = content.replace('/', "\r");
    match acknowledge(content.as_bytes(), |_| verdict.clone(), settings, &mut stamp) {
        Reply::Texts(texts) => {
            let shown = texts.iter().map(|text| String::from_utf8_lossy(text).replace('\r', "/"));
            shown.collect()
        }
        Reply::Silent => Vec::new(),
        Reply::Protocol => panic!("HL7 has no answer of its own"),
    }
}

fn header(message_type: &str, version: &str, modes: &str) -> String {
    format!("MSH|^~\\&|Sim|Lab|Host|Site|20260101||{message_type}|7|P|{version}|||{modes}")
}

/// The codes in MSA-1 of the answers.
fn codes(modes: &str, verdict: &Verdict, mode: Mode) -> String {
    let settings = Acknowledging { mode, ..Acknowledging::default() };
    let answers = answers(&header("ORU^R01^ORU_R01", "2.5.1", modes), verdict, &settings);
    let code = |answer: &String| answer.split("MSA|").nth(1).unwrap().chars().take(2).collect::<String>();
    answers.iter().map(code).collect::<Vec<_>>().join(" ")
}

fn accepted(content: &str) -> Vec<String> {
    answers(content, &Verdict::Accepted, &Acknowledging::default())
}

fn content_error() -> Verdict {
    Verdict::ContentError { condition: Condition::UnknownKey, reason: "no such test".to_owned() }
}

#[test]
fn an_old_message_gets_one_answer_with_its_header_turned_round() {
    assert_eq!(
        accepted(&header("ORU^R01", "2.3.1", "")),
        ["MSH|^~\\&|Host|Site|Sim|Lab|20260102||ACK^R01|A1|P|2.3.1/MSA|AA|7/"]
    );
}

#[test]
fn the_answer_names_the_event_and_since_2_5_its_structure() {
    for (message_type, version, expected) in [
        ("OUL^R22^OUL_R22", "2.5", "ACK^R22^ACK"),
        ("OUL^R22^OUL_R22", "2.5.1", "ACK^R22^ACK"),
        ("ORU^R01^ORU_R01", "2.10", "ACK^R01^ACK"),
        ("ORU^R01", "2.4", "ACK^R01"),
        ("ORU", "2.5", "ACK"),
        ("ORU^R30^ORU_R30", "2.5", "ACK^R33^ACK"),
        ("ORU^R31^ORU_R30", "2.5", "ACK^R33^ACK"),
        ("ORU^R32^ORU_R30", "2.5", "ACK^R33^ACK"),
        ("ORU^R31^ORU_R30", "2.5.1", "ACK^R33^ACK"),
        ("ORU^R32^ORU_R30", "2.6", "ACK^R33^ACK"),
        ("ORU^R30^ORU_R30", "2.7", "ACK^R30^ACK"),
        ("ORU^R01", "", "ACK^R01"),
    ] {
        let answer = accepted(&header(message_type, version, ""));
        assert_eq!(answer[0].split('|').nth(8), Some(expected), "{message_type} {version}");
    }
    let settings = Acknowledging { trigger: Some("R99".to_owned()), ..Acknowledging::default() };
    assert!(
        answers(&header("ORU^R30", "2.5.1", ""), &Verdict::Accepted, &settings)[0].contains("|ACK^R99^ACK|")
    );
}

#[test]
fn msh_15_and_16_say_what_is_asked_for() {
    let accepted = &Verdict::Accepted;
    for (modes, expected) in [
        ("", "AA"),
        ("|", "AA"),
        ("NE|AL", "AA"),
        ("AL|NE", "CA"),
        ("AL|AL", "CA AA"),
        ("ER|AL", "AA"),
        ("ER|ER", ""),
        ("SU|SU", "CA AA"),
        ("NE|NE", ""),
        ("AL|", "CA"),
        ("|AL", "AA"),
        ("|0", "AA"),
        ("|1", "AA"),
        ("|2", "AA"),
        ("al|al", "AA"),
    ] {
        assert_eq!(codes(modes, accepted, Mode::AsAsked), expected, "{modes}");
    }
}

#[test]
fn each_verdict_has_its_code_in_each_mode() {
    let not_for_us = Verdict::NotForUs(Condition::UnsupportedVersion);
    for (verdict, original, commit, both, on_error) in [
        (Verdict::Accepted, "AA", "CA", "CA AA", ""),
        (Verdict::NotStored, "AR", "CE", "CE AR", "CE AR"),
        (not_for_us, "AR", "CR", "CR AR", "CR AR"),
        (content_error(), "AE", "CA", "CA AE", "AE"),
    ] {
        assert_eq!(codes("", &verdict, Mode::AsAsked), original, "{verdict:?}");
        assert_eq!(codes("AL|AL", &verdict, Mode::AsAsked), both, "{verdict:?}");
        assert_eq!(codes("ER|ER", &verdict, Mode::AsAsked), on_error, "{verdict:?}");
        assert_eq!(codes("AL|AL", &verdict, Mode::Original), original, "{verdict:?}");
        assert_eq!(codes("", &verdict, Mode::Commit), commit, "{verdict:?}");
        assert_eq!(codes("AL|AL", &verdict, Mode::Silent), "", "{verdict:?}");
    }
}

#[test]
fn the_second_answer_asks_for_none_to_itself() {
    let both = accepted(&header("OUL^R22^OUL_R22", "2.5.1", "AL|AL"));
    assert_eq!(both[0], "MSH|^~\\&|Host|Site|Sim|Lab|20260102||ACK^R22^ACK|A1|P|2.5.1/MSA|CA|7/");
    assert_eq!(both[1], "MSH|^~\\&|Host|Site|Sim|Lab|20260102||ACK^R22^ACK|A2|P|2.5.1|||NE|NE/MSA|AA|7/");
}

#[test]
fn a_refusal_says_why_where_its_version_has_it() {
    let settings = Acknowledging::default();
    let new = answers(&header("ORU^R01", "2.5", ""), &content_error(), &settings);
    assert!(
        new[0].ends_with("/MSA|AE|7/ERR|||204^Unknown key identifier^HL70357|E||||no such test/"),
        "{new:?}"
    );
    let old = answers(&header("ORU^R01", "2.4", ""), &content_error(), &settings);
    assert!(old[0].ends_with("/MSA|AE|7|no such test/"), "{old:?}");
    let down = answers(&header("ORU^R01", "2.3.1", ""), &Verdict::NotStored, &settings);
    assert!(down[0].ends_with("/MSA|AR|7|Application internal error/"), "{down:?}");
    let version = Verdict::NotForUs(Condition::UnsupportedVersion);
    let version = answers(&header("ORU^R01", "2.9", ""), &version, &settings);
    assert!(version[0].ends_with("/ERR|||203^Unsupported version id^HL70357|E/"), "{version:?}");
}

#[test]
fn a_bs_200_gets_its_own_control_id_and_a_number() {
    let settings = Acknowledging {
        control_id: ControlIdForm::Echoed,
        msa: MsaForm::Numbered,
        ..Acknowledging::default()
    };
    let message = "MSH|^~\\&|Sim|BS|||20260101||ORU^R01|1|P|2.3.1||||0||ASCII|||/PID|1";
    assert_eq!(
        answers(message, &Verdict::Accepted, &settings),
        ["MSH|^~\\&|||Sim|BS|20260102||ACK^R01|1|P|2.3.1||||||ASCII/MSA|AA|1|Message accepted|||0|/"]
    );
    let refused = answers(message, &Verdict::NotStored, &settings);
    assert!(refused[0].ends_with("/MSA|AR|1|Application internal error|||207|/"), "{refused:?}");
}

#[test]
fn a_sequence_number_comes_back_in_msa_4() {
    for number in ["0", "-1", "42"] {
        let message = header("ORU^R01", "2.4", "").replace("2.4|", &format!("2.4|{number}"));
        assert!(accepted(&message)[0].ends_with(&format!("/MSA|AA|7||{number}/")), "{number}");
    }
}

#[test]
fn a_control_id_comes_back_exactly_even_when_it_is_empty() {
    for id in ["1", "", "a\\F\\b", " 7 ", "0123456789012345678901234567890"] {
        let message = header("ORU^R01", "2.4", "").replace("|7|P", &format!("|{id}|P"));
        let expected = if id.is_empty() { "/MSA|AA/".to_owned() } else { format!("/MSA|AA|{id}/") };
        assert!(accepted(&message)[0].ends_with(&expected), "{id}");
    }
}

#[test]
fn other_separators_are_answered_with_themselves() {
    let answer = accepted("MSH!@#$%!Sim!Lab!Host!!20260101!!ORU@R01!7!P!2.5.1/PID!1");
    assert_eq!(answer, ["MSH!@#$%!Host!!Sim!Lab!20260102!!ACK@R01@ACK!A1!P!2.5.1/MSA!AA!7/"]);
}

#[test]
fn a_batch_gets_a_batch_of_answers() {
    let one = "MSH|^~\\&|Sim|Lab|Host|Site|20260101||ORU^R01|7|P|2.4/PID|1/";
    let two = one.replace("|7|", "|8|");
    let ack =
        |own: u8, id: u8| format!("MSH|^~\\&|Host|Site|Sim|Lab|20260102||ACK^R01|A{own}|P|2.4/MSA|AA|{id}/");
    let batch = format!("FHS|^~\\&|Sim||||||F.hl7||F1/BHS|^~\\&|Sim||Host||||||B1/{one}{two}BTS|2/FTS|1/");
    assert_eq!(
        accepted(&batch),
        [format!(
            "FHS|^~\\&|||Sim||20260102||||A3|F1/BHS|^~\\&|Host||Sim||20260102||||A4|B1/{}{}BTS|2/FTS|1/",
            ack(1, 7),
            ack(2, 8)
        )]
    );
    assert_eq!(
        accepted(&format!("{one}{two}")),
        [ack(1, 7), ack(2, 8)],
        "several messages without an envelope"
    );
}

#[test]
fn nothing_can_be_said_about_what_has_no_header() {
    for content in ["", "PID|1", "H|\\^&", "garbage", "MSH"] {
        assert_eq!(accepted(content), Vec::<String>::new(), "{content}");
    }
}

#[test]
fn a_message_that_is_only_a_header_is_refused_with_what_could_be_read() {
    let answer = answers(
        "MSH|^~\\&|Sim",
        &Verdict::NotForUs(Condition::UnsupportedVersion),
        &Acknowledging::default(),
    );
    assert_eq!(answer, ["MSH|^~\\&|||Sim||20260102||ACK|A1/MSA|AR||Unsupported version id/"]);
}

#[test]
fn a_reason_is_said_in_the_character_set_of_the_message_or_declares_its_own() {
    let verdict =
        Verdict::ContentError { condition: Condition::UnknownKey, reason: "Größe\r\nfehlt".to_owned() };
    let answer = |charset: &str| {
        let message = format!("{}|||{charset}", header("ORU^R01", "2.5", "|"));
        let message = if charset.is_empty() {
            header("ORU^R01", "2.5", "")
        } else {
            message.replace("|||8", "||8").replace("|||U", "||U")
        };
        let mut next = || ControlId::new("A1").unwrap();
        let mut stamp = Stamp { sent: "", next_control_id: &mut next };
        match acknowledge(message.as_bytes(), |_| verdict.clone(), &Acknowledging::default(), &mut stamp) {
            Reply::Texts(mut texts) => texts.remove(0),
            _ => panic!("an answer"),
        }
    };
    let ends = |answer: &[u8], text: &[u8]| answer.ends_with(&[text, b"\r"].concat());
    assert!(ends(&answer("8859/1"), b"Gr\xF6\xDFe fehlt"), "{}", answer("8859/1").escape_ascii());
    assert!(ends(&answer("UNICODE UTF-8"), "Größe fehlt".as_bytes()));
    let undeclared = answer("");
    assert!(ends(&undeclared, "Größe fehlt".as_bytes()));
    assert_eq!(
        undeclared.split(|byte| *byte == b'|').nth(17).map(|field| field.starts_with(b"UNICODE UTF-8")),
        Some(true)
    );
}

#[test]
fn a_sender_named_in_an_undeclared_character_set_is_answered_by_its_whole_name() {
    let content = b"MSH|^~\\&|\x82\x7C|Lab|Host|Site|20260101||ORU^R01|7|P|2.3.1";
    let mut next = || ControlId::new("A1").unwrap();
    let mut stamp = Stamp { sent: "", next_control_id: &mut next };
    let settings = Acknowledging { charset: Some(Charset::GB18030), ..Acknowledging::default() };
    let Reply::Texts(texts) = acknowledge(content, |_| Verdict::Accepted, &settings, &mut stamp) else {
        panic!("an answer")
    };
    let expected = b"MSH|^~\\&|Host|Site|\x82\x7C|Lab|||ACK^R01|A1|P|2.3.1\rMSA|AA|7\r";
    assert_eq!(texts, [expected.to_vec()]);
}

#[test]
fn an_analyzer_that_keeps_something_of_its_own_in_msh_16_gets_it_back() {
    let message = "MSH|^~\\&|Sim|Lab|||2026||ORU^R01|7|P|2.3.1||||2||ASCII";
    let settings = Acknowledging { mode: Mode::Original, echoes_msh_16: true, ..Acknowledging::default() };
    let answer = &answers(message, &Verdict::Accepted, &settings)[0];
    assert_eq!(answer.split('|').nth(15), Some("2"), "{answer}");
}

#[test]
fn a_control_id_of_ours_fits_every_version() {
    assert!(ControlId::new("01234567890123456789").is_some());
    for id in ["", "012345678901234567890", "a b", "ä"] {
        assert_eq!(ControlId::new(id), None, "{id}");
    }
}

fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"MSH|^~\\&|Sim|||||||7|P|2.5|0||AL|AL".to_vec()),
        Just(b"\rMSH!@#$%!Sim!!!!!!ORU@R30!1!P!2.5".to_vec()),
        Just(b"FHS|^~\\&|\r".to_vec()),
        Just(b"\rBTS|1\r".to_vec()),
        prop::sample::select(b"|^~\\&\r\n17AL\x0B\x1C\xB0".to_vec()).prop_map(|byte| vec![byte]),
        prop::collection::vec(any::<u8>(), 0..5),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn whatever_came_its_answers_are_messages_that_fit_a_block(content in pieces(), echo in any::<bool>()) {
        let mut next = || ControlId::new("A1").unwrap();
        let mut stamp = Stamp { sent: "20260102", next_control_id: &mut next };
        let settings = Acknowledging {
            control_id: if echo { ControlIdForm::Echoed } else { ControlIdForm::Own },
            msa: if echo { MsaForm::Numbered } else { MsaForm::Standard },
            ..Acknowledging::default()
        };
        for verdict in [Verdict::Accepted, Verdict::NotStored, content_error()] {
            let Reply::Texts(texts) = acknowledge(&content, |_| verdict.clone(), &settings, &mut stamp) else { continue };
            for text in texts {
                prop_assert!(!text.iter().any(|byte| [VT, FS].contains(byte)));
                let message = Message::parse(&text).unwrap();
                for msh in message.named(b"MSH").filter_map(Msh::of) {
                    prop_assert_eq!(msh.message_type().component(1).raw(), b"ACK");
                }
            }
        }
    }
}
