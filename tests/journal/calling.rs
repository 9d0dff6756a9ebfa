//! Critical calls: none is lost, what was recorded never changes, a correction reopens what was called, and the record
//! reaches those who have the result. Times are made up.

use std::sync::Arc;

use jiff::Timestamp;
use labwire::domain::call::{
    Attempt, CallEntry, CallOutcome, CallPolicy, ClockStart, Differing, IdentifierKind, Keeper, Stand, Wants,
};
use labwire::domain::clinic::{
    Amount, Case, Check, Decision, Evaluation, Force, Identity, Measured, Path, Person, Ruling,
    SpecimenFacts, Why,
};
use labwire::domain::{
    DestinationId, HoldReason, InstrumentTime, Observation, Patient, Private, Rules, SampleClass, SpecimenId,
    Standing, Status,
};
use labwire::journal::calls::{CallView, Recording};
use labwire::journal::decisions::{Again, Judged};
use labwire::journal::desk::Decision as Desk;
use labwire::journal::ledger::{Carries, Fate, Next};
use labwire::journal::reevaluate::{Reevaluated, Said};
use labwire::journal::results::{Entry, Place};
use labwire::journal::{CallId, JournalError, ObservationId};
use labwire_units::Exact;
use proptest::prelude::*;

use super::kit::{LIMS, Lab, held, own, result};

fn evaluated(force: Force, policy: CallPolicy, ruling: Ruling) -> Evaluation {
    let amount = Amount::plain(None, Exact::parse("2.5").unwrap());
    let measured =
        Measured { code: "K".to_owned(), analyte: Some("potassium".to_owned()), amount, flags: Vec::new() };
    let sha256 = format!("{:0>64}", policy.due_minutes);
    Evaluation {
        rules: Arc::new(Rules { text: sha256.clone(), sha256, calls: policy, ..Rules::default() }),
        force,
        case: Case {
            measured,
            specimen: SpecimenFacts {
                number: Private::new("S1".to_owned()),
                kind: None,
                instrument: "sim".to_owned(),
            },
            person: Person::default(),
            on: None,
            at: None,
            together: Vec::new(),
            history: Vec::new(),
            history_untold: false,
            identity: Identity::Unknown,
            qc: None,
        },
        decisions: vec![Decision {
            check: Check::Critical,
            rules: vec!["potassium".to_owned()],
            ruling,
            inputs: Vec::new(),
            thresholds: vec!["< 2.8 mmol/L".to_owned()],
            holds: false,
            rounding_decides: false,
        }],
    }
}

fn judged(observation: Observation, evaluation: Evaluation) -> Entry {
    Entry { judged: Judged { evaluations: vec![evaluation], ..Judged::default() }, ..own(observation) }
}

pub(super) fn low() -> Ruling {
    Ruling::Decided(Path::Low)
}

fn clear() -> Ruling {
    Ruling::Decided(Path::Clear)
}

pub(super) fn potassium(value: &str, ruling: Ruling) -> Entry {
    judged(result("S1", "K", value), evaluated(Force::InForce, CallPolicy::default(), ruling))
}

/// A newer version.
fn instead(entry: Entry, of: ObservationId) -> Entry {
    Entry { place: Place::Supersedes(of), ..entry }
}

impl Lab {
    fn one(&self, entry: Entry) -> ObservationId {
        self.record(vec![entry])[0]
    }

    fn calls(&self) -> Vec<CallView> {
        self.reader.calls_of(&SpecimenId::new("S1")).unwrap()
    }

    fn only_call(&self) -> CallView {
        let [call] = self.calls().try_into().unwrap();
        call
    }

    fn say(&self, entry: CallEntry, differing: Differing) -> Result<Stand, JournalError> {
        let (account, tells) = ("mgarcia".to_owned(), vec![DestinationId::new(LIMS)]);
        let recording = Recording { call: CallId(1), entry, differing, account, tells };
        self.wait(self.journal.record_call(recording, self.now()))
    }

    pub(super) fn call(&self, outcome: CallOutcome, value: &str) -> Result<Stand, JournalError> {
        self.say(CallEntry::Attempt(attempt(outcome, value)), Differing::Refused)
    }
}

