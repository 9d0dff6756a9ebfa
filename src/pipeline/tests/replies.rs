//! What an analyzer that asks hears, with orders and without.

use std::collections::BTreeMap;

use labwire_astm::record::Kind;

use super::super::{Found, Wants, Work, answer, questions};
use super::*;
use crate::domain::profile::{QueryStyle, ReplyRecord, Template};
use crate::domain::{Patient, Priority, Private, SpecimenId};

fn style(records: &[(Kind, &[(usize, &str)])]) -> QueryStyle {
    let record = |(kind, fields): &(Kind, &[(usize, &str)])| ReplyRecord {
        kind: *kind,
        fields: fields
            .iter()
            .map(|(number, text)| (*number, Template::parse(text).unwrap()))
            .collect::<BTreeMap<_, _>>(),
    };
    QueryStyle { no_orders: records.iter().map(record).collect(), ..QueryStyle::default() }
}

fn reply(style: QueryStyle, query: &str) -> Option<String> {
    reply_with(style, query, &Found::new())
}

fn reply_with(style: QueryStyle, query: &str, found: &Found) -> Option<String> {
    let mut profile = profile();
    astm(&mut profile).query = style;
    let reading = reading(profile);
    answer(query.as_bytes(), &reading, found, context().received_at)
        .map(|bytes| String::from_utf8(bytes).unwrap())
}

