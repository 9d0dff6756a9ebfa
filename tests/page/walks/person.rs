//! Somebody at the page who has a keyboard and a scanner and no mouse. Each step presses keys; at each stop the focus must be
//! seen.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use super::audited;
use crate::browser::Browser;
use crate::laboratory::{Laboratory, PASSWORD};

/// More stops than any page has.
const STOPS: usize = 150;
/// A specimen's number as it stands on a tube.
const TUBE: &str = "24-000007";
const FOCUS_IS_SEEN: &str = "(() => { const it = document.activeElement; if (it === document.body) return true; \
    const style = getComputedStyle(it), place = it.getBoundingClientRect(); \
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && place.width > 0 \
        && place.bottom > 0 && place.top < innerHeight && place.right > 0 && place.left < innerWidth; })()";

pub(super) struct Person<'a> {
    laboratory: &'a Laboratory,
    name: &'static str,
    seen: Browser,
}

impl Deref for Person<'_> {
    type Target = Browser;

    fn deref(&self) -> &Browser {
        &self.seen
    }
}

impl DerefMut for Person<'_> {
    fn deref_mut(&mut self) -> &mut Browser {
        &mut self.seen
    }
}

impl<'a> Person<'a> {
    /// Somebody whom nobody knows yet, at a view.
    pub(super) fn at(laboratory: &'a Laboratory, path: &str) -> Person<'a> {
        let seen = Browser::open(&format!("http://{}{path}", laboratory.page));
        Person { laboratory, name: "", seen }
    }

    /// Somebody with a role, who has signed in and is at the bench.
    pub(super) async fn arrives(laboratory: &'a Laboratory, name: &'static str, role: &str) -> Person<'a> {
        laboratory.signed_in(name, role).await;
        let mut person = Person { name, ..Person::at(laboratory, "/sign-in") };
        person.signs_in(name);
        person
    }

    /// Signs in where the page asks for a name, and comes to the bench.
    pub(super) fn signs_in(&mut self, name: &'static str) {
        self.name = name;
        self.until_typing_into("name", "/sign-in");
        self.write(name);
        self.key("Tab");
        self.write(&PASSWORD.replace('+', " "));
        self.key("Enter");
        self.until_at("/");
    }

    /// Waits for a view that is whole and takes decisions.
    pub(super) fn until_at(&mut self, path: &str) {
        self.until(&format!("document.readyState === 'complete' && location.pathname === '{path}'"));
        self.until("document.querySelector('form.decide button:disabled') === null");
    }

    /// Presses Tab until it is there, and sees at each stop where that is.
    pub(super) fn tab_to(&mut self, selector: &str) {
        let is_there = format!("document.activeElement.matches({})", serde_json::json!(selector));
        for _ in 0..STOPS {
            self.key("Tab");
            let stop = "document.activeElement.outerHTML";
            assert!(self.is(FOCUS_IS_SEEN), "nobody sees the focus on {}", self.text(stop));
            if self.is(&is_there) {
                return;
            }
        }
        panic!("no key reaches {selector} on {}", self.text("document.documentElement.outerHTML"));
    }

    /// Goes on to a view by a link of this one.
    pub(super) fn follow(&mut self, path: &str) {
        self.tab_to(&format!("a[href=\"{path}\"]"));
        self.key("Enter");
        self.until_at(path.split('?').next().unwrap_or_default());
    }

    /// Writes into a field by hand.
    pub(super) fn fill(&mut self, field: &str, text: &str) {
        self.tab_to(field);
        self.write(text);
    }

    /// Ticks the one of a name that has this number.
    pub(super) fn tick(&mut self, name: &str, number: i64) {
        self.tab_to(&format!("input[name={name}][value='{number}']"));
        self.key(" ");
        self.until("document.activeElement.checked");
    }

    /// Chooses from a list, with the arrows.
    pub(super) fn choose(&mut self, list: &str, value: &str) {
        self.tab_to(list);
        let chosen = format!("document.activeElement.value === {}", serde_json::json!(value));
        for _ in 0..20 {
            if self.is(&chosen) {
                return;
            }
            self.key("ArrowDown");
        }
        panic!("{list} has no {value}");
    }

    /// Presses a button, once a scan and an Enter have pressed nothing there: the scan's number was looked up, and the audit has
    /// nothing more of anybody. What was written before is written again by `again`, on the same view.
    pub(super) fn press(&mut self, button: &str, again: impl FnOnce(&mut Person<'a>)) {
        let (address, before) = (self.text("location.href"), self.audited());
        self.tab_to(button);
        self.key("Enter");
        // What it pressed would be shown by then.
        std::thread::sleep(Duration::from_millis(300));
        assert!(self.is(&format!("location.href === '{address}'")), "Enter pressed {button}");
        self.scan(TUBE);
        self.until_typing_into("scan", "/specimen");
        assert_eq!(self.text("document.getElementById('scan').value"), TUBE);
        assert_eq!(self.audited(), before, "a scan pressed {button}");
        self.go(&address);
        self.until("document.querySelector('form.decide button:disabled') === null");
        again(self);
        self.tab_to(button);
        self.key(" ");
    }

    /// Writes a reason and presses a button, as above.
    pub(super) fn decide(&mut self, button: &str, reason: &str) {
        self.press(button, |it| it.fill("#reason", reason));
    }

    /// Waits for a page that says this first.
    pub(super) fn until_told(&mut self, headline: &str) {
        self.until(&format!("document.querySelector('h1')?.textContent === {}", serde_json::json!(headline)));
    }

    fn audited(&self) -> Vec<[String; 3]> {
        audited(self.laboratory, self.name)
    }

    /// Leaves, and the browser had nothing to complain of.
    pub(super) fn leaves(self) {
        assert_eq!(self.seen.console, Vec::<String>::new());
    }
}
