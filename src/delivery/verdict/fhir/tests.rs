//! Every answer that FHIR servers were seen to give, to a Bundle of two results.

use serde_json::json;

use super::super::Why;
use super::*;
use crate::config::settings::{FhirNames, Mode};
use crate::delivery::bundle::{Profiles, render};
use crate::delivery::sample::{called, consignment, glucose, number, plain};
use crate::domain::{Observation, Status};
use crate::journal::ledger::{Consignment, Version};

const ITEMS: [ObservationId; 2] = [ObservationId(1), ObservationId(2)];
/// Device (twice), Specimen, two Observations, DiagnosticReport, Provenance.
const FIRST: usize = 3;
const SECOND: usize = 4;

fn sent_of(consignment: &Consignment) -> Sent {
    let names = FhirNames { system: "https://lab.example/labwire".to_owned(), ..FhirNames::default() };
    Sent::parse(&render(&names, "A", &Profiles::new(), Mode::Live, consignment).unwrap()).unwrap()
}

fn sent() -> Sent {
    sent_of(&consignment(vec![glucose(), plain("NA", number(None, "140"))]))
}

/// The first result corrects 5.20.
fn correcting() -> Sent {
    let corrected = Observation { status: Status::Correction, status_as_sent: "C".to_owned(), ..glucose() };
    let mut consignment = consignment(vec![corrected, plain("NA", number(None, "140"))]);
    let item = &mut consignment.items[0];
    item.supersedes = Some(ObservationId(0));
    let observation = Observation { value: number(None, "5.20"), ..glucose() };
    item.earlier = vec![Version { received_at: item.received_at, observation, announced: false }];
    sent_of(&consignment)
}

fn answer(status: u16, body: &str) -> Reply<Answer> {
    Reply::Answered(Answer { status, body: body.as_bytes().to_vec(), ..Answer::default() })
}

/// A transaction's answer in which these entries have other statuses than 201.
fn response(statuses: &[(usize, &str)]) -> String {
    let kinds =
        ["Device", "Device", "Specimen", "Observation", "Observation", "DiagnosticReport", "Provenance"];
    let entries: Vec<Value> = (0..)
        .zip(kinds)
        .map(|(at, kind)| {
            let status = statuses.iter().find(|(entry, _)| *entry == at).map_or("201 Created", |(_, status)| status);
            let outcome = json!({ "issue": [{ "severity": "error", "code": "value", "diagnostics": "too odd" }] });
            json!({ "response": { "status": status, "location": format!("{kind}/{at}/_history/1"), "outcome": outcome } })
        })
        .collect();
    json!({ "resourceType": "Bundle", "type": "transaction-response", "entry": entries }).to_string()
}

/// The verdict on an answer, and what became of each result, where `looked` was seen of the first.
fn judged(sent: &Sent, reply: &Reply<Answer>, looked: Option<Seen>) -> Judgement {
    match read(reply, &[], sent, &ITEMS) {
        Ok(told) => {
            let looked = to_compare(sent, &told).map(|(id, ..)| (id, looked.clone())).collect();
            judge(sent, &told, &looked, &ITEMS)
        }
        Err(judgement) => judgement,
    }
}

fn fates(judgement: &Judgement) -> [&Fate; 2] {
    assert_eq!(judgement.fates.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ITEMS);
    [&judgement.fates[0].1, &judgement.fates[1].1]
}

#[test]
fn a_status_that_is_no_success_has_its_verdict() {
    use VerdictKind::{Refused, Retry, Unknown};
    let outcome = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"invalid"}]}"#;
    for (status, expected) in [
        (302, Refused),
        (400, Refused),
        (401, Retry),
        (403, Retry),
        (404, Retry),
        (405, Refused),
        (408, Retry),
        (409, Retry),
        (412, Refused),
        (413, Refused),
        (422, Refused),
        (425, Retry),
        (429, Retry),
        (500, Retry),
        (501, Retry),
        (503, Retry),
        (100, Unknown),
    ] {
        for body in ["", outcome, "<html>no</html>"] {
            assert_eq!(judged(&sent(), &answer(status, body), None).verdict, expected, "{status} {body}");
        }
    }
    assert!(judged(&sent(), &answer(401, ""), None).detail.contains("token_file"));
    let waiting =
        Answer { status: 429, retry_after: Some(std::time::Duration::from_secs(7)), ..Answer::default() };
    assert_eq!(judged(&sent(), &Reply::Answered(waiting), None).retry_after.unwrap().as_secs(), 7);
    assert_eq!(judged(&sent(), &Reply::NotSent(Why::unknown("refused")), None).verdict, Retry);
    assert_eq!(judged(&sent(), &Reply::NoAnswer(Why::unknown("time")), None).verdict, Unknown);
}

