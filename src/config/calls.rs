//! `[critical_calls]`: who keeps the log of critical calls, when a call's clock starts and runs out, and whom to call. All
//! but the persons is part of what the laboratory's director signs.

use super::complaint::Remarks;
use super::finding::{Finding, Source};
use super::reader::{self, Table};
use crate::domain::call::{CallPolicy, ClockStart, Keeper, Step};

/// The name of the part of the rules that a director signs.
pub(super) const SIGNED: &str = "critical_calls";
/// The longest that may pass, in minutes.
const LONGEST: u32 = 24 * 60;

pub(super) fn read(table: &mut Table<'_>) -> (CallPolicy, Vec<Step>) {
    let usual = CallPolicy::default();
    let clock = table.choice("clock", &ClockStart::ALL).unwrap_or(usual.clock);
    let verify = table.entry("verify_minutes");
    if let (Some(entry), ClockStart::Found) = (&verify, clock) {
        entry.error(
            "the clock doesn't wait for a verification; write clock = \"verified\" too, or remove this line",
        );
    }
    let policy = CallPolicy {
        keeper: table.choice("kept_by", &Keeper::ALL).unwrap_or(usual.keeper),
        clock,
        due_minutes: table.number("due_minutes", 1..=LONGEST).unwrap_or(usual.due_minutes),
        again_minutes: table.number("again_minutes", 1..=LONGEST).unwrap_or(usual.again_minutes),
        verify_minutes: verify.and_then(|it| it.number(1..=LONGEST)).unwrap_or(usual.verify_minutes),
    };
    let mut last = None;
    let steps = table.tables("step", |table| step(table, &mut last)).into_iter().flatten().collect();
    (policy, steps)
}

fn step(table: &mut Table<'_>, last: &mut Option<u32>) -> Option<Step> {
    let after = table.required("after_minutes", "30");
    let whom = table.required("whom", "\"the physician on duty, 4711\"");
    let after_minutes = after.as_ref().and_then(|entry| entry.number(0..=LONGEST));
    if let (Some(entry), Some(minutes)) = (&after, after_minutes) {
        match *last {
            None if minutes > 0 => {
                entry.error("nobody is named until then; let the first step have after_minutes = 0")
            }
            Some(before) if minutes <= before => {
                entry.error(format!("the step before begins after {before} minutes; write a later one"));
            }
            _ => *last = Some(minutes),
        }
    }
    let whom = whom?.parsed(|text| {
        let fits = !text.trim().is_empty() && text.chars().count() <= 200 && !text.contains(char::is_control);
        if fits {
            Ok(text.to_owned())
        } else {
            Err("whom to call is one line of 1 to 200 characters".to_owned())
        }
    });
    Some(Step { after_minutes: after_minutes?, whom: whom? })
}

/// The part that is signed, as a text that reads back; nothing where it is the usual one.
pub(super) fn signed(policy: &CallPolicy) -> Option<Source> {
    if *policy == CallPolicy::default() {
        return None;
    }
    let CallPolicy { keeper, clock, due_minutes, again_minutes, verify_minutes } = *policy;
    let mut text = format!(
        "kept_by = \"{}\"\nclock = \"{}\"\ndue_minutes = {due_minutes}\nagain_minutes = {again_minutes}\n",
        keeper.name(),
        clock.name(),
    );
    if clock == ClockStart::Verified {
        text.push_str(&format!("verify_minutes = {verify_minutes}\n"));
    }
    Some(Source { name: SIGNED.to_owned(), text })
}

/// Reads that part again.
pub(super) fn read_signed(source: &Source) -> (CallPolicy, Vec<Finding>) {
    let remarks = Remarks::default();
    let policy = reader::document(&source.text, &remarks, |table| read(table).0).unwrap_or_default();
    (policy, remarks.into_parts().0.iter().map(|complaint| source.finding(complaint)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_reads_back_and_the_usual_needs_no_text() {
        assert!(signed(&CallPolicy::default()).is_none());
        for policy in [
            CallPolicy { keeper: Keeper::Lims, ..CallPolicy::default() },
            CallPolicy { due_minutes: 60, again_minutes: 10, ..CallPolicy::default() },
            CallPolicy { clock: ClockStart::Verified, verify_minutes: 20, ..CallPolicy::default() },
        ] {
            let (read, findings) = read_signed(&signed(&policy).unwrap());
            assert_eq!((read, findings), (policy, Vec::new()));
        }
    }
}
