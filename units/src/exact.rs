//! Numbers as they are: fractions of whole numbers of any size, read from decimal text and written as such. Rounding
//! happens only where it is asked for: half away from zero, as laboratories do it by hand, or to the side on which a bound stays true.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, Mul, Neg, Sub};

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Pow, Signed, Zero};

use crate::small::Small;

/// The longest decimal text that is read, and the longest that an exact number is written as.
const LONGEST: usize = 128;
/// The highest power of ten, either way, that text may name.
const HIGHEST_EXPONENT: i32 = 99;

/// Which way digits are taken off a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest, half away from zero.
    Nearest,
    /// To no higher number: what is above the one is above the other.
    Down,
    /// To no lower number: what is below the one is below the other.
    Up,
}

/// An exact number. Always in its lowest terms.
#[derive(Debug, Clone, Eq)]
pub struct Exact(BigRational);

impl Exact {
    pub fn zero() -> Exact {
        Exact(BigRational::zero())
    }

    pub fn one() -> Exact {
        Exact(BigRational::one())
    }

    /// `digits × 10^exponent`.
    pub(crate) fn scientific(digits: i128, exponent: i32) -> Exact {
        Exact(BigRational::from_integer(BigInt::from(digits)) * power_of_ten(exponent))
    }

    pub(crate) fn of(fraction: BigRational) -> Exact {
        Exact(fraction)
    }

    pub(crate) fn whole(number: BigInt) -> Exact {
        Exact(BigRational::from_integer(number))
    }

    pub(crate) fn fraction(&self) -> &BigRational {
        &self.0
    }

    /// Reads `-1.20e-3` and the like: digits, at most one full stop, an exponent of at most two digits. At most 128
    /// characters long.
    pub fn parse(text: &str) -> Option<Exact> {
        Digits::parse(text).map(|digits| digits.value)
    }

    /// Reads a whole number of any length.
    pub fn whole_text(text: &str) -> Option<Exact> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_whole { text.parse().ok().map(Exact::whole) } else { None }
    }

    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    pub fn is_positive(&self) -> bool {
        self.0.is_positive()
    }

    /// `None` for a division by zero.
    pub fn checked_div(&self, by: &Exact) -> Option<Exact> {
        (!by.is_zero()).then(|| Small::both(self, by, Small::over).unwrap_or_else(|| Exact(&self.0 / &by.0)))
    }

    /// `None` for a negative power of zero.
    pub(crate) fn power(&self, exponent: i32) -> Option<Exact> {
        if self.is_zero() && exponent < 0 {
            return None;
        }
        Some(if exponent == 1 { self.clone() } else { Exact(Pow::pow(&self.0, exponent)) })
    }

    /// With so many digits after the full stop, rounded half away from zero: `1.575` with 2 is `1.58`.
    pub fn rounded(&self, decimals: u32) -> String {
        if let Some(digits) = Small::of(self).and_then(|small| small.rounded(decimals)) {
            return written(digits < 0, &digits.unsigned_abs().to_string(), decimals);
        }
        let scaled = (&self.0 * power_of_ten(i32::try_from(decimals).unwrap_or(i32::MAX))).round();
        written_large(scaled.numer(), decimals)
    }

    /// The same, by what is wanted of the rest: `1.575` with 2, rounded down, is `1.57`.
    pub fn rounded_by(&self, decimals: u32, rounding: Rounding) -> String {
        let scaled = || &self.0 * power_of_ten(i32::try_from(decimals).unwrap_or(i32::MAX));
        match rounding {
            Rounding::Nearest => self.rounded(decimals),
            Rounding::Down => written_large(scaled().floor().numer(), decimals),
            Rounding::Up => written_large(scaled().ceil().numer(), decimals),
        }
    }

    /// Rounded to so many significant digits, half away from zero.
    pub fn to_significant(&self, digits: u32) -> Exact {
        if self.is_zero() {
            return self.clone();
        }
        let digits = i32::try_from(digits).unwrap_or(i32::MAX);
        let step = power_of_ten(self.magnitude() - digits);
        let rounded = (&self.0 / &step).round() * step;
        Exact(rounded)
    }

    /// As text with so many significant digits: 2.25 with 2 is `2.3`. Whole digits are never rounded away.
    pub fn rounded_to_significant(&self, digits: u32, rounding: Rounding) -> String {
        let counted = match rounding {
            Rounding::Nearest => self.to_significant(digits),
            // Where 9.99 becomes 10.0, that is a digit too many, and true.
            Rounding::Down | Rounding::Up => self.clone(),
        };
        let whole = if counted.is_zero() { 1 } else { counted.magnitude() };
        let decimals = i64::from(digits) - i64::from(whole);
        self.rounded_by(u32::try_from(decimals.max(0)).unwrap_or(0), rounding)
    }

    /// The power of ten just above the number: 3 for 250 and for 999.9, 0 for 0.25.
    fn magnitude(&self) -> i32 {
        let size = self.0.abs();
        let length = |number: &BigInt| i32::try_from(number.to_string().len()).unwrap_or(i32::MAX);
        let guess = length(size.numer()) - length(size.denom());
        if size >= power_of_ten(guess) { guess + 1 } else { guess }
    }

    /// All its digits, where they end and there are not too many.
    pub fn decimal(&self) -> Option<String> {
        if let Some((digits, decimals)) = Small::of(self).and_then(Small::digits) {
            let text = written(digits < 0, &digits.unsigned_abs().to_string(), decimals);
            return Some(text).filter(|text| text.len() <= LONGEST);
        }
        let (mut denominator, mut decimals) = (self.0.denom().clone(), 0_u32);
        let ten = BigInt::from(10);
        for factor in [2, 5] {
            let factor = BigInt::from(factor);
            let mut times = 0;
            while (&denominator % &factor).is_zero() {
                denominator /= &factor;
                times += 1;
            }
            decimals = decimals.max(times);
        }
        if !denominator.is_one() || usize::try_from(decimals).ok()? > LONGEST {
            return None;
        }
        let digits = self.0.numer() * Pow::pow(&ten, decimals) / self.0.denom();
        Some(written_large(&digits, decimals)).filter(|text| text.len() <= LONGEST)
    }
}

