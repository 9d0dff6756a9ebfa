//! What has to be told, from what is wrong at this moment and what was told before. Pure; the time is an argument.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::config::settings::Least;
use crate::status::{Alarm, Extent};

/// After a start it takes that long until every link and destination was tried.
const SETTLES: Duration = Duration::from_secs(10);
/// What creeps is told again no sooner: whoever gets it isn't in the room.
const CREEPS: SignedDuration = SignedDuration::from_hours(1);

/// What is known of each trouble, by its name and what it is about.
#[derive(Debug, Default)]
pub(super) struct Notices {
    troubles: BTreeMap<(String, String), Trouble>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Trouble {
    since: Timestamp,
    /// That it has begun.
    told: Option<Begun>,
    /// Since when it isn't there any more.
    gone: Option<Timestamp>,
    /// Told before this start, and not seen since: whether it is over isn't known at once.
    remembered: bool,
    severity: Least,
    text: String,
    extent: Extent,
    /// The last look at it.
    seen: Timestamp,
}

/// What was told of a trouble's begin.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Begun {
    /// The first time, and each time that it went further.
    times: u64,
    at: Timestamp,
    /// The least extent since.
    least: u64,
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
        let told = self.troubles.iter().filter_map(|(name, it)| Some((name, it, it.told.as_ref()?)));
        let rows: Vec<Value> = told
            .map(|((alert, about), it, begun)| {
                json!({"alert": alert, "about": about, "since": it.since.to_string(),
                    "severity": severity(it.severity), "text": it.text,
                    "times": begun.times, "told": begun.at.to_string(), "least": begun.least})
            })
            .collect();
        Value::from(rows).to_string().into_bytes()
    }

    /// What is to be told now. It stays due until it was [`sent`](Notices::sent). A trouble that lasts less than `after` isn't told,
    /// and one that is gone for less than that isn't over. One that goes further has begun again.
    pub(super) fn due(&mut self, alarms: &[Alarm], now: Timestamp, after: Duration) -> Vec<Notice> {
        for it in self.troubles.values_mut() {
            it.gone = it.gone.or(Some(now));
        }
        for alarm in alarms {
            let key = (alarm.alert.to_owned(), alarm.about.clone());
            let trouble = self.troubles.entry(key).or_insert(Trouble {
                since: now,
                told: None,
                gone: None,
                remembered: false,
                severity: alarm.severity,
                text: String::new(),
                extent: alarm.extent,
                seen: now,
            });
            (trouble.gone, trouble.remembered, trouble.text) = (None, false, alarm.text.english());
            (trouble.extent, trouble.seen) = (alarm.extent, now);
            if let Some(begun) = &mut trouble.told {
                begun.least = begun.least.min(alarm.extent.number());
            }
        }
        self.troubles.retain(|_, it| it.told.is_some() || it.gone.is_none());
        // A clock that was set back makes nobody wait.
        let lasts =
            |since: Timestamp, after| now < since || now.duration_since(since).unsigned_abs() >= after;
        let lasted = |since| lasts(since, after);
        let due = self.troubles.iter().filter_map(|((alert, about), it)| {
            let over = it.gone;
            let is_due = match over {
                None => match &it.told {
                    None => lasted(it.since),
                    Some(begun) => it.extent.begins_again(begun.least, now.duration_since(begun.at), CREEPS),
                },
                Some(gone) if it.remembered => lasts(gone, after.max(SETTLES)),
                Some(gone) => lasted(gone),
            };
            let state = match (over, it.told.as_ref().map_or(0, |begun| begun.times)) {
                (Some(_), _) => "over".to_owned(),
                (None, 0) => "begun".to_owned(),
                (None, before) => format!("begun-{}", before + 1),
            };
            is_due.then(|| Notice {
                id: format!("{alert}/{about}/{}/{state}", it.since),
                alert: alert.clone(),
                about: about.clone(),
                severity: it.severity,
                text: if over.is_some() { format!("This is over: {}", it.text) } else { it.text.clone() },
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
            let times = trouble.told.as_ref().map_or(0, |begun| begun.times) + 1;
            trouble.told = Some(Begun { times, at: trouble.seen, least: trouble.extent.number() });
        }
    }
}

fn remembered(row: &Value) -> Option<((String, String), Trouble)> {
    let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
    let severity = if text("severity")? == "act" { Least::Act } else { Least::Danger };
    let since: Timestamp = text("since")?.parse().ok()?;
    let number = |name: &str| row.get(name).and_then(Value::as_u64);
    // What an older labwire told has gone no further by that.
    let begun = Begun {
        times: number("times").unwrap_or(1),
        at: text("told").and_then(|at| at.parse().ok()).unwrap_or(since),
        least: number("least").unwrap_or(u64::MAX),
    };
    let trouble = Trouble {
        since,
        told: Some(begun),
        gone: None,
        remembered: true,
        severity,
        text: text("text")?,
        extent: Extent::Whole,
        seen: since,
    };
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
        let (alert, about, extent) = ("link-down", about.to_owned(), Extent::Whole);
        Alarm { alert, about, severity: Least::Danger, text: text.into(), extent }
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

    /// Plays looks at these seconds, with a restart after each: each alarm with how far it has gone then.
    fn play_further(looks: &[(i64, &[(&str, Extent)])]) -> Vec<String> {
        let (mut notices, mut told) = (Notices::default(), Vec::new());
        for (second, on) in looks {
            let alarms: Vec<Alarm> =
                on.iter().map(|(about, extent)| Alarm { extent: *extent, ..alarm(about) }).collect();
            for notice in notices.due(&alarms, at(*second), Duration::ZERO) {
                notices.sent(&notice);
                let state = notice.id.rsplit('/').next().unwrap_or_default();
                told.push(format!("{second}: {} {state}", notice.about));
            }
            notices = Notices::remembered(Some(&notices.memory()));
        }
        told
    }

    #[test]
    fn a_second_call_is_a_notice_of_its_own_and_so_is_each_step_of_one() {
        use Extent::Steps;
        let (one, two) = (("call 1", Steps(2)), ("call 2", Steps(2)));
        let looks: [(i64, &[(&str, Extent)]); 4] =
            [(0, &[one]), (70, &[one, two]), (75, &[one, two]), (80, &[("call 1", Steps(3)), two])];
        let expected = ["0: call 1 begun", "70: call 2 begun", "80: call 1 begun-2"];
        assert_eq!(play_further(&looks), expected);
    }

    #[test]
    fn a_grown_count_is_told_again_but_once_an_hour_at_most() {
        use Extent::Count;
        let looks: [(i64, &[(&str, Extent)]); 6] = [
            (0, &[("lims", Count(1))]),
            (1_800, &[("lims", Count(2))]),
            (3_600, &[("lims", Count(5))]),
            (7_200, &[("lims", Count(4))]),
            (7_205, &[("lims", Count(5))]),
            (7_210, &[("lims", Count(5))]),
        ];
        let expected = ["0: lims begun", "3600: lims begun-2", "7205: lims begun-3"];
        assert_eq!(play_further(&looks), expected);
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
