//! What somebody must be told of who isn't looking at the page: each trouble under a name that it keeps while it lasts. Counts and
//! names of the configuration, no patient, no specimen, and no words from outside.

use jiff::SignedDuration;

use super::snapshot::{Contact, Snapshot};
use super::{Page, next};
use crate::board::{DestinationState, DropView};
use crate::config::settings::Least;
use crate::domain::call::{steps_come, whom};
use crate::domain::{Words, counted, words};
use crate::journal::Condition;
use crate::journal::calls::CallView;

/// What a call that is opened again adds to the steps that have come: more than a site has, so that it always goes further.
const OPENING: u64 = 1_000;
/// Less room than for so many days on the journal's disk is a matter for a person.
const MONTH: u64 = 30;

/// One trouble that lasts at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// What is wrong, in a word that never changes.
    pub alert: &'static str,
    /// Which instrument or destination it is about, or the number of which critical call; empty: labwire as a whole.
    pub about: String,
    pub severity: Least,
    /// One sentence.
    pub text: Words,
    pub extent: Extent,
}

/// How far a trouble has gone. One that goes further begins again: who has seen it hasn't seen that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// It is there or not.
    Whole,
    /// So many of them wait. They creep: one after the other is told of together, once a pause is over.
    Count(u64),
    /// So many steps have come. Each one counts at once.
    Steps(u64),
}

impl Extent {
    fn of(count: impl TryInto<u64>) -> Extent {
        Extent::Count(count.try_into().unwrap_or(u64::MAX))
    }

    pub fn number(self) -> u64 {
        match self {
            Extent::Whole => 0,
            Extent::Count(number) | Extent::Steps(number) => number,
        }
    }

    /// Whether it has gone further than the least that it was since its last onset, `since` which the time is given.
    pub fn begins_again(self, least: u64, since: SignedDuration, pause: SignedDuration) -> bool {
        match self {
            Extent::Whole => false,
            Extent::Count(number) => number > least && since.abs() >= pause,
            Extent::Steps(number) => number > least,
        }
    }
}

impl Page {
    /// Everything that was wrong at the last look, a few seconds ago at most; nothing before the first, and where it can't be
    /// told, as the journal can't be read.
    pub fn alarms(&self) -> Option<Vec<Alarm>> {
        self.looked.borrow().clone()
    }

    /// Looks what is wrong at this moment, for everybody who asks until the next look.
    pub(super) async fn look_for_alarms(&self) -> Option<Vec<Alarm>> {
        let found = match self.snapshot().await {
            Ok(snapshot) => Some(alarms(&snapshot)),
            Err(_) => unread(journal(&self.condition.borrow()), self.looked.borrow().as_deref()),
        };
        self.looked.send_replace(found.clone());
        found
    }

    /// Whether the loops that results depend on are at work, as `/health` says.
    pub fn is_at_work(&self) -> bool {
        super::health::state(self).is_ok()
    }
}

fn alarm(severity: Least, alert: &'static str, about: &str, text: Words) -> Alarm {
    Alarm { alert, about: about.to_owned(), severity, text, extent: Extent::Whole }
}

fn journal(condition: &Condition) -> Option<Alarm> {
    let (alert, text) = match condition {
        Condition::Good => return None,
        Condition::Full => ("disk-full", words!("The disk is full: no new transmission is accepted.")),
        Condition::Failed(_) => {
            ("journal-failed", words!("The journal has failed: nothing more is acknowledged."))
        }
    };
    Some(alarm(Least::Danger, alert, "", text))
}

/// What is wrong while the journal can't be read: nothing of the last look is known to be over.
fn unread(journal: Option<Alarm>, last: Option<&[Alarm]>) -> Option<Vec<Alarm>> {
    let journal = journal?;
    let others = last.unwrap_or_default().iter().filter(|it| it.alert != journal.alert).cloned();
    Some(others.chain([journal.clone()]).collect())
}

