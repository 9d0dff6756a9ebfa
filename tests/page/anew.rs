//! What held results would become, for programs: looking changes nothing, and a technician's token has it so.

use serde_json::{Value, json};

use super::api::{judge, post_json};
use super::laboratory::Laboratory;

const LOOKS: &str = "viewer-0123456789abcdef0123456789abcdef";
const DECIDES: &str = "technician-0123456789abcdef0123456789ab";
const SETTINGS: &str = "[[page.tokens]]\nname = \"archive\"\nrole = \"viewer\"\ntoken_file = \"viewer.token\"\n\
    [[page.tokens]]\nname = \"middleware\"\nrole = \"technician\"\ntoken_file = \"technician.token\"\n";
const PATH: &str = "/api/v1/reevaluations";

#[tokio::test(flavor = "multi_thread")]
async fn programs_see_what_a_held_result_would_become_and_a_technicians_token_has_it_so() {
    let files = [("viewer.token", LOOKS.as_bytes()), ("technician.token", DECIDES.as_bytes())];
    let mut laboratory = Laboratory::open_with("127.0.0.1", SETTINGS, &files).await;
    laboratory.send_results().await;
    let document: Value = serde_json::from_str(&laboratory.fetch("/api/v1/openapi.json").await.body).unwrap();
    for (query, status) in [("", 400), ("?result=x", 400), ("?result=3&result=999", 200)] {
        let answer = laboratory.fetch(&format!("{PATH}{query}")).await;
        assert_eq!(answer.status, status, "{query}");
        let body = judge(&document, PATH, "get", &answer);
        if status == 200 {
            assert_eq!(body["items"][0]["stays"], "it comes out as it is");
            assert_eq!(
                (&body["items"][1]["stays"], &body["by"]),
                (&json!("there is no observation 999"), &json!(null))
            );
        }
    }
    laboratory.restart_with("[codes.001]\nresult = \"text\"\n").await;
    let would = laboratory.fetch(&format!("{PATH}?result=3")).await;
    let would = judge(&document, PATH, "get", &would);
    assert_eq!(would["items"][0]["becomes"]["leaves"], json!(["lims"]), "{would}");
    assert_eq!(laboratory.status().await["waiting"]["held"], 1, "looking changes nothing");
    let whole = json!({ "results": [3], "reason": "it is a text" });
    assert_eq!(post_json(&laboratory, PATH, "nobody", &whole.to_string()).await.status, 401);
    for (token, body, status) in [
        (LOOKS, &whole, 403),
        (DECIDES, &json!({ "results": [3] }), 400),
        (DECIDES, &json!({ "results": [3], "reason": " " }), 400),
        (DECIDES, &whole, 200),
    ] {
        let answer = post_json(&laboratory, PATH, token, &body.to_string()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
        let body = judge(&document, PATH, "post", &answer);
        assert!(
            status != 200 || body["by"] == "middleware by token" && body["items"][0]["becomes"].is_object(),
            "{body}"
        );
    }
    laboratory.until("/waiting/held", 0).await;
    laboratory.until("/destinations/lims/results/accepted", 3).await;
    laboratory.close().await;
}
