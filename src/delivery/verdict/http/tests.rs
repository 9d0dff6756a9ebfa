//! Every kind of reply that LIMS were seen to give.

use std::collections::BTreeMap;

use super::super::Why;
use super::*;
use crate::config::settings::{KeyStyle, Web};

fn destination() -> Http {
    Http {
        url: "http://127.0.0.1:9/results".to_owned(),
        web: Web { token: None, ca_pem: None, identity_pem: None, timeout: Duration::from_secs(10) },
        key_style: KeyStyle::Quoted,
        probe_url: None,
        rules: Vec::new(),
        items: None,
    }
}

fn per_item() -> Http {
    let outcomes = BTreeMap::from([
        ("accepted".to_owned(), VerdictKind::Accepted),
        ("refused".to_owned(), VerdictKind::Refused),
    ]);
    let items = ItemReply {
        array: "/items".to_owned(),
        id: "/id".to_owned(),
        outcome: "/outcome".to_owned(),
        outcomes,
        reason: Some("/reason".to_owned()),
    };
    Http { items: Some(items), ..destination() }
}

fn answered(status: u16, body: &str) -> Reply<Answer> {
    Reply::Answered(Answer { status, body: body.as_bytes().to_vec(), ..Answer::default() })
}

const ITEMS: [ObservationId; 2] = [ObservationId(1), ObservationId(2)];

fn verdict(reply: &Reply<Answer>, kind: AttemptKind, destination: &Http) -> VerdictKind {
    judge(reply, kind, destination, &ITEMS).verdict
}

