//! What an analyzer hears when there is nothing to do for a specimen.

use std::collections::BTreeMap;

use labwire_astm::record::Kind;

use super::super::no_orders;
use super::*;
use crate::domain::profile::{QueryStyle, ReplyRecord, Template};

fn style(records: &[(Kind, &[(usize, &str)])]) -> QueryStyle {
    let record = |(kind, fields): &(Kind, &[(usize, &str)])| ReplyRecord {
        kind: *kind,
        fields: fields
            .iter()
            .map(|(number, text)| (*number, Template::parse(text).unwrap()))
            .collect::<BTreeMap<_, _>>(),
    };
    QueryStyle { no_orders: records.iter().map(record).collect() }
}

fn reply(style: QueryStyle, query: &str) -> Option<String> {
    let mut profile = profile();
    astm(&mut profile).query = style;
    let reading = reading(profile);
    no_orders(query.as_bytes(), &reading, context().received_at)
        .map(|bytes| String::from_utf8(bytes).unwrap())
}

/// The convention that the cobas e 411 manual shows.
fn with_order() -> QueryStyle {
    style(&[
        (Kind::Header, &[(12, "P")]),
        (Kind::Patient, &[(2, "1")]),
        (
            Kind::Order,
            &[(2, "{sequence}"), (3, "{specimen}"), (4, "{after_specimen}"), (6, "R"), (12, "N"), (26, "Z")],
        ),
        (Kind::Terminator, &[(2, "1")]),
    ])
}

#[test]
fn a_model_may_want_an_order_that_says_no_order_with_its_positions_echoed() {
    let query = "H|\\^&||||||||||P||\rQ|1|^000004^40^0^5^^SAMPLE^NORMAL||ALL||||||||O\rL|1|I\r";
    assert_eq!(
        reply(with_order(), query).unwrap(),
        "H|\\^&||||||||||P\rP|1\rO|1|000004|40^0^5^^SAMPLE^NORMAL||R||||||N||||||||||||||Z\rL|1\r"
    );
}

#[test]
fn every_specimen_asked_for_is_answered() {
    let query = "H|`^&||||||||||P\rQ|1|^S1`S2|||S|||||||O\rQ|2|^S3||ALL||||||||O\rL|1|N";
    let answered = reply(with_order(), query).unwrap();
    let orders: Vec<_> = answered.split('\r').filter(|record| record.starts_with('O')).collect();
    assert_eq!(orders.len(), 3);
    for (order, expected) in orders.iter().zip(["O|1|S1||", "O|2|S2||", "O|3|S3||"]) {
        assert!(order.starts_with(expected), "{order}");
    }
    assert!(answered.starts_with("H|`^&|"), "under the delimiters of the query");
}

#[test]
fn a_model_may_want_its_own_header_back_and_a_code() {
    let echo = style(&[
        (Kind::Header, &[(3, "{H.3}"), (5, "{H.5}"), (10, "{H.10}"), (12, "P"), (14, "{now}")]),
        (Kind::Terminator, &[(2, "1"), (3, "I")]),
    ]);
    let query = "H|\\!~|(0:0-1#2, 5)||DxH!9|||||LIS||P|LIS2-A|20261026120000\rQ|1|!0001||ALL||||||||O\rL|1|N";
    assert_eq!(reply(echo, query).unwrap(), "H|\\!~|(0:0-1#2, 5)||DxH!9|||||LIS||P||20261026130000\rL|1|I\r");
    assert_eq!(
        reply(QueryStyle::default(), "H|\\^&\rQ|1|ALL||||||||||O\rL|1").unwrap(),
        "H|\\^&||||||||||P||20261026130000\rL|1|I\r"
    );
}

#[test]
fn a_query_for_everything_gets_no_orders_for_nobody() {
    assert_eq!(reply(with_order(), "H|\\^&\rQ|1|ALL\rL|1").unwrap(), "H|\\^&||||||||||P\rL|1\r");
}

#[test]
fn some_messages_want_no_answer() {
    for silent in [
        "H|\\^&\rQ|1|^S1||ALL||||||||A\rL|1|T",
        "H|\\^&\rP|1\rO|1|S1\rR|1|^^^K|4.1\rL|1",
        "H|\\^\rQ|1|^S1||ALL||||||||O\rL|1",
        "Q|1|^S1||ALL||||||||O",
        "",
    ] {
        assert_eq!(reply(with_order(), silent), None, "{silent:?}");
    }
}
