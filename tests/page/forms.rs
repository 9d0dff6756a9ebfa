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
    let called_at = |at: &str, identifier: &str| {
        format!(
            "guard={guard}&what=attempt&outcome=confirmed&made_at={at}&to=Carla+%3CExample%3E&role=nurse+of+ward+3&kind_1=name\
             &identifier_1=Example&kind_2=birth-date&identifier_2={identifier}&value=95.0+mIU%2FL&note=second+try"
        )
    };
    let form = |identifier: &str| called_at("", identifier);
    for (at, why) in [
        ("14h05", "14h05 is no time; write one such as 14:05"),
        ("2999-01-01+00:00", "the call lies in the future"),
        ("2000-01-01+00:00", "more than a week"),
    ] {
        let refused = laboratory.post("/call/1", &cookie, &called_at(at, "1975-03-17")).await;
        assert_eq!(refused.status, 409, "{}", refused.body);
        assert!(refused.body.contains(why), "{why}: {}", refused.body);
        let typed = format!(
            "name=\"made_at\" maxlength=\"40\" autocomplete=\"off\" placeholder=\"14:05\" value=\"{}\"",
            at.replace('+', " ")
        );
        assert!(refused.body.contains(&typed), "{}", refused.body);
    }
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
    // A minute ago by the laboratory's clock, which the form names to the second with its zone.
    let at = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(1);
    let at = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mended = laboratory.post("/call/1", &cookie, &called_at(&at, "1975-03-17")).await;
    assert_eq!(mended.status, 200, "{}", mended.body);
    assert!(mended.body.contains("It is closed."), "{}", mended.body);
    let closed = laboratory.fetch("/call/1").await.body;
    let called = between(&closed, "called at ", " by ANNA");
    assert!(called.starts_with("<time datetime=") && called.ends_with("</time>"), "{called}");
    let shown = between(called, "\">", "<");
    assert_eq!(shown.len(), "14:32:07".len(), "to the second: {shown}");
    assert!(called.contains(&at), "when it was made, not when it was written down: {called}, {at}");
    laboratory.close().await;
}
