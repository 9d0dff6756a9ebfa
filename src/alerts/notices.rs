//! What has to be told, from what is wrong at this moment and what was told before. Pure; the time is an argument.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::config::settings::Least;
use crate::status::Alarm;

/// After a start it takes that long until every link and destination was tried.
const SETTLES: Duration = Duration::from_secs(10);

/// What is known of each trouble, by its name and what it is about.
#[derive(Debug, Default)]
pub(super) struct Notices {
    troubles: BTreeMap<(String, String), Trouble>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Trouble {
    since: Timestamp,
    /// Its begin was told.
    told: bool,
    /// Since when it isn't there any more.
    gone: Option<Timestamp>,
    /// Told before this start, and not seen since: whether it is over isn't known at once.
    remembered: bool,
    severity: Least,
    text: String,
}

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    /// The same whenever this is sent again.
    pub(super) id: String,
    pub(super) alert: String,
    pub(super) about: String,
    severity: Least,
    text: String,
    since: Timestamp,
    over: Option<Timestamp>,
}

impl Notice {
    pub(super) fn state(&self) -> &'static str {
        if self.over.is_some() { "over" } else { "begun" }
    }

    pub(super) fn body(&self, site: &str) -> Value {
        json!({
            "id": self.id,
            "site": site,
            "alert": self.alert,
            "about": self.about,
            "state": self.state(),
            "severity": severity(self.severity),
            "since": self.since.to_string(),
            "over": self.over.map(|at| at.to_string()),
            "text": self.text,
        })
    }

    /// One line, which says the worst first.
    pub(super) fn headline(&self, site: &str) -> String {
        let state = match (self.over, self.severity) {
            (Some(_), _) => "OVER",
            (None, Least::Danger) => "DANGER",
            (None, Least::Act) => "ACT",
        };
        format!("[labwire] {state}: {} {} ({site})", self.alert, self.about).replace("  ", " ")
    }

    /// The same as [`body`](Notice::body), to be read by a person.
    pub(super) fn letter(&self, site: &str) -> String {
        let over = self.over.map(|at| format!("Over since {at}.\n")).unwrap_or_default();
        format!(
            "{}\n\nSince {}.\n{over}\nlabwire at {site}. What to do: the page, and OPERATIONS.md. Nothing in this mail names a patient.\n",
            self.text, self.since
        )
    }
}

fn severity(least: Least) -> &'static str {
    match least {
        Least::Danger => "danger",
        Least::Act => "act",
    }
}

impl Notices {
    /// From [`Notices::memory`]; what can't be read is as if nothing had been told.
    pub(super) fn remembered(memory: Option<&[u8]>) -> Notices {
        let rows: Vec<Value> =
            memory.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default();
        Notices { troubles: rows.iter().filter_map(remembered).collect() }
    }

    /// What was told to have begun, and not to be over.
    pub(super) fn memory(&self) -> Vec<u8> {
        let told = self.troubles.iter().filter(|(_, it)| it.told);
        let rows: Vec<Value> = told
            .map(|((alert, about), it)| {
                let since = it.since.to_string();
                json!({"alert": alert, "about": about, "since": since,
                    "severity": severity(it.severity), "text": it.text})
            })
            .collect();
        Value::from(rows).to_string().into_bytes()
    }

    /// What is to be told now. It stays due until it was [`sent`](Notices::sent). A trouble that lasts less than `after` isn't told,
    /// and one that is gone for less than that isn't over.
    pub(super) fn due(&mut self, alarms: &[Alarm], now: Timestamp, after: Duration) -> Vec<Notice> {
        for it in self.troubles.values_mut() {
            it.gone = it.gone.or(Some(now));
        }
        for alarm in alarms {
            let key = (alarm.alert.to_owned(), alarm.about.clone());
            let trouble = self.troubles.entry(key).or_insert(Trouble {
                since: now,
                told: false,
                gone: None,
                remembered: false,
                severity: alarm.severity,
                text: String::new(),
            });
            (trouble.gone, trouble.remembered, trouble.text) = (None, false, alarm.text.english());
        }
        self.troubles.retain(|_, it| it.told || it.gone.is_none());
        // A clock that was set back makes nobody wait.
        let lasts =
            |since: Timestamp, after| now < since || now.duration_since(since).unsigned_abs() >= after;
        let lasted = |since| lasts(since, after);
        let due = self.troubles.iter().filter_map(|((alert, about), it)| {
            let over = it.gone;
            let is_due = match over {
                None => !it.told && lasted(it.since),
                Some(gone) if it.remembered => lasts(gone, after.max(SETTLES)),
                Some(gone) => lasted(gone),
            };
            let state = if over.is_some() { "over" } else { "begun" };
            is_due.then(|| Notice {
                id: format!("{alert}/{about}/{}/{state}", it.since),
                alert: alert.clone(),
                about: about.clone(),
                severity: it.severity,
                text: it.text.clone(),
                since: it.since,
                over,
            })
        });
        due.collect()
    }

