//! What an instrument keeps sending the same: its codes, units, ranges and versions, and what a change of one is
//! called. A change is shown to a person; it holds and drops no result.

/// The longest text that is kept of a subject or a value, in characters.
const LONGEST: usize = 80;
/// The longest header of a table that is kept by its names, in characters.
const LONGEST_HEADER: usize = 4_000;
/// What stands between the names of columns.
const BETWEEN: char = '|';
/// The most names that a change of columns names: more than any table of a laboratory has.
const NAMED: usize = 200;

/// What of an instrument is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HabitKind {
    /// A test code that nobody described.
    Code,
    Unit,
    /// The reference range of patients' results.
    Range,
    Firmware,
    AssayVersion,
    /// The columns of a table.
    Columns,
}

impl HabitKind {
    /// The stable name stored in the journal.
    pub fn name(self) -> &'static str {
        match self {
            HabitKind::Code => "code",
            HabitKind::Unit => "unit",
            HabitKind::Range => "range",
            HabitKind::Firmware => "firmware",
            HabitKind::AssayVersion => "assay-version",
            HabitKind::Columns => "columns",
        }
    }
}

/// One thing that a message showed of its instrument.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Habit {
    pub kind: HabitKind,
    /// The test that it is about; empty where it is the whole instrument.
    pub subject: String,
    /// What was sent; empty where nothing was.
    pub value: String,
    /// What the profile or the site says instead. `None` where neither does: then what was sent before counts.
    pub pinned: Option<String>,
}

impl Habit {
    /// Texts beyond 80 characters are cut.
    pub fn new(kind: HabitKind, subject: &str, value: &str, pinned: Option<String>) -> Habit {
        let cut = |text: &str| text.chars().take(LONGEST).collect();
        Habit { kind, subject: cut(subject), value: cut(value), pinned }
    }

    /// The columns of a table, by the names in its header. A header too long to be kept is known by `sum`.
    pub fn columns(names: &[&str], sum: &str) -> Habit {
        let joined = names.join(&BETWEEN.to_string());
        let value = match joined.chars().count() {
            0..=LONGEST_HEADER => joined,
            _ => format!("{} columns, sum {sum}", names.len()),
        };
        Habit { kind: HabitKind::Columns, subject: String::new(), value, pinned: None }
    }

    /// The change in words. `before` is what was sent until now, for where the profile says nothing.
    pub fn departure(&self, before: &str) -> String {
        let subject = &self.subject;
        let what = match self.kind {
            HabitKind::Code => {
                let profile = self.pinned.as_deref().unwrap_or_default();
                return format!("a test code that {profile} doesn't know: {subject:?}");
            }
            HabitKind::Unit => format!("the unit of {subject}"),
            HabitKind::Range => format!("the reference range of {subject}"),
            HabitKind::Firmware => "the firmware's version".to_owned(),
            HabitKind::AssayVersion => format!("the assay version of {subject}"),
            HabitKind::Columns => return columns(before, &self.value),
        };
        let value = quoted(&self.value);
        match &self.pinned {
            Some(pinned) => format!("{what} is {value}, and {} was expected", quoted(pinned)),
            None => format!("{what} is {value}; until now it was {}", quoted(before)),
        }
    }

    /// A further change of the same, as an addition to [`departure`](Self::departure). `before` as there.
    pub fn further(&self, before: &str) -> String {
        match self.kind {
            HabitKind::Columns => format!("; later {}", columns(before, &self.value)),
            _ => format!("; later also {}", quoted(&self.value)),
        }
    }
}

fn names(header: &str) -> Vec<&str> {
    header.split(BETWEEN).collect()
}

/// What of a header is another.
fn columns(before: &str, now: &str) -> String {
    let (old, new) = (names(before), names(now));
    let without = |these: &[&str], those: &[&str]| -> Vec<String> {
        let mut left = those.to_vec();
        let mut only = Vec::new();
        for name in these {
            match left.iter().position(|it| it == name) {
                Some(at) => drop(left.remove(at)),
                None => only.push(format!("{name:?}")),
            }
        }
        only
    };
    let list = |names: Vec<String>| {
        let more = names.len().saturating_sub(NAMED);
        let shown = names.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
        if more > 0 { format!("{shown} and {more} more") } else { shown }
    };
    let (gone, come) = (without(&old, &new), without(&new, &old));
    let moved = is_reordered(&old, &new);
    let changes = match (gone.is_empty(), come.is_empty()) {
        (true, true) => return "the columns of the file stand in another order than until now".to_owned(),
        (true, false) => format!("the file has columns that are new: {}", list(come)),
        (false, true) => format!("the file has lost columns: {}", list(gone)),
        (false, false) => {
            format!("the file has lost columns: {}; and has new ones: {}", list(gone), list(come))
        }
    };
    if moved { format!("{changes}; and the others stand in another order") } else { changes }
}

