//! What the LIMS orders under one code and the analyzer reports as several tests: told, linked and finished as one.

use std::net::SocketAddr;

use crate::support::*;
use crate::teller::*;

const PANEL: &str = "[panels.LIPID]\ncomponents = [\"CHOO\", \"TGG\"]\noptional = [\"TBILL\"]\n";

/// The tests that an analyzer is told of a tube.
async fn asks(address: SocketAddr, tube: &str) -> Vec<String> {
    let answer = analyzer(address).await.query(query(tube).as_bytes()).await.unwrap();
    told(&String::from_utf8(answer).unwrap()).into_iter().flat_map(|(_, tests)| tests).collect()
}

fn results(tube: &str, results: &[(&str, &str)]) -> String {
    chemistry(tube, results, "F", "20260501110000")
}

/// The placer's number under which a test was sent to the LIMS.
fn placer(lab: &Lab, tube: &str, test: &str) -> Option<String> {
    let sent = crate::sent(lab, tube);
    let after = sent.split(&format!("\"code\":\"{test}\"")).nth(1)?;
    let own = after.split("\"code\":\"").next()?;
    Some(own.split("\"placer\":\"").nth(1)?.split('"').next()?.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panel_is_told_by_its_components_and_done_when_all_have_come() {
    let (_lims, lab, erba, address) = laboratory().await;
    lab.instrument("erba", "erba-xl", "unordered = \"hold\"", &(listener(erba) + PANEL));
    let gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "LIPID")])).await;
    assert_eq!(asks(erba, "^T1").await, ["CHOO", "TGG"]);
    send(erba, &results("T1", &[("CHOO", "201")])).await;
    until("the first is accepted", || lab.count("accepted") == 1).await;
    assert_eq!(placer(&lab, "T1", "CHOO").as_deref(), Some("P1"), "{}", crate::sent(&lab, "T1"));
    assert_eq!(asks(erba, "^T1").await, ["TGG"], "what is missing");
    assert!(lab.text(&["orders"]).contains("T1  R LIPID"), "{}", lab.text(&["orders"]));
    send(erba, &results("T1", &[("TGG", "99"), ("TBILL", "0.7"), ("ALTT", "31")])).await;
    until("its others are, too", || lab.count("accepted") == 3).await;
    // The control: a test that is in no panel of the order waits for a person.
    until("what nobody ordered waits", || lab.count("held") == 1).await;
    assert!(lab.text(&["held"]).contains("ALTT"), "{}", lab.text(&["held"]));
    for query in ["^T1", "ALL"] {
        assert!(asks(erba, query).await.is_empty(), "nothing is left to do");
    }
    assert!(!lab.text(&["orders"]).contains("LIPID"), "{}", lab.text(&["orders"]));
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_is_ordered_alone_goes_out_under_its_own_number() {
    let (_lims, lab, erba, address) = laboratory().await;
    lab.instrument("erba", "erba-xl", "", &(listener(erba) + PANEL));
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "LIPID"), ("NW", "P2", "CHOO")])).await;
    assert_eq!(asks(erba, "^T1").await, ["CHOO", "TGG"], "each once");
    send(erba, &results("T1", &[("CHOO", "201"), ("TGG", "99")])).await;
    until("both are accepted", || lab.count("accepted") == 2).await;
    let numbers = ["CHOO", "TGG"].map(|test| placer(&lab, "T1", test));
    assert_eq!(numbers, [Some("P2".to_owned()), Some("P1".to_owned())], "{}", crate::sent(&lab, "T1"));
    assert!(asks(erba, "^T1").await.is_empty(), "both orders are done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panel_that_the_analyzer_has_a_name_for_is_told_by_that_until_it_is_whole() {
    let (_lims, lab, erba, address) = laboratory().await;
    let named = format!("{PANEL}told_as = \"LIPIDS\"\n");
    lab.instrument("erba", "erba-xl", "", &(listener(erba) + &named));
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "LIPID")])).await;
    for (result, accepted, told) in
        [(None, 0, true), (Some(("CHOO", "201")), 1, true), (Some(("TGG", "99")), 2, false)]
    {
        if let Some(result) = result {
            send(erba, &results("T1", &[result])).await;
        }
        until("it is accepted", || lab.count("accepted") == accepted).await;
        for query in ["^T1", "ALL"] {
            assert_eq!(asks(erba, query).await == ["LIPIDS"], told, "{result:?} {query}");
        }
    }
}
