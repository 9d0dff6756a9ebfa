//! What a LIMS is told about its orders.

use labwire_hl7::message::Path;
use labwire_hl7::transfer::ControlId;

use super::*;
use crate::config::settings::OrderPlaces;
use crate::orders::message::read;

fn told(header: &str, segments: &str, applied: &[Applied]) -> Vec<String> {
    let content = format!("MSH|^~\\&|LIMS|HOSP|labwire|LAB|2026||{header}/{segments}/").replace('/', "\r");
    let message = Message::parse(content.as_bytes()).unwrap();
    let places = OrderPlaces { specimen: Path::parse("SPM-2").into_iter().collect() };
    let read = read(&message, &message.header().unwrap(), &places);
    let mut next = || ControlId::new("Q1").unwrap();
    let mut stamp = Stamp { sent: "20260501", next_control_id: &mut next };
    let texts = answers(content.as_bytes(), &read, applied, &mut stamp);
    texts.iter().map(|text| String::from_utf8_lossy(text).replace('\r', "/")).collect()
}

const ORDER: &str = "SPM|1|T1||SER/ORC|NW|P1|F1/OBR|1|P1|F1|GLU/ORC|CA|P2/OBR|2|P2||NA";

#[test]
fn each_order_is_told_what_was_done_with_it() {
    let done = [Applied::Done, Applied::Done];
    assert_eq!(
        told("OML^O33^OML_O33|7|P|2.5.1", ORDER, &done),
        ["MSH|^~\\&|labwire|LAB|LIMS|HOSP|20260501||ORL^O34^ORL_O34|Q1|P|2.5.1/MSA|AA|7/SPM|1|T1||SER/\
          ORC|OK|P1|F1/OBR|1|P1|F1|GLU/ORC|CR|P2/OBR|2|P2||NA/"]
    );
    let unknown = told("OML^O33|7|P|2.5.1", ORDER, &[Applied::Done, Applied::Unknown]);
    assert!(unknown[0].contains("MSA|AA|7/") && unknown[0].contains("/ORC|UC|P2/"), "{unknown:?}");
    let refused = told("OML^O33|7|P|2.5.1", ORDER, &[Applied::Done, Applied::Refused("why".to_owned())]);
    assert!(
        refused[0].contains("/MSA|AE|7/ERR||ORC^4|101^Required field missing^HL70357|E||||why/"),
        "{refused:?}"
    );
}

#[test]
fn an_order_that_can_not_be_read_is_refused_beside_those_that_were_taken() {
    let text = told("ORM^O01|7|P|2.3.1", "ORC|NW|P1/OBR|1|||GLU/ORC|CA|P2", &[Applied::Done]);
    assert_eq!(
        text,
        [
            "MSH|^~\\&|labwire|LAB|LIMS|HOSP|20260501||ORR^O02|Q1|P|2.3.1/MSA|AE|7/ORC|UA|P1/OBR|1|||GLU/ORC|CR|P2/"
        ]
    );
}

#[test]
fn the_enhanced_mode_gets_what_it_asks_for() {
    let codes = |modes: &str| -> Vec<String> {
        let header = format!("OML^O33|7|P|2.5.1|||{modes}");
        let texts = told(&header, ORDER, &[Applied::Done, Applied::Done]);
        texts.iter().map(|text| text.split("MSA|").nth(1).unwrap().chars().take(2).collect()).collect()
    };
    for (modes, expected) in [
        ("", &["AA"][..]),
        ("AL|AL", &["CA", "AA"]),
        ("AL|NE", &["CA"]),
        ("NE|AL", &["AA"]),
        ("NE|ER", &[]),
        ("NE|NE", &[]),
    ] {
        assert_eq!(codes(modes), expected, "{modes}");
    }
}

#[test]
fn what_is_no_order_gets_a_plain_acknowledgement() {
    let merged = told("ADT^A40^ADT_A39|7|P|2.5.1", "PID|1||EX78/MRG|EX77", &[]);
    assert!(merged[0].contains("|ACK^A40^ACK|") && merged[0].contains("/MSA|AA|7/"), "{merged:?}");
    let result = told("ORU^R01|7|P|2.5.1", "OBR|1", &[]);
    assert!(
        result[0].contains("/MSA|AR|7/") && result[0].contains("200^Unsupported message type"),
        "{result:?}"
    );
    let broken = told("OML^O33|7|P|2.5.1", "PID|1/PID|2", &[]);
    assert!(broken[0].contains("/MSA|AE|7/") && broken[0].contains("more than one patient"), "{broken:?}");
}
