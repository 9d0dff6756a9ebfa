//! What the page says of one specimen: the truth about all of its results, and advice that names what it is about.

use labsim::lims::Mode;

use super::laboratory::Laboratory;
use super::over_http::between;

const REFUSED: (&str, &str) = ("001", "4.80");
const TAKEN: (&str, &str) = ("002", "0.91");
/// A result without a test code: nobody can tell what was measured.
const UNUSABLE: (&str, &str) = ("", "7.70");

async fn headline(laboratory: &Laboratory) -> String {
    let page = laboratory.fetch("/specimen?id=24-000007").await.body;
    between(&page, "<h1>", "</h1>").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn advice_names_the_delivery_that_was_refused_and_not_the_latest_one() {
    let laboratory = Laboratory::open().await;
    laboratory.lims_does(Mode::Refuse(vec!["001".to_owned()]));
    laboratory.send("24-000007", &[REFUSED]).await;
    laboratory.until("/waiting/dead_letters", 1).await;
    laboratory.send("24-000007", &[TAKEN]).await;
    laboratory.until("/destinations/lims/results/accepted", 1).await;
    let page = laboratory.fetch("/specimen?id=24-000007").await.body;
    assert!(page.contains("labwire retry 1 --reason"), "{page}");
    assert!(!page.contains("labwire retry 2"), "{page}");
    assert_eq!(
        between(&page, "<h1>", "</h1>"),
        "1 of its 2 results was refused by lims and is not in it; 1 is in lims."
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tube_of_which_one_result_was_unusable_is_not_said_to_be_in_the_lims() {
    let laboratory = Laboratory::open().await;
    laboratory.send("24-000007", &[TAKEN]).await;
    laboratory.until("/destinations/lims/results/accepted", 1).await;
    assert_eq!(headline(&laboratory).await, "Its result is in lims.");
    laboratory.send("24-000007", &[UNUSABLE]).await;
    laboratory.until("/intake/problem", 1).await;
    let page = laboratory.fetch("/specimen?id=24-000007").await.body;
    assert_eq!(
        between(&page, "<h1>", "</h1>"),
        "1 of its 2 results could not be used and is not in the LIMS; 1 is in lims."
    );
    assert!(page.contains("<div class=\"lead act\">"), "{page}");
}
