//! Results that a LIMS lost, sent there once more from the page: what would be sent is shown to the byte before it is, only a
//! supervisor has it sent, and only what was looked at goes.

use serde_json::{Value, json};

use super::api::{judge, post_json};
use super::laboratory::Laboratory;
use super::over_http::between;

const SUPERVISES: &str = "supervisor-0123456789abcdef0123456789ab";
const LOOKS: &str = "viewer-0123456789abcdef0123456789abcdef";
const SETTINGS: &str = "[[page.tokens]]\nname = \"restorer\"\nrole = \"supervisor\"\ntoken_file = \"supervisor.token\"\n\
    [[page.tokens]]\nname = \"archive\"\nrole = \"viewer\"\ntoken_file = \"viewer.token\"\n";

const OF_SPECIMEN: &str = "/resend?to=lims&specimen=24-000007";
const OF_A_CENTURY: &str = "/resend?to=lims&from=2000-01-01T00:00&until=2099-12-31+23:59";

/// How often the LIMS was sent something.
fn sent(laboratory: &Laboratory) -> usize {
    laboratory.lims.ledger().attempts().len()
}

/// What a page's form carries under a name.
fn field(page: &str, name: &str) -> String {
    between(page, &format!("name=\"{name}\" value=\""), "\"").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_looks_at_the_very_bytes_and_then_has_them_sent_once_more() {
    let mut laboratory = Laboratory::with_results().await;
    let cookie = laboratory.signed_in("anna", "supervisor").await;
    let before = sent(&laboratory);
    let page = laboratory.fetch_as(&cookie, OF_SPECIMEN).await.body;
    assert!(page.contains("2 results would be sent to lims once more."), "{page}");
    assert!(page.contains("as it was, byte for byte: it has the same key"), "{page}");
    assert!(page.contains("<b>accepted</b> at <time") && page.contains("HTTP 200"), "{page}");
    let reader = labwire::journal::Reader::open(&laboratory.journal()).unwrap();
    let stored = reader.delivery(labwire::journal::DeliveryId(1)).unwrap().unwrap().sha256;
    assert!(page.contains(&format!("SHA-256 <code>{stored}")), "{page}");
    assert!(page.contains("&#34;key&#34;: &#34;"), "the bytes themselves: {page}");
    assert!(!page.contains("Sent once more before"), "nobody had it sent yet: {page}");
    let century = laboratory.fetch_as(&cookie, OF_A_CENTURY).await.body;
    assert!(century.contains("2 results would be sent") && century.contains("it is held"), "{century}");
    assert_eq!(sent(&laboratory), before, "looking sends nothing");

    let (guard, seen) = (field(&page, "guard"), field(&page, "seen"));
    let form = format!("guard={guard}&seen={seen}&to=lims&specimen=24-000007&reason=the+LIMS+was+restored");
    let done = laboratory.post("/resend", &cookie, &form).await;
    assert_eq!(done.status, 200, "{}", done.body);
    assert!(done.body.contains("2 results leave once more"), "{}", done.body);
    for path in ["/specimen?id=24-000007", "/destination/lims"] {
        assert!(done.body.contains(&format!("href=\"{path}\"")), "{}", done.body);
    }
    laboratory.until("/destinations/lims/results/accepted", 2).await;
    assert!(sent(&laboratory) > before);
    assert!(laboratory.lims.ledger().doubled().is_empty(), "a LIMS that goes by the key has nothing twice");
    let specimen = laboratory.fetch_as(&cookie, "/specimen?id=24-000007").await.body;
    let said = "ANNA Example had 2 results of delivery 1 sent to lims once more, as it was, byte for byte: the LIMS was restored.";
    assert!(specimen.contains(said), "{specimen}");
    assert!(specimen.contains("href=\"/resend?to=lims&amp;specimen=24-000007\""), "{specimen}");
    let again = laboratory.fetch_as(&cookie, OF_SPECIMEN).await.body;
    let before = between(&again, "<dt>Sent once more before</dt><dd>", "</dd>");
    assert!(before.ends_with(" by ANNA Example: the LIMS was restored"), "{before}");

    let journal = laboratory.journal();
    laboratory.close().await;
    let journal = rusqlite::Connection::open(journal).unwrap();
    let (actor, detail): (String, String) = journal
        .query_row("SELECT actor, detail FROM audit WHERE step = 'sent once more'", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(actor, "anna on the page");
    assert_eq!(detail, "as it was, by ANNA Example: the LIMS was restored");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_by_a_technician_without_a_reason_or_otherwise_than_it_was_looked_at() {
    let laboratory = Laboratory::with_results().await;
    let anna = laboratory.signed_in("anna", "technician").await;
    let carl = laboratory.signed_in("carl", "supervisor").await;
    let of_anna = laboratory.fetch_as(&anna, OF_SPECIMEN).await.body;
    assert!(
        of_anna.contains("A supervisor may have it sent; your role looks.")
            && !of_anna.contains("name=\"seen\""),
        "{of_anna}"
    );
    let guard_of_anna = field(&laboratory.fetch_as(&anna, "/sign-in").await.body, "guard");
    let page = laboratory.fetch_as(&carl, OF_SPECIMEN).await.body;
    let (guard, seen) = (field(&page, "guard"), field(&page, "seen"));
    let whole = format!("seen={seen}&to=lims&specimen=24-000007&reason=restored");
    let before = sent(&laboratory);
    for (cookie, form, status) in [
        ("", format!("guard={guard}&{whole}"), 303),
        (&anna, format!("guard={guard_of_anna}&{whole}"), 403),
        (&carl, format!("guard={guard_of_anna}&{whole}"), 403),
        (&carl, format!("guard={guard}&seen={seen}&to=lims&specimen=24-000007&reason=+"), 409),
        (&carl, format!("guard={guard}&seen=other&to=lims&specimen=24-000007&reason=restored"), 409),
        (&carl, format!("guard={guard}&seen={seen}&to=lims&specimen=24-000009&reason=restored"), 409),
        (&carl, format!("guard={guard}&seen={seen}&to=nowhere&specimen=24-000007&reason=restored"), 409),
        (&carl, format!("guard={guard}&seen={seen}&to=lims&reason=restored"), 409),
    ] {
        assert_eq!(laboratory.post("/resend", cookie, &form).await.status, status, "{form}");
    }
    for (asked, why) in [
        ("?to=nowhere&specimen=24-000007", "labwire.toml names no destination nowhere."),
        ("?to=lims", "Choose a specimen, or from when until when."),
        ("?specimen=24-000007", "Choose where it is to be sent."),
        ("?to=lims&from=08:00", "Choose both times."),
        ("?to=lims&from=yesterday&until=08:00", "yesterday is no time"),
        ("?to=lims&from=09:00&until=08:00", "The second time must be after the first."),
        ("?to=lims&specimen=1&from=08:00", "Choose a specimen or times, not both."),
        ("?to=lims&specimen=1&through=2&until=08:00", "Choose a specimen or times, not both."),
        ("?to=lims&through=24-000009", "Choose the first specimen too."),
        ("?to=lims&specimen=24-000009&through=24-000007", "equally long"),
        ("?to=lims&specimen=24-000001&through=24-000006", "No result that was meant for it was found."),
        ("?to=lims&specimen=nothing", "No result that was meant for it was found."),
    ] {
        let page = laboratory.fetch(&format!("/resend{asked}")).await;
        assert!(page.status == 200 && page.body.contains(why), "{asked}: {}", page.body);
    }
    assert_eq!(sent(&laboratory), before);
    // The whole form of the right session: what was refused before was refused for the right reason.
    assert_eq!(laboratory.post("/resend", &carl, &format!("guard={guard}&{whole}")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_specimens_in_a_row_are_looked_at_and_sent_together() {
    let laboratory = Laboratory::with_results().await;
    let carl = laboratory.signed_in("carl", "supervisor").await;
    let page = laboratory.fetch_as(&carl, "/resend?to=lims&specimen=24-000001&through=24-000007").await.body;
    assert!(page.contains("2 results would be sent to lims once more."), "{page}");
    let (first, last) = (field(&page, "specimen"), field(&page, "through"));
    assert_eq!((first.as_str(), last.as_str()), ("24-000001", "24-000007"));
    let (guard, seen) = (field(&page, "guard"), field(&page, "seen"));
    let before = sent(&laboratory);
    let form = |last: &str| {
        format!(
            "guard={guard}&seen={seen}&to=lims&specimen={first}&through={last}&reason=the+LIMS+was+restored"
        )
    };
    assert_eq!(laboratory.post("/resend", &carl, &form("24-000006")).await.status, 409, "others than seen");
    let done = laboratory.post("/resend", &carl, &form(&last)).await;
    assert!(done.body.contains("2 results leave once more"), "{}", done.body);
    laboratory.until("/destinations/lims/results/accepted", 2).await;
    assert!(sent(&laboratory) > before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_a_supervisor_has_sent_what_it_looked_at() {
    let files = [("supervisor.token", SUPERVISES.as_bytes()), ("viewer.token", LOOKS.as_bytes())];
    let laboratory = Laboratory::open_with("127.0.0.1", SETTINGS, &files).await;
    laboratory.send("24-000007", &[("001", "4.80")]).await;
    laboratory.until("/destinations/lims/results/accepted", 1).await;
    let document: Value = serde_json::from_str(&laboratory.fetch("/api/v1/openapi.json").await.body).unwrap();
    let path = "/api/v1/resend";
    let looked = async |query: &str| laboratory.fetch(&format!("{path}{query}")).await;
    let preview = judge(&document, path, "get", &looked("?to=lims&specimen=24-000007").await);
    assert_eq!(
        (&preview["results"], &preview["deliveries"][0]["answer"]["status"]),
        (&json!(1), &json!(200))
    );
    let text = preview["deliveries"][0]["payload"]["text"].as_str().unwrap();
    let payload: Value = serde_json::from_str(text).unwrap();
    assert_eq!(payload["key"], preview["deliveries"][0]["key"]);
    let several = looked("?to=lims&specimen=24-000000&through=24-000009").await;
    assert_eq!(judge(&document, path, "get", &several)["results"], json!(1));
    for (query, status) in [
        ("", 400),
        ("?to=lims&from=x&until=y", 409),
        ("?to=x&specimen=1", 409),
        ("?to=lims&specimen=2&through=1", 409),
    ] {
        let answer = looked(query).await;
        assert_eq!(answer.status, status, "{query}");
        judge(&document, path, "get", &answer);
    }
    let seen = &preview["seen"];
    let wish = json!({ "to": "lims", "specimen": "24-000007", "seen": seen, "reason": "restored" });
    let no_reason = json!({ "to": "lims", "specimen": "24-000007", "seen": seen, "reason": " " });
    let other = json!({ "to": "lims", "specimen": "24-000007", "seen": "other", "reason": "restored" });
    assert_eq!(post_json(&laboratory, "/api/v1/resend", "nobody", &wish.to_string()).await.status, 401);
    for (token, wish, status) in [
        (LOOKS, &wish, 403),
        (SUPERVISES, &json!({ "to": "lims" }), 400),
        (SUPERVISES, &no_reason, 400),
        (SUPERVISES, &other, 409),
        (SUPERVISES, &wish, 200),
    ] {
        let answer = post_json(&laboratory, "/api/v1/resend", token, &wish.to_string()).await;
        assert_eq!(answer.status, status, "{wish}: {}", answer.body);
        judge(&document, path, "post", &answer);
    }
    laboratory.until("/destinations/lims/results/accepted", 1).await;
    let way = laboratory.fetch("/api/v1/specimen?id=24-000007").await.body;
    assert!(way.contains("restorer had 1 result of delivery 1 sent to lims once more"), "{way}");
}
