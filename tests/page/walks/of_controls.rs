//! What the walks must notice: a button that a scan or Enter presses, and a focus that nobody sees.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::person::Person;
use crate::laboratory::Laboratory;

const BUTTON: &str = "button[value='release:3']";

/// What somebody says of a step that must not pass.
fn fails(step: impl FnOnce()) -> String {
    let Err(said) = catch_unwind(AssertUnwindSafe(step)) else { panic!("the walk went on") };
    said.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_button_that_enter_presses_and_a_focus_that_is_hidden_end_a_walk() {
    let mut laboratory = Laboratory::with_results().await;
    let mut anna = Person::arrives(&laboratory, "anna", "technician").await;
    anna.follow("/held/3");
    anna.run(
        "const sheet = new CSSStyleSheet(); sheet.replaceSync('textarea:focus { outline: none !important }'); \
         document.adoptedStyleSheets = [sheet]",
    );
    let hidden = fails(|| anna.tab_to("#reason"));
    assert!(hidden.contains("nobody sees the focus on <textarea"), "{hidden}");
    anna.run("document.adoptedStyleSheets = []");
    // As a browser does of itself, where the page's script doesn't keep it from that.
    anna.run("document.addEventListener('keyup', (event) => event.key === 'Enter' && document.activeElement.click())");
    anna.write("looked at the curve");
    let pressed = fails(|| anna.press(BUTTON, |_| {}));
    assert!(pressed.contains("Enter pressed") || pressed.contains("a scan pressed"), "{pressed}");
    laboratory.until("/waiting/held", 0).await;
    drop(anna);
    laboratory.close().await;
}