#[test]
fn a_call_is_not_closed_by_what_identifies_another_patient() {
    let lab = Lab::new();
    let patient = |name: &str, born: &str| Patient {
        name: name.to_owned(),
        birth_date: born.to_owned(),
        ..Patient::default()
    };
    let of = |patient: Patient| {
        let mut entry = potassium("2.5", low());
        entry.observation.patient = Private::new(patient);
        entry
    };
    lab.one(of(patient("SAMPLE^OTTO", "19700131")));
    is_refused(lab.call(CallOutcome::Confirmed, "2.5"), "don't name the patient");
    assert_eq!(lab.only_call().happened.len(), 1, "what was refused left nothing");
    let told = CallEntry::Attempt(attempt(CallOutcome::Confirmed, "2.5"));
    assert_eq!(lab.say(told, Differing::Told), Ok(Stand::Open), "somebody took it for another's");
    let words = |lab: &Lab| lab.only_call().happened[1].words(&|at| at.to_string().into()).english();
    let said = "by name Test, Clara and birth date 1970-01-31, WHICH DON'T NAME THE PATIENT: read-back";
    assert!(words(&lab).contains(said), "{}", words(&lab));
    let lab = lab.reopen();
    assert!(words(&lab).contains(said), "{}", words(&lab));
    assert!(lab.only_call().course.is_open());
    lab.assert_balanced();

    let lab = Lab::new();
    lab.one(of(patient("TEST^CLARA", "1970")));
    assert_eq!(lab.call(CallOutcome::Confirmed, "2.5"), Ok(Stand::Closed), "part of a day isn't compared");
}

/// The old one's time would make it overdue at once.
#[test]
fn a_call_about_what_was_read_anew_begins_its_time_anew() {
    let lab = Lab::new();
    let id = lab.one(potassium("2.5", low()));
    lab.call(CallOutcome::Confirmed, "2.5 mmol/L").unwrap();
    lab.pass(36_000);
    let stored = lab.reader.to_read_anew(id).unwrap().unwrap();
    let entry = instead(potassium("2.4", low()), id);
    let anew = Reevaluated { from: id, message: stored.known.message, entry, there: stored.there };
    let said =
        Said { by: "Anna Example".to_owned(), account: "anna".to_owned(), reason: "its unit".to_owned() };
    let now = lab.now();
    lab.wait(lab.journal.reevaluate(vec![anew], said, now)).unwrap();
    let call = lab.only_call();
    assert_eq!((call.course.is_open(), call.course.due().unwrap().start), (true, now));
}

fn attempt(outcome: CallOutcome, value: &str) -> Attempt {
    let private = |text: &str| Private::new(text.to_owned());
    let mut attempt = Attempt {
        by: "Anna Example".to_owned(),
        made_at: super::kit::at(1),
        outcome,
        to: "Bert Sample".to_owned(),
        role: "physician on duty".to_owned(),
        identifiers: vec![
            (IdentifierKind::Name, private("Test, Clara")),
            (IdentifierKind::BirthDate, private("1970-01-31")),
        ],
        value: private(value),
        note: private(""),
    };
    if outcome == CallOutcome::NotReached {
        (attempt.value, attempt.identifiers) = (Private::default(), Vec::new());
    }
    attempt
}

fn verified() -> CallEntry {
    CallEntry::Verified { by: "Anna Example".to_owned(), note: Private::default() }
}

fn ended() -> CallEntry {
    let reason = Private::new("the patient was sent home and doesn't answer".to_owned());
    CallEntry::Ended { by: "Anna Example".to_owned(), reason }
}

fn is_refused<T: std::fmt::Debug>(outcome: Result<T, JournalError>, why: &str) {
    let Err(JournalError::Refused(said)) = outcome else { panic!("{outcome:?} isn't a refusal: {why}") };
    assert!(said.contains(why), "{said}");
}

#[test]
fn a_critical_result_opens_one_call_that_is_due_by_the_signed_time_and_outlives_a_crash() {
    let lab = Lab::new();
    let policy = CallPolicy { due_minutes: 20, ..CallPolicy::default() };
    let id = lab.one(judged(result("S1", "K", "2.5"), evaluated(Force::InForce, policy, low())));
    let lab = lab.reopen();
    let call = lab.only_call();
    assert_eq!((call.observation, call.reason.words()), (id, "critical"));
    assert_eq!(call.tell.reveal().words().english(), "2.5 mmol/L");
    let received: i64 = lab.ask("SELECT received_at FROM message");
    let due = call.due().unwrap();
    assert_eq!(due.at.as_microsecond(), received + 20 * 60_000_000);
    let before = Timestamp::from_microsecond(due.at.as_microsecond() - 1).unwrap();
    assert!(!call.is_overdue(before) && call.is_overdue(due.at));
    assert_eq!(lab.reader.open_calls().unwrap().len(), 1);
    assert_eq!(lab.state(id), "pending", "delivery doesn't wait for the call");
    lab.assert_balanced();
}

