//! Values that lie off an instrument's scale, and so are no more than bounds: by the sign before them, or by the flag beside
//! them.

use super::Profile;
use crate::domain::{Comparator, Value};

/// Which flags say that a value lies off the instrument's scale: `<` and `>`, as LIS02 (R.7) and HL7 (table 0078) have them,
/// unless the profile means something else by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScaleFlags {
    pub below: bool,
    pub above: bool,
}

impl ScaleFlags {
    pub const STANDARD: ScaleFlags = ScaleFlags { below: true, above: true };

    /// The sign of a number: its own, or the one that its flags put before it.
    ///
    /// # Errors
    /// Where two of them say opposite things.
    pub fn sign(self, value: &Value, flags: &[String]) -> Result<Option<Comparator>, &'static str> {
        let has = |sign: Comparator| flags.iter().any(|flag| flag.trim() == sign.as_str());
        let below = (self.below && has(Comparator::Less)).then_some(Comparator::Less);
        let above = (self.above && has(Comparator::Greater)).then_some(Comparator::Greater);
        let own = value.comparator();
        let is_opposed = match own {
            None => below.is_some() && above.is_some(),
            Some(Comparator::Less | Comparator::LessOrEqual) => above.is_some(),
            Some(Comparator::Greater | Comparator::GreaterOrEqual) => below.is_some(),
        };
        match is_opposed {
            true => Err("what was sent is said to be too low and too high to be measured"),
            false => Ok(own.or(below).or(above)),
        }
    }
}

impl Profile {
    pub fn scale_flags(&self) -> ScaleFlags {
        let is_standard = |flag: &str| !self.flags.contains_key(flag);
        ScaleFlags { below: is_standard("<"), above: is_standard(">") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::DecimalText;

    #[test]
    fn a_flag_stands_for_the_sign_that_a_value_lacks_and_none_of_another_meaning_does() {
        let value =
            |comparator| Value::Quantity { comparator, number: DecimalText::parse("500", '.').unwrap() };
        let (below, above) = (Some(Comparator::Less), Some(Comparator::Greater));
        let renamed = ScaleFlags { above: false, ..ScaleFlags::STANDARD };
        for (own, flags, means, expected) in [
            (None, vec![], ScaleFlags::STANDARD, Ok(None)),
            (None, vec!["H"], ScaleFlags::STANDARD, Ok(None)),
            (None, vec!["H", ">"], ScaleFlags::STANDARD, Ok(above)),
            (None, vec!["<"], ScaleFlags::STANDARD, Ok(below)),
            (None, vec![">"], renamed, Ok(None)),
            (None, vec!["<"], renamed, Ok(below)),
            (above, vec![], ScaleFlags::STANDARD, Ok(above)),
            (above, vec![">"], ScaleFlags::STANDARD, Ok(above)),
            (Some(Comparator::GreaterOrEqual), vec![">"], renamed, Ok(Some(Comparator::GreaterOrEqual))),
            (above, vec!["<"], ScaleFlags::STANDARD, Err(())),
            (Some(Comparator::LessOrEqual), vec![">"], ScaleFlags::STANDARD, Err(())),
            (None, vec!["<", ">"], ScaleFlags::STANDARD, Err(())),
        ] {
            let sent: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
            assert_eq!(means.sign(&value(own), &sent).map_err(|_| ()), expected, "{own:?} {flags:?}");
        }
    }
}
