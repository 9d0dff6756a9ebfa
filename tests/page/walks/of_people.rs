//! Somebody's day at a screen: the first password, a badge that brings them back after a pause, and signing out.

use std::time::Duration;

use super::audited;
use super::person::Person;
use crate::laboratory::{Laboratory, PASSWORD};

const BADGE: &str = "BADGE-0815";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn somebody_sets_a_password_signs_in_comes_back_by_badge_and_signs_out_by_keys_alone() {
    let pause = Duration::from_secs(20);
    let mut laboratory = Laboratory::start_as("127.0.0.1", "", &[], |page| page.away_after = pause).await;
    laboratory.send_results().await;
    let token = laboratory.invite("anna", "technician").await;
    let mut anna = Person::at(&laboratory, "/sign-in");
    anna.follow("/set-up");
    anna.until_typing_into("name", "/set-up");
    let password = PASSWORD.replace('+', " ");
    anna.write("anna");
    for text in [token.as_str(), &password, &password] {
        anna.key("Tab");
        anna.write(text);
    }
    anna.key("Enter");
    anna.until("document.querySelector('main').innerText.includes('Your password is kept')");
    anna.signs_in("anna");
    // The badge is scanned where it is chosen: its Enter keeps it.
    anna.tab_to(".visitor a");
    anna.key("Enter");
    anna.until_at("/sign-in");
    anna.tab_to("#pin");
    anna.scan(BADGE);
    anna.until("document.querySelector('main').innerText.includes('You have one')");
    anna.until_at("/sign-in");
    let rows = |laboratory: &Laboratory| -> Vec<String> {
        audited(laboratory, "anna").into_iter().map(|[.., detail]| detail).collect()
    };
    assert_eq!(rows(&laboratory).pop().unwrap(), "chose a PIN or a badge");

    anna.follow("/");
    anna.follow("/held/3");
    tokio::time::sleep(pause + Duration::from_millis(200)).await;
    anna.tab_to(".visitor a");
    anna.key("Enter");
    anna.until_typing_into("pin", "/sign-in");
    anna.scan(BADGE);
    anna.until_at("/held/3");
    assert!(
        anna.is("document.querySelector('button[value=\"release:3\"]') !== null"),
        "they may decide again"
    );

    anna.tab_to(".visitor a");
    anna.key("Enter");
    anna.until_at("/sign-in");
    anna.tab_to("form[action='/sign-out'] button");
    anna.key("Enter");
    anna.until(
        "document.querySelector('form[action=\"/sign-out\"]') === null && document.readyState === 'complete'",
    );
    anna.go(&format!("http://{}/held/3", laboratory.page));
    assert!(anna.is("document.querySelector('form.decide') === null"), "nobody decides any more");
    anna.leaves();
    assert_eq!(rows(&laboratory).pop().unwrap(), "signed out");
    assert!(!format!("{:?}", rows(&laboratory)).contains("0815"));
    laboratory.until("/waiting/held", 1).await;
    laboratory.close().await;
}