#[test]
fn what_cannot_be_decided_is_a_call_too_and_what_is_not_in_force_or_no_patients_is_none() {
    let off = CallPolicy { keeper: Keeper::Lims, ..CallPolicy::default() };
    let usual = CallPolicy::default();
    let control = Observation { class: SampleClass::Control, ..result("S1", "K", "2.5") };
    let of = |force, policy, ruling| judged(result("S1", "K", "2.5"), evaluated(force, policy, ruling));
    for (entry, expected) in [
        (of(Force::InForce, usual, Ruling::Undecided(Why::WhichRule)), 1),
        (of(Force::InForce, usual, clear()), 0),
        (of(Force::InForce, usual, Ruling::NotEvaluated(Why::NoNumber)), 0),
        (of(Force::Shadow, usual, low()), 0),
        (of(Force::InForce, off, low()), 0),
        (judged(control, evaluated(Force::InForce, usual, low())), 0),
        (own(result("S1", "K", "2.5")), 0),
    ] {
        let lab = Lab::new();
        lab.one(entry);
        assert_eq!(lab.calls().len(), expected);
        lab.assert_balanced();
    }
}

#[test]
fn only_the_right_value_read_back_closes_a_call_and_every_attempt_stays() {
    let lab = Lab::new();
    lab.one(potassium("2.5", low()));
    assert_eq!(lab.call(CallOutcome::NotReached, ""), Ok(Stand::Open));
    assert_eq!(lab.call(CallOutcome::NoReadBack, "2.5 mmol/L"), Ok(Stand::Open));
    is_refused(lab.call(CallOutcome::Confirmed, "2.8"), "differs from the journal's");
    assert_eq!(lab.only_call().happened.len(), 3, "what was refused left nothing");
    let told = CallEntry::Attempt(attempt(CallOutcome::Confirmed, "2.8"));
    assert_eq!(lab.say(told, Differing::Told), Ok(Stand::Open));
    assert!(
        lab.only_call().happened[3]
            .words(&|at| at.to_string().into())
            .english()
            .contains("told 2.8, WHICH IS NOT THE VALUE OF THE RESULT")
    );
    assert_eq!(lab.call(CallOutcome::Confirmed, "2.50"), Ok(Stand::Closed));
    let call = lab.only_call();
    assert!(call.due().is_none() && lab.reader.open_calls().unwrap().is_empty());
    assert_eq!(call.happened.len(), 5);
    let words = call.happened[4].words(&|at| at.to_string().into()).english();
    for expected in [
        "Anna Example",
        "Bert Sample, physician on duty",
        "name Test, Clara and birth date",
        "account mgarcia",
    ] {
        assert!(words.contains(expected), "{words}");
    }
    lab.assert_balanced();
    let file = lab.reading();
    for change in [
        "UPDATE call_event SET detail = '{}' WHERE kind = 'attempt'",
        "DELETE FROM call_event",
        "UPDATE critical_call SET specimen = 'S2'",
        "DELETE FROM critical_call",
        "DELETE FROM call_line",
    ] {
        assert!(file.execute(change, []).is_err(), "{change}");
    }
    assert_eq!(lab.reader.audit_break().unwrap(), None);
    let audited = "SELECT detail FROM audit WHERE step = 'critical call' ORDER BY id DESC LIMIT 1";
    let audited: String = lab.ask(audited);
    assert!(audited.starts_with("attempt (read-back confirmed) by Anna Example"), "{audited}");
    assert!(!audited.contains("Clara") && !audited.contains("2.5"), "{audited}");
}

#[test]
fn an_open_call_can_not_be_put_away_and_one_that_is_taken_out_of_the_list_is_noticed() {
    let lab = Lab::new();
    lab.one(potassium("2.5", low()));
    assert!(lab.reading().execute("DELETE FROM call_open", []).is_err());
    is_refused(lab.say(ended(), Differing::Refused), "nobody has tried call 1 yet");
    lab.call(CallOutcome::NotReached, "").unwrap();
    assert_eq!(lab.say(ended(), Differing::Refused), Ok(Stand::Closed));
    is_refused(lab.say(ended(), Differing::Refused), "closed already");
    lab.assert_balanced();

    let lab = Lab::new();
    lab.one(potassium("2.5", low()));
    lab.reading().execute_batch("DROP TRIGGER call_open_needs_a_call; DELETE FROM call_open").unwrap();
    let found = lab.reader.deep_imbalances().unwrap();
    assert!(found.iter().any(|it| it.starts_with("open calls")), "{found:?}");
}

