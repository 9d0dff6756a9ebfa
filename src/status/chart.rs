//! What charts have in common: results as dots from the oldest to the latest, and the way between them. Pure; a dot says by its
//! shape what its colour says.

use crate::domain::Words;

/// The drawing's edges, in its own units.
pub(super) const LEFT: i64 = 52;
pub(super) const RIGHT: i64 = 884;

pub(super) const CIRCLE: &str = "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0";
pub(super) const TRIANGLE: &str = "m0 -6 6 11h-12z";
pub(super) const DIAMOND: &str = "m0 -7 7 7 -7 7 -7 -7z";
pub(super) const CROSS: &str = "m-5 -5 10 10m0 -10 -10 10";

/// One result.
pub(super) struct Dot {
    pub(super) x: i64,
    pub(super) y: i64,
    /// The name of its style, and of its shape.
    pub(super) class: &'static str,
    /// The shape as a path around its place.
    pub(super) shape: &'static str,
    pub(super) says: Words,
}

/// Where the result of this number stands among so many, all as far from one another.
pub(super) fn x(number: i64, count: usize) -> i64 {
    let steps = i64::try_from(count).unwrap_or(i64::MAX).saturating_sub(1).max(1);
    LEFT + 12 + number * (RIGHT - LEFT - 24) / steps
}

/// The way from each dot to the next.
pub(super) fn way<'d>(dots: impl Iterator<Item = &'d Dot>) -> String {
    let places: Vec<String> = dots.map(|dot| format!("{},{}", dot.x, dot.y)).collect();
    places.join(" ")
}