#[test]
fn the_built_in_table_decides_by_status() {
    use VerdictKind::{Accepted, Refused, Retry, Unknown};
    for (status, body, expected) in [
        (200, "", Accepted),
        (201, r#"{"receipt":"1"}"#, Accepted),
        (204, "", Accepted),
        (200, "<html>please sign in</html>", Unknown),
        (302, "", Refused),
        (400, "", Refused),
        (401, "", Refused),
        (404, "", Refused),
        (408, "", Retry),
        (409, "", Retry),
        (422, "", Refused),
        (429, "", Retry),
        (500, "", Retry),
        (503, "", Retry),
        (100, "", Unknown),
        (700, "", Unknown),
    ] {
        assert_eq!(verdict(&answered(status, body), AttemptKind::Send, &destination()), expected, "{status}");
    }
}

#[test]
fn what_was_not_sent_is_tried_again_and_what_got_no_answer_is_unknown() {
    let not_sent = Reply::NotSent(Why::unknown("connection refused"));
    assert_eq!(verdict(&not_sent, AttemptKind::Send, &destination()), VerdictKind::Retry);
    let no_answer = Reply::NoAnswer(Why::unknown("the time limit ran out"));
    assert_eq!(verdict(&no_answer, AttemptKind::Send, &destination()), VerdictKind::Unknown);
}

#[test]
fn a_replayed_answer_is_a_duplicate_and_settles_as_accepted() {
    let reply = Reply::Answered(Answer { status: 200, replayed: true, ..Answer::default() });
    let judgement = judge(&reply, AttemptKind::Send, &destination(), &ITEMS);
    assert_eq!(judgement.verdict, VerdictKind::Duplicate);
    assert!(judgement.fates.iter().all(|(_, fate)| *fate == Fate::Accepted));
}

#[test]
fn a_probe_that_finds_nothing_sends_again_and_a_failing_probe_proves_nothing() {
    assert_eq!(verdict(&answered(404, ""), AttemptKind::Probe, &destination()), VerdictKind::Retry);
    assert_eq!(verdict(&answered(200, ""), AttemptKind::Probe, &destination()), VerdictKind::Accepted);
    for status in [302, 401, 409, 429, 500, 503] {
        assert_eq!(verdict(&answered(status, ""), AttemptKind::Probe, &destination()), VerdictKind::Unknown);
    }
    let unheard = Reply::NotSent(Why::unknown("connection refused"));
    assert_eq!(verdict(&unheard, AttemptKind::Probe, &destination()), VerdictKind::Unknown);
}

#[test]
fn a_rule_of_the_destination_comes_first() {
    let mut destination = destination();
    destination.rules = vec![ReplyRule {
        status: (200, 299),
        body: Some(("/error/code".to_owned(), "17".to_owned())),
        verdict: VerdictKind::Refused,
    }];
    let refused = answered(200, r#"{"error":{"code":17}}"#);
    assert_eq!(verdict(&refused, AttemptKind::Send, &destination), VerdictKind::Refused);
    let accepted = answered(200, r#"{"error":{"code":0}}"#);
    assert_eq!(verdict(&accepted, AttemptKind::Send, &destination), VerdictKind::Accepted);
}

#[test]
fn an_answer_per_item_settles_each_by_itself() {
    let body = r#"{"items":[{"id":"1","outcome":"accepted"},{"id":"2","outcome":"refused","reason":"no such test"}]}"#;
    let judgement = judge(&answered(200, body), AttemptKind::Send, &per_item(), &ITEMS);
    let refused = Fate::Refused("no such test".to_owned());
    assert_eq!(judgement.fates, [(ITEMS[0], Fate::Accepted), (ITEMS[1], refused)]);
}

#[test]
fn a_refusal_is_kept_with_the_lims_s_own_words_and_the_log_gets_none_of_them() {
    let refused = |body: &[u8]| {
        let reply = Reply::Answered(Answer { status: 422, body: body.to_vec(), ..Answer::default() });
        let judgement = judge(&reply, AttemptKind::Send, &destination(), &ITEMS);
        assert_eq!(judgement.detail, "answered 422", "the log must not hold what the LIMS said");
        match &judgement.fates[..] {
            [(_, Fate::Refused(first)), (_, Fate::Refused(second))] if first == second => first.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(b""), "answered 422");
    assert_eq!(refused(b" \r\n"), "answered 422");
    let said = br#"{"error": "no order for CANARY^ANNA"}"#;
    assert_eq!(refused(said), r#"answered 422: {"error": "no order for CANARY^ANNA"}"#);
    assert_eq!(refused(b"no such\r\n\torder\x00\x1b[2J"), "answered 422: no such order [2J");
    let long = refused("ä".repeat(100_000).as_bytes());
    assert_eq!(long.chars().filter(|it| *it == 'ä').count(), 500);
    assert!(long.ends_with(" …"), "what is left out must be seen to be");
    assert_eq!(refused(b"\xff!"), "answered 422: \u{fffd}!");
}

#[test]
fn an_item_that_the_answer_leaves_out_or_contradicts_is_unknown() {
    for body in [
        r#"{"items":[{"id":"1","outcome":"accepted"}]}"#,
        r#"{"items":[{"id":"1","outcome":"accepted"},{"id":"2","outcome":"perhaps"}]}"#,
        r#"{"items":[{"id":1,"outcome":"accepted"},{"id":2,"outcome":"accepted"},{"id":"2","outcome":"refused"}]}"#,
    ] {
        let judgement = judge(&answered(200, body), AttemptKind::Send, &per_item(), &ITEMS);
        assert_eq!(judgement.fates, [(ITEMS[0], Fate::Accepted), (ITEMS[1], Fate::Unknown)], "{body}");
        assert_eq!(judgement.verdict, VerdictKind::Unknown, "{body}");
    }
    let nothing = judge(&answered(200, "{}"), AttemptKind::Send, &per_item(), &ITEMS);
    assert!(nothing.fates.iter().all(|(_, fate)| *fate == Fate::Unknown));
}

#[test]
fn an_item_of_another_delivery_is_never_credited_to_ours() {
    let body = r#"{"items":[{"id":"11","outcome":"accepted"},{"id":"1","outcome":"accepted"}]}"#;
    let judgement = judge(&answered(200, body), AttemptKind::Send, &per_item(), &ITEMS);
    assert_eq!(judgement.fates, [(ITEMS[0], Fate::Accepted), (ITEMS[1], Fate::Unknown)]);
}