/// All its digits, or a fraction in its lowest terms where they never end.
impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.decimal() {
            Some(decimal) => f.write_str(&decimal),
            None => write!(f, "{}/{}", self.0.numer(), self.0.denom()),
        }
    }
}

/// Both are in their lowest terms.
impl PartialEq for Exact {
    fn eq(&self, other: &Exact) -> bool {
        self.0.numer() == other.0.numer() && self.0.denom() == other.0.denom()
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Exact) -> Ordering {
        match (Small::of(self), Small::of(other)) {
            (Some(one), Some(two)) => one.cmp(two),
            _ => self.0.cmp(&other.0),
        }
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Exact) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<i64> for Exact {
    fn from(whole: i64) -> Exact {
        Exact(BigRational::from_integer(BigInt::from(whole)))
    }
}

impl Mul for &Exact {
    type Output = Exact;

    fn mul(self, by: &Exact) -> Exact {
        // Most factors are one, and a fraction is reduced after every step.
        if self.0.is_one() {
            return by.clone();
        }
        if by.0.is_one() {
            return self.clone();
        }
        Small::both(self, by, Small::times).unwrap_or_else(|| Exact(&self.0 * &by.0))
    }
}

impl Add for &Exact {
    type Output = Exact;

    fn add(self, other: &Exact) -> Exact {
        Small::both(self, other, Small::plus).unwrap_or_else(|| Exact(&self.0 + &other.0))
    }
}

impl Sub for &Exact {
    type Output = Exact;

    fn sub(self, other: &Exact) -> Exact {
        Small::both(self, other, Small::minus).unwrap_or_else(|| Exact(&self.0 - &other.0))
    }
}

impl Neg for &Exact {
    type Output = Exact;

    fn neg(self) -> Exact {
        Exact(-&self.0)
    }
}

/// A decimal number with the precision that its digits carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digits {
    pub value: Exact,
    /// How many digits stand after the full stop.
    pub decimals: u32,
    /// How many digits count: `6.30` has 3, `0.0063` has 2. A whole number's trailing zeros count.
    pub significant: u32,
}

