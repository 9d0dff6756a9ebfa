//! Results that a LIMS has go there once more because somebody says so, also over a kill: one that goes by the key has each
//! once. Unasked nothing goes twice.

use labsim::lims::{Lims, Mode, Outcome};

use super::support::*;

const TIME: &str = "20260102030405";

fn outcomes(lims: &Lims) -> Vec<Outcome> {
    lims.ledger().attempts().iter().map(|it| it.outcome).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn results_go_once_more_as_they_were_and_are_held_once() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "90.0", "F", TIME)).await;
    send(address, &glucose("EX0002", "91.0", "F", TIME)).await;
    until("the LIMS has both", || lab.count("accepted") == 2).await;

    let wanted = ["resend", "--specimen", "EX0001", "--to-destination", "lims"];
    let preview = lab.run(&wanted);
    let shown = String::from_utf8(preview.stdout).unwrap();
    assert!(preview.status.success() && shown.contains("EX0001 GLCC 90.0 mg/dl"), "{shown}");
    assert!(
        shown.contains("accepted (200) at ") && shown.contains("byte for byte; it has the same key"),
        "{shown}"
    );
    assert!(shown.contains("1 results in 1 deliveries. Nothing was sent"), "{shown}");
    assert_eq!(lab.run(&[&wanted[..], &["--yes"]].concat()).status.code(), Some(64), "nobody says so");
    assert!(
        lab.text(&["resend", "--specimen", "EX0009", "--to-destination", "lims"])
            .contains("nothing once more")
    );
    assert!(
        lab.text(&["resend", "--specimen", "EX0001", "--to-destination", "x"]).contains("no destination x")
    );

    for (range, found) in
        [("EX0001..EX0002", "2 results in 2 deliveries"), ("EX0002..EX0003", "1 results in 1")]
    {
        let shown = lab.text(&["resend", "--specimens", range, "--to-destination", "lims"]);
        assert!(shown.contains(found), "{range}: {shown}");
    }

    lims.set_mode(Mode::Status(503));
    let said = ["--yes", "--by", "Anna Example", "--reason", "the LIMS was restored"];
    let day =
        ["resend", "--from", "2020-01-01 00:00", "--to", "2099-01-01 00:00", "--to-destination", "lims"];
    let sent = lab.text(&[&day[..], &said[..]].concat());
    assert!(sent.starts_with("2 results leave for lims once more"), "{sent}");
    until("it has failed", || outcomes(&lims).len() > 2).await;
    gateway.kill();
    lims.set_mode(Mode::Accept);
    let gateway = lab.start().await;
    until("the LIMS has both again", || lab.count("accepted") == 2).await;
    assert!(gateway.terminate().success());
    let after: Vec<Outcome> = outcomes(&lims).into_iter().filter(|it| *it != Outcome::NotTaken).collect();
    assert_eq!(after, [Outcome::Taken, Outcome::Taken, Outcome::Replayed, Outcome::Replayed]);
    assert!(lims.ledger().doubled().is_empty());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn unasked_nothing_goes_twice() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "90.0", "F", TIME)).await;
    until("the LIMS has it", || lab.count("accepted") == 1).await;
    lab.text(&["resend", "--specimen", "EX0001", "--to-destination", "lims"]);
    assert!(gateway.terminate().success());
    let gateway = lab.start().await;
    send(address, &glucose("EX0002", "91.0", "F", TIME)).await;
    until("the LIMS has the next", || lab.count("accepted") == 2).await;
    assert!(gateway.terminate().success());
    assert_eq!(outcomes(&lims), [Outcome::Taken, Outcome::Taken]);
}
