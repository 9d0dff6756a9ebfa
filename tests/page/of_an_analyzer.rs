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

#[tokio::test(flavor = "multi_thread")]
async fn the_bench_says_of_each_analyzer_what_the_other_views_say_of_it() {
    let laboratory = Laboratory::with_results().await;
    laboratory.lims_does(Mode::Status(503));
    laboratory.send("24-000011", &[("001", "5.10"), ("002", "5.20")]).await;
    laboratory.until("/intake/received", 5).await;
    let bench = laboratory.fetch("/").await.body;
    let row = between(&bench, "<th scope=\"row\"><a href=\"/analyzer/vitros\">", "</tr>");
    let cell = |what: &str| {
        let cell = between(row, &format!("data-of=\"{what}\">"), "</td>");
        let text =
            cell.split('<').filter_map(|it| it.split_once('>')).map(|(_, text)| text).collect::<String>();
        (text.trim().to_owned(), cell.contains("class=\"icon\""))
    };
    let own = laboratory.fetch("/analyzer/vitros").await.body;
    assert_eq!(between(&own, "<dt>Waiting for the LIMS</dt><dd>", "</dd>"), "2 results");
    assert_eq!(cell("For the LIMS").0, "2");
    let status = laboratory.status().await;
    assert_eq!((cell("Held"), status["waiting"]["held"].as_i64()), (("1".to_owned(), true), Some(1)));
    let problems = status["waiting"]["open_problems"].as_i64().unwrap();
    assert_eq!(cell("Problems"), (problems.to_string(), problems > 0));
    assert_eq!(cell("Queries"), ("0".to_owned(), false), "what is as it should be is quiet");
    assert_eq!(cell("Controls"), ("–".to_owned(), false));
    assert!(cell("Clock").0.starts_with("up to ") && !cell("Clock").1, "{:?}", cell("Clock"));
    assert_eq!(
        between(&own, "<dt>Last result</dt><dd>", "</dd>"),
        between(row, "data-of=\"Last result\">", "<svg")
    );
    // A message without a result is no result.
    assert!(bench.contains("5 received = "), "{bench}");
}