#[test]
fn where_the_clock_starts_with_the_verification_it_stands_until_somebody_has_verified_that_very_value() {
    let lab = Lab::new();
    let policy = CallPolicy { clock: ClockStart::Verified, ..CallPolicy::default() };
    let of = |value: &str| judged(result("S1", "K", value), evaluated(Force::InForce, policy, low()));
    let first = lab.one(of("2.5"));
    let due = lab.only_call().due().unwrap();
    assert_eq!(due.wants, Wants::Verification);
    assert_eq!(lab.say(verified(), Differing::Refused), Ok(Stand::Open));
    is_refused(lab.say(verified(), Differing::Refused), "verified already");
    let call = lab.only_call();
    let (due, at) = (call.due().unwrap(), call.happened[1].at);
    assert_eq!((due.wants, due.start), (Wants::Call, at));
    lab.one(instead(of("2.6"), first));
    let call = lab.only_call();
    assert_eq!(call.due().unwrap().wants, Wants::Verification, "another value than was verified");
    assert_eq!(call.tell.reveal().words().english(), "2.6 mmol/L");
    assert_eq!(lab.say(verified(), Differing::Refused), Ok(Stand::Open));
    assert_eq!(lab.call(CallOutcome::Confirmed, "2.6"), Ok(Stand::Closed));
    is_refused(lab.say(verified(), Differing::Refused), "is closed");
}

#[test]
fn a_correction_reopens_what_was_called_and_ends_or_goes_on_with_what_was_not() {
    let lab = Lab::new();
    let first = lab.one(potassium("2.5", low()));
    let start = lab.only_call().due().unwrap().start;
    let second = lab.one(instead(potassium("2.4", low()), first));
    let call = lab.only_call();
    assert_eq!((call.observation, call.due().unwrap().start), (second, start), "its clock goes on");
    is_refused(lab.call(CallOutcome::Confirmed, "2.5"), "differs");
    assert_eq!(lab.call(CallOutcome::Confirmed, "2.4"), Ok(Stand::Closed));
    let same = lab.one(instead(potassium("2.40", low()), second));
    assert!(lab.only_call().course.is_open(), "other digits are another version: look");
    assert_eq!(lab.call(CallOutcome::Confirmed, "2.40"), Ok(Stand::Closed));
    let again = lab.one(instead(potassium("2.40", low()), same));
    assert!(!lab.only_call().course.is_open(), "the very same needs no second call");
    let fourth = lab.one(instead(potassium("4.1", clear()), again));
    let call = lab.only_call();
    assert_eq!(call.reason.words(), "corrected after it was called");
    assert_eq!((call.observation, call.course.attempts), (fourth, 0));
    assert_eq!(lab.call(CallOutcome::Confirmed, "4.1"), Ok(Stand::Closed));
    let failed = Observation { status: Status::Failed, ..result("S1", "K", "4.0") };
    lab.one(instead(own(failed), fourth));
    assert!(lab.only_call().course.is_open(), "a correction that no rule has looked at is one too");
    lab.assert_balanced();

    let lab = Lab::new();
    let first = lab.one(potassium("2.5", low()));
    let unknown = lab.one(instead(potassium("0", Ruling::NotEvaluated(Why::NoNumber)).into_text(), first));
    assert!(lab.only_call().course.is_open(), "nobody has decided that it isn't critical");
    lab.one(instead(potassium("4.1", clear()), unknown));
    assert!(!lab.only_call().course.is_open(), "and nobody had been told");
    lab.assert_balanced();
}

trait IntoText {
    fn into_text(self) -> Self;
}

impl IntoText for Entry {
    /// The same without a number.
    fn into_text(mut self) -> Entry {
        self.observation.value = labwire::domain::Value::Text("see comment".to_owned());
        self
    }
}

#[test]
fn a_later_look_opens_a_call_that_is_wanted_only_now_and_puts_none_away() {
    let lab = Lab::new();
    let look = |observation, ruling| look(&lab, observation, ruling);
    let id = lab.one(potassium("2.9", clear()));
    assert!(lab.calls().is_empty());
    look(id, low());
    let start = lab.only_call().due().unwrap().start;
    look(id, clear());
    look(id, low());
    let call = lab.only_call();
    assert!(call.course.is_open() && call.happened.len() == 1 && call.due().unwrap().start == start);
    lab.one(instead(potassium("3.0", clear()), id));
    assert!(!lab.only_call().course.is_open());
    look(lab.only_call().observation, low());
    assert!(lab.only_call().course.is_open(), "it was put away as clear, and isn't");
    lab.assert_balanced();
}

#[test]
fn a_rejected_result_must_be_taken_back_where_it_was_told() {
    let entry =
        || judged(held(result("S1", "K", "2.5")), evaluated(Force::InForce, CallPolicy::default(), low()));
    let lab = Lab::new();
    let id = lab.one(entry());
    lab.decide(Desk::Reject(id)).unwrap();
    assert!(!lab.only_call().course.is_open(), "nobody had been told");
    lab.assert_balanced();

    let lab = Lab::new();
    let id = lab.one(entry());
    lab.call(CallOutcome::NoReadBack, "2.5").unwrap();
    lab.decide(Desk::Reject(id)).unwrap();
    let call = lab.only_call();
    assert_eq!(call.reason.words(), "rejected or taken back after it was called");
    assert_eq!(call.tell.reveal().words().english(), "withdrawn");
    is_refused(lab.call(CallOutcome::Confirmed, "2.5"), "differs");
    assert_eq!(lab.call(CallOutcome::Confirmed, "withdrawn"), Ok(Stand::Closed));
    lab.assert_balanced();
}