impl Digits {
    /// Reads what [`Exact::parse`] reads. An exponent moves the full stop: `1.20e-3` has five decimals.
    pub fn parse(text: &str) -> Option<Digits> {
        if text.len() > LONGEST {
            return None;
        }
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, small(exponent)?),
            None => (text, 0),
        };
        let (negative, unsigned) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let places = i32::try_from(fraction.len()).ok()? - exponent;
        let small =
            u32::try_from(places).ok().and_then(|places| Small::decimal(digits.parse().ok()?, places));
        let size = match small {
            Some(small) => small.0,
            None => BigRational::from_integer(digits.parse().ok()?) * power_of_ten(-places),
        };
        let counting = digits.trim_start_matches('0').len();
        Some(Digits {
            value: Exact(if negative { -size } else { size }),
            decimals: u32::try_from(places.max(0)).ok()?,
            significant: u32::try_from(counting.max(1)).ok()?,
        })
    }
}

fn small(text: &str) -> Option<i32> {
    let bare = text.trim_start_matches(['+', '-']);
    let fits = bare.len() < text.len() + 1 && text.len() - bare.len() <= 1;
    let exponent: i32 = text.parse().ok().filter(|_| fits)?;
    (exponent.abs() <= HIGHEST_EXPONENT).then_some(exponent)
}

pub(crate) fn power_of_ten(exponent: i32) -> BigRational {
    Pow::pow(&BigRational::from_integer(BigInt::from(10)), exponent)
}

/// Whole `digits` with a full stop before the last `decimals` of them.
fn written(is_negative: bool, digits: &str, decimals: u32) -> String {
    let decimals = usize::try_from(decimals).unwrap_or(usize::MAX);
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(decimals));
    let mut text = String::with_capacity(digits.len().saturating_add(decimals).saturating_add(3));
    if is_negative {
        text.push('-');
    }
    text.push_str(if whole.is_empty() { "0" } else { whole });
    if decimals > 0 {
        text.push('.');
        text.extend(std::iter::repeat_n('0', decimals - fraction.len()));
        text.push_str(fraction);
    }
    text
}