#[test]
fn a_success_that_is_no_answer_to_the_transaction_is_no_acceptance() {
    use VerdictKind::{Refused, Unknown};
    let whole = response(&[]);
    let mut short: Value = serde_json::from_str(&whole).unwrap();
    short["entry"].as_array_mut().unwrap().pop();
    let mut long: Value = serde_json::from_str(&whole).unwrap();
    long["entry"].as_array_mut().unwrap().push(json!({ "response": { "status": "201" } }));
    let batch = whole.replace("transaction-response", "batch-response");
    let others = whole.replace("Specimen/2/", "Observation/2/");
    for (body, expected) in [
        ("", Unknown),
        ("<html>please sign in</html>", Unknown),
        ("{}", Unknown),
        ("[]", Unknown),
        ("\"Bundle\"", Unknown),
        (&batch, Unknown),
        (&others, Unknown),
        (&short.to_string(), Unknown),
        (&long.to_string(), Unknown),
        (whole.split_at(whole.len() / 2).0, Unknown),
        (r#"{"resourceType":"Bundle","type":"transaction-response"}"#, Unknown),
        (r#"{"resourceType":"OperationOutcome","issue":[{"severity":"information"}]}"#, Unknown),
        (r#"{"resourceType":"OperationOutcome","issue":[{"severity":"fatal"}]}"#, Refused),
    ] {
        for status in [200, 201, 202] {
            let judgement = judged(&sent(), &answer(status, body), None);
            assert_eq!(judgement.verdict, expected, "{status} {body}");
            assert!(fates(&judgement).iter().all(|fate| !matches!(fate, Fate::Accepted | Fate::Staged)));
        }
    }
}

#[test]
fn an_answer_is_read_entry_by_entry() {
    use VerdictKind::{Accepted, Refused, Retry, Unknown};
    for (statuses, expected, of_second) in [
        (&[][..], Accepted, Fate::Accepted),
        (&[(0, "200 OK"), (2, "200")], Accepted, Fate::Accepted),
        (&[(FIRST, "429 Too Many Requests")], Retry, Fate::Accepted),
        (&[(FIRST, "409")], Retry, Fate::Accepted),
        (&[(FIRST, "422 Unprocessable")], Refused, Fate::Accepted),
        (&[(FIRST, "412")], Refused, Fate::Accepted),
        (&[(FIRST, "204 No Content")], Unknown, Fate::Accepted),
        (&[(FIRST, "")], Unknown, Fate::Accepted),
        (&[(FIRST, "OK")], Unknown, Fate::Accepted),
        (&[(SECOND, "500")], Retry, Fate::Again),
        (&[(5, "503"), (FIRST, "422")], Retry, Fate::Again),
        (&[(6, "")], Unknown, Fate::Unknown),
    ] {
        let judgement = judged(&sent(), &answer(200, &response(statuses)), None);
        assert_eq!((judgement.verdict, fates(&judgement)[1]), (expected, &of_second), "{statuses:?}");
    }
    let judgement = judged(&sent(), &answer(200, &response(&[(2, "422")])), None);
    let reason = Fate::Refused("its Specimen: answered 422: too odd".to_owned());
    assert_eq!(fates(&judgement), [&reason, &reason], "without its specimen a result isn't what was sent");
}

#[test]
fn what_the_server_had_already_counts_only_if_it_says_the_same() {
    use VerdictKind::{Accepted, Refused, Unknown};
    let there = response(&[(FIRST, "200 OK")]);
    let same = Seen::Same { added: vec!["subject".to_owned()] };
    let differs = Seen::Differs { what: vec!["value", "unit"] };
    for (looked, expected) in [
        (Some(same.clone()), Accepted),
        (Some(differs.clone()), Refused),
        (Some(Seen::Earlier { added: Vec::new() }), Refused),
        (Some(Seen::Several), Refused),
        (Some(Seen::Missing), Unknown),
        (None, Unknown),
    ] {
        let judgement = judged(&sent(), &answer(200, &there), looked.clone());
        assert_eq!((judgement.verdict, fates(&judgement)[1]), (expected, &Fate::Accepted), "{looked:?}");
    }
    let refused = judged(&sent(), &answer(200, &there), Some(differs));
    let reason = "the server has it with another value, another unit; compare both";
    assert_eq!(fates(&refused)[0], &Fate::Refused(reason.to_owned()));
    let all = response(&[(FIRST, "200"), (SECOND, "200")]);
    assert_eq!(judged(&sent(), &answer(200, &all), Some(same)).verdict, VerdictKind::Duplicate);
    let updated = judged(&correcting(), &answer(200, &response(&[(FIRST, "200")])), None);
    assert_eq!(updated.verdict, Accepted, "a 200 is what an update gets");
}

#[test]
fn a_rule_of_the_destination_comes_first() {
    let rules = [ReplyRule {
        status: (400, 499),
        body: Some(("/issue/0/code".to_owned(), "throttled".to_owned())),
        verdict: VerdictKind::Retry,
    }];
    let body = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"throttled"}]}"#;
    let ruled = read(&answer(400, body), &rules, &sent(), &ITEMS).unwrap_err();
    assert_eq!(ruled.verdict, VerdictKind::Retry);
    let other = read(&answer(400, "{}"), &rules, &sent(), &ITEMS).unwrap_err();
    assert_eq!(other.verdict, VerdictKind::Refused);
}