#[test]
fn a_value_that_was_told_and_that_the_analyzer_takes_back_must_be_taken_back_by_somebody() {
    let taken_back =
        |reason| Observation { standing: Standing::Held(vec![reason]), ..result("S1", "K", "2.5") };
    let failed = || Observation { status: Status::Failed, ..result("S1", "K", "2.5") };
    for last in [taken_back(HoldReason::Withdrawn), failed()] {
        let lab = Lab::new();
        let first = lab.one(potassium("2.5", low()));
        assert_eq!(lab.call(CallOutcome::Confirmed, "2.5"), Ok(Stand::Closed));
        let second = lab.one(instead(judged(last.clone(), by_rules(low())), first));
        let call = lab.only_call();
        assert_eq!(call.reason.words(), "rejected or taken back after it was called");
        assert_eq!(
            (call.observation, call.tell.reveal().words().english()),
            (second, "withdrawn".to_owned())
        );
        is_refused(lab.call(CallOutcome::Confirmed, "2.5"), "differs");
        assert_eq!(lab.call(CallOutcome::Confirmed, "withdrawn"), Ok(Stand::Closed));
        lab.one(instead(judged(last, by_rules(low())), second));
        assert!(!lab.only_call().course.is_open(), "that it is void was told");
        lab.assert_balanced();
    }
    // As a held result of another reason it is the same value still.
    let lab = Lab::new();
    let first = lab.one(potassium("2.5", low()));
    lab.call(CallOutcome::Confirmed, "2.5").unwrap();
    lab.one(instead(judged(taken_back(HoldReason::UnknownFlag), by_rules(low())), first));
    assert!(!lab.only_call().course.is_open());
}

#[test]
fn what_the_analyzer_takes_back_before_anybody_was_told_is_not_told_as_it_was() {
    let taken_back =
        Observation { standing: Standing::Held(vec![HoldReason::Withdrawn]), ..result("S1", "K", "2.5") };
    let failed = Observation { status: Status::Failed, ..result("S1", "K", "2.5") };
    for last in [taken_back.clone(), failed] {
        let lab = Lab::new();
        let first = lab.one(potassium("2.5", low()));
        let second = lab.one(instead(judged(last.clone(), by_rules(low())), first));
        let call = lab.only_call();
        assert!(call.course.is_open(), "a person must look");
        assert!(call.reason.words().starts_with("taken back, or without a value"), "{}", call.reason.words());
        is_refused(lab.call(CallOutcome::Confirmed, "2.5"), "differs");
        if last.standing != Standing::Clear {
            lab.decide(Desk::Reject(second)).unwrap();
            let call = lab.only_call();
            assert_eq!((call.observation, call.reason.words()), (first, "critical"));
            assert_eq!(lab.call(CallOutcome::Confirmed, "2.5"), Ok(Stand::Closed));
        } else {
            assert_eq!(lab.say(ended(), Differing::Refused), Ok(Stand::Closed), "there is nothing to tell");
        }
        lab.assert_balanced();
    }
    // What came as taken back is no critical value, whenever rules look at it.
    let lab = Lab::new();
    let id = lab.one(judged(taken_back, by_rules(low())));
    look(&lab, id, low());
    assert!(lab.calls().is_empty());
}

#[test]
fn a_critical_value_whose_correction_is_rejected_is_to_be_called_still() {
    let corrected = |value: &str| judged(held(result("S1", "K", value)), by_rules(clear()));
    let lab = Lab::new();
    let first = lab.one(potassium("2.5", low()));
    let second = lab.one(instead(corrected("4.1"), first));
    let start = lab.calls()[0].due().unwrap().start;
    let call = lab.only_call();
    assert_eq!((call.observation, call.reason.words()), (second, "may be critical: look now"));
    assert!(call.course.is_open(), "nobody has believed the correction yet");
    lab.decide(Desk::Reject(second)).unwrap();
    let call = lab.only_call();
    assert_eq!((call.observation, call.reason.words()), (first, "critical"));
    assert_eq!(call.due().unwrap().start, start, "the time that it waited for a decision counts");
    assert_eq!(lab.call(CallOutcome::Confirmed, "2.5"), Ok(Stand::Closed));
    lab.assert_balanced();
    // Whoever was told of it hears that it stands, and not that it is void.
    let second = lab.one(instead(corrected("4.2"), first));
    assert_eq!(lab.call(CallOutcome::Confirmed, "4.2"), Ok(Stand::Closed));
    lab.decide(Desk::Reject(second)).unwrap();
    let call = lab.only_call();
    assert_eq!((call.observation, call.tell.reveal().words().english()), (first, "2.5 mmol/L".to_owned()));
    is_refused(lab.call(CallOutcome::Confirmed, "withdrawn"), "differs");
    assert_eq!(lab.call(CallOutcome::Confirmed, "2.5"), Ok(Stand::Closed));
    lab.assert_balanced();
    // What wasn't critical before stays so.
    let lab = Lab::new();
    let first = lab.one(potassium("4.1", clear()));
    let second = lab.one(instead(judged(held(result("S1", "K", "2.5")), by_rules(low())), first));
    assert!(lab.only_call().course.is_open());
    lab.decide(Desk::Reject(second)).unwrap();
    assert!(!lab.only_call().course.is_open());
    lab.assert_balanced();
}

