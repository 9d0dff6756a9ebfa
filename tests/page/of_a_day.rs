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

#[tokio::test(flavor = "multi_thread")]
async fn a_named_person_signs_a_day_off_with_a_reason_for_what_is_open_and_the_sheet_says_so() {
    let mut laboratory = Laboratory::with_results().await;
    let anna = laboratory.signed_in("anna", "technician").await;
    let bert = laboratory.signed_in("bert", "viewer").await;
    let field = |page: &str, name: &str| between(page, &format!("name=\"{name}\" value=\""), "\"").to_owned();
    let page = laboratory.fetch_as(&anna, "/reconciliation").await.body;
    assert!(page.contains("Nobody has signed this day off.") && page.contains("Reviewed by ____"), "{page}");
    assert!(!laboratory.fetch_as(&bert, "/reconciliation").await.body.contains("action=\"/sign-off\""));
    let (day, fingerprint) = (field(&page, "day"), field(&page, "fingerprint"));
    let whole =
        format!("guard={}&day={day}&fingerprint={fingerprint}&reason=rerun+ordered", field(&page, "guard"));
    let of_bert = field(&laboratory.fetch_as(&bert, "/sign-in").await.body, "guard");
    for (cookie, form, status) in [
        ("", whole.clone(), 303),
        (bert.as_str(), whole.replace(&field(&page, "guard"), &of_bert), 403),
        (&anna, whole.replace("rerun+ordered", "+"), 409),
        (&anna, whole.replace(&fingerprint, &"0".repeat(64)), 409),
        (&anna, whole.replace(&day, "tomorrowish"), 404),
    ] {
        assert_eq!(laboratory.post("/sign-off", cookie, &form).await.status, status, "{cookie} {form}");
    }
    let past = laboratory.fetch_as(&anna, "/reconciliation?day=2024-03-01").await.body;
    let late = whole.replace(&day, "2024-03-01").replace(&fingerprint, &field(&past, "fingerprint"));
    let late = laboratory.post("/sign-off", &anna, &late).await;
    assert!(late.status == 409 && late.body.contains("up to 31 days after its end"), "{}", late.body);
    let done = laboratory.post("/sign-off", &anna, &whole).await;
    assert!(done.status == 200 && done.body.contains(&format!("Signed off: {day}.")), "{}", done.body);
    let signed = laboratory.fetch("/reconciliation").await.body;
    let says = between(&signed, "<h2 id=\"signed\">", "</section>");
    assert!(
        says.contains("Signed by ANNA Example at ") && says.contains(", with 2 lines open: rerun ordered"),
        "{says}"
    );
    assert!(!signed.contains("Reviewed by ____"), "nobody need sign the paper");
    let folder = laboratory.journal().parent().unwrap().to_owned();
    let reconciled = std::process::Command::new(env!("CARGO_BIN_EXE_labwire"))
        .args(["reconcile", "--day", day.as_str(), "--config"])
        .arg(folder)
        .output()
        .unwrap();
    let told = String::from_utf8(reconciled.stdout).unwrap();
    let says = "with 2 lines open: rerun ordered\n";
    assert!(told.contains("\nSigned off by ANNA Example at ") && told.ends_with(says), "{told}");

    // What changes after it is told beside it, and what was looked at before can't be signed any more.
    laboratory.send("24-000011", &[("001", "5.20")]).await;
    laboratory.until("/destinations/lims/results/accepted", 3).await;
    let changed = laboratory.fetch("/reconciliation").await.body;
    assert!(
        changed.contains("The day comes to something else since.") && changed.contains("Reviewed by ____")
    );
    assert_eq!(laboratory.post("/sign-off", &anna, &whole).await.status, 409, "it isn't what was looked at");
    let journal = laboratory.journal();
    laboratory.close().await;
    let journal = rusqlite::Connection::open(journal).unwrap();
    let row = journal.query_row(
        "SELECT actor, subject, detail FROM audit WHERE step = 'day signed off'",
        [],
        |row| Ok([row.get::<_, String>(0)?, row.get(1)?, row.get(2)?]),
    );
    let [actor, subject, detail] = row.unwrap();
    assert_eq!((actor, subject), ("anna on the page".to_owned(), format!("day {day}")));
    let detail: serde_json::Value = serde_json::from_str(&detail).unwrap();
    assert_eq!(
        (&detail["by"], &detail["open"], &detail["report"]),
        (&"ANNA Example".into(), &2.into(), &fingerprint.into())
    );
}
