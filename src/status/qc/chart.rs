//! A Levey-Jennings chart of one level: results in the order of their runs, by their distance from the mean in standard
//! deviations. Pure; every point says by its shape what its colour says.

use labwire_units::Exact;

use crate::domain::{Words, words};
use crate::journal::qc::PointView;
use crate::status::chart::{self, CIRCLE, CROSS, DIAMOND, Dot, TRIANGLE};
use crate::status::clock::{Clock, Moment};

/// The drawing, in its own units.
const TOP: i64 = 14;
/// One standard deviation.
const STEP: i64 = 24;
/// The furthest that is drawn, either way, in standard deviations.
const FURTHEST: i64 = 4;

pub(super) struct Chart {
    pub(super) level: String,
    pub(super) lot: String,
    /// The target of the latest result.
    pub(super) target: Words,
    pub(super) count: usize,
    pub(super) first: Moment,
    pub(super) last: Moment,
    pub(super) lines: Vec<Line>,
    pub(super) dots: Vec<Dot>,
    /// The way from each result that counts to the next.
    pub(super) way: String,
}

/// One line of the grid.
pub(super) struct Line {
    pub(super) y: i64,
    pub(super) name: Words,
    pub(super) class: &'static str,
}

impl Chart {
    /// Of results that have a target, the oldest first.
    pub(super) fn of(level: &str, lot: &str, points: &[&PointView], clock: &Clock) -> Chart {
        let dots: Vec<Dot> = (0..)
            .zip(points)
            .filter_map(|(at, point)| dot(point, chart::x(at, points.len()), clock))
            .collect();
        let way = chart::way(dots.iter().filter(|dot| dot.class != "out"));
        let target = points.last().and_then(|point| {
            let (mean, sd) = point.target.as_ref()?;
            Some(words!("mean {mean} {unit}, s {sd}", mean, unit = &point.unit, sd))
        });
        let time = |point: Option<&&PointView>| clock.at(point.map(|it| it.measured_at).unwrap_or_default());
        Chart {
            level: level.to_owned(),
            lot: lot.to_owned(),
            target: target.unwrap_or_else(Words::none),
            count: points.len(),
            first: time(points.first()),
            last: time(points.last()),
            lines: (-3..=3).map(line).collect(),
            way,
            dots,
        }
    }
}

fn line(deviations: i64) -> Line {
    let class = match deviations.abs() {
        0 => "mean",
        3 => "three",
        2 => "two",
        _ => "one",
    };
    let name = if deviations == 0 { words!("mean") } else { format!("{deviations:+}s").into() };
    Line { y: y(deviations * 100), name, class }
}

/// From hundredths of a standard deviation.
fn y(hundredths: i64) -> i64 {
    let within = hundredths.clamp(-FURTHEST * 100, FURTHEST * 100);
    TOP + (FURTHEST * 100 - within) * STEP / 100
}

fn dot(point: &PointView, x: i64, clock: &Clock) -> Option<Dot> {
    let z = point.z.as_ref()?;
    let hundredths: i64 =
        z.rounded(2).replace('.', "").parse().unwrap_or(if z.is_positive() { 400 } else { -400 });
    let is_beyond = |limit: i64| *z > Exact::from(limit) || *z < Exact::from(-limit);
    let class = match () {
        () if point.excluded.is_some() => "out",
        () if is_beyond(3) => "beyond-three",
        () if is_beyond(2) => "beyond-two",
        () => "within",
    };
    let shape = match class {
        "out" => CROSS,
        "beyond-three" => DIAMOND,
        "beyond-two" => TRIANGLE,
        _ => CIRCLE,
    };
    let says = words!(
        "{value}, {distance} at {at}, run {number}",
        value = format!("{} {}", point.value, point.unit),
        distance = signed(z),
        at = clock.at(point.measured_at),
        number = point.run.to_string()
    );
    let says = if class == "out" { words!("{what}, taken out", what = says) } else { says };
    Some(Dot { x, y: y(hundredths), class, shape, says })
}

/// `+1.25 s`.
pub(super) fn signed(z: &Exact) -> String {
    let text = z.rounded(2);
    let sign = if text.starts_with('-') { "" } else { "+" };
    format!("{sign}{text} s")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::journal::ObservationId;
    use crate::journal::qc::QcWord;

    fn point(run: i64, z: &str) -> PointView {
        PointView {
            id: ObservationId(run),
            run,
            measured_at: Timestamp::UNIX_EPOCH,
            value: "5.4".to_owned(),
            unit: "mmol/L".to_owned(),
            material: Some(("A".to_owned(), "1".to_owned())),
            target: Some(("5.4".to_owned(), "0.1".to_owned())),
            z: Exact::parse(z),
            why_not: None,
            excluded: None,
            is_superseded: false,
        }
    }

    fn chart(points: &[PointView]) -> Chart {
        let clock = Clock::new(TimeZone::UTC, Timestamp::UNIX_EPOCH);
        Chart::of("1", "A", &points.iter().collect::<Vec<_>>(), &clock)
    }

    #[test]
    fn each_result_stands_at_its_height_with_the_shape_of_its_distance() {
        let told = |z: &str| {
            let chart = chart(&[point(1, z)]);
            (chart.dots[0].y, chart.dots[0].class)
        };
        for (z, expected) in [
            ("0", (110, "within")),
            ("2", (62, "within")),
            ("-2", (158, "within")),
            ("2.01", (61, "beyond-two")),
            ("-2.5", (170, "beyond-two")),
            ("3.004", (38, "beyond-three")),
            ("3.5", (26, "beyond-three")),
            ("99", (14, "beyond-three")),
            ("-99", (206, "beyond-three")),
        ] {
            assert_eq!(told(z), expected, "{z}");
        }
    }

    #[test]
    fn what_was_taken_out_is_shown_and_no_way_leads_there() {
        let word = QcWord { by: "A".into(), reason: "air bubble".into(), at: Timestamp::UNIX_EPOCH };
        let out = PointView { excluded: Some(word), ..point(2, "4") };
        let chart = chart(&[point(1, "0"), out, point(3, "1")]);
        assert_eq!(chart.way, "64,110 872,86");
        assert_eq!(chart.dots[1].class, "out");
        assert!(chart.dots[1].says.english().ends_with("run 2, taken out"), "{:?}", chart.dots[1].says);
        assert_eq!(chart.target.english(), "mean 5.4 mmol/L, s 0.1");
    }
}