#[test]
fn a_correction_that_is_believed_ends_the_call_about_the_critical_value_and_not_before() {
    let corrected = |value: &str, ruling| judged(held(result("S1", "K", value)), by_rules(ruling));
    let lab = Lab::new();
    let first = lab.one(potassium("2.5", low()));
    let second = lab.one(instead(corrected("4.1", clear()), first));
    assert!(lab.only_call().course.is_open());
    lab.decide(Desk::Release(second)).unwrap();
    let call = lab.only_call();
    assert!(!call.course.is_open());
    assert_eq!(call.reason.words(), "no longer critical before it was called");
    // Rules that waited for more than the analyzer's own doubt.
    let third = Entry {
        judged: Judged {
            evaluations: vec![by_rules(clear())],
            reasons: vec![HoldReason::Delta],
            waits_at: vec![DestinationId::new(LIMS)],
            ..Judged::default()
        },
        ..own(result("S1", "K", "4.2"))
    };
    let lab = Lab::new();
    let first = lab.one(potassium("2.5", low()));
    let third = lab.one(instead(third, first));
    assert!(lab.only_call().course.is_open(), "it is too far from the value before");
    look(&lab, third, clear());
    assert!(!lab.only_call().course.is_open(), "and then no rule doubts it any more");
    // One that is critical too, or of which nobody knows, is to be called however it is released.
    for ruling in [low(), Ruling::Undecided(Why::Comparator)] {
        let lab = Lab::new();
        let first = lab.one(potassium("2.5", low()));
        let second = lab.one(instead(corrected("2.4", ruling), first));
        lab.decide(Desk::Release(second)).unwrap();
        assert!(lab.only_call().course.is_open());
    }
    // What a later look opened a call for isn't put away by a release.
    let lab = Lab::new();
    let only = lab.one(corrected("2.5", low()));
    look(&lab, only, clear());
    lab.decide(Desk::Release(only)).unwrap();
    assert!(lab.only_call().course.is_open());
    lab.assert_balanced();
}

#[test]
fn a_call_from_before_the_value_was_measured_is_a_slip() {
    let day = 86_400;
    // When the analyzer says that it was measured, and from when on it may be told; in seconds after it came.
    for (told, from) in [(Some(-600), -600), (None, -day), (Some(3_600), -day)] {
        let lab = Lab::new();
        let received = lab.now();
        let second = |second: i64| received + jiff::SignedDuration::from_secs(second);
        let completed = told.map(|it| InstrumentTime { text: String::new(), instant: Some(second(it)) });
        let observation = Observation { completed, ..result("S1", "K", "2.5") };
        lab.one(judged(observation, by_rules(low())));
        let found = lab.only_call().due().unwrap().start.duration_since(received).as_secs();
        let from = if told == Some(-600) { from } else { from + found };
        let made = |outcome, at: i64| {
            let attempt = Attempt { made_at: second(at), ..attempt(outcome, "2.5") };
            lab.say(CallEntry::Attempt(attempt), Differing::Told)
        };
        is_refused(made(CallOutcome::Confirmed, from - 60), "before the value was measured");
        is_refused(made(CallOutcome::NotReached, from - 3_600), "before the value was measured");
        is_refused(lab.say(ended(), Differing::Refused), "nobody has tried call 1 yet");
        assert_eq!(made(CallOutcome::Confirmed, from - 59), Ok(Stand::Closed), "people tell minutes");
        lab.assert_balanced();
    }
}

fn look(lab: &Lab, observation: ObservationId, ruling: Ruling) {
    let evaluations = vec![evaluated(Force::InForce, CallPolicy::default(), ruling)];
    let judged = Judged { evaluations, ..Judged::default() };
    let again = Again { observation, judged, link: None };
    lab.wait(lab.journal.judge_again(vec![again], "other rules are in force", lab.now())).unwrap();
}

fn by_rules(ruling: Ruling) -> Evaluation {
    evaluated(Force::InForce, CallPolicy::default(), ruling)
}

