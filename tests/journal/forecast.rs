//! For how long there is room: what somebody did to the clock makes no forecast wrong, only unknown for a while.

use jiff::SignedDuration;

use super::kit::{Lab, parcel};

const DAY: i64 = 24 * 3_600;

/// As much as on any other day comes on so many.
fn days_pass(lab: &Lab, days: i64) {
    for _ in 0..3 * days {
        lab.pass(DAY / 3);
        lab.first(parcel("H|\\^&\rL|1\r", &[10]));
    }
}

fn forecast(lab: &Lab) -> Option<u64> {
    lab.reader.days_left(0, lab.now()).unwrap()
}

/// After a clock was set it is unknown, and then what it was: the journal and its disk are the same but for a few messages.
fn stays(before: u64, after: Option<u64>, what: &str) {
    let about = before / 2..=before.saturating_mul(2);
    assert!(after.is_none_or(|it| about.contains(&it)), "{what}: {before} days became {after:?}");
}

#[test]
fn a_forecast_survives_whatever_is_done_to_the_clock() {
    for step in [-3_653 * DAY, -20 * DAY, -DAY, -3_600, 3_600, DAY, 20 * DAY, 3_653 * DAY] {
        let lab = Lab::new();
        days_pass(&lab, 40);
        let before = forecast(&lab).expect("weeks of traffic are known");
        lab.pass(step);
        stays(before, forecast(&lab), &format!("set by {step} s, at once"));
        for days in 1..=40 {
            days_pass(&lab, 1);
            stays(before, forecast(&lab), &format!("set by {step} s, {days} days later"));
        }
        assert!(forecast(&lab).is_some(), "it is known again: {step} s");
    }
}

#[test]
fn nothing_for_a_week_says_nothing_of_what_will_come() {
    let lab = Lab::new();
    days_pass(&lab, 40);
    let week = SignedDuration::from_hours(7 * 24).as_secs();
    lab.pass(week - 60);
    assert!(forecast(&lab).is_some());
    lab.pass(120);
    assert_eq!(forecast(&lab), None);
}
