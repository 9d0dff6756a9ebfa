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
    assert!(page.contains("<a href=\"/delivery/1\">send it once more"), "{page}");
    assert!(!page.contains("<a href=\"/delivery/2\">send it"), "{page}");
    assert!(page.contains("<span>001 <b>4.80</b> mIU/L</span>"), "the value stands beside its state: {page}");
    assert_eq!(
        between(&page, "<h1>", "</h1>"),
        "1 of its 2 results was refused by lims and is not in it; 1 is in lims."
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_listed_with_the_lims_s_own_words_wherever_a_technician_meets_it() {
    let laboratory = Laboratory::open().await;
    laboratory.lims_does(Mode::Status(422));
    laboratory.send("24-000007", &[REFUSED]).await;
    laboratory.until("/waiting/dead_letters", 1).await;
    for path in ["/", "/dead-letters", "/specimen?id=24-000007"] {
        let page = laboratory.fetch(path).await.body;
        let (_, own) = page.split_once("answered 422: ").unwrap_or_else(|| panic!("{path}: {page}"));
        assert!(own.starts_with("{&#34;error&#34;:&#34;failed on command&#34;}"), "{path}: {own}");
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_stands_only_in_what_could_not_be_read_is_found_there() {
    let laboratory = Laboratory::open().await;
    let nothing = "Nothing has been received for this specimen.";
    assert_eq!(headline(&laboratory).await, nothing, "before anything came");
    // A result that no order record comes before: nobody can tell whose it is.
    laboratory
        .send_message(
            "H|\\^&|||3600001||||||||LIS2-A|20260105111500\rP|1\rR|1|^^^1.0000+001+1.0|4.80|mIU/L||^0^||F|||20260105104000|20260105111001|36000001\rC|1|I|24-000007|G\rL|1|N\r",
        )
        .await;
    while laboratory.fetch("/problems").await.body.contains("No open problems.") {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let page = laboratory.fetch("/specimen?id=24-000007").await.body;
    let named = "No result of it could be read, and its number stands in 1 message that could not be read as a whole.";
    assert_eq!(between(&page, "<h1>", "</h1>"), named);
    assert!(page.contains("from vitros: <a href=\"/message/1\">"), "{page}");
    let json = laboratory.fetch("/api/v1/specimen?id=24-000007").await.body;
    assert!(json.contains("\"named_in\":[1]"), "{json}");
    for other in ["24-00000", "24-000008"] {
        let page = laboratory.fetch(&format!("/specimen?id={other}")).await.body;
        let unsure = "Nothing that could be read has been received for this specimen.";
        assert_eq!(between(&page, "<h1>", "</h1>"), unsure, "{other}");
        assert!(page.contains("There may be more of it in 1 message"), "{page}");
    }
}
