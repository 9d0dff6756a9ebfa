//! What the page says of one analyzer beside its link: how its controls stand, and how its clock goes.

use labsim::lims::Mode;

use super::laboratory::Laboratory;
use super::over_http::between;

#[tokio::test(flavor = "multi_thread")]
async fn an_analyzers_page_says_how_its_controls_stand_and_how_its_clock_goes() {
    let laboratory = Laboratory::open().await;
    let says = async |what: &str| {
        let page = laboratory.fetch("/analyzer/vitros").await.body;
        between(&page, &format!("<dt>{what}</dt><dd>"), "</dd>").to_owned()
    };
    assert_eq!(says("Its clock").await, "its messages don&#39;t tell", "before anything came");
    assert_eq!(says("Controls").await, "none judged here");
    assert_eq!(says("Waiting for the LIMS").await, "nothing");
    laboratory.lims_does(Mode::Status(503));
    laboratory.send("24-000007", &[("001", "4.80"), ("001", "4.90")]).await;
    laboratory.until("/intake/received", 2).await;
    assert_eq!(says("Waiting for the LIMS").await, "2 results");
    let counted = says("Counted").await;
    assert!(counted.contains("<b>2</b> results received"), "{counted}");
    assert!(counted.contains("<b>0</b> queries without orders"), "{counted}");
    // The analyzer writes a day long ago into its messages' heads.
    let clock = says("Its clock").await;
    assert!(clock.starts_with("behind ours by ") && clock.ends_with("waited in it"), "{clock}");
}
