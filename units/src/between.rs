//! Numbers that no fraction is: square roots, logarithms and powers of e, each caught between two exact numbers that
//! stand as close together as is asked. The true number is never outside of them; every step rounds outwards.

use num_bigint::BigInt;
use num_traits::Signed;

use super::exact::{Exact, power_of_ten};

/// The digits that a calculation carries beyond those that are asked for.
const SPARE: u32 = 10;
/// The highest power of e, either way; it has 44 digits before its full stop.
const HIGHEST_POWER: i64 = 100;

/// Two exact numbers, and everything from one to the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Between {
    pub low: Exact,
    pub high: Exact,
}

impl Between {
    pub fn exactly(number: Exact) -> Between {
        Between { low: number.clone(), high: number }
    }

    /// With so many digits after the full stop, where both ends agree on them.
    pub fn rounded(&self, decimals: u32) -> Option<String> {
        let low = self.low.rounded(decimals);
        (low == self.high.rounded(decimals)).then_some(low)
    }

    pub fn plus(&self, other: &Between) -> Between {
        Between { low: &self.low + &other.low, high: &self.high + &other.high }
    }

    /// Times an exact number, of whatever sign.
    pub fn scaled(&self, by: &Exact) -> Between {
        let (one, other) = (&self.low * by, &self.high * by);
        if one <= other { Between { low: one, high: other } } else { Between { low: other, high: one } }
    }

    pub fn times(&self, other: &Between) -> Between {
        let (one, two) = (other.scaled(&self.low), other.scaled(&self.high));
        Between { low: one.low.min(two.low), high: one.high.max(two.high) }
    }

    /// The square root of everything in it. `None` where some of it is negative.
    pub fn root(&self, decimals: u32) -> Option<Between> {
        let zero = Exact::zero();
        if self.low < zero {
            return None;
        }
        Some(Between { low: root(&self.low, decimals)?.low, high: root(&self.high, decimals)?.high })
    }

    /// e to the power of everything in it. `None` beyond a power of 100 either way.
    pub fn exponential(&self, decimals: u32) -> Option<Between> {
        let (low, high) = (exponential(&self.low, decimals)?, exponential(&self.high, decimals)?);
        Some(Between { low: low.low, high: high.high })
    }
}

/// By the whole root of `number × 10^(2 × decimals)`. Both ends are one number where the root ends there.
fn root(number: &Exact, decimals: u32) -> Option<Between> {
    let root = scaled(number, decimals.checked_mul(2)?).sqrt();
    let low = unscaled(root.clone(), decimals);
    let is_exact = &low * &low == *number;
    let high = if is_exact { low.clone() } else { unscaled(root + 1, decimals) };
    Some(Between { low, high })
}

/// The natural logarithm, to about so many digits after the full stop. `None` unless the number is above zero.
pub fn logarithm(number: &Exact, decimals: u32) -> Option<Between> {
    if !number.is_positive() {
        return None;
    }
    let digits = decimals + SPARE;
    let (one, two) = (Exact::one(), Exact::from(2));
    let (low, high) = (two.checked_div(&Exact::from(3))?, Exact::from(4).checked_div(&Exact::from(3))?);
    // number = rest × 2^doublings, and rest is near one.
    let (mut rest, mut doublings) = (number.clone(), 0_i64);
    while rest > high {
        rest = rest.checked_div(&two)?;
        doublings += 1;
    }
    while rest < low {
        rest = &rest * &two;
        doublings -= 1;
    }
    let near = (&rest - &one).checked_div(&(&rest + &one))?;
    let of_rest = Fixed::of(&near, digits).area_tangent().between().scaled(&two);
    let third = one.checked_div(&Exact::from(3))?;
    let of_two = Fixed::of(&third, digits).area_tangent().between().scaled(&two);
    Some(of_rest.plus(&of_two.scaled(&Exact::from(doublings))))
}

fn exponential(power: &Exact, decimals: u32) -> Option<Between> {
    let highest = Exact::from(HIGHEST_POWER);
    if *power > highest || *power < -&highest {
        return None;
    }
    let (two, half) = (Exact::from(2), Exact::one().checked_div(&Exact::from(2))?);
    let (mut small, mut halvings) = (power.clone(), 0_u32);
    while small > half || small < -&half {
        small = small.checked_div(&two)?;
        halvings += 1;
    }
    // Each squaring doubles the distance between the ends, and the last of them has as many digits as the result.
    let digits = decimals + SPARE + 60;
    let mut whole = Fixed::of(&small, digits).small_exponential();
    for _ in 0..halvings {
        whole = whole.times(&whole);
    }
    Some(whole.between())
}

/// What [`Between`] is, in whole steps of `10^-digits`: fast, and rounded outwards at every turn.
#[derive(Clone)]
struct Fixed {
    low: BigInt,
    high: BigInt,
    digits: u32,
}

impl Fixed {
    fn of(number: &Exact, digits: u32) -> Fixed {
        Fixed { low: scaled(number, digits), high: -scaled(&-number, digits), digits }
    }

    fn between(&self) -> Between {
        Between {
            low: unscaled(self.low.clone(), self.digits),
            high: unscaled(self.high.clone(), self.digits),
        }
    }

    fn plus(&self, other: &Fixed) -> Fixed {
        Fixed { low: &self.low + &other.low, high: &self.high + &other.high, digits: self.digits }
    }

    fn times(&self, other: &Fixed) -> Fixed {
        let (a, b) = (&self.low, &self.high);
        let products = [a * &other.low, a * &other.high, b * &other.low, b * &other.high];
        let (low, high) = (products.iter().min().cloned(), products.iter().max().cloned());
        let scale = BigInt::from(10).pow(self.digits);
        let (low, high) = (low.unwrap_or_default(), high.unwrap_or_default());
        Fixed { low: below(&low, &scale), high: -below(&-high, &scale), digits: self.digits }
    }

