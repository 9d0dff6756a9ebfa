//! People who sign in on the page: who may, what each role may do, what a form must carry, and that a scanner's Enter
//! decides nothing.

use std::time::Duration;

use labwire::host::control::PersonAsked;

use super::browser::Browser;
use super::laboratory::{Laboratory, PASSWORD};
use super::over_http::between;

/// The guard of a session's forms, as a page carries it.
async fn guard(laboratory: &Laboratory, cookie: &str) -> String {
    let page = laboratory.fetch_as(cookie, "/sign-in").await.body;
    between(&page, "name=\"guard\" value=\"", "\"").to_owned()
}

async fn held(laboratory: &Laboratory) -> i64 {
    laboratory.status().await.pointer("/waiting/held").unwrap().as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_technician_releases_what_is_held_and_the_audit_says_who_and_why() {
    let mut laboratory = Laboratory::with_results().await;
    let cookie = laboratory.signed_in("anna", "technician").await;
    let page = laboratory.fetch_as(&cookie, "/held/3").await.body;
    assert!(page.contains("value=\"release:3\"") && page.contains("ANNA Example"), "{page}");
    let guard = between(&page, "name=\"guard\" value=\"", "\"").to_owned();

    let seen = between(&page, "name=\"seen\" value=\"", "\"").replace(' ', "+");
    let form = format!("guard={guard}&decision=release%3A3&reason=looked+at+the+curve&seen={seen}");
    let of_another_hold = form.replace("&seen=3+", "&seen=3+critical+");
    let refused = laboratory.post("/decide", &cookie, &of_another_hold).await;
    assert!(refused.status == 409 && refused.body.contains("held for something else"), "{}", refused.body);
    let (unseen, _) = form.split_once("&seen=").unwrap();
    let refused = laboratory.post("/decide", &cookie, unseen).await;
    assert_eq!(refused.status, 409, "a form that doesn't say what its reader saw: {}", refused.body);
    let done = laboratory.post("/decide", &cookie, &form).await;
    assert_eq!(done.status, 200);
    assert!(done.body.contains("Released: result 3."), "{}", done.body);
    laboratory.until("/waiting/held", 0).await;
    laboratory.until("/destinations/lims/results/accepted", 3).await;
    let again = laboratory.post("/decide", &cookie, &form).await;
    assert_eq!(again.status, 409, "nothing is decided twice");
    assert_eq!(laboratory.fetch_as(&cookie, "/held/3").await.status, 404);

    let journal = laboratory.journal();
    laboratory.close().await;
    let journal = rusqlite::Connection::open(journal).unwrap();
    let row = journal
        .query_row("SELECT actor, subject, detail FROM audit WHERE step = 'released'", [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        })
        .unwrap();
    let row = (row.0.as_str(), row.1.as_str(), row.2.as_str());
    assert_eq!(
        row,
        ("anna on the page", "observation 3", "looked at the curve (was held: odd-value, is pending)")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn several_are_released_with_one_reason_and_what_is_not_ticked_stays() {
    let mut laboratory = Laboratory::with_results().await;
    laboratory.send("24-000011", &[("001", "4,80"), ("002", "5,10")]).await;
    laboratory.until("/waiting/held", 3).await;
    let cookie = laboratory.signed_in("anna", "technician").await;
    let list = laboratory.fetch_as(&cookie, "/held").await.body;
    assert!(list.contains("href=\"/held/several\""), "{list}");
    let page = laboratory.fetch_as(&cookie, "/held/several").await.body;
    let ids: Vec<&str> =
        page.split("name=\"result\" value=\"").skip(1).map(|it| it.split('"').next().unwrap()).collect();
    assert_eq!(ids.len(), 3, "{page}");
    let guard = between(&page, "name=\"guard\" value=\"", "\"").to_owned();

    let nothing = laboratory.post("/held/several", &cookie, &format!("guard={guard}&reason=x")).await;
    assert_eq!((nothing.status, held(&laboratory).await), (409, 3), "{}", nothing.body);
    let seen: String = page
        .split("name=\"seen\" value=\"")
        .skip(1)
        .map(|it| format!("&seen={}", it.split('"').next().unwrap().replace(' ', "+")))
        .collect();
    let whole = format!("guard={guard}&result={}&result={}&reason=the+lot+was+wrong{seen}", ids[0], ids[2]);
    let of_other_holds =
        whole.replace(&format!("&seen={}+", ids[2]), &format!("&seen={}+qc-failed+", ids[2]));
    let refused = laboratory.post("/held/several", &cookie, &of_other_holds).await;
    assert!(refused.status == 409 && refused.body.contains("held for something else"), "{}", refused.body);
    let without = whole.replace("the+lot+was+wrong", "+");
    assert_eq!(laboratory.post("/held/several", &cookie, &without).await.status, 409);
    let viewer = laboratory.signed_in("carl", "viewer").await;
    let of_viewer = whole.replace(&guard, &self::guard(&laboratory, &viewer).await);
    assert_eq!(laboratory.post("/held/several", &viewer, &of_viewer).await.status, 403);
    assert_eq!(held(&laboratory).await, 3);

    let done = laboratory.post("/held/several", &cookie, &whole).await;
    assert!(done.status == 200 && done.body.contains("Released: 2 results."), "{}", done.body);
    laboratory.until("/waiting/held", 1).await;
    let stopped = format!("guard={guard}&result={}&result={}&reason=again{seen}", ids[1], ids[2]);
    let stopped = laboratory.post("/held/several", &cookie, &stopped).await;
    let (first, then) = (
        format!("1 result was released (no. {}, 0", ids[1]),
        format!("), and then result {} was not", ids[2]),
    );
    assert!(
        stopped.status == 409 && stopped.body.contains(&first) && stopped.body.contains(&then),
        "{}",
        stopped.body
    );

    let journal = laboratory.journal();
    laboratory.close().await;
    let journal = rusqlite::Connection::open(journal).unwrap();
    let mut rows = journal
        .prepare("SELECT subject || ': ' || detail FROM audit WHERE step = 'released' ORDER BY id")
        .unwrap();
    let rows: Vec<String> = rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let expected =
        [(0, "the lot was wrong"), (2, "the lot was wrong"), (1, "again")].map(|(place, reason)| {
            format!("observation {}: {reason} (was held: odd-value, is pending)", ids[place])
        });
    assert_eq!(rows, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_technician_sees_what_a_held_result_would_become_and_has_it_so() {
    let mut laboratory = Laboratory::with_results().await;
    let cookie = laboratory.signed_in("anna", "technician").await;
    let page = laboratory.fetch_as(&cookie, "/held/3").await.body;
    assert!(page.contains("It would stay as it is: it comes out as it is."), "{page}");
    assert!(!page.contains("reevaluate:3"), "{page}");
    let form = |guard: &str| format!("guard={guard}&decision=reevaluate%3A3&reason=it+is+a+text");
    let refused = laboratory.post("/decide", &cookie, &form(&guard(&laboratory, &cookie).await)).await;
    assert_eq!((refused.status, held(&laboratory).await), (409, 1), "{}", refused.body);

    laboratory.restart_with("[codes.001]\nresult = \"text\"\n").await;
    let (bert, viewer) =
        (laboratory.signed_in("bert", "technician").await, laboratory.signed_in("carl", "viewer").await);
    let page = laboratory.fetch_as(&bert, "/held/3").await.body;
    assert!(page.contains("It leaves for lims.") && page.contains("value=\"reevaluate:3\""), "{page}");
    let of_viewer = laboratory.post("/decide", &viewer, &form(&guard(&laboratory, &viewer).await)).await;
    assert_eq!((of_viewer.status, held(&laboratory).await), (403, 1), "{}", of_viewer.body);
    let done = laboratory.post("/decide", &bert, &form(&guard(&laboratory, &bert).await)).await;
    assert!(done.status == 200 && done.body.contains("Re-evaluated: result 3."), "{}", done.body);
    laboratory.until("/waiting/held", 0).await;
    laboratory.until("/destinations/lims/results/accepted", 3).await;
    let journal = laboratory.journal();
    laboratory.close().await;
    let journal = rusqlite::Connection::open(journal).unwrap();
    let said = journal
        .query_row("SELECT named, account, reason FROM reevaluation", [], |row| {
            Ok([row.get::<_, String>(0)?, row.get(1)?, row.get(2)?])
        })
        .unwrap();
    assert_eq!((said[1].as_str(), said[2].as_str()), ("bert on the page", "it is a text"));
    assert!(!said[0].is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_decided_without_a_session_a_role_a_reason_and_a_form_of_that_session() {
    let laboratory = Laboratory::with_results().await;
    let anna = laboratory.signed_in("anna", "technician").await;
    let bert = laboratory.signed_in("bert", "viewer").await;
    let (of_anna, of_bert) = (guard(&laboratory, &anna).await, guard(&laboratory, &bert).await);
    let host = laboratory.page;
    let form = |guard: &str, decision: &str, reason: &str| {
        format!("guard={guard}&decision={decision}&reason={reason}")
    };
    let whole = form(&of_anna, "release%3A3", "seen");
    for (cookie, form, status) in [
        ("", &whole, 303),
        ("labwire=0123456789abcdef", &whole, 303),
        (anna.as_str(), &form(&of_bert, "release%3A3", "seen"), 403),
        (&anna, &form("", "release%3A3", "seen"), 403),
        (&anna, &form(&of_anna, "release%3A3", "+"), 409),
        (&anna, &form(&of_anna, "give-up%3A1", "seen"), 403),
        (&anna, &form(&of_anna, "erase%3A3", "seen"), 404),
        (&anna, &form(&of_anna, "release%3Ax", "seen"), 404),
        (&bert, &form(&of_bert, "release%3A3", "seen"), 403),
    ] {
        let answer = laboratory.post("/decide", cookie, form).await;
        assert_eq!(answer.status, status, "{cookie} {form}");
        assert_eq!(held(&laboratory).await, 1, "{cookie} {form}");
    }
    for (sent, status) in [("Origin: http://evil.example", 403), ("Sec-Fetch-Site: cross-site", 403)] {
        let (length, form) = (whole.len(), &whole);
        let answer = laboratory
            .request(format!(
                "POST /decide HTTP/1.1\r\nHost: {host}\r\n{sent}\r\nCookie: {anna}\r\nContent-Type: \
                 application/x-www-form-urlencoded\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{form}"
            ))
            .await;
        assert_eq!(answer.status, status, "{sent}");
    }
    assert_eq!(laboratory.fetch_as(&anna, "/decide").await.status, 405, "nothing changes on GET");
    assert_eq!(held(&laboratory).await, 1);
    // The same form, of the right session: what was refused before was refused for the right reason.
    let hold = laboratory.fetch_as(&anna, "/held/3").await.body;
    let seen = between(&hold, "name=\"seen\" value=\"", "\"").replace(' ', "+");
    let answer = laboratory.post("/decide", &anna, &format!("{whole}&seen={seen}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    laboratory.until("/waiting/held", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_counts_once_and_a_wrong_password_says_nothing_of_the_name() {
    let laboratory = Laboratory::open().await;
    let asked =
        PersonAsked::Invite { shown: Some("Anna Example".to_owned()), role: Some("admin".to_owned()) };
    let token = laboratory.person("anna", asked).await.unwrap();
    let set_up =
        |token: &str, password: &str| format!("name=anna&token={token}&password={password}&again={password}");
    assert!(
        laboratory.post("/set-up", "", &set_up("guessed", PASSWORD)).await.body.contains("token is wrong")
    );
    assert!(laboratory.post("/set-up", "", &set_up(&token, "short")).await.body.contains("10 to 200"));
    assert_eq!(laboratory.post("/set-up", "", &set_up(&token, PASSWORD)).await.status, 303);
    assert!(
        laboratory.post("/set-up", "", &set_up(&token, "another+password")).await.body.contains("was used")
    );

    let wrong = laboratory.post("/sign-in", "", "name=anna&password=wrong+wrong+wrong").await;
    let nobody = laboratory.post("/sign-in", "", "name=nobody&password=wrong+wrong+wrong").await;
    assert_eq!((wrong.status, wrong.body), (nobody.status, nobody.body));
    let cookie = laboratory.sign_in("anna", PASSWORD).await.unwrap();
    assert!(laboratory.fetch_as(&cookie, "/").await.body.contains("Anna Example"));

    let guard = guard(&laboratory, &cookie).await;
    assert_eq!(laboratory.post("/sign-out", &cookie, &format!("guard={guard}")).await.status, 303);
    assert!(!laboratory.fetch_as(&cookie, "/").await.body.contains("Anna Example"));

    assert!(laboratory.sign_in("anna", PASSWORD).await.is_some());
    laboratory.person("anna", PersonAsked::Lock).await;
    assert!(laboratory.sign_in("anna", PASSWORD).await.is_none(), "who is locked doesn't come in");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_role_counts_from_the_next_form_on() {
    let laboratory = Laboratory::with_results().await;
    let cookie = laboratory.signed_in("anna", "supervisor").await;
    let guard = guard(&laboratory, &cookie).await;
    laboratory.person("anna", PersonAsked::Role { role: "viewer".to_owned() }).await;
    let form = format!("guard={guard}&decision=release%3A3&reason=seen");
    assert_eq!(laboratory.post("/decide", &cookie, &form).await.status, 303, "sign in again");
    assert_eq!(held(&laboratory).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_scanner_decides_nothing_and_the_keyboard_alone_does_everything() {
    let mut laboratory = Laboratory::with_results().await;
    let asked =
        PersonAsked::Invite { shown: Some("Anna Example".to_owned()), role: Some("technician".to_owned()) };
    let token = laboratory.person("anna", asked).await.unwrap();
    let address = |path: &str| format!("http://{}{path}", laboratory.page);
    let mut seen = Browser::open(&address("/set-up"));
    seen.until_typing_into("name", "/set-up");
    seen.picture("set-up");
    seen.type_text("anna");
    for text in [token.as_str(), "correct horse battery", "correct horse battery"] {
        seen.key("Tab");
        seen.type_text(text);
    }
    seen.key("Enter");
    seen.until_typing_into("name", "/sign-in");
    seen.type_text("anna");
    seen.key("Tab");
    seen.type_text("correct horse battery");
    seen.picture("sign-in");
    seen.key("Enter");
    seen.until(
        "location.pathname === '/' && document.querySelector('.visitor').textContent === 'Anna Example'",
    );

    // A scan while a button has the focus goes to the scan box, and its Enter looks a specimen up.
    seen.go(&address("/held/3"));
    seen.until("document.querySelector('form.decide button:not(:disabled)') !== null");
    seen.picture("hold");
    seen.run("document.querySelector('form.decide button').focus()");
    seen.key("Enter");
    seen.scan("24-000007");
    seen.until("location.pathname === '/specimen' && document.getElementById('scan')?.value === '24-000007'");
    assert_eq!(held(&laboratory).await, 1, "Enter on a button released it");

    // Nor does one choose from a list: how a call went is nothing that a tube's number says.
    seen.go(&address("/alarms"));
    seen.run(
        "const it = document.createElement('select'); it.id = 'list'; it.innerHTML = '<option>one</option><option>24 h</option>'; \
         document.querySelector('main').append(it); it.focus()",
    );
    seen.scan("24-000007");
    seen.until("location.pathname === '/specimen' && document.getElementById('scan')?.value === '24-000007'");

    // On a view without a scan box it is looked up all the same.
    seen.go(&address("/held"));
    seen.until("document.getElementById('scan') === null && document.readyState === 'complete'");
    seen.scan("24-000007");
    seen.until("location.pathname === '/specimen' && document.getElementById('scan')?.value === '24-000007'");

    // One into the reason decides nothing either, and is no reason: it goes to the scan box.
    seen.go(&address("/held/3"));
    seen.until("document.querySelector('form.decide button:not(:disabled)') !== null");
    seen.run("document.getElementById('reason').focus()");
    seen.type_keys("looked", Duration::from_millis(120));
    seen.scan("24-000007");
    assert!(seen.is("location.pathname === '/held/3'"));
    assert_eq!(seen.text("document.getElementById('reason').value"), "looked\n", "what somebody typed stays");
    assert_eq!(seen.text("document.getElementById('scan').value"), "24-000007");
    assert!(seen.is("document.activeElement.id === 'scan'"));
    seen.run("document.getElementById('reason').focus()");
    seen.type_text("at the curve");
    seen.key("Tab");
    assert!(seen.is("document.activeElement.value === 'release:3'"));
    seen.key(" ");
    seen.until("document.querySelector('h1').textContent === 'Released: result 3.'");
    seen.picture("released");
    laboratory.until("/waiting/held", 0).await;
    assert_eq!(seen.console, Vec::<String>::new());
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn who_was_away_comes_back_to_the_same_form_with_what_they_typed_and_nothing_decided() {
    let pause = Duration::from_secs(8);
    let mut laboratory = Laboratory::start_as("127.0.0.1", "", &[], |page| page.away_after = pause).await;
    laboratory.send_results().await;
    let cookie = laboratory.signed_in("anna", "technician").await;
    let chosen = format!("guard={}&pin=BADGE-0815", guard(&laboratory, &cookie).await);
    assert_eq!(laboratory.post("/pin", &cookie, &chosen).await.status, 303);
    let mut seen = Browser::open(&format!("http://{}/wall", laboratory.page));
    seen.run(&format!("document.cookie = '{cookie}; path=/'"));
    seen.go(&format!("http://{}/held/3", laboratory.page));
    seen.until("document.querySelector('form.decide button:not(:disabled)') !== null");
    seen.run("document.getElementById('reason').focus()");
    seen.type_text("at the curve");
    tokio::time::sleep(pause + Duration::from_millis(100)).await;
    seen.key("Tab");
    seen.key(" ");
    seen.until_typing_into("pin", "/sign-in");
    assert_eq!(held(&laboratory).await, 1);
    seen.type_text("BADGE-0815");
    seen.key("Enter");
    seen.until(
        "location.pathname === '/held/3' && document.getElementById('reason')?.value === 'at the curve'",
    );
    assert!(seen.is("document.querySelector('main .complaint').textContent.includes('nothing was done')"));
    assert_eq!(held(&laboratory).await, 1, "who comes back looks before they decide");
    let here =
        "!document.getElementById('typed-here').hidden && document.getElementById('typed-gone').hidden";
    assert!(seen.is(here), "the form stands");
    seen.run("document.querySelector('button[value=\"release:3\"]').focus()");
    seen.key(" ");
    seen.until("document.querySelector('h1').textContent === 'Released: result 3.'");
    laboratory.until("/waiting/held", 0).await;
    assert_eq!(seen.console, Vec::<String>::new());
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_of_a_result_that_somebody_else_decided_can_still_be_copied() {
    let pause = Duration::from_secs(6);
    let mut laboratory = Laboratory::start_as("127.0.0.1", "", &[], |page| page.away_after = pause).await;
    laboratory.send_results().await;
    let anna = laboratory.signed_in("anna", "technician").await;
    let guard = guard(&laboratory, &anna).await;
    let chosen = format!("guard={guard}&pin=BADGE-0815");
    assert_eq!(laboratory.post("/pin", &anna, &chosen).await.status, 303);
    tokio::time::sleep(pause + Duration::from_millis(100)).await;
    let form = format!("guard={guard}&place=%2Fheld%2F3&decision=release%3A3&reason=at+the+slope");
    assert_eq!(laboratory.post("/decide", &anna, &form).await.status, 303);
    // A place that is asked for comes before the one where something was typed.
    let next = |body: &str| between(body, "name=\"next\" value=\"", "\"").to_owned();
    assert_eq!(next(&laboratory.fetch_as(&anna, "/sign-in?next=%2Forders").await.body), "/orders");
    assert_eq!(next(&laboratory.fetch_as(&anna, "/sign-in").await.body), "/held/3");

    let bert = laboratory.signed_in("bert", "technician").await;
    let hold = laboratory.fetch_as(&bert, "/held/3").await.body;
    let of = |what: &str| between(&hold, &format!("name=\"{what}\" value=\""), "\"").replace(' ', "+");
    let form = format!("guard={}&decision=release%3A3&reason=seen&seen={}", of("guard"), of("seen"));
    assert_eq!(laboratory.post("/decide", &bert, &form).await.status, 200);

    let back = format!("guard={guard}&pin=BADGE-0815&next=%2Fheld%2F3");
    assert_eq!(laboratory.post("/back", &anna, &back).await.status, 303);
    let gone = laboratory.fetch_as(&anna, "/held/3").await;
    assert!(gone.status == 303 && gone.headers.contains("location: /held"), "{}", gone.headers);
    let list = laboratory.fetch_as(&anna, "/held").await.body;
    assert!(list.contains("at the slope") && list.contains("id=\"typed-gone\""), "{list}");
    assert!(!laboratory.fetch_as(&anna, "/held").await.body.contains("at the slope"), "once");
    laboratory.close().await;
}
