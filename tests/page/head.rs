//! What stands above each view: whose laboratory it is, as of when, and, across a room, that a wall is no longer live.

use super::browser::Browser;
use super::laboratory::Laboratory;
use super::over_http::between;

const LIVE: &str = "document.getElementById('as-of').textContent.startsWith('live')";

#[tokio::test(flavor = "multi_thread")]
async fn the_wall_names_nobody_who_is_signed_in_there() {
    let laboratory = Laboratory::open().await;
    let cookie = laboratory.signed_in("anna", "technician").await;
    let head = |body: &str| between(body, "<header>", "</header>").to_owned();
    assert!(head(&laboratory.fetch_as(&cookie, "/").await.body).contains("ANNA Example"));
    let wall = head(&laboratory.fetch_as(&cookie, "/wall").await.body);
    assert!(!wall.contains("ANNA") && !wall.contains("visitor"), "{wall}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn paper_is_never_live_and_a_site_s_name_is_whole_for_whoever_points_at_it() {
    let mut laboratory = Laboratory::open().await;
    let mut seen = Browser::open(&format!("http://{}/", laboratory.page));
    seen.until(LIVE);
    assert_eq!(seen.text("document.querySelector('.site').title"), "Example laboratory");
    seen.on_paper();
    let shown = "getComputedStyle(document.getElementById('as-of'), '::after').content";
    let on_paper = seen.text(shown);
    assert!(on_paper.starts_with("\"as of ") && !on_paper.contains("live"), "{on_paper}");
    assert_eq!(seen.text("getComputedStyle(document.getElementById('as-of')).fontSize"), "0px");
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_wall_that_is_not_live_says_so_across_the_room() {
    let mut laboratory = Laboratory::open().await;
    let mut seen = Browser::open(&format!("http://{}/wall", laboratory.page));
    seen.until(LIVE);
    seen.size(1920, 1080);
    laboratory.close().await;
    seen.until("!document.getElementById('stale').hidden");
    let size =
        |what: &str| format!("parseFloat(getComputedStyle(document.querySelector('{what}')).fontSize)");
    assert!(seen.is(&format!("{} >= {}", size(".stale"), size(".wall h1"))), "as large as the headline");
    seen.picture("wall-not-live");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_long_name_of_a_site_is_whole_on_a_narrow_screen() {
    let mut laboratory = Laboratory::open().await;
    let mut seen = Browser::open(&format!("http://{}/", laboratory.page));
    seen.until(LIVE);
    seen.size(1280, 900);
    seen.run("document.querySelector('.site').textContent = 'Laboratory of the district hospital of Saint Elizabeth, building 4'");
    let whole = "(() => { const it = document.querySelector('.site'); \
                 return it.scrollHeight <= it.clientHeight + 1 && getComputedStyle(it).overflow === 'visible'; })()";
    assert!(seen.is(whole));
    assert!(seen.is("document.documentElement.scrollWidth <= 1280"));
    seen.picture("head-long-name");
    laboratory.close().await;
}
