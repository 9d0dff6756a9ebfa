//! What somebody does about results: releases and rejects what is held, several at once, has it read anew, and moves what
//! stands under a misread number.

use super::person::Person;
use super::{api, last_audited, until_api};
use crate::laboratory::{Laboratory, SCRIPT_IN_ADDRESS};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_held_result_is_released_by_keys_alone_and_arrives() {
    let mut laboratory = Laboratory::with_results().await;
    let mut anna = Person::arrives(&laboratory, "anna", "technician").await;
    anna.follow("/held/3");
    anna.decide("button[value='release:3']", "looked at the curve");
    anna.until_told("Released: result 3.");
    anna.leaves();
    until_api(&laboratory, "held", "/total", 0).await;
    laboratory.until("/destinations/lims/results/accepted", 3).await;
    assert_eq!(
        last_audited(&laboratory, "anna"),
        ["released", "observation 3", "looked at the curve (was held: odd-value, is pending)"]
    );
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_held_result_is_rejected_by_keys_alone_and_never_leaves() {
    let mut laboratory = Laboratory::with_results().await;
    let sent = laboratory.lims.ledger().attempts().len();
    let mut anna = Person::arrives(&laboratory, "anna", "technician").await;
    anna.follow("/held/3");
    anna.decide("button[value='reject:3']", "an air bubble");
    anna.until_told("Rejected: result 3.");
    anna.leaves();
    until_api(&laboratory, "held", "/total", 0).await;
    let way = api(&laboratory, &format!("specimen?id={SCRIPT_IN_ADDRESS}")).await;
    let now = way["now"].as_array().unwrap();
    let stays = |it: &serde_json::Value| it["destination"] == "lims" && it["state"] == "rejected here";
    assert!(now.iter().any(stays), "{way}");
    laboratory.until("/destinations/lims/results/accepted", 2).await;
    assert_eq!(laboratory.lims.ledger().attempts().len(), sent, "nothing was sent");
    assert_eq!(
        last_audited(&laboratory, "anna"),
        ["rejected", "observation 3", "an air bubble (was held: odd-value, is rejected)"]
    );
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn several_are_ticked_and_released_with_one_reason_and_the_rest_stays() {
    let mut laboratory = Laboratory::with_results().await;
    laboratory.send("24-000011", &[("001", "4,80"), ("002", "5,10")]).await;
    let held = until_api(&laboratory, "held", "/total", 3).await;
    let ids: Vec<i64> = (0..3).map(|place| held["items"][place]["id"].as_i64().unwrap()).collect();
    let mut anna = Person::arrives(&laboratory, "anna", "technician").await;
    anna.follow("/held");
    anna.follow("/held/several");
    anna.press("form#several button", |it| {
        for id in [ids[0], ids[2]] {
            it.tick("result", id);
        }
        it.fill("#reason", "the lot was wrong");
    });
    anna.until_told("Released: 2 results.");
    anna.leaves();
    let held = until_api(&laboratory, "held", "/total", 1).await;
    assert_eq!(held["items"][0]["id"], ids[1], "what nobody ticked stays");
    let rows = super::audited(&laboratory, "anna");
    let released = rows.iter().filter(|[step, ..]| step == "released");
    let expected: Vec<[String; 3]> = [ids[0], ids[2]]
        .map(|id| {
            let said = "the lot was wrong (was held: odd-value, is pending)";
            ["released".to_owned(), format!("observation {id}"), said.to_owned()]
        })
        .into();
    assert_eq!(released.cloned().collect::<Vec<_>>(), expected);
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_held_result_is_taken_as_it_is_read_now_by_keys_alone() {
    let mut laboratory = Laboratory::with_results().await;
    laboratory.restart_with("[codes.001]\nresult = \"text\"\n").await;
    let mut anna = Person::arrives(&laboratory, "anna", "technician").await;
    anna.follow("/held/3");
    anna.decide("button[value='reevaluate:3']", "it is a text");
    anna.until_told("Re-evaluated: result 3.");
    anna.leaves();
    until_api(&laboratory, "held", "/total", 0).await;
    laboratory.until("/destinations/lims/results/accepted", 3).await;
    let [step, _, detail] = last_audited(&laboratory, "anna");
    assert_eq!(step, "re-evaluated");
    assert!(detail.contains("it is a text"), "{detail}");
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_misread_number_is_scanned_ticked_and_the_right_tube_scanned_and_then_both_move() {
    let mut laboratory = Laboratory::with_results().await;
    let mut anna = Person::arrives(&laboratory, "anna", "technician").await;
    anna.until_typing_into("scan", "/");
    anna.scan("24-000007");
    anna.until_typing_into("scan", "/specimen");
    anna.follow("/misread?id=24-000007");
    anna.until_typing_into("to", "/misread");
    for id in [1, 2] {
        anna.tick("result", id);
    }
    anna.tab_to("#to");
    anna.scan("24-000555");
    anna.until("document.querySelector('form.decide') !== null && location.search.includes('24-000555')");
    assert_eq!(api(&laboratory, "specimen?id=24-000555").await["now"].as_array().unwrap().len(), 0);
    anna.decide("form.decide button", "rack 7 was loaded twice");
    anna.until_told("Moved to 24-000555: 2.");
    anna.leaves();
    let way = until_api(&laboratory, "specimen?id=24-000555", "/now/0/state", "accepted").await;
    assert_eq!(way["now"][0]["results"].as_array().unwrap().len(), 2, "{way}");
    let [step, _, detail] = last_audited(&laboratory, "anna");
    assert!(step == "specimen reassigned" && detail.contains("rack 7 was loaded twice"), "{step}: {detail}");
    laboratory.close().await;
}
