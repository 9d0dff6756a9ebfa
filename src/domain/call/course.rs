//! The course of a call: what its events, in their order, leave to be done by when. It reads no clock.

use jiff::{SignedDuration, Timestamp};

use super::entry::{Agreement, Attempt, CallEntry, CallOutcome};
use super::policy::{CallPolicy, ClockStart, after};

/// What happened to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallEvent {
    Opened(Opening, Cause),
    /// What was told before is no longer so.
    Reopened(Reopening, Cause),
    /// The call goes on with a newer version, which says the same.
    Newer,
    /// The call goes on with a newer version that says something else; nobody had been told of the older.
    Changed,
    /// A newer version isn't critical, and nobody had been told of the older.
    Cleared,
    /// The result was rejected, and nobody had been told of it.
    Dropped,
    Entry(CallEntry),
}

/// Why there is a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    Critical,
    /// Whether it is critical can't be told: somebody must look now.
    Undecided,
}

/// Why there is something to tell again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reopening {
    Corrected,
    Withdrawn,
}

/// What rules in force found of a version of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Opens(Opening),
    Clear,
    /// The analyzer takes the result back, or says that it couldn't be measured: there is no value any more.
    TakenBack,
    /// It wasn't asked, or couldn't be answered.
    Nothing,
}

impl Found {
    /// A value that isn't critical, and that nobody has believed yet, ends nothing.
    pub fn unless_clear(self) -> Found {
        if self == Found::Clear { Found::Nothing } else { self }
    }
}

/// By what a call is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    pub policy: CallPolicy,
    /// When the value, or the word that it is void, was on disk.
    pub found_at: Timestamp,
}

/// Whether there is something left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    Open,
    Closed,
}

/// Where a call stands after some of its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Course {
    pub stand: Stand,
    cause: Cause,
    verified_at: Option<Timestamp>,
    /// Somebody was told some version of the value.
    pub told: bool,
    /// Since it was last opened or reopened.
    pub attempts: u32,
    last_attempt: Option<Timestamp>,
    /// The right value was read back, and nobody has verified it yet.
    read_back: bool,
    /// When what was told before was no longer so.
    reopened_at: Option<Timestamp>,
    /// How often it was opened: by its first event, and each time that there was something to tell again.
    pub openings: u32,
}

/// As exactly as people tell when they called.
pub const A_MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    pub wants: Wants,
    /// When the clock started.
    pub start: Timestamp,
    /// From then on it is overdue.
    pub at: Timestamp,
    /// When to call again, after an attempt without success.
    pub again_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// Somebody must say that the value is right: until then the clock of the call stands.
    Verification,
    Call,
}

impl Course {
    pub fn new(cause: Cause) -> Course {
        Course {
            stand: Stand::Open,
            cause,
            verified_at: None,
            told: false,
            attempts: 0,
            last_attempt: None,
            read_back: false,
            reopened_at: None,
            openings: 0,
        }
    }

    /// What a version of a result does to the call about the versions before it, if there is one. `same` says whether it
    /// says what the version before said.
    pub fn on_version(call: Option<&Course>, found: Found, same: bool, cause: Cause) -> Option<CallEvent> {
        match (call, found) {
            (None, Found::Opens(opening)) => Some(CallEvent::Opened(opening, cause)),
            (None, _) => None,
            (Some(call), Found::TakenBack) if call.told && !same => {
                Some(CallEvent::Reopened(Reopening::Withdrawn, cause))
            }
            (Some(call), _) if call.told && !same => Some(CallEvent::Reopened(Reopening::Corrected, cause)),
            (Some(call), _) if call.told => Some(CallEvent::Newer),
            (Some(call), Found::Opens(opening)) if !call.is_open() => Some(CallEvent::Opened(opening, cause)),
            (Some(call), Found::Clear) if call.is_open() => Some(CallEvent::Cleared),
            (Some(call), _) if call.is_open() => {
                Some(if same { CallEvent::Newer } else { CallEvent::Changed })
            }
            (Some(_), _) => None,
        }
    }

    /// What the rejection of its result does to it. `again`: the version before it stands again, and what that opened the call
    /// for; then the call is about that one, and whoever was told hears that it is.
    pub fn on_rejection(&self, again: Option<Opening>, cause: Cause) -> Option<CallEvent> {
        match again {
            None if self.told => Some(CallEvent::Reopened(Reopening::Withdrawn, cause)),
            Some(_) if self.told => Some(CallEvent::Reopened(Reopening::Corrected, cause)),
            Some(_) if self.is_open() => Some(CallEvent::Changed),
            Some(opening) => Some(CallEvent::Opened(opening, cause)),
            None => self.is_open().then_some(CallEvent::Dropped),
        }
    }