#[test]
fn a_rerun_that_is_critical_too_has_its_own_call() {
    let lab = Lab::new();
    lab.one(potassium("2.5", low()));
    lab.one(potassium("2.6", low()));
    let told: Vec<String> = lab.calls().iter().map(|call| call.tell.reveal().words().english()).collect();
    assert_eq!(told, ["2.5 mmol/L", "2.6 mmol/L"]);
}

#[test]
fn a_record_leaves_after_its_result_and_the_lims_settles_it() {
    let lab = Lab::new();
    let id = lab.one(potassium("2.5", low()));
    lab.call(CallOutcome::NotReached, "").unwrap();
    lab.say(verified(), Differing::Refused).unwrap();
    let result = lab.lease().unwrap();
    assert_eq!((result.carries, &result.items), (Carries::Results, &vec![id]));
    assert!(lab.lease().is_none(), "the LIMS doesn't have the result yet");
    lab.accept(&result);
    let record = lab.lease().unwrap();
    assert_eq!((record.carries, &record.items), (Carries::Call, &vec![id]));
    let again = Next::Retry { at: super::kit::at(60) };
    lab.settle_all(&record, &Fate::Again, again, Some(503));
    let lab = lab.reopen();
    assert!(lab.lease().is_none(), "not before its time");
    lab.call(CallOutcome::Confirmed, "2.5").unwrap();
    let second = lab.lease().unwrap();
    assert_ne!((second.key.as_str(), second.carries), (record.key.as_str(), Carries::Results));
    let lab = lab.reopen();
    let state = "SELECT group_concat(state, ' ') FROM (SELECT state FROM call_line ORDER BY event)";
    assert_eq!(lab.ask::<String>(state), "in-flight unknown", "the gateway stopped before the answer came");
    lab.assert_balanced();
    let repeated = lab.lease().unwrap();
    assert_eq!((&repeated.key, &repeated.payload), (&second.key, &second.payload));
    lab.accept(&repeated);
    assert_eq!(lab.ask::<String>(state), "in-flight accepted");
    assert_eq!(lab.state(id), "accepted", "the result itself is left alone");
    lab.assert_balanced();
}

#[test]
fn a_refused_record_waits_for_a_person_and_stops_no_result() {
    let lab = Lab::new();
    lab.one(potassium("2.5", low()));
    lab.deliver_everything();
    lab.call(CallOutcome::Confirmed, "2.5").unwrap();
    let record = lab.lease().unwrap();
    lab.settle_all(&record, &Fate::Refused("no such order".to_owned()), Next::Dead, Some(422));
    let other = lab.own(result("S1", "NA", "140"));
    assert_eq!(lab.deliver_everything(), [vec![other]]);
    let [letter] = lab.reader.dead_letters(10).unwrap().try_into().unwrap();
    assert!(letter.is_of_call && letter.state == "refused" && letter.reason.reveal() == "no such order");
    lab.decide(Desk::Retry(letter.delivery)).unwrap();
    let again = lab.lease().unwrap();
    assert_eq!((&again.key, again.carries), (&record.key, Carries::Call));
    lab.settle_all(&again, &Fate::Refused("no such order".to_owned()), Next::Dead, Some(422));
    lab.decide(Desk::GiveUp(letter.delivery)).unwrap();
    assert_eq!(lab.ask::<String>("SELECT state FROM call_line"), "rejected");
    assert!(lab.reader.dead_letters(10).unwrap().is_empty() && lab.lease().is_none());
    lab.assert_balanced();
}

#[test]
fn the_record_of_an_unknown_fate_can_be_confirmed() {
    let lab = Lab::new();
    lab.one(potassium("2.5", low()));
    lab.deliver_everything();
    lab.call(CallOutcome::Confirmed, "2.5").unwrap();
    let record = lab.lease().unwrap();
    lab.settle_all(&record, &Fate::Unknown, Next::Dead, None);
    lab.decide(Desk::Confirm(record.delivery)).unwrap();
    assert_eq!(lab.ask::<String>("SELECT state FROM call_line"), "accepted");
    lab.assert_balanced();
}

/// One thing that may happen around a call.
#[derive(Debug, Clone)]
enum Move {
    Result { critical: bool, held: bool },
    Newer { of: usize, critical: bool, same: bool },
    Attempt { call: usize, outcome: usize, wrong: bool },
    Verify { call: usize },
    End { call: usize },
    Reject { of: usize },
    Restart,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        3 => any::<(bool, bool)>().prop_map(|(critical, held)| Move::Result { critical, held }),
        3 => (0..8usize, any::<(bool, bool)>())
            .prop_map(|(of, (critical, same))| Move::Newer { of, critical, same }),
        4 => (0..8usize, 0..3usize, any::<bool>())
            .prop_map(|(call, outcome, wrong)| Move::Attempt { call, outcome, wrong }),
        1 => (0..8usize).prop_map(|call| Move::Verify { call }),
        1 => (0..8usize).prop_map(|call| Move::End { call }),
        1 => (0..8usize).prop_map(|of| Move::Reject { of }),
        1 => Just(Move::Restart),
    ];
    prop::collection::vec(one, 1..25)
}