fn alarms(snapshot: &Snapshot) -> Vec<Alarm> {
    let mut alarms = Vec::from_iter(journal(&snapshot.condition));
    if snapshot.standstill.is_some() {
        let text = words!("Nothing is delivered until somebody has compared with the LIMS and resumed.");
        alarms.push(alarm(Least::Danger, "delivery-stopped", "", text));
    }
    if !snapshot.sums.imbalances().is_empty() {
        let text = words!("The sums do not balance: a result is missing, doubled or changed.");
        alarms.push(alarm(Least::Danger, "sums-do-not-balance", "", text));
    }
    for call in &snapshot.calls {
        alarms.extend(of_call(call, snapshot));
    }
    if let Some(days) = snapshot.days_left.filter(|days| *days < MONTH) {
        let text = counted!(
            days,
            "At the pace of the last weeks the journal's disk has room for {n} day.",
            "At the pace of the last weeks the journal's disk has room for {n} days."
        );
        alarms.push(alarm(Least::Act, "disk-filling", "", text));
    }
    destinations(snapshot, &mut alarms);
    analyzers(snapshot, &mut alarms);
    for (name, ..) in snapshot.orders_down() {
        alarms.push(alarm(Least::Act, "orders-down", name, words!("No orders come from {name}.", name)));
    }
    people(snapshot, &mut alarms);
    alarms
}

/// Each critical call is an alarm of its own while it is open, one more while it is overdue, and each step to somebody else an
/// onset of whichever came last.
fn of_call(call: &CallView, snapshot: &Snapshot) -> Vec<Alarm> {
    let Some(due) = call.due() else { return Vec::new() };
    let id = call.id.0.to_string();
    let before_this = u64::from(call.course.openings.saturating_sub(1)).saturating_mul(OPENING);
    let come = |by| {
        let come = steps_come(&snapshot.call_steps, due.start, by).try_into().unwrap_or(OPENING);
        Extent::Steps(before_this.saturating_add(come))
    };
    let tell = |text: Words| match whom(&snapshot.call_steps, due.start, snapshot.as_of) {
        Some(step) => Words::row([text, words!("Whom to call: {whom}.", whom = &step.whom)], " "),
        None => text,
    };
    let open = match call.course.openings {
        0 | 1 => words!("Critical call {number} is open.", number = &id),
        _ => words!("Critical call {number} is open again: something else is to be told.", number = &id),
    };
    let open = tell(open);
    let before = due.at.saturating_sub(SignedDuration::from_nanos(1)).unwrap_or(due.at);
    let open = alarm(Least::Act, "critical-call-open", &id, open);
    let mut alarms = vec![Alarm { extent: come(snapshot.as_of.min(before)), ..open }];
    if call.is_overdue(snapshot.as_of) {
        let overdue = tell(words!("Critical call {number} is overdue.", number = &id));
        let overdue = alarm(Least::Danger, "critical-call-overdue", &id, overdue);
        alarms.push(Alarm { extent: come(snapshot.as_of), ..overdue });
    }
    alarms
}

fn destinations(snapshot: &Snapshot, alarms: &mut Vec<Alarm>) {
    for it in snapshot.destinations.iter().filter(|it| !it.is_under_test()) {
        let fails = matches!(it.state, DestinationState::Failing(_) | DestinationState::Resting { .. });
        // Where nothing waits nothing is tried either: nobody knows how the destination is now.
        if it.is_configured && it.owes() && fails && it.fails_lastingly(snapshot.as_of) {
            let text = match it.on_their_way() {
                0 => words!("{name} takes nothing; a word about a result waits for it.", name = &it.name),
                some => counted!(
                    some,
                    "{name} takes nothing; {n} result waits for it.",
                    "{name} takes nothing; {n} results wait for it.",
                    name = &it.name
                ),
            };
            let text = Words::row([text, next::perhaps_there(it.perhaps_there())], " ");
            alarms.push(alarm(Least::Danger, "destination-down", &it.name, text));
        }
        let dead = it.deliveries("dead");
        if dead > 0 {
            let text = counted!(
                dead,
                "{n} delivery waits for a person: refused by {name}, or of unknown fate.",
                "{n} deliveries wait for a person: refused by {name}, or of unknown fate.",
                name = &it.name
            );
            let letters = alarm(Least::Danger, "dead-letters", &it.name, text);
            alarms.push(Alarm { extent: Extent::of(dead), ..letters });
        }
    }
}

fn analyzers(snapshot: &Snapshot, alarms: &mut Vec<Alarm>) {
    for it in &snapshot.analyzers {
        if matches!(it.contact, Contact::Down { .. }) {
            let text = words!("{name} can't be reached.", name = &it.name);
            alarms.push(alarm(Least::Danger, "link-down", &it.name, text));
        }
        let stuck = it.drop.as_ref().map_or(0, DropView::stuck);
        if stuck > 0 {
            let text = counted!(
                stuck,
                "{n} file of {name} can't be taken.",
                "{n} files of {name} can't be taken.",
                name = &it.name
            );
            let files = alarm(Least::Act, "files-stuck", &it.name, text);
            alarms.push(Alarm { extent: Extent::of(stuck), ..files });
        }
    }
}

