//! The reference change value, without a root or a logarithm where one isn't needed, and with proven bounds where it is.
//! docs/decisions/0015 says why.

use labwire_units::{Between, Exact, logarithm};

use crate::domain::Comparator;
use crate::domain::clinic::Answer;

/// The digits with which two logarithms are compared, one attempt after the other.
const DIGITS: [u32; 4] = [20, 60, 120, 240];

/// Whether a change is beyond √2·Z·√(CVa²+CVi²) hundredths of the earlier value. Both sides are squared, so that it is
/// decided exactly. `previous` isn't zero; `cva` and `cvi` are in hundredths.
pub(super) fn is_beyond(
    change: &Exact,
    previous: &Exact,
    z: &Exact,
    (cva, cvi): (&Exact, &Exact),
    operator: Comparator,
) -> Answer {
    let hundred = Exact::from(100);
    let Some(percent) = (change * &hundred).checked_div(previous) else { return Answer::Unknown };
    let limit = squared(z, cva, cvi);
    let size = &percent * &percent;
    Answer::from(size > limit || (operator == Comparator::GreaterOrEqual && size == limit))
}

/// Whether the logarithm of `ratio`, the later value through the earlier, is beyond Z·√2·σ with σ² = ln(CVt²+1), either
/// way. Squared, and compared between bounds that draw closer until they part; unknown where even 240 digits don't.
pub(super) fn is_beyond_log(ratio: &Exact, z: &Exact, (cva, cvi): (&Exact, &Exact)) -> Answer {
    for digits in DIGITS {
        let found = logarithm(ratio, digits).zip(logarithm(&one_and(cva, cvi), digits));
        let Some((change, spread)) = found else { return Answer::Unknown };
        let change = change.times(&change);
        let limit = spread.scaled(&(&Exact::from(2) * &(z * z)));
        if change.low > limit.high {
            return Answer::Yes;
        }
        if change.high < limit.low {
            return Answer::No;
        }
    }
    Answer::Unknown
}

/// 2·Z²·(CVa²+CVi²)
fn squared(z: &Exact, cva: &Exact, cvi: &Exact) -> Exact {
    &Exact::from(2) * &(&(z * z) * &(&(cva * cva) + &(cvi * cvi)))
}

/// CVt² + 1 as a fraction.
fn one_and(cva: &Exact, cvi: &Exact) -> Exact {
    let in_hundredths = &(cva * cva) + &(cvi * cvi);
    let through = in_hundredths.checked_div(&Exact::from(10_000)).unwrap_or_else(Exact::zero);
    &through + &Exact::one()
}

/// The reference change value in hundredths, for people to read. `None` for a negative spread.
pub fn rcv(z: &Exact, cva: &Exact, cvi: &Exact) -> Option<Between> {
    Between::exactly(squared(z, cva, cvi)).root(20)
}

/// The bounds of the log-normal one in hundredths, the fall and the rise.
pub fn log_bounds(z: &Exact, cva: &Exact, cvi: &Exact) -> Option<(Between, Between)> {
    let limit = logarithm(&one_and(cva, cvi), 30)?.scaled(&(&Exact::from(2) * &(z * z))).root(30)?;
    let (one, hundred) = (Between::exactly(-&Exact::one()), Exact::from(100));
    let bound = |sign: i64| {
        let power = limit.scaled(&Exact::from(sign)).exponential(20)?;
        Some(power.plus(&one).scaled(&hundred))
    };
    bound(-1).zip(bound(1))
}
