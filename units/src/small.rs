//! Fractions whose two halves fit a machine's word, which nearly all numbers of a laboratory do: what is made of two of them
//! needs no numbers of any size. Where a result wouldn't fit there is none, and the general way is taken.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::ToPrimitive;

use crate::Exact;

/// Numerator and denominator, in lowest terms; the denominator is above zero.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Small(i64, i64);

impl Small {
    pub(crate) fn of(number: &Exact) -> Option<Small> {
        let fraction = number.fraction();
        Some(Small(fraction.numer().to_i64()?, fraction.denom().to_i64()?))
    }

    /// What an operation makes of two numbers.
    pub(crate) fn both(
        one: &Exact,
        other: &Exact,
        operation: impl FnOnce(Small, Small) -> Option<Exact>,
    ) -> Option<Exact> {
        operation(Small::of(one)?, Small::of(other)?)
    }

    /// `digits / 10^places`.
    pub(crate) fn decimal(digits: i64, places: u32) -> Option<Exact> {
        fraction(digits.into(), 10_i64.checked_pow(places)?.into())
    }

    pub(crate) fn plus(self, other: Small) -> Option<Exact> {
        let (one, two) = (wide(self.0, other.1), wide(other.0, self.1));
        fraction(one.checked_add(two)?, wide(self.1, other.1))
    }

    pub(crate) fn minus(self, other: Small) -> Option<Exact> {
        let (one, two) = (wide(self.0, other.1), wide(other.0, self.1));
        fraction(one.checked_sub(two)?, wide(self.1, other.1))
    }

    pub(crate) fn times(self, other: Small) -> Option<Exact> {
        fraction(wide(self.0, other.0), wide(self.1, other.1))
    }

    /// `None` for a division by zero.
    pub(crate) fn over(self, other: Small) -> Option<Exact> {
        let (above, below) = (wide(self.0, other.1), wide(self.1, other.0));
        if below < 0 { fraction(-above, -below) } else { fraction(above, below) }
    }

    pub(crate) fn cmp(self, other: Small) -> Ordering {
        wide(self.0, other.1).cmp(&wide(other.0, self.1))
    }

    /// All its digits as a whole number, and how many of them stand after the full stop. `None` where they don't end, or
    /// aren't a word's.
    pub(crate) fn digits(self) -> Option<(i128, u32)> {
        let twos = self.1.trailing_zeros();
        let (mut rest, mut fives) = (self.1.checked_shr(twos)?, 0);
        while rest % 5 == 0 {
            (rest, fives) = (rest / 5, fives + 1);
        }
        if rest != 1 {
            return None;
        }
        let decimals = twos.max(fives);
        let scaled = i128::from(self.0).checked_mul(10_i128.checked_pow(decimals)?)?;
        Some((scaled.checked_div(i128::from(self.1))?, decimals))
    }

    /// `self × 10^decimals`, rounded half away from zero to a whole number.
    pub(crate) fn rounded(self, decimals: u32) -> Option<i128> {
        let twice = wide(self.0, 10_i64.checked_pow(decimals)?).checked_mul(2)?;
        let below = i128::from(self.1);
        let size = twice.checked_abs()?.checked_add(below)?.checked_div(below.checked_mul(2)?)?;
        Some(if twice < 0 { -size } else { size })
    }
}

/// A product that always fits.
fn wide(one: i64, other: i64) -> i128 {
    i128::from(one) * i128::from(other)
}

/// In lowest terms. `None` where `below` isn't above zero.
fn fraction(above: i128, below: i128) -> Option<Exact> {
    if below <= 0 {
        return None;
    }
    let common = i128::try_from(common(above.unsigned_abs(), below.unsigned_abs())).ok()?;
    let (above, below) = (above.checked_div(common)?, below.checked_div(common)?);
    Some(Exact::of(BigRational::new_raw(BigInt::from(above), BigInt::from(below))))
}

