//! Forms that decide keep what somebody wrote until it is recorded.

use labwire::config::settings::Language;

use super::accessible::{CALLED, CRITICAL};
use super::laboratory::Laboratory;
use super::over_http::between;

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_cannot_be_read_is_said_as_a_page_and_changes_nothing() {
    let mut laboratory = Laboratory::open().await;
    let cookie = laboratory.signed_in("anna", "technician").await;
    let answer = laboratory.post("/decide", &cookie, "guard=x").await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("<h1>This form can&#39;t be read."), "{}", answer.body);
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slip_in_the_record_of_a_call_loses_nothing_of_what_was_written() {
    let files = [("rules.d/own.toml", CRITICAL.as_bytes())];
    let mut laboratory = Laboratory::start("127.0.0.1", CALLED, &files, Language::English).await;
    laboratory.sign_rules().await;
    laboratory.send("24-000010", &[("001", "95.0")]).await;
    while !laboratory.fetch("/").await.body.contains("href=\"/call/1\"") {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let list = laboratory.fetch("/downtime").await.body;
    let of_call = between(&list, "<a class=\"specimen\"", "</td>");
    assert!(of_call.contains("<small>nothing is known of the patient"), "{of_call}");
    let cookie = laboratory.signed_in("anna", "technician").await;
    let call = laboratory.fetch_as(&cookie, "/call/1").await.body;
    let guard = between(&call, "name=\"guard\" value=\"", "\"").to_owned();
    let form = |identifier: &str| {
        format!(
            "guard={guard}&what=attempt&outcome=confirmed&to=Carla+%3CExample%3E&role=nurse+of+ward+3&kind_1=name\
             &identifier_1=Example&kind_2=birth-date&identifier_2={identifier}&value=95.0+mIU%2FL&note=second+try"
        )
    };
    let slip = laboratory.post("/call/1", &cookie, &form("")).await;
    assert_eq!(slip.status, 409, "{}", slip.body);
    for kept in [
        "class=\"complaint\" role=\"alert\"",
        "<option value=\"confirmed\" selected>",
        "value=\"Carla &#60;Example&#62;\"",
        "value=\"nurse of ward 3\"",
        "<option value=\"birth-date\" selected>birth date</option>",
        "value=\"Example\"",
        "value=\"95.0 mIU/L\"",
        ">second try</textarea>",
    ] {
        assert!(slip.body.contains(kept), "{kept}: {}", slip.body);
    }
    assert_eq!(slip.body.matches("second try").count(), 1, "no other form has it");
    assert!(!call.contains("role=\"alert\" id=\"complaint\""), "nothing was wrong yet");
    assert!(laboratory.fetch("/").await.body.contains("href=\"/call/1\""), "nothing was recorded");
    let mended = laboratory.post("/call/1", &cookie, &form("1975-03-17")).await;
    assert_eq!(mended.status, 200, "{}", mended.body);
    assert!(mended.body.contains("It is closed."), "{}", mended.body);
    let closed = laboratory.fetch("/call/1").await.body;
    let called = between(&closed, "called at ", " by ANNA");
    assert!(called.starts_with("<time datetime=") && called.ends_with("</time>"), "{called}");
    let shown = between(called, "\">", "<");
    assert_eq!(shown.len(), "14:32:07".len(), "to the second: {shown}");
    laboratory.close().await;
}