fn written_large(digits: &BigInt, decimals: u32) -> String {
    written(digits.is_negative(), &digits.abs().to_string(), decimals)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exact(text: &str) -> Exact {
        Exact::parse(text).unwrap()
    }

    #[test]
    fn decimal_text_is_read_whole_or_not_at_all() {
        for (text, shown) in [
            ("7.40", "7.4"),
            ("-0.5", "-0.5"),
            ("+3", "3"),
            ("1e-7", "0.0000001"),
            ("1.2E3", "1200"),
            (".5", "0.5"),
            ("5.", "5"),
            ("0", "0"),
        ] {
            assert_eq!(exact(text).to_string(), shown, "{text}");
        }
        for text in
            ["", "-", ".", "e5", "1e", "1e100", "1e+-1", "1,5", "1 2", "0x1", "٣", "1.2.3", "inf", "NaN"]
        {
            assert_eq!(Exact::parse(text), None, "{text}");
        }
        assert_eq!(Exact::parse(&"1".repeat(LONGEST + 1)), None);
    }

    #[test]
    fn digits_carry_their_precision() {
        for (text, decimals, significant) in
            [("6.30", 2, 3), ("0.0063", 4, 2), ("250", 0, 3), ("1.20e-3", 5, 3), ("0", 0, 1), ("0.00", 2, 1)]
        {
            let digits = Digits::parse(text).unwrap();
            assert_eq!((digits.decimals, digits.significant), (decimals, significant), "{text}");
        }
    }

    #[test]
    fn a_half_is_rounded_away_from_zero() {
        for (text, decimals, rounded) in [
            ("1.575", 2, "1.58"),
            ("2.25", 2, "2.25"),
            ("2.245", 1, "2.2"),
            ("2.25", 1, "2.3"),
            ("-2.25", 1, "-2.3"),
            ("0.4", 0, "0"),
            ("-0.04", 1, "0.0"),
            ("9.99", 1, "10.0"),
            ("7", 3, "7.000"),
        ] {
            assert_eq!(exact(text).rounded(decimals), rounded, "{text}");
        }
        let third = exact("1").checked_div(&exact("3")).unwrap();
        assert_eq!(third.rounded(4), "0.3333");
        assert_eq!(third.to_string(), "1/3");
    }

    #[test]
    fn a_bound_is_rounded_to_the_side_on_which_it_stays_true() {
        for (text, decimals, down, up) in [
            ("27.754", 1, "27.7", "27.8"),
            ("27.7", 1, "27.7", "27.7"),
            ("0.04", 1, "0.0", "0.1"),
            ("-0.04", 1, "-0.1", "0.0"),
            ("9.99", 0, "9", "10"),
        ] {
            let by = |rounding| exact(text).rounded_by(decimals, rounding);
            assert_eq!((by(Rounding::Down), by(Rounding::Up)), (down.to_owned(), up.to_owned()), "{text}");
        }
        for (text, digits, down, up) in
            [("2.2456", 2, "2.2", "2.3"), ("9.99", 2, "9.9", "10.0"), ("0", 2, "0.0", "0.0")]
        {
            let by = |rounding| exact(text).rounded_to_significant(digits, rounding);
            assert_eq!((by(Rounding::Down), by(Rounding::Up)), (down.to_owned(), up.to_owned()), "{text}");
        }
    }

    #[test]
    fn text_of_so_many_significant_digits_keeps_its_zeros_and_its_whole_digits() {
        for (text, digits, expected) in [
            ("2.2456", 2, "2.2"),
            ("9.99", 2, "10"),
            ("0.0999", 2, "0.10"),
            ("99.97", 3, "100"),
            ("1234.5", 2, "1235"),
            ("0", 2, "0.0"),
            ("7.5", 5, "7.5000"),
        ] {
            assert_eq!(exact(text).rounded_to_significant(digits, Rounding::Nearest), expected, "{text}");
        }
    }

    #[test]
    fn significant_digits_are_counted_from_the_first() {
        for (text, digits, expected) in [
            ("25.2", 2, "25"),
            ("1.575", 2, "1.6"),
            ("0.16002", 3, "0.16"),
            ("999.9", 3, "1000"),
            ("100", 1, "100"),
            ("0.000125997", 3, "0.000126"),
            ("-15.2", 1, "-20"),
            ("0", 3, "0"),
        ] {
            assert_eq!(exact(text).to_significant(digits).to_string(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_as_the_same_number(digits in any::<i64>(), places in 0_u32..30) {
            let number = Exact::scientific(digits.into(), -i32::try_from(places).unwrap());
            prop_assert_eq!(&Exact::parse(&number.to_string()).unwrap(), &number);
            prop_assert_eq!(&Exact::parse(&number.rounded(places)).unwrap(), &number);
        }

        #[test]
        fn a_bound_is_never_rounded_to_say_more(n in any::<i64>(), d in 1_i64.., decimals in 0_u32..12, digits in 1_u32..8) {
            let number = Exact::from(n).checked_div(&Exact::from(d)).unwrap();
            let read = |text: String| Exact::parse(&text).unwrap();
            let both = |rounding| {
                [number.rounded_by(decimals, rounding), number.rounded_to_significant(digits, rounding)].map(read)
            };
            let step = Exact::scientific(1, -i32::try_from(decimals).unwrap());
            let ([down, coarse_down], [up, coarse_up]) = (both(Rounding::Down), both(Rounding::Up));
            prop_assert!(down <= number && coarse_down <= number && number <= up && number <= coarse_up);
            prop_assert!(&number - &down < step && &up - &number < step);
        }

        #[test]
        fn rounding_moves_a_number_by_half_a_step_at_most(n in any::<i64>(), d in 1_i64.., decimals in 0_u32..12) {
            let number = Exact::from(n).checked_div(&Exact::from(d)).unwrap();
            let rounded = Exact::parse(&number.rounded(decimals)).unwrap();
            let difference = &(&rounded - &number) * &Exact::scientific(2, decimals.try_into().unwrap());
            prop_assert!(difference <= Exact::one() && -&difference <= Exact::one());
        }
    }
}