#[test]
fn the_servers_words_are_kept_for_a_person_and_stay_out_of_the_log() {
    let body = json!({ "resourceType": "OperationOutcome", "issue": [
        { "severity": "error", "code": "required", "details": { "text": "no order for Example" },
          "expression": ["Bundle.entry[3]"] },
        { "severity": "error", "code": "Anna", "diagnostics": "Anna Example is unknown" }
    ]});
    let judgement = judged(&sent(), &answer(422, &body.to_string()), None);
    assert_eq!(judgement.detail, "answered 422, required");
    let reason =
        "answered 422, required: no order for Example (Bundle.entry[3]); Anna Example is unknown".to_owned();
    assert_eq!(fates(&judgement)[0], &Fate::Refused(reason));
}

#[test]
fn a_probe_settles_what_the_server_has_and_sends_again_what_it_has_not() {
    use VerdictKind::{Duplicate, Refused, Retry, Unknown};
    let same = || Some(Seen::Same { added: Vec::new() });
    let differs = || Some(Seen::Differs { what: vec!["value"] });
    let earlier = || Some(Seen::Earlier { added: Vec::new() });
    let there = || Closing::There;
    let look = |first, second| Looked::from([(ITEMS[0], first), (ITEMS[1], second)]);
    for (looked, closing, sent, expected) in [
        (look(same(), same()), there(), sent(), Duplicate),
        (look(same(), same()), Closing::Missing, sent(), Retry),
        (look(same(), Some(Seen::Missing)), there(), sent(), Retry),
        (look(Some(Seen::Missing), Some(Seen::Missing)), Closing::Missing, sent(), Retry),
        (look(same(), differs()), there(), sent(), Refused),
        (look(same(), Some(Seen::Several)), there(), sent(), Refused),
        (look(earlier(), same()), there(), correcting(), Retry),
        (look(earlier(), same()), there(), sent(), Refused),
        (look(differs(), same()), there(), correcting(), Refused),
        (look(None, same()), there(), sent(), Unknown),
        (Looked::from([(ITEMS[0], same())]), there(), sent(), Unknown),
    ] {
        let judgement = judge_probe(&looked, closing, &sent, &ITEMS);
        assert_eq!(judgement.verdict, expected, "{looked:?}");
    }
}

#[test]
fn a_probe_that_shows_nothing_proves_nothing() {
    for reply in
        [answer(200, "<html>"), answer(400, "{}"), answer(503, ""), Reply::NotSent(Why::unknown("refused"))]
    {
        let probe = judge_unseen(&reply, AttemptKind::Probe, &ITEMS);
        assert_eq!(probe.verdict, VerdictKind::Unknown, "{reply:?}");
        let before = judge_unseen(&reply, AttemptKind::Send, &ITEMS);
        let expected = if reply == answer(400, "{}") { VerdictKind::Refused } else { VerdictKind::Retry };
        assert_eq!(before.verdict, expected, "{reply:?}");
    }
}