    /// Where an event leaves it. `agreement` is an attempt's.
    pub fn after(self, event: &CallEvent, at: Timestamp, agreement: Agreement) -> Course {
        let next = self.changed_by(event, at, agreement);
        let opens = matches!(event, CallEvent::Opened(..) | CallEvent::Reopened(..));
        let is_opened = opens || !self.is_open() && next.is_open();
        Course { openings: self.openings + u32::from(is_opened), ..next }
    }

    fn changed_by(self, event: &CallEvent, at: Timestamp, agreement: Agreement) -> Course {
        match event {
            CallEvent::Opened(_, cause) => Course { told: self.told, ..Course::new(*cause) },
            CallEvent::Reopened(_, cause) => {
                Course { told: self.told, reopened_at: Some(cause.found_at), ..Course::new(*cause) }
            }
            CallEvent::Newer => self,
            // What was verified is no longer there.
            CallEvent::Changed => Course { verified_at: None, read_back: false, ..self },
            CallEvent::Cleared | CallEvent::Dropped | CallEvent::Entry(CallEntry::Ended { .. }) => {
                Course { stand: Stand::Closed, ..self }
            }
            CallEvent::Entry(CallEntry::Verified { .. }) => {
                let stand = if self.read_back { Stand::Closed } else { self.stand };
                Course { stand, verified_at: Some(at), ..self }
            }
            CallEvent::Entry(CallEntry::Attempt(attempt)) => self.after_attempt(attempt, agreement),
        }
    }

    /// A right value that was read back closes a call, once it is verified where the site's clock waits for that; a wrong one
    /// that was told opens it again. Whoever was called before a correction came hears of it by a call after it.
    fn after_attempt(self, attempt: &Attempt, agreement: Agreement) -> Course {
        let verified = self.cause.policy.clock == ClockStart::Found || self.is_verified();
        let (stand, read_back) = match attempt.outcome {
            CallOutcome::NotReached => (self.stand, self.read_back),
            _ if !agreement.is_whole() => (Stand::Open, false),
            _ if self.reopened_at.is_some_and(|at| attempt.made_at + A_MINUTE <= at) => {
                (self.stand, self.read_back)
            }
            CallOutcome::Confirmed if verified => (Stand::Closed, true),
            CallOutcome::Confirmed => (self.stand, true),
            CallOutcome::NoReadBack => (self.stand, self.read_back),
        };
        Course {
            stand,
            read_back,
            told: self.told || attempt.reached(),
            attempts: self.attempts + 1,
            last_attempt: Some(attempt.made_at),
            ..self
        }
    }

    /// What is to be done, while it is open.
    pub fn due(&self) -> Option<Due> {
        if self.stand == Stand::Closed {
            return None;
        }
        let Cause { policy, found_at } = self.cause;
        let start = match (policy.clock, self.verified_at) {
            (ClockStart::Found, _) => found_at,
            (ClockStart::Verified, Some(verified_at)) => verified_at,
            (ClockStart::Verified, None) => {
                let at = after(found_at, policy.verify_minutes);
                return Some(Due { wants: Wants::Verification, start: found_at, at, again_at: None });
            }
        };
        let again_at = self.last_attempt.map(|last| after(last, policy.again_minutes));
        Some(Due { wants: Wants::Call, start, at: after(start, policy.due_minutes), again_at })
    }

    pub fn is_open(&self) -> bool {
        self.stand == Stand::Open
    }

    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.due().is_some_and(|due| due.at <= now)
    }

    pub fn is_verified(&self) -> bool {
        self.verified_at.is_some()
    }

    pub fn policy(&self) -> CallPolicy {
        self.cause.policy
    }
}

impl Opening {
    pub fn words(self) -> &'static str {
        match self {
            Opening::Critical => "critical",
            Opening::Undecided => "may be critical: look now",
        }
    }
}