    fn over(&self, divisor: i64) -> Fixed {
        let divisor = BigInt::from(divisor);
        Fixed { low: below(&self.low, &divisor), high: -below(&-&self.high, &divisor), digits: self.digits }
    }

    /// How far it reaches from zero, in steps.
    fn size(&self) -> BigInt {
        self.low.abs().max(self.high.abs())
    }

    /// Everything that is no further from it than so many steps.
    fn within(&self, steps: &BigInt) -> Fixed {
        Fixed { low: &self.low - steps, high: &self.high + steps, digits: self.digits }
    }

    /// artanh of a number between -1/3 and 1/3, as y + y³/3 + y⁵/5 + …
    ///
    /// What is left out after a term is less than twice the next power: each is a ninth of the one before at most.
    fn area_tangent(&self) -> Fixed {
        let square = self.times(self);
        let (mut power, mut sum, mut odd) = (self.clone(), self.clone(), 1);
        loop {
            power = power.times(&square);
            if power.size() <= BigInt::from(2) {
                return sum.within(&(power.size() * 2));
            }
            odd += 2;
            sum = sum.plus(&power.over(odd));
        }
    }

    /// e to a power between -1/2 and 1/2, as 1 + z + z²/2 + …
    ///
    /// What is left out after a term is at most twice the next: each is half of the one before at most.
    fn small_exponential(&self) -> Fixed {
        let mut sum = Fixed::of(&Exact::one(), self.digits).plus(self);
        let (mut term, mut count) = (self.clone(), 1);
        loop {
            count += 1;
            term = term.times(self).over(count);
            if term.size() <= BigInt::from(2) {
                return sum.within(&(term.size() * 2));
            }
            sum = sum.plus(&term);
        }
    }
}

/// The whole part of a quotient, rounded down. `by` is above zero.
fn below(number: &BigInt, by: &BigInt) -> BigInt {
    let (whole, rest) = (number / by, number % by);
    if rest.is_negative() { whole - 1 } else { whole }
}

/// A number in steps of `10^-digits`, rounded down.
fn scaled(number: &Exact, digits: u32) -> BigInt {
    let steps = number.fraction() * power_of_ten(i32::try_from(digits).unwrap_or(i32::MAX));
    below(steps.numer(), steps.denom())
}

fn unscaled(steps: BigInt, digits: u32) -> Exact {
    &Exact::whole(steps) * &Exact::of(power_of_ten(-i32::try_from(digits).unwrap_or(i32::MAX)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exact(text: &str) -> Exact {
        Exact::parse(text).unwrap()
    }

    #[test]
    fn known_digits_come_out() {
        for (number, digits) in [
            ("2", "0.693147180559945309417232121458"),
            ("10", "2.302585092994045684017991454684"),
            ("0.1", "-2.302585092994045684017991454684"),
            ("1", "0.000000000000000000000000000000"),
        ] {
            let found = logarithm(&exact(number), 30).unwrap();
            assert!(&found.high - &found.low < exact("1e-30"), "{number}");
            assert_eq!(found.rounded(30).as_deref(), Some(digits), "ln {number}");
        }
        for (number, digits) in [
            ("2", "1.41421356237309504880"),
            ("0.0002", "0.01414213562373095049"),
            ("0", "0.00000000000000000000"),
        ] {
            let root = Between::exactly(exact(number)).root(40).unwrap();
            assert_eq!(root.rounded(20).as_deref(), Some(digits), "root of {number}");
        }
        for (number, digits) in [
            ("1", "2.718281828459045235360287471353"),
            ("0", "1.000000000000000000000000000000"),
            ("-1", "0.367879441171442321595523770161"),
            ("5", "148.413159102576603421115580040552"),
        ] {
            let power = Between::exactly(exact(number)).exponential(40).unwrap();
            assert_eq!(power.rounded(30).as_deref(), Some(digits), "e to {number}");
        }
        assert_eq!(Between::exactly(exact("6.25")).root(3).unwrap(), Between::exactly(exact("2.5")));
    }

    #[test]
    fn what_has_no_value_is_told() {
        assert_eq!(logarithm(&exact("0"), 10), None);
        assert_eq!(logarithm(&exact("-1"), 10), None);
        assert_eq!(Between::exactly(exact("-1")).root(10), None);
        assert_eq!(Between::exactly(exact("101")).exponential(10), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_root_squared_is_the_number_again(whole in 0_i64..1_000_000_000, decimals in 0_u32..30) {
            let number = Exact::from(whole).checked_div(&exact("997")).unwrap();
            let root = Between::exactly(number.clone()).root(decimals).unwrap();
            let square = root.times(&root);
            prop_assert!(square.low <= number && number <= square.high);
        }

        #[test]
        fn logarithm_and_exponential_undo_one_another(above in 1_i64..100_000, below in 1_i64..100_000) {
            let number = Exact::from(above).checked_div(&Exact::from(below)).unwrap();
            let back = logarithm(&number, 30).unwrap().exponential(30).unwrap();
            prop_assert!(back.low <= number && number <= back.high);
            prop_assert!(&back.high - &back.low < exact("1e-20"));
        }

        #[test]
        fn the_logarithm_of_a_product_is_the_sum(one in 1_i64..10_000, two in 1_i64..10_000) {
            let (one, two) = (Exact::from(one), Exact::from(two));
            let product = logarithm(&(&one * &two), 25).unwrap();
            let sum = logarithm(&one, 25).unwrap().plus(&logarithm(&two, 25).unwrap());
            prop_assert!(product.low <= sum.high && sum.low <= product.high);
        }
    }
}
