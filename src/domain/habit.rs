//! What an instrument keeps sending the same: its codes, units, ranges and versions, and what a change of one is
//! called. A change is shown to a person; it holds and drops no result.

/// The longest text that is kept of a subject or a value, in characters.
const LONGEST: usize = 80;

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
            HabitKind::Columns => "what the file's header names".to_owned(),
        };
        let value = quoted(&self.value);
        match &self.pinned {
            Some(pinned) => format!("{what} is {value}, and {} was expected", quoted(pinned)),
            None => format!("{what} is {value}; until now it was {}", quoted(before)),
        }
    }

    /// A further change of the same, as an addition to [`departure`](Self::departure).
    pub fn further(&self) -> String {
        format!("; later also {}", quoted(&self.value))
    }
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
    fn a_long_text_is_cut() {
        let habit = Habit::new(HabitKind::Unit, &"ä".repeat(200), &"x".repeat(200), None);
        assert_eq!((habit.subject.chars().count(), habit.value.len()), (80, 80));
    }
}