impl Reopening {
    pub fn words(self) -> &'static str {
        match self {
            Reopening::Corrected => "corrected after it was called",
            Reopening::Withdrawn => "rejected or taken back after it was called",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHER_VALUE: Agreement = Agreement { value: false, patient: true };
    const OTHER_PATIENT: Agreement = Agreement { value: true, patient: false };
    use crate::domain::Private;

    fn minute(minute: u32) -> Timestamp {
        after(Timestamp::UNIX_EPOCH, minute)
    }

    fn attempt(outcome: CallOutcome, made: u32) -> CallEvent {
        CallEvent::Entry(CallEntry::Attempt(Attempt {
            by: String::new(),
            made_at: minute(made),
            outcome,
            to: String::new(),
            role: String::new(),
            identifiers: Vec::new(),
            value: Private::default(),
            note: Private::default(),
        }))
    }

    fn cause(clock: ClockStart, found: u32) -> Cause {
        Cause { policy: CallPolicy { clock, ..CallPolicy::default() }, found_at: minute(found) }
    }

    #[test]
    fn a_call_is_overdue_from_its_minute_on_until_the_right_value_was_read_back() {
        let call = Course::new(cause(ClockStart::Found, 0));
        assert!(!call.is_overdue(minute(29)) && call.is_overdue(minute(30)));
        let missed = call.after(&attempt(CallOutcome::NotReached, 10), minute(11), OTHER_VALUE);
        let due = missed.due().unwrap();
        assert_eq!((due.at, due.again_at, missed.told), (minute(30), Some(minute(25)), false));
        let heard = missed.after(&attempt(CallOutcome::NoReadBack, 20), minute(20), Agreement::WHOLE);
        assert!(heard.is_open() && heard.told && heard.is_overdue(minute(30)));
        let wrong = heard.after(&attempt(CallOutcome::Confirmed, 21), minute(21), OTHER_VALUE);
        assert!(wrong.is_open(), "another value was read back");
        let misnamed = heard.after(&attempt(CallOutcome::Confirmed, 21), minute(21), OTHER_PATIENT);
        assert!(misnamed.is_open(), "it was told of another patient");
        let closed = wrong.after(&attempt(CallOutcome::Confirmed, 22), minute(22), Agreement::WHOLE);
        assert!(closed.due().is_none() && !closed.is_overdue(minute(1_000)) && closed.attempts == 4);
        let wrong = closed.after(&attempt(CallOutcome::NoReadBack, 40), minute(40), OTHER_VALUE);
        assert!(wrong.is_open(), "somebody was told another value afterwards");
        let again = closed.after(&attempt(CallOutcome::NotReached, 40), minute(40), OTHER_VALUE);
        assert!(!again.is_open());
    }

    #[test]
    fn a_clock_that_starts_with_the_verification_has_an_end_without_one_too() {
        let call = Course::new(cause(ClockStart::Verified, 0));
        assert_eq!(call.due().unwrap().wants, Wants::Verification);
        assert!(call.is_overdue(minute(30)), "nobody has verified it");
        let verified = CallEvent::Entry(CallEntry::Verified { by: String::new(), note: Private::default() });
        let verified = call.after(&verified, minute(20), Agreement::WHOLE);
        let due = verified.due().unwrap();
        assert_eq!((due.wants, due.start, due.at), (Wants::Call, minute(20), minute(50)));
    }

    #[test]
    fn a_read_back_closes_no_call_whose_value_must_be_verified_and_nobody_has() {
        let verified = CallEvent::Entry(CallEntry::Verified { by: String::new(), note: Private::default() });
        let call = Course::new(cause(ClockStart::Verified, 0));
        let told = call.after(&attempt(CallOutcome::Confirmed, 5), minute(5), Agreement::WHOLE);
        assert!(told.is_open() && told.told);
        assert_eq!(told.due().unwrap().wants, Wants::Verification, "nobody has said that the value is right");
        assert!(told.is_overdue(minute(30)));
        assert!(
            !told.after(&verified, minute(20), Agreement::WHOLE).is_open(),
            "it was read back, and now it is verified"
        );
        let other = told.after(&attempt(CallOutcome::NoReadBack, 6), minute(6), OTHER_VALUE);
        assert!(
            other.after(&verified, minute(20), Agreement::WHOLE).is_open(),
            "somebody was told another value since"
        );
        let changed = told.after(&CallEvent::Changed, minute(7), Agreement::WHOLE);
        assert!(
            changed.after(&verified, minute(20), Agreement::WHOLE).is_open(),
            "what was read back is no longer the value"
        );
        let usual = Course::new(cause(ClockStart::Found, 0)).after(
            &attempt(CallOutcome::Confirmed, 5),
            minute(5),
            Agreement::WHOLE,
        );
        assert!(!usual.is_open());
    }

    #[test]
    fn a_newer_version_goes_on_with_the_call_reopens_it_or_ends_it() {
        let (critical, clear, nothing) = (Found::Opens(Opening::Critical), Found::Clear, Found::Nothing);
        let untold = Course::new(cause(ClockStart::Found, 0));
        let told = untold.after(&attempt(CallOutcome::Confirmed, 1), minute(1), Agreement::WHOLE);
        let ended = untold.after(&CallEvent::Dropped, minute(1), Agreement::WHOLE);
        let now = cause(ClockStart::Found, 60);
        let (opened, corrected) =
            (CallEvent::Opened(Opening::Critical, now), CallEvent::Reopened(Reopening::Corrected, now));
        for (call, found, same, expected) in [
            (None, critical, false, Some(opened.clone())),
            (None, clear, false, None),
            (None, nothing, false, None),
            (Some(untold), critical, true, Some(CallEvent::Newer)),
            (Some(untold), critical, false, Some(CallEvent::Changed)),
            (Some(untold), nothing, false, Some(CallEvent::Changed)),
            (Some(untold), clear, false, Some(CallEvent::Cleared)),
            (Some(told), critical, true, Some(CallEvent::Newer)),
            (Some(told), critical, false, Some(corrected.clone())),
            (Some(told), clear, false, Some(corrected.clone())),
            (Some(told), nothing, false, Some(corrected)),
            (Some(told), Found::TakenBack, false, Some(CallEvent::Reopened(Reopening::Withdrawn, now))),
            (Some(told), Found::TakenBack, true, Some(CallEvent::Newer)),
            (Some(untold), Found::TakenBack, false, Some(CallEvent::Changed)),
            (None, Found::TakenBack, false, None),
            (Some(ended), critical, true, Some(opened)),
            (Some(ended), clear, false, None),
        ] {
            assert_eq!(
                Course::on_version(call.as_ref(), found, same, now),
                expected,
                "{call:?} {found:?} {same}"
            );
        }
        let withdrawn = || Some(CallEvent::Reopened(Reopening::Withdrawn, now));
        let opened = Some(CallEvent::Opened(Opening::Critical, now));
        for (call, again, expected) in [
            (told, None, withdrawn()),
            (told, Some(Opening::Critical), Some(CallEvent::Reopened(Reopening::Corrected, now))),
            (untold, None, Some(CallEvent::Dropped)),
            (untold, Some(Opening::Critical), Some(CallEvent::Changed)),
            (ended, None, None),
            (ended, Some(Opening::Critical), opened),
        ] {
            assert_eq!(call.on_rejection(again, now), expected, "{call:?} {again:?}");
        }
    }

    #[test]
    fn a_correction_after_the_call_starts_the_clock_again_and_wants_its_own_verification() {
        let first = cause(ClockStart::Verified, 0);
        let opened = CallEvent::Opened(Opening::Critical, first);
        let call = Course::new(first).after(&opened, minute(0), Agreement::WHOLE);
        let verified = CallEvent::Entry(CallEntry::Verified { by: String::new(), note: Private::default() });
        let closed = call.after(&verified, minute(5), Agreement::WHOLE).after(
            &attempt(CallOutcome::Confirmed, 6),
            minute(6),
            Agreement::WHOLE,
        );
        assert!(!closed.is_open());
        let corrected = CallEvent::Reopened(Reopening::Corrected, cause(ClockStart::Verified, 60));
        let reopened = closed.after(&corrected, minute(60), Agreement::WHOLE);
        assert!(reopened.is_open() && reopened.told && reopened.attempts == 0 && !reopened.is_verified());
        assert_eq!([call.openings, closed.openings, reopened.openings], [1, 1, 2]);
        let slip = closed.after(&attempt(CallOutcome::NoReadBack, 40), minute(40), OTHER_VALUE);
        assert_eq!(slip.openings, 2, "another value was told after the right one");
        assert_eq!(reopened.due().unwrap().wants, Wants::Verification);
    }

    #[test]
    fn a_call_that_was_made_before_the_correction_came_tells_nobody_of_it() {
        let read_back = |made: u32| attempt(CallOutcome::Confirmed, made);
        let found = cause(ClockStart::Found, 60);
        let first = Course::new(found);
        assert!(
            !first.after(&read_back(50), minute(70), Agreement::WHOLE).is_open(),
            "the first value may be read off the analyzer before it is sent"
        );
        let told = first.after(&read_back(61), minute(61), Agreement::WHOLE);
        let reopened = CallEvent::Reopened(Reopening::Corrected, cause(ClockStart::Found, 90));
        let reopened = told.after(&reopened, minute(90), Agreement::WHOLE);
        let early = reopened.after(&read_back(89), minute(95), Agreement::WHOLE);
        assert!(early.is_open() && early.attempts == 1, "it is kept and closes nothing");
        assert!(!reopened.after(&read_back(90), minute(95), Agreement::WHOLE).is_open());
    }
}
