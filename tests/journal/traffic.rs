//! How much came when is counted by the quarter of an hour in which it was received, and not for ever.

use jiff::SignedDuration;
use labwire::domain::traffic::{Quarters, quarter};
use labwire::journal::traffic::Hour;

use super::kit::{Lab, at, own, result};

const WEEK: i64 = 7 * 24 * 3_600;

#[test]
fn what_comes_is_counted_where_it_was_received_and_old_quarters_go() {
    let lab = Lab::new();
    lab.record(vec![own(result("0815", "K", "4.1")), own(result("0815", "NA", "140"))]);
    lab.record(vec![own(result("0816", "K", "4.2"))]);
    let first = at(0);
    let hour = first.as_second() / 3_600;
    assert_eq!(lab.reader.traffic_since("sim", first).unwrap(), [Hour { hour, results: 3 }]);
    assert_eq!(lab.reader.traffic_since("other", first).unwrap(), []);
    let before = first - SignedDuration::from_secs(60);
    lab.pass(9 * WEEK);
    lab.record(vec![own(result("0817", "K", "4.3"))]);
    assert_eq!(lab.reader.traffic_since("sim", before).unwrap().len(), 2, "nine weeks are kept");
    lab.pass(3_600);
    lab.record(vec![own(result("0818", "K", "4.4"))]);
    let kept = lab.reader.traffic_since("sim", before).unwrap();
    assert_eq!(kept.iter().map(|it| it.results).collect::<Vec<_>>(), [1, 1], "the oldest went");
    lab.assert_balanced();
}

#[test]
fn a_span_before_anything_was_known_says_nothing() {
    let lab = Lab::new();
    let first = quarter(at(0));
    lab.pass(1_000);
    lab.record(vec![own(result("0815", "K", "4.1"))]);
    let known = quarter(at(1_000));
    let span = |from: i64, to: i64| Quarters { from, to };
    let spans = [span(first - 4, first), span(known, known + 4), span(known + 4, known + 8)];
    assert_eq!(lab.reader.traffic_within("sim", &spans).unwrap(), [true, false]);
    assert_eq!(lab.reader.traffic_within("other", &spans).unwrap(), [false; 0]);
}