/// The results so far, each the latest version of its kind.
#[derive(Default)]
struct Walk {
    latest: Vec<(ObservationId, String)>,
    stored: usize,
}

impl Walk {
    fn entry(&mut self, value: &str, critical: bool, is_held: bool) -> Entry {
        self.stored += 1;
        let observation = result("S1", "K", value);
        let observation = if is_held { held(observation) } else { observation };
        let ruling = if critical { low() } else { clear() };
        judged(observation, evaluated(Force::InForce, CallPolicy::default(), ruling))
    }

    fn go(&mut self, lab: Lab, step: &Move) -> Lab {
        let calls = lab.calls();
        let nth = |call: usize| calls.get(call).map(|call| call.id);
        let say = |call: Option<CallId>, entry| {
            let Some(call) = call else { return };
            let (account, tells) = ("mgarcia".to_owned(), vec![DestinationId::new(LIMS)]);
            let recording = Recording { call, entry, differing: Differing::Told, account, tells };
            let _ = lab.wait(lab.journal.record_call(recording, lab.now()));
        };
        match step {
            Move::Result { critical, held } => {
                let value = format!("{}.5", self.stored);
                let entry = self.entry(&value, *critical, *held);
                self.latest.push((lab.one(entry), value));
            }
            Move::Newer { of, critical, same } => {
                let Some((earlier, before)) = self.latest.get(*of).cloned() else { return lab };
                let value = if *same { before } else { format!("{}.5", self.stored) };
                let entry = self.entry(&value, *critical, false);
                self.latest[*of] = (lab.one(instead(entry, earlier)), value);
            }
            Move::Attempt { call, outcome, wrong } => {
                let tell =
                    calls.get(*call).map(|call| call.tell.reveal().words().english()).unwrap_or_default();
                let value = if *wrong { "999" } else { tell.as_str() };
                say(nth(*call), CallEntry::Attempt(attempt(CallOutcome::ALL[*outcome].1, value)));
            }
            Move::Verify { call } => say(nth(*call), verified()),
            Move::End { call } => say(nth(*call), ended()),
            Move::Reject { of } => {
                if let Some((id, _)) = self.latest.get(*of) {
                    let _ = lab.decide(Desk::Reject(*id));
                }
            }
            Move::Restart => return lab.reopen(),
        }
        lab
    }
}

/// Decisions in force that found something critical, and that aren't a version of exactly one call.
const LOST: &str = "SELECT count(*) FROM evaluation v WHERE v.decisions LIKE '%\"ruling\":\"low\"%' AND 1 <>
    (SELECT count(DISTINCT e.call) FROM call_event e WHERE e.observation = v.observation)";
/// Results whose latest word to anybody is no longer what the journal has, and whose call is closed all the same.
const MISLED: &str =
    "SELECT count(*) FROM critical_call c JOIN call_event a ON a.call = c.id AND a.kind = 'attempt'
    AND a.id = (SELECT max(id) FROM call_event t WHERE t.call = c.id AND t.kind = 'attempt'
        AND json_extract(t.detail, '$.outcome') <> 'not-reached')
    WHERE json_extract(a.detail, '$.agrees') = 0 AND c.id NOT IN (SELECT call FROM call_open)
    AND NOT EXISTS (SELECT 1 FROM call_event x WHERE x.call = c.id AND x.id > a.id AND x.kind = 'ended')";

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn no_call_is_ever_lost(moves in moves()) {
        let mut lab = Lab::new();
        let mut walk = Walk::default();
        for step in &moves {
            lab = walk.go(lab, step);
            prop_assert_eq!(lab.ask::<i64>(LOST), 0);
            prop_assert_eq!(lab.ask::<i64>(MISLED), 0);
        }
        lab.assert_balanced();
        let open = lab.calls().iter().filter(|call| call.course.is_open()).count();
        prop_assert_eq!(lab.reader.open_calls().unwrap().len(), open);
    }
}

#[test]
fn a_call_that_was_lost_would_be_seen() {
    let lab = Lab::new();
    lab.one(potassium("2.5", low()));
    assert_eq!(lab.ask::<i64>(LOST), 0);
    lab.reading().execute_batch("DROP TRIGGER call_event_stays; DELETE FROM call_event").unwrap();
    assert_eq!(lab.ask::<i64>(LOST), 1);
}