fn work(specimen: &str, tests: &[&str]) -> Work {
    Work {
        specimen: SpecimenId::new(specimen),
        tests: tests.iter().map(|test| (*test).to_owned()).collect(),
        priority: Priority::Stat,
        patient: Private::new(Patient {
            id: "EX|77".to_owned(),
            authority: String::new(),
            name: "Example^Änne".to_owned(),
            birth_date: "19800102000000".to_owned(),
            sex: "A".to_owned(),
            location: String::new(),
        }),
        specimen_kind: "SERUM".to_owned(),
        collected: "20260501080000.000+0200".to_owned(),
        numbers: Vec::new(),
        withdrawn: Vec::new(),
        is_known: false,
    }
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

/// As the same manual shows an answer with orders.
fn with_orders() -> QueryStyle {
    let records: [(Kind, &[(usize, &str)]); 4] = [
        (Kind::Header, &[(12, "P")]),
        (Kind::Patient, &[(2, "{sequence}")]),
        (
            Kind::Order,
            &[
                (2, "1"),
                (3, "{specimen}"),
                (4, "{after_specimen}"),
                (5, "{tests}"),
                (6, "{priority}"),
                (12, "N"),
                (26, "Q"),
            ],
        ),
        (Kind::Terminator, &[(2, "1")]),
    ];
    let test = ("^^^".to_owned(), "^".to_owned());
    QueryStyle { orders: style(&records).no_orders, test, ..with_order() }
}

#[test]
fn orders_come_with_the_positions_of_the_query_and_report_type_q() {
    let query = "H|\\^&||||||||||P||\rQ|1|^000004^40^0^5^^SAMPLE^NORMAL||ALL||||||||O\rL|1|I\r";
    let found = Found::from([(1, vec![Some(work("000004", &["10", "30", "4|0"]))])]);
    assert_eq!(
        reply_with(with_orders(), query, &found).unwrap(),
        "H|\\^&||||||||||P\rP|1\rO|1|000004|40^0^5^^SAMPLE^NORMAL|^^^10^\\^^^30^\\^^^4&F&0^|S||||||N||||||||||||||Q\rL|1\r"
    );
}

#[test]
fn the_usual_answer_names_the_patient_as_the_lims_does_under_the_delimiters_of_the_query() {
    let query = "H|!~@||||||||||P\rQ|1|~S1||ALL||||||||O\rL|1|N\r";
    let found = Found::from([(1, vec![Some(work("S1", &["GLU", "NA"]))])]);
    assert_eq!(
        reply_with(QueryStyle::default(), query, &found).unwrap(),
        "H|!~@||||||||||P||20261026130000\rP|1||EX@F@77||Example~Änne||19800102|U\r\
         O|1|S1||~~~GLU!~~~NA|S||20260501080000||||N||||SERUM||||||||||Q\rL|1|N\r"
    );
}

#[test]
fn of_several_tubes_each_gets_its_own_orders_or_is_told_that_it_has_none() {
    let query = "H|\\^&||||||||||P\rQ|1|^S1\\^S2\rQ|2|^S3\rL|1|N";
    let found =
        Found::from([(1, vec![None, Some(work("S2", &["GLU"]))]), (2, vec![Some(work("S3", &["NA"]))])]);
    let answered = reply_with(with_orders(), query, &found).unwrap();
    let shown: Vec<_> = answered.split('\r').filter(|it| it.starts_with(['P', 'O'])).collect();
    assert_eq!(
        shown,
        [
            "P|1",
            "O|1|S1|||R||||||N||||||||||||||Z",
            "P|2",
            "O|1|S2||^^^GLU^|S||||||N||||||||||||||Q",
            "P|3",
            "O|1|S3||^^^NA^|S||||||N||||||||||||||Q"
        ]
    );
    let without_record = reply_with(QueryStyle::default(), query, &found).unwrap();
    assert_eq!(without_record.matches("O|1|").count(), 2, "the model has no record for none");
}

#[test]
fn a_query_says_what_it_wants_and_nothing_is_made_of_a_blank_or_an_enormous_number() {
    let long = format!("^{}", "9".repeat(81));
    for (query, expected) in [
        ("^S1", Wants::Tubes(vec![SpecimenId::new("S1")])),
        ("S1", Wants::Tubes(vec![SpecimenId::new("S1")])),
        ("^ S1 |^S1", Wants::Tubes(vec![SpecimenId::new("S1")])),
        ("^S1|^S4", Wants::Range(SpecimenId::new("S1"), SpecimenId::new("S4"))),
        ("^S1|ALL", Wants::Tubes(vec![SpecimenId::new("S1")])),
        ("ALL", Wants::All),
        ("^ALL", Wants::All),
        ("", Wants::Nothing("no specimen is named")),
        ("^ ", Wants::Nothing("no specimen is named")),
        (&long, Wants::Nothing("the specimen's number is too long")),
    ] {
        let message = format!("H|\\^&\rQ|1|{query}\rL|1");
        let mut profile = profile();
        astm(&mut profile).query = with_orders();
        let reading = reading(profile);
        let asked = questions(message.as_bytes(), &reading);
        assert_eq!(asked[0].wants, expected, "{query}");
        let told = answer(message.as_bytes(), &reading, &Found::new(), context().received_at).unwrap();
        assert!(told.len() < 200, "{query}");
    }
}

#[test]
fn a_query_for_a_patients_tube_or_single_tests_is_no_wider_than_that() {
    for (query, patients, tests) in [
        ("^S1||ALL", vec![""], vec![]),
        ("^S1||^^^ALL", vec![""], vec![]),
        ("^S1||", vec![""], vec![]),
        ("^S1||^^^", vec![""], vec![]),
        ("EX77^S1||^^^GLU", vec!["EX77"], vec!["GLU", "^^^GLU"]),
        ("EX77^S1\\^S2\\EX78^S3", vec!["EX77", "", "EX78"], vec![]),
        // One without a tube counts for none.
        ("EX77^\\EX78^S3", vec!["EX78"], vec![]),
        ("S1||GLU\\^^^NA^2", vec![""], vec!["GLU", "NA^2", "NA", "^^^NA^2"]),
        ("EX77^ALL", vec!["EX77"], vec![]),
        ("ALL^S1", vec![""], vec![]),
    ] {
        let text = format!("H|\\^&\rQ|1|{query}\rL|1|N\r");
        let asked = questions(text.as_bytes(), &reading(profile()));
        let named: Vec<&str> = asked[0].only.patients.iter().map(|it| it.reveal().as_str()).collect();
        assert_eq!(
            (named, &asked[0].only.tests),
            (patients, &tests.into_iter().map(str::to_owned).collect()),
            "{query}"
        );
    }
    for query in ["^ALL||ALL||20260501|20260502", "^S1|^S4|||20260501", "EX77^||ALL||||||||D"] {
        let text = format!("H|\\^&\rQ|1|{query}\rL|1|N\r");
        let asked = questions(text.as_bytes(), &reading(profile()));
        assert!(matches!(asked[0].wants, Wants::Nothing(_)), "{query}: {asked:?}");
    }
}

#[test]
fn a_wildcard_is_answered_with_the_tubes_that_there_are() {
    let query = "H|\\^&||||||||||P\rQ|1|ALL\rL|1|N";
    let found = Found::from([(1, vec![Some(work("S1", &["GLU"])), Some(work("S2", &["NA"]))])]);
    let answered = reply_with(with_orders(), query, &found).unwrap();
    assert!(answered.contains("O|1|S1||^^^GLU^|") && answered.contains("O|1|S2||^^^NA^|"), "{answered}");
}

#[test]
fn what_is_ordered_on_a_tube_that_the_analyzer_knows_is_added_to_it() {
    let query = "H|\\^&||||||||||P\rQ|1|^S1\rL|1|N";
    for (is_known, action) in [(false, "|N|"), (true, "|A|")] {
        let work = Work { is_known, ..work("S1", &["GLU"]) };
        let found = Found::from([(1, vec![Some(work)])]);
        let told = reply_with(QueryStyle::default(), query, &found).unwrap();
        let order = told.split('\r').find(|record| record.starts_with("O|")).unwrap();
        assert!(order.contains(action), "{order}");
    }
}
