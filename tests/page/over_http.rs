//! The status page over HTTP, without a browser: what it says, what it never lets through, and whom it answers.

use super::laboratory::{Laboratory, SCRIPT_IN_ADDRESS};
use labsim::lims::Mode;

/// The text between two marks, from the first of them on.
pub(super) fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("no {from:?} in {text}"));
    rest.split_once(to).unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_an_analyzer_sends_becomes_markup() {
    let laboratory = Laboratory::with_results().await;
    let specimen = format!("/specimen?id={SCRIPT_IN_ADDRESS}");
    for path in ["/", "/held", "/problems", "/dead-letters", "/reconciliation", "/message/2", &specimen] {
        let page = laboratory.fetch(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.body.contains("<script>"), "{path}");
        assert!(!page.body.contains("<img"), "{path}");
        assert!(!page.body.contains("<b>immuno"), "{path}");
        assert_eq!(page.body.matches("<script ").count(), 1, "{path}");
        assert!(!page.body.contains("style=") && !page.body.contains(" onclick"), "{path}");
    }
    let page = laboratory.fetch(&specimen).await.body;
    assert!(page.contains("&#60;script&#62;alert(1)&#60;/script&#62;"), "{page}");
    let bytes = laboratory.fetch("/message/2").await.body;
    assert!(bytes.contains(r#"<b class="byte" title="0x02">&#60;STX&#62;</b>"#), "{bytes}");
    assert!(bytes.contains(r#"<b class="byte" title="0x07">&#60;BEL&#62;</b>"#), "{bytes}");
    assert!(!bytes.contains('\u{7}'));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_headers_and_only_readers_by_the_right_name_get_one() {
    let laboratory = Laboratory::open().await;
    let host = laboratory.page.to_string();
    let request = |method: &str, path: &str, host: &str| {
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    };
    for (method, path, name, status) in [
        ("GET", "/", host.as_str(), 200),
        ("HEAD", "/", &host, 200),
        ("GET", "/", "localhost:1", 200),
        ("GET", "/api/status", &host, 200),
        ("GET", "/metrics", &host, 200),
        ("GET", "/health", &host, 200),
        ("GET", "/ready", &host, 200),
        ("GET", "/ready", "evil.example", 421),
        ("GET", "/reconciliation", &host, 200),
        ("GET", "/reconciliation?day=2026-02-29", &host, 404),
        ("GET", "/reconciliation?day=nowhere-at-all", &host, 404),
        ("GET", "/assets/labwire.js", &host, 200),
        ("GET", "/assets/labwire.css", &host, 200),
        ("GET", "/assets/icon.svg", &host, 200),
        ("GET", "/assets/none.css", &host, 404),
        ("GET", "/nowhere-at-all", &host, 404),
        ("GET", "/message/999", &host, 404),
        ("GET", "/message/nowhere-at-all", &host, 404),
        ("GET", "/delivery/999", &host, 404),
        ("GET", "/specimen?id=%FF", &host, 200),
        ("GET", "/", "evil.example", 421),
        ("GET", "/api/status", "evil.example", 421),
        ("GET", "/events", "evil.example", 421),
        ("POST", "/", &host, 405),
        ("DELETE", "/message/1", &host, 405),
    ] {
        let answer = laboratory.request(request(method, path, name)).await;
        assert_eq!(answer.status, status, "{method} {path} {name}");
        for header in [
            "content-security-policy: default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
             connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
            "x-frame-options: deny",
        ] {
            assert!(answer.headers.contains(header), "{method} {path}: {header} in {}", answer.headers);
        }
        assert!(!answer.body.contains("evil") && !answer.body.contains("nowhere"), "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_of_a_specimen_can_be_read_without_a_script() {
    let laboratory = Laboratory::with_results().await;
    let arrived = laboratory.fetch("/specimen?id=24-000007").await.body;
    assert!(arrived.contains("<h1>All 2 results are in lims.</h1>"), "{arrived}");
    let way = between(&arrived, "<ol class=\"way\">", "</ol>");
    let steps = [
        "Received from vitros",
        "on disk before it was acknowledged",
        "/message/1",
        "ortho-vitros-3600/1",
        "4.80",
        "Delivery 1 to lims: sent",
        "/delivery/1",
        "lims answered delivery 1: accepted as ",
    ];
    let places: Vec<_> =
        steps.iter().map(|step| way.find(step).unwrap_or_else(|| panic!("{step}: {way}"))).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(arrived.contains("reload to refresh"), "{arrived}");

    let held = laboratory.fetch(&format!("/specimen?id={SCRIPT_IN_ADDRESS}")).await.body;
    assert!(held.contains("<h1>Its result is held and not in lims; 1 problem is open.</h1>"), "{held}");
    assert!(held.contains("<a href=\"/held/3\">release or reject no. 3</a>"), "{held}");
    let nobody = laboratory.fetch("/specimen?id=24-999999").await.body;
    assert!(nobody.contains("Nothing has been received for this specimen."), "{nobody}");
    assert!(laboratory.fetch("/specimen").await.body.contains("Which specimen?"));

    let delivery = laboratory.fetch("/delivery/1").await.body;
    for shown in ["labwire/results/1", "4.80", "accepted (HTTP 200)", "What came back <small>to attempt 1, "]
    {
        assert!(delivery.contains(shown), "{shown}: {delivery}");
    }
    let message = laboratory.fetch("/message/1").await.body;
    assert!(message.contains("SHA-256 <code>"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_mean_the_same_are_the_same_everywhere() {
    let laboratory = Laboratory::with_results().await;
    let status = laboratory.fetch("/api/status").await.body;
    let number = |pointer: &str| {
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        status.pointer(pointer).and_then(serde_json::Value::as_i64).unwrap()
    };
    assert_eq!((number("/intake/received"), number("/intake/new"), number("/waiting/held")), (3, 3, 1));
    assert_eq!((number("/destinations/lims/owed"), number("/analyzers/vitros/received")), (3, 3));
    let metrics = laboratory.fetch("/metrics").await.body;
    for line in [
        "labwire_waiting{kind=\"held\"} 1",
        "labwire_results_total{analyzer=\"vitros\",became=\"new\"} 3",
        "labwire_ledger{destination=\"lims\",state=\"accepted\"} 2",
        "labwire_sums_balanced 1",
        "labwire_attempts_total{destination=\"lims\",verdict=\"accepted\"} 1",
        "labwire_frame_stored_seconds_count ",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    let bench = laboratory.fetch("/").await.body;
    assert!(bench.contains("Held <b class=\"count\">1</b>"), "{bench}");
    let held = between(&bench, "<h2 id=\"held\">Held <small>1</small>", "</section>");
    assert!(held.contains("patient not known"), "{held}");
    for text in [&status, &metrics] {
        assert!(!text.contains("24-000007") && !text.contains("alert"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sentence_names_the_worst_problem_first() {
    let laboratory = Laboratory::with_results().await;
    let bench = laboratory.fetch("/").await.body;
    let headline = between(&bench, "<h1>", "</h1>").to_owned();
    assert_eq!(headline, "1 result is held and not in the LIMS.");
    laboratory.lims_does(Mode::Refuse(vec!["001".to_owned()]));
    laboratory.send("24-000008", &[("001", "5.10")]).await;
    laboratory.until("/waiting/dead_letters", 1).await;
    let bench = laboratory.fetch("/").await.body;
    assert_eq!(
        between(&bench, "<h1>", "</h1>"),
        "1 delivery waits for a person: refused by the LIMS, or of unknown fate."
    );
    assert!(bench.contains("Then: 1 result is held and not in the LIMS."), "{bench}");
    let letters = laboratory.fetch("/dead-letters").await.body;
    assert!(letters.contains("<a href=\"/delivery/2\">send it once more or give it up</a>"), "{letters}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_tells_of_a_change_and_ends_with_the_gateway() {
    let mut laboratory = Laboratory::open().await;
    let host = laboratory.page.to_string();
    let stream = laboratory.request(format!("GET /events HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    let page = async {
        let gateway = laboratory.gateway.as_ref().unwrap();
        let mut condition = gateway.board.changes();
        laboratory.send("24-000009", &[("001", "4.10")]).await;
        condition.changed().await.unwrap();
        laboratory.until("/destinations/lims/results/accepted", 1).await;
        tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    };
    let mut stream = std::pin::pin!(stream);
    tokio::select! {
        _ = &mut stream => panic!("the stream ended by itself"),
        () = page => {}
    }
    let gateway = laboratory.gateway.take().unwrap();
    let (answer, ended) = tokio::join!(stream, gateway.stop());
    assert!(ended, "the page didn't end in time");
    assert!(answer.headers.contains("text/event-stream"), "{}", answer.headers);
    assert!(answer.body.contains("event: changed\ndata: "), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_result_without_a_specimen_is_not_advised_to_be_released() {
    let laboratory = Laboratory::open().await;
    laboratory.send("", &[("001", "4.80")]).await;
    laboratory.until("/waiting/held", 1).await;
    let held = laboratory.fetch("/held").await.body;
    assert!(held.contains("<a href=\"/held/1\">reject it</a>") && !held.contains("release"), "{held}");
    let cookie = laboratory.signed_in("anna", "supervisor").await;
    let hold = laboratory.fetch_as(&cookie, "/held/1").await.body;
    assert!(hold.contains("value=\"reject:1\"") && !hold.contains("release:"), "{hold}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wall_says_what_waits_and_names_nobody() {
    let laboratory = Laboratory::with_results().await;
    laboratory.lims_does(Mode::Refuse(vec!["001".to_owned()]));
    laboratory.send("24-000008", &[("001", "5.10")]).await;
    laboratory.until("/waiting/dead_letters", 1).await;
    let wall = laboratory.fetch("/wall").await.body;
    for shown in ["1 delivery waits for a person", "<b>1</b>", "dead letter<", "<b>vitros</b>", "<b>lims</b>"]
    {
        assert!(wall.contains(shown), "{shown}: {wall}");
    }
    let main = between(&wall, "<main", "</main>");
    for private in ["24-00000", "4.80", "5.10", "alert(1)"] {
        assert!(!main.contains(private), "{private}: {main}");
    }
}