/// The greatest common divisor, by halving and subtracting (J. Stein, 1967). `two` isn't zero.
fn common(one: u128, two: u128) -> u128 {
    if one == 0 {
        return two;
    }
    let twos = (one | two).trailing_zeros();
    let (mut one, mut two) = (one >> one.trailing_zeros(), two);
    while two != 0 {
        two >>= two.trailing_zeros();
        if one > two {
            (one, two) = (two, one);
        }
        two -= one;
    }
    one << twos
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Small and large ones, and those at the edge of a word.
    fn whole() -> impl Strategy<Value = i64> {
        prop_oneof![any::<i64>(), -1_000..1_000_i64, Just(i64::MAX), Just(i64::MIN), Just(0)]
    }

    fn number() -> impl Strategy<Value = BigRational> {
        (whole(), whole().prop_filter("a denominator", |it| *it != 0))
            .prop_map(|(above, below)| BigRational::new(BigInt::from(above), BigInt::from(below)))
    }

    /// Whether it is that number, and in lowest terms.
    fn is(found: &Exact, expected: &BigRational) -> bool {
        found.fraction().numer() == expected.numer() && found.fraction().denom() == expected.denom()
    }

    proptest! {
        #[test]
        fn words_make_what_numbers_of_any_size_make(one in number(), two in number()) {
            let (a, b) = (Exact::of(one.clone()), Exact::of(two.clone()));
            prop_assert!(is(&(&a + &b), &(&one + &two)));
            prop_assert!(is(&(&a - &b), &(&one - &two)));
            prop_assert!(is(&(&a * &b), &(&one * &two)));
            prop_assert_eq!(a.cmp(&b), one.cmp(&two));
            prop_assert_eq!(a == b, one == two);
            match a.checked_div(&b) {
                Some(found) => prop_assert!(is(&found, &(&one / &two))),
                None => prop_assert!(b.is_zero()),
            }
        }

        #[test]
        fn words_are_rounded_as_numbers_of_any_size_are(one in number(), decimals in 0_u32..22) {
            let ten = BigRational::from_integer(num_traits::Pow::pow(&BigInt::from(10), decimals));
            let expected = (&one * ten).round().to_integer();
            let text = Exact::of(one).rounded(decimals).replace('.', "");
            let digits: BigInt = text.parse().unwrap();
            prop_assert_eq!(digits, expected);
        }

        #[test]
        fn words_are_written_as_numbers_of_any_size_are(digits in any::<i64>(), twos in 0_u32..20, fives in 0_u32..20) {
            let below = BigInt::from(2).pow(twos) * BigInt::from(5).pow(fives);
            let number = Exact::of(BigRational::new(BigInt::from(digits), below.clone()));
            let text = number.to_string();
            // Beyond a word, and the same number once it is divided again.
            let far = BigRational::from_integer(BigInt::from(10).pow(40));
            let long = Exact::of(number.fraction() * &far).to_string();
            let places = text.split_once('.').map_or(0, |(_, rest)| rest.len());
            let digits = text.replace('.', "");
            let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |rest| ("-", rest));
            let expected = format!("{sign}{}{}", digits.trim_start_matches('0'), "0".repeat(40 - places));
            prop_assert_eq!(if number.is_zero() { "0".to_owned() } else { expected }, long);
            prop_assert!(!text.contains('.') || !text.ends_with('0'));
        }

        #[test]
        fn decimal_text_is_the_same_fraction_either_way(digits in any::<u64>(), places in 0_usize..30) {
            let padded = format!("{digits:0>width$}", width = places + 1);
            let (whole, rest) = padded.split_at(padded.len() - places);
            let ten = num_traits::Pow::pow(&BigInt::from(10), places);
            let expected = BigRational::new(BigInt::from(digits), ten);
            let text = format!("{whole}.{rest}");
            prop_assert!(is(&Exact::parse(&text).unwrap(), &expected));
        }
    }
}