    /// It arrived.
    pub(super) fn sent(&mut self, notice: &Notice) {
        let key = (notice.alert.clone(), notice.about.clone());
        if notice.over.is_some() {
            self.troubles.remove(&key);
        } else if let Some(trouble) = self.troubles.get_mut(&key) {
            trouble.told = true;
        }
    }
}

fn remembered(row: &Value) -> Option<((String, String), Trouble)> {
    let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
    let severity = if text("severity")? == "act" { Least::Act } else { Least::Danger };
    let since = text("since")?.parse().ok()?;
    let trouble = Trouble { since, told: true, gone: None, remembered: true, severity, text: text("text")? };
    Some(((text("alert")?, text("about")?), trouble))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: Duration = Duration::from_secs(60);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn alarm(about: &str) -> Alarm {
        let text = format!("{about} can't be reached.");
        Alarm { alert: "link-down", about: about.to_owned(), severity: Least::Danger, text: text.into() }
    }

    /// Plays looks at these seconds, each with what is down then, and tells what was sent at each.
    fn play(notices: &mut Notices, looks: &[(i64, &[&str])]) -> Vec<String> {
        let mut told = Vec::new();
        for (second, down) in looks {
            let alarms: Vec<Alarm> = down.iter().map(|about| alarm(about)).collect();
            for notice in notices.due(&alarms, at(*second), AFTER) {
                notices.sent(&notice);
                told.push(format!("{second}: {} {}", notice.about, notice.state()));
            }
        }
        told
    }

    #[test]
    fn a_trouble_is_told_once_when_it_has_lasted_and_once_when_it_is_over() {
        for (looks, told) in [
            (
                &[
                    (0, &["c311"][..]),
                    (59, &["c311"]),
                    (60, &["c311"]),
                    (900, &["c311"]),
                    (901, &[]),
                    (961, &[]),
                ][..],
                &["60: c311 begun", "961: c311 over"][..],
            ),
            (&[(0, &["c311"]), (59, &[]), (60, &["c311"]), (119, &["c311"]), (120, &[])], &[]),
            (
                &[(0, &["c311"]), (60, &["c311"]), (61, &[]), (90, &["c311"]), (200, &["c311"])],
                &["60: c311 begun"],
            ),
            (
                &[(0, &["c311", "h500"]), (60, &["c311", "h500"]), (70, &["c311"]), (130, &["c311"])],
                &["60: c311 begun", "60: h500 begun", "130: h500 over"],
            ),
            (&[(0, &["c311"]), (-7200, &["c311"]), (-7100, &["c311"])], &["-7200: c311 begun"]),
        ] {
            assert_eq!(play(&mut Notices::default(), looks), told, "{looks:?}");
        }
    }

    #[test]
    fn what_did_not_arrive_stays_due_under_the_same_number() {
        let mut notices = Notices::default();
        notices.due(&[alarm("c311")], at(0), AFTER);
        let first = notices.due(&[alarm("c311")], at(60), AFTER);
        let again = notices.due(&[alarm("c311")], at(65), AFTER);
        assert_eq!(first.len(), 1);
        assert_eq!(first, again);
        notices.sent(&again[0]);
        assert!(notices.due(&[alarm("c311")], at(70), AFTER).is_empty());
    }

    #[test]
    fn a_restart_neither_tells_it_again_nor_forgets_that_it_is_over() {
        let mut before = Notices::default();
        play(&mut before, &[(0, &["c311"]), (60, &["c311"]), (61, &["c311", "h500"])]);
        let mut after = Notices::remembered(Some(&before.memory()));
        assert!(play(&mut after, &[(70, &["c311"])]).is_empty());
        assert_eq!(play(&mut after, &[(80, &[]), (140, &[])]), ["140: c311 over"]);
        assert_eq!(after.memory(), b"[]");
        assert_eq!(Notices::remembered(Some(b"broken")).memory(), b"[]");
    }

    #[test]
    fn after_a_start_a_trouble_is_not_over_before_everything_was_tried() {
        let mut before = Notices::default();
        for notice in before.due(&[alarm("c311")], at(0), Duration::ZERO) {
            before.sent(&notice);
        }
        let look = |notices: &mut Notices, second, alarms: &[Alarm]| {
            let due = notices.due(alarms, at(second), Duration::ZERO);
            due.iter().for_each(|notice| notices.sent(notice));
            due.iter().map(Notice::state).collect::<Vec<_>>()
        };
        let mut again = Notices::remembered(Some(&before.memory()));
        assert_eq!(look(&mut again, 100, &[]), [""; 0], "nobody has tried its link yet");
        assert_eq!(look(&mut again, 105, &[alarm("c311")]), [""; 0], "it goes on and was told");
        assert_eq!(look(&mut again, 110, &[]), ["over"], "it was seen, and is gone");
        let mut again = Notices::remembered(Some(&before.memory()));
        assert_eq!(look(&mut again, 100, &[]), [""; 0]);
        assert_eq!(look(&mut again, 110, &[]), ["over"], "it ended while nobody looked");
    }
}