/// What waits for a person's decision.
fn people(snapshot: &Snapshot, alarms: &mut Vec<Alarm>) {
    let waiting = snapshot.waiting;
    if waiting.held > 0 {
        let held = alarm(Least::Act, "results-held", "", super::held::headline(snapshot));
        alarms.push(Alarm { extent: Extent::of(waiting.held), ..held });
    }
    if waiting.open_problems > 0 {
        let text = counted!(waiting.open_problems, "{n} problem is open.", "{n} problems are open.");
        let problems = alarm(Least::Act, "problems-open", "", text);
        alarms.push(Alarm { extent: Extent::of(waiting.open_problems), ..problems });
    }
    if snapshot.reports_fail.is_some() {
        let text = words!("The reconciliation's report can't be written.");
        alarms.push(alarm(Least::Act, "reports-fail", "", text));
    }
    if snapshot.archiving_fails.is_some() {
        let text = words!("Bytes of old messages can't be archived.");
        alarms.push(alarm(Least::Act, "archiving-fails", "", text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::call::Step;
    use crate::journal::CallId;
    use crate::journal::restoration::Standstill;
    use crate::status::lead::tests::{call, calm_bench, orders_down};
    use crate::status::snapshot::Lims;

    type Change = fn(&mut Snapshot);

    fn names(snapshot: &Snapshot) -> Vec<String> {
        alarms(snapshot).into_iter().map(|it| format!("{} {}", it.alert, it.about)).collect()
    }

    #[test]
    fn a_calm_bench_alarms_nobody_and_each_trouble_has_its_name() {
        assert!(names(&calm_bench()).is_empty());
        let cases: [(&str, Change); 11] = [
            ("disk-full ", |it| it.condition = Condition::Full),
            ("journal-failed ", |it| it.condition = Condition::Failed("CanaryName".to_owned())),
            ("delivery-stopped ", |it| {
                it.standstill = Some(Standstill { since: it.as_of, why: "CanaryName".to_owned() });
            }),
            ("sums-do-not-balance ", |it| it.sums.intake.received = 1),
            ("destination-down lims", |it| {
                it.destinations[0].state = DestinationState::Failing("CanaryName".to_owned());
                it.destinations[0].last_accepted = None;
                it.destinations[0].since = None;
                it.destinations[0].sums.states.insert("pending".to_owned(), 1);
            }),
            ("dead-letters lims", |it| {
                it.destinations[0].queue.deliveries.insert("dead".to_owned(), 2);
            }),
            ("link-down c311", |it| {
                it.analyzers[0].contact = Contact::Down { why: "CanaryName".to_owned(), since: it.as_of };
            }),
            ("orders-down his", |it| it.told_by = vec![orders_down(it.as_of)]),
            ("disk-filling ", |it| it.days_left = Some(29)),
            ("results-held ", |it| it.waiting.held = 1),
            ("problems-open ", |it| it.waiting.open_problems = 3),
        ];
        for (name, change) in cases {
            let mut bench = calm_bench();
            change(&mut bench);
            assert_eq!(names(&bench), [name]);
            let told: Vec<String> = alarms(&bench).iter().map(|it| it.text.english()).collect();
            assert!(!told.join(" ").contains("Canary"), "{name} says words from outside");
        }
    }

    #[test]
    fn a_journal_that_cannot_be_read_ends_no_alarm() {
        let mut bench = calm_bench();
        let noon = bench.as_of;
        call(&mut bench, noon);
        bench.waiting.held = 1;
        let before = alarms(&bench);
        let full = || journal(&Condition::Full);
        let named = |told: Option<Vec<Alarm>>| {
            told.map(|told| told.into_iter().map(|it| it.alert).collect::<Vec<_>>().join(" "))
        };
        let now = unread(full(), Some(&before));
        assert_eq!(named(now.clone()).unwrap(), "critical-call-open results-held disk-full");
        assert_eq!(unread(full(), now.as_deref()), now, "however long that lasts");
        assert_eq!(named(unread(full(), None)).unwrap(), "disk-full", "after a start nothing else is known");
        assert_eq!(unread(journal(&Condition::Good), Some(&before)), None, "nothing can be told");
    }

    #[test]
    fn each_critical_call_is_an_alarm_of_its_own_and_each_step_goes_further() {
        let mut bench = calm_bench();
        bench.call_steps = [(0, "the ward"), (30, "the physician on duty"), (45, "the head")]
            .map(|(after_minutes, whom)| Step { after_minutes, whom: whom.to_owned() })
            .into();
        let noon = bench.as_of;
        let minutes_ago = |minutes| noon - SignedDuration::from_mins(minutes);
        let told = |bench: &Snapshot| {
            let told = |it: Alarm| {
                assert!(!it.text.english().contains("24-"), "it names a specimen");
                format!("{} {} {:?} {:?}", it.alert, it.about, it.severity, it.extent)
            };
            alarms(bench).into_iter().map(told).collect::<Vec<_>>()
        };
        call(&mut bench, minutes_ago(1));
        assert_eq!(told(&bench), ["critical-call-open 1 Act Steps(1)"]);
        let text = alarms(&bench)[0].text.english();
        assert_eq!(text, "Critical call 1 is open. Whom to call: the ward.");
        call(&mut bench, minutes_ago(30));
        bench.calls[1].id = CallId(2);
        let expected = |steps| {
            [
                "critical-call-open 1 Act Steps(1)".to_owned(),
                "critical-call-open 2 Act Steps(1)".to_owned(),
                format!("critical-call-overdue 2 Danger Steps({steps})"),
            ]
        };
        assert_eq!(told(&bench), expected(2));
        bench.calls.pop();
        call(&mut bench, minutes_ago(45));
        bench.calls[1].id = CallId(2);
        assert_eq!(told(&bench), expected(3));
        bench.calls.truncate(1);
        bench.calls[0].course.openings = 2;
        assert_eq!(told(&bench), ["critical-call-open 1 Act Steps(1001)"], "it was closed and is open again");
        assert!(
            alarms(&bench)[0].text.english().starts_with("Critical call 1 is open again: something else")
        );
    }

    #[test]
    fn what_may_have_arrived_is_not_counted_as_waiting_for_the_lims() {
        let mut bench = calm_bench();
        let it = &mut bench.destinations[0];
        it.state = DestinationState::Failing("no answer".to_owned());
        (it.last_accepted, it.since) = (None, None);
        it.sums.states.insert("unknown".to_owned(), 3);
        it.queue.perhaps_there = 2;
        let told = alarms(&bench)[0].text.english();
        let expected = "lims takes nothing; 1 result waits for it. \
                        2 results may have arrived and wait for a person: see dead letters.";
        assert_eq!(told, expected);
    }

    #[test]
    fn a_destination_that_failed_rings_as_soon_as_a_result_waits_for_it_and_not_before() {
        let mut bench = calm_bench();
        let it = &mut bench.destinations[0];
        it.state = DestinationState::Failing("no answer".to_owned());
        (it.last_accepted, it.since) = (None, None);
        for over in ["accepted", "held", "rejected"] {
            it.sums.states.insert(over.to_owned(), 5);
        }
        assert!(names(&bench).is_empty(), "none of these leaves by itself");
        for waiting in ["pending", "in-flight", "unknown"] {
            let mut bench = calm_bench();
            let it = &mut bench.destinations[0];
            it.state = DestinationState::Failing("no answer".to_owned());
            (it.last_accepted, it.since) = (None, None);
            it.sums.states.insert(waiting.to_owned(), 1);
            let told: Vec<String> = alarms(&bench).iter().map(|it| it.text.english()).collect();
            assert_eq!(told, ["lims takes nothing; 1 result waits for it."], "{waiting}");
        }
        // That a result is void, or what was done about a critical one, is in no sum.
        for waiting in ["due", "sending", "unknown"] {
            bench.destinations[0].queue.deliveries = [(waiting.to_owned(), 1)].into();
            let told: Vec<String> = alarms(&bench).iter().map(|it| it.text.english()).collect();
            assert_eq!(told, ["lims takes nothing; a word about a result waits for it."], "{waiting}");
        }
    }

    #[test]
    fn a_destination_under_test_and_a_moments_failure_alarm_nobody() {
        let mut bench = calm_bench();
        let failing = DestinationState::Failing("refused".to_owned());
        bench.destinations[0].state = failing.clone();
        bench.destinations[0].last_accepted = Some(bench.as_of);
        bench.destinations[0].sums.states.insert("pending".to_owned(), 1);
        let tried = Lims {
            name: "lims-next".to_owned(),
            mode: crate::config::settings::Mode::Test,
            state: failing,
            last_accepted: None,
            since: None,
            ..bench.destinations[0].clone()
        };
        bench.destinations.push(tried);
        assert!(names(&bench).is_empty());
        let ahead = bench.as_of.checked_add(SignedDuration::from_hours(1)).unwrap();
        bench.destinations[0].last_accepted = Some(ahead);
        assert_eq!(
            names(&bench),
            ["destination-down lims"],
            "the clock was set back: nobody knows how long it has failed"
        );
    }
}