#[test]
fn a_correction_replaces_its_own_earlier_version_and_nothing_else() {
    let added = || vec!["subject".to_owned()];
    for (seen, goes_out) in [
        (Some(Seen::Missing), true),
        (Some(Seen::Earlier { added: Vec::new() }), true),
        (Some(Seen::Same { added: Vec::new() }), true),
        (Some(Seen::Earlier { added: added() }), false),
        (Some(Seen::Same { added: added() }), false),
        (Some(Seen::Differs { what: vec!["value"] }), false),
        (Some(Seen::Several), false),
        (None, false),
    ] {
        let judgement = judge_before(&Looked::from([(ITEMS[0], seen.clone())]), &ITEMS);
        assert_eq!(judgement.is_none(), goes_out, "{seen:?}");
        if let Some(judgement) = judgement {
            assert!(fates(&judgement).iter().all(|fate| matches!(fate, Fate::Refused(_))));
        }
    }
}

#[test]
fn a_servers_copy_is_told_by_what_it_says() {
    let ours = |_: &Value| true;
    let (first, correction) = (sent(), correcting());
    let entry = |sent: &Sent| sent.results().next().unwrap().1.clone();
    let copy = |sent: &Sent, change: &dyn Fn(&mut Value)| {
        let mut copy = entry(sent).resource;
        change(&mut copy);
        vec![copy]
    };
    let seen = |sent: &Sent, found: &[Value]| Seen::of(sent, &entry(sent), found, ours);
    assert_eq!(seen(&first, &[]), Seen::Missing);
    let twice = [copy(&first, &|_| ()), copy(&first, &|_| ())].concat();
    assert_eq!(seen(&first, &twice), Seen::Several);
    let as_a_script_writes_it = copy(&first, &|copy| copy["valueQuantity"]["value"] = json!(5.4));
    assert_eq!(seen(&first, &as_a_script_writes_it), Seen::Same { added: Vec::new() });
    let other = copy(&first, &|copy| copy["valueQuantity"]["value"] = json!(5.41));
    assert_eq!(seen(&first, &other), Seen::Differs { what: vec!["value"] });
    let elsewhere = Seen::of(&first, &entry(&first), &copy(&first, &|_| ()), |_| false);
    assert_eq!(elsewhere, Seen::Differs { what: vec!["specimen"] });
    let earlier = |change: &dyn Fn(&mut Value)| {
        copy(&correction, &|copy| {
            copy["valueQuantity"]["value"] = json!(5.2);
            copy["status"] = json!("final");
            change(copy);
        })
    };
    assert_eq!(seen(&correction, &earlier(&|_| ())), Seen::Earlier { added: Vec::new() });
    let other_flags = copy(&correction, &|copy| drop(copy["identifier"].as_array_mut().unwrap().pop()));
    assert_eq!(seen(&correction, &other_flags), Seen::Earlier { added: Vec::new() });
    assert_eq!(seen(&correction, &copy(&correction, &|_| ())), Seen::Same { added: Vec::new() });
    let linked = earlier(&|copy| copy["subject"] = json!({ "reference": "Patient/1" }));
    assert_eq!(seen(&correction, &linked), Seen::Earlier { added: vec!["subject".to_owned()] });
    let amended = earlier(&|copy| copy["status"] = json!("amended"));
    assert_eq!(seen(&correction, &amended), Seen::Differs { what: vec!["value", "status"] });
}

#[test]
fn a_record_of_a_call_that_is_there_already_is_the_same() {
    let sent = sent_of(&called());
    let items = [ObservationId(1)];
    for (status, expected) in
        [("201 Created", Fate::Accepted), ("200 OK", Fate::Accepted), ("503 Busy", Fate::Again)]
    {
        let entry = json!({ "response": { "status": status, "location": "Communication/1/_history/1" } });
        let body =
            json!({ "resourceType": "Bundle", "type": "transaction-response", "entry": [entry] }).to_string();
        let told = read(&answer(200, &body), &[], &sent, &items).unwrap();
        assert_eq!(to_compare(&sent, &told).count(), 0);
        assert_eq!(judge(&sent, &told, &Looked::new(), &items).fates, [(items[0], expected)], "{status}");
    }
    for (seen, expected) in [(Seen::Same { added: Vec::new() }, Fate::Accepted), (Seen::Missing, Fate::Again)]
    {
        let looked = Looked::from([(items[0], Some(seen))]);
        assert_eq!(judge_probe(&looked, Closing::There, &sent, &items).fates, [(items[0], expected)]);
    }
}
