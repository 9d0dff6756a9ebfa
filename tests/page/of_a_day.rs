//! What the page says of one day: both sums, what is open with the way to each specimen, and other days.

use labsim::lims::Mode;

use super::laboratory::Laboratory;
use super::over_http::between;

#[tokio::test(flavor = "multi_thread")]
async fn a_day_shows_its_sums_and_leads_to_each_thing_that_is_open() {
    let laboratory = Laboratory::with_results().await;
    laboratory.lims_does(Mode::Refuse(vec!["001".to_owned()]));
    laboratory.send("24-000008", &[("001", "5.10")]).await;
    laboratory.until("/waiting/dead_letters", 1).await;
    let page = laboratory.fetch("/reconciliation").await.body;
    let open = " sums balance; 3 lines to sign off: 1 refused by the LIMS, 1 held, 1 problem.";
    assert_eq!(between(&page, "<h1>The", "</h1>"), open);
    let numbers = |section: &str| -> Vec<String> {
        let row = between(&page, section, "</section>").split_once("<tbody>").unwrap().1.to_owned();
        let number = |it: &str| between(it, ">", "<").to_owned();
        row.split("<td class=\"n\"").skip(1).map(number).collect()
    };
    // Messages, received, new, repeated, unusable, difference.
    assert_eq!(numbers("<h2 id=\"in\">"), ["3", "4", "4", "0", "0", "0"]);
    // Owed, difference.
    assert_eq!(numbers("<h2 id=\"out\">"), ["4", "0"]);
    for shown in ["<b>2</b> accepted", "<b>1</b> held", "<b>1</b> refused", "p95 <b>"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let open = between(&page, "<h2 id=\"open\">", "</section>");
    for shown in [
        "/specimen?id=24-000008",
        "/delivery/2",
        "send it once more or give it up",
        "/held/3",
        "/message/2",
        "/problem/",
    ] {
        assert!(open.contains(shown), "{shown}: {open}");
    }
    assert!(open.find("refused by the LIMS").unwrap() < open.find(">held<").unwrap(), "the worst first");
    assert!(page.contains("data-still"), "such a page is made once and doesn't follow the journal");
    assert!(page.contains("[reconciliation] names no folder"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_day_leads_to_its_neighbours_and_none_to_the_future() {
    let laboratory = Laboratory::open().await;
    let past = laboratory.fetch("/reconciliation?day=2024-03-01").await.body;
    assert!(past.contains("Reconciliation of Friday 1 March 2024"), "{past}");
    assert!(past.contains("<h1>Nothing was received.</h1>"), "{past}");
    for link in ["?day=2024-02-29", "?day=2024-03-02", "href=\"/reconciliation\">today"] {
        assert!(past.contains(link), "{link}: {past}");
    }
    let today = laboratory.fetch("/reconciliation").await.body;
    let days = between(&today, "<div class=\"days\">", "</div>");
    assert_eq!(days.matches("?day=").count(), 1, "only to yesterday: {days}");
    assert!(today.contains("<small>so far</small>"));
}
