//! Each view of the page's own table, walked through: none is left out of these tests, none needs a script to be read, each
//! fits a phone and a sheet of paper, and the head needs one line.

use labwire::config::settings::Language;
use labwire::status;

use super::accessible::{laboratory, laboratory_speaking, views};
use super::laboratory::{Answer, Laboratory};
use super::over_http::between;
use super::{accessible, languages};

/// Whether an address is one of a view, whose own has `{…}` where addresses differ.
fn is_of(view: &str, address: &str) -> bool {
    let path = address.split('?').next().unwrap_or_default();
    let (of_view, of_path): (Vec<&str>, Vec<&str>) = (view.split('/').collect(), path.split('/').collect());
    let fits = |(view, path): (&&str, &&str)| view == path || view.starts_with('{') && !path.is_empty();
    of_view.len() == of_path.len() && of_view.iter().zip(&of_path).all(fits)
}

/// The views that none of these addresses is one of.
fn left_out(addresses: &[String]) -> Vec<&'static str> {
    status::views().filter(|view| !addresses.iter().any(|it| is_of(view, it))).collect()
}

#[test]
fn no_view_is_left_out_of_what_the_other_tests_look_at() {
    let seen: Vec<String> = accessible::addresses(1).into_iter().map(|(path, _)| path).collect();
    let read = languages::addresses(1, 1);
    assert_eq!(left_out(&seen), [""; 0], "tests/page/accessible.rs");
    assert_eq!(left_out(&read), [""; 0], "tests/page/languages.rs");
    // What it must notice.
    let without = |view: &str| -> Vec<String> {
        seen.iter().filter(|address| !is_of(view, address)).cloned().collect()
    };
    for view in ["/", "/problem/{id}", "/downtime"] {
        assert_eq!(left_out(&without(view)), [view]);
    }
}

/// What is wrong with a page for whoever has no script, and for whoever asks how old it is.
fn faults(path: &str, answer: &Answer) -> Vec<&'static str> {
    let Answer { headers, body, .. } = answer;
    let says = |text: &str| body.contains(text);
    // What is typed there is of no moment.
    let is_of_nothing = ["/sign-in", "/set-up"].contains(&path);
    let main = if says("<main") { between(body, "<main", "</main>") } else { "" };
    let as_of = if says("id=\"as-of\"") { between(body, "id=\"as-of\"", "</span>") } else { "" };
    let faults = [
        (!as_of.contains(">as of <time datetime=") && !is_of_nothing, "it doesn't say as of when"),
        (!main.contains("<h1>"), "it has no headline"),
        (says("<script>") || says("javascript:"), "a script stands in it"),
        (says(" style=\"") || says("<style"), "a style stands in it"),
        (
            !headers.contains("script-src 'self'") && !headers.contains("default-src 'self'"),
            "no strict policy",
        ),
        (!headers.contains("cache-control: no-store"), "it may be kept"),
    ];
    faults.into_iter().filter(|(is_so, _)| *is_so).map(|(_, fault)| fault).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_view_is_whole_as_it_is_sent_and_says_as_of_when() {
    let mut laboratory = Laboratory::with_results().await;
    let cookie = laboratory.signed_in("anna", "supervisor").await;
    let mut walked = 0;
    for (path, _) in views(&laboratory) {
        let answer = laboratory.fetch_as(&cookie, &path).await;
        // Some show what only another laboratory has: a call, a kept list, a second delivery.
        if answer.status == 200 {
            assert_eq!(faults(&path, &answer), [""; 0], "{path}: {}\n{}", answer.headers, answer.body);
            walked += 1;
        }
    }
    assert!(walked > 15, "only {walked} views were there");
    let bad =
        Answer { status: 200, headers: String::new(), body: "<main><script>1</script></main>".to_owned() };
    assert_eq!(faults("/", &bad).len(), 5, "what it must notice");
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn each_view_can_be_read_and_a_specimen_scanned_without_a_script() {
    let (mut laboratory, mut seen) = laboratory().await;
    seen.without_scripts();
    for (path, _) in views(&laboratory) {
        seen.go(&format!("http://{}{path}", laboratory.page));
        assert!(seen.is("document.querySelector('main h1').innerText.trim() !== ''"), "{path}");
        let as_of = seen
            .text("(document.getElementById('as-of') || { textContent: 'reload to refresh' }).textContent");
        assert!(as_of.contains("reload to refresh"), "{path}: no script says that it is live: {as_of}");
    }
    seen.go(&format!("http://{}/", laboratory.page));
    seen.until_typing_into("scan", "/");
    seen.type_text("24-000007");
    seen.key("Enter");
    seen.until(
        "location.search === '?id=24-000007' && document.querySelector('h1').innerText === 'All 2 results are in lims.'",
    );
    laboratory.close().await;
}

/// What can only be seen by scrolling sideways, but for bytes.
const HIDDEN_SIDEWAYS: &str = "Array.from(document.querySelectorAll('main *')).filter((it) => it.scrollWidth > it.clientWidth + 1 \
                               && ['auto', 'scroll', 'hidden'].includes(getComputedStyle(it).overflowX) && it.clientWidth > 1 && !it.matches('pre, input, textarea, select')) \
                               .map((it) => it.tagName + '.' + it.className + ' ' + it.scrollWidth + ' in ' + it.clientWidth + ': ' + it.innerText.slice(0, 60))";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn no_table_scrolls_sideways_on_a_phone_at_twice_the_size_or_on_paper() {
    let (mut laboratory, mut seen) = laboratory().await;
    let mut found = Vec::new();
    // A sheet of A4 has 718 pixels between its margins.
    for (width, what) in [(360, "a phone"), (680, "twice the size"), (718, "paper")] {
        seen.size(width, 800);
        if what == "paper" {
            seen.on_paper();
        }
        for (path, _) in views(&laboratory) {
            seen.go(&format!("http://{}{path}", laboratory.page));
            let hidden = seen.value(HIDDEN_SIDEWAYS);
            if hidden != serde_json::json!([]) {
                found.push(format!("{path} on {what}: {hidden}"));
            }
            let wide = seen.value("document.documentElement.scrollWidth").as_u64().unwrap();
            if wide > u64::from(width) {
                found.push(format!("{path} on {what} is {wide} wide"));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
    seen.run(
        "const wide = document.querySelector('main').appendChild(document.createElement('div')); wide.innerHTML = '<p>a</p>'; \
         wide.style.overflowX = 'auto'; wide.firstChild.style.width = '3000px'",
    );
    assert!(seen.value(HIDDEN_SIDEWAYS).to_string().contains("3000 in "), "what it must notice");
    laboratory.close().await;
}

/// How high the head is, and which of its links are wider than their place.
const HEAD: &str = "({ high: (document.querySelector('header') || { offsetHeight: 0 }).offsetHeight, \
                    cut: Array.from(document.querySelectorAll('header a')).filter((it) => it.scrollWidth > it.clientWidth).map((it) => it.textContent) })";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn the_head_of_a_page_needs_one_line() {
    for language in [Language::English, Language::German] {
        let (mut laboratory, mut seen) = laboratory_speaking(language).await;
        seen.size(1360, 1100);
        for (path, _) in views(&laboratory) {
            seen.go(&format!("http://{}{path}", laboratory.page));
            let head = seen.value(HEAD);
            assert!(head["high"].as_f64().unwrap() < 60.0, "{path} in {language:?}: {head}");
            assert_eq!(head["cut"], serde_json::json!([]), "{path} in {language:?}");
        }
        laboratory.close().await;
    }
}