/// Whether the names that both have stand in another order.
fn is_reordered(old: &[&str], new: &[&str]) -> bool {
    let both = |these: &[&str], those: &[&str]| -> Vec<String> {
        these.iter().filter(|name| those.contains(name)).map(|name| (*name).to_owned()).collect()
    };
    let firsts = |mut names: Vec<String>| {
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    };
    firsts(both(old, new)) != firsts(both(new, old))
}

fn quoted(text: &str) -> String {
    if text.is_empty() { "none".to_owned() } else { format!("{text:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_says_what_it_was_and_what_it_is() {
        let habit = |kind, subject, value, pinned: Option<&str>| {
            Habit::new(kind, subject, value, pinned.map(str::to_owned))
        };
        for (habit, before, expected) in [
            (
                habit(HabitKind::Code, "NOVEL", "", Some("sim/1")),
                "",
                "a test code that sim/1 doesn't know: \"NOVEL\"",
            ),
            (
                habit(HabitKind::Unit, "K", "mg/dL", Some("mmol/L")),
                "",
                "the unit of K is \"mg/dL\", and \"mmol/L\" was expected",
            ),
            (
                habit(HabitKind::Unit, "K", "", Some("mmol/L")),
                "",
                "the unit of K is none, and \"mmol/L\" was expected",
            ),
            (
                habit(HabitKind::Range, "K", "3.5 to 5.1", None),
                "3.4 to 5.0",
                "the reference range of K is \"3.5 to 5.1\"; until now it was \"3.4 to 5.0\"",
            ),
            (
                habit(HabitKind::Firmware, "", "9.46", None),
                "9.45",
                "the firmware's version is \"9.46\"; until now it was \"9.45\"",
            ),
            (
                habit(HabitKind::AssayVersion, "K", "2", None),
                "",
                "the assay version of K is \"2\"; until now it was none",
            ),
        ] {
            assert_eq!(habit.departure(before), expected);
        }
    }

    #[test]
    fn a_header_that_changed_says_which_column_is_gone_and_which_is_new() {
        let before = Habit::columns(&["Tube", "Test", "Result", "Unit"], "00").value;
        for (now, expected) in [
            (
                &["Tube", "Test", "Value", "Unit"][..],
                "the file has lost columns: \"Result\"; and has new ones: \"Value\"",
            ),
            (&["Tube", "Test", "Result"], "the file has lost columns: \"Unit\""),
            (&["Tube", "Test", "Result", "Unit", "Test"], "the file has columns that are new: \"Test\""),
            (
                &["Test", "Tube", "Result", "Unit"],
                "the columns of the file stand in another order than until now",
            ),
            (
                &["Test", "Tube", "Result", "Flag"],
                "the file has lost columns: \"Unit\"; and has new ones: \"Flag\"; and the others stand in another order",
            ),
        ] {
            assert_eq!(Habit::columns(now, "00").departure(&before), expected);
        }
        let later = Habit::columns(&["Tube", "Test", "Unit", "Flag"], "00").further(&before);
        assert_eq!(later, "; later the file has lost columns: \"Result\"; and has new ones: \"Flag\"");
        let many: Vec<String> = (0..60).map(|number| format!("T{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let told = Habit::columns(&many, "00").departure(&before);
        assert!(many.iter().all(|name| told.contains(&format!("{name:?}"))), "{told}");
        let long = "x".repeat(100);
        assert_eq!(Habit::columns(&[long.as_str(); 50], "ab").value, "50 columns, sum ab");
    }

    #[test]
    fn a_long_text_is_cut() {
        let habit = Habit::new(HabitKind::Unit, &"ä".repeat(200), &"x".repeat(200), None);
        assert_eq!((habit.subject.chars().count(), habit.value.len()), (80, 80));
    }
}
