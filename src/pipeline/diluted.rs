//! Values of diluted specimens: the factor from the text that the analyzer sent, and the product where the profile says that
//! nobody has multiplied yet. Exact; nothing is multiplied whose factor isn't understood.

use labwire_units::Exact;

use crate::domain::{AppliedBy, DecimalText, Dilution, Dilutions, Value};

/// A value of the undiluted specimen, with what it was diluted by; nothing where it wasn't, or nobody says what the value is.
///
/// # Errors
/// Why the value, as it was sent, can't be taken for that of the undiluted specimen.
pub(super) fn diluted(
    value: &Value,
    sent: &str,
    dilutions: Option<Dilutions>,
) -> Result<Option<(Value, Dilution)>, String> {
    let Value::Quantity { comparator, number } = value else { return Ok(None) };
    let Some(dilutions) = dilutions.filter(|_| !sent.is_empty()) else { return Ok(None) };
    match (dilutions, factor(sent)) {
        (_, Some(Factor::One)) | (Dilutions::Applied, None) => Ok(None),
        (Dilutions::Applied, Some(Factor::More(factor))) => {
            Ok(Some((value.clone(), Dilution { factor, applied_by: AppliedBy::Analyzer })))
        }
        (Dilutions::ToApply, None) => {
            Err(format!("the dilution {sent:?} isn't understood, and the value isn't multiplied by it"))
        }
        (Dilutions::ToApply, Some(Factor::More(factor))) => {
            let number =
                product(number, &factor).ok_or("the value times its dilution has too many digits")?;
            let value = Value::Quantity { comparator: *comparator, number };
            Ok(Some((value, Dilution { factor, applied_by: AppliedBy::Gateway })))
        }
    }
}

#[derive(Debug, PartialEq)]
enum Factor {
    One,
    More(DecimalText),
}

/// `10`, `1:10`, `1/10`, `x10`. `None` for anything else: `0.1` may be either of two things.
fn factor(sent: &str) -> Option<Factor> {
    let text = sent.trim();
    let ratio = text.split_once([':', '/']);
    let digits = match ratio {
        Some((one, parts)) => Some(parts.trim()).filter(|_| one.trim() == "1"),
        None => Some(text.strip_prefix(['x', 'X']).unwrap_or(text)),
    }?;
    let number = DecimalText::parse(digits, '.')?;
    let exact = Exact::parse(number.as_str())?;
    let one = Exact::from(1);
    match exact {
        exact if exact == one => Some(Factor::One),
        exact if exact > one => Some(Factor::More(number)),
        _ => None,
    }
}

/// The exact product, with the decimals of the number and those of the factor that aren't zeros.
fn product(number: &DecimalText, factor: &DecimalText) -> Option<DecimalText> {
    let (sign, number) = number.as_str().strip_prefix('-').map_or(("", number.as_str()), |rest| ("-", rest));
    let parts = |text: &str| -> Option<(u128, usize)> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        Some((format!("{whole}{fraction}").parse().ok()?, fraction.len()))
    };
    let factor = factor.as_str();
    let factor =
        if factor.contains('.') { factor.trim_end_matches('0').trim_end_matches('.') } else { factor };
    let ((number, decimals), (factor, more)) = (parts(number)?, parts(factor)?);
    let (digits, decimals) = (number.checked_mul(factor)?.to_string(), decimals + more);
    let padded = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, fraction) = padded.split_at_checked(padded.len() - decimals)?;
    let point = if fraction.is_empty() { "" } else { "." };
    DecimalText::parse(&format!("{sign}{whole}{point}{fraction}"), '.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Comparator;

    fn number(text: &str) -> DecimalText {
        DecimalText::parse(text, '.').unwrap()
    }

    #[test]
    fn a_factor_is_read_where_there_is_one_way_to_read_it() {
        let more = |text: &str| Some(Factor::More(number(text)));
        for (sent, expected) in [
            ("10", more("10")),
            ("1:10", more("10")),
            ("1 : 10", more("10")),
            ("1/400", more("400")),
            ("x2.5", more("2.5")),
            ("1", Some(Factor::One)),
            ("1.0", Some(Factor::One)),
            ("1:1", Some(Factor::One)),
            ("0.1", None),
            ("0", None),
            ("-2", None),
            ("2:10", None),
            ("1+9", None),
            ("10x", None),
            ("2,5", None),
            ("Dil", None),
            ("", None),
        ] {
            assert_eq!(factor(sent), expected, "{sent:?}");
        }
    }

    #[test]
    fn a_product_is_exact_and_keeps_the_decimals_that_were_measured() {
        for (a, b, expected) in [
            ("5.40", "10", Some("54.00")),
            ("31.2", "10", Some("312.0")),
            ("0.1", "3", Some("0.3")),
            ("0.07", "1.5", Some("0.105")),
            ("250", "2.0", Some("500")),
            ("-1.5", "2", Some("-3.0")),
            ("0.000", "10", Some("0.000")),
            ("12345678901234567890123456789012345678", "12345", None),
        ] {
            let product = product(&number(a), &number(b));
            assert_eq!(product.as_ref().map(DecimalText::as_str), expected, "{a} × {b}");
        }
    }

    #[test]
    fn a_value_is_multiplied_once_and_only_where_the_profile_says_that_nobody_has() {
        let value = |comparator, text| Value::Quantity { comparator, number: number(text) };
        let told = |value: &Value, sent, dilutions| match diluted(value, sent, dilutions) {
            Ok(None) => "as sent".to_owned(),
            Ok(Some((Value::Quantity { comparator, number }, by))) => {
                let sign = comparator.map_or("", Comparator::as_str);
                format!("{sign}{number} by {} {}", by.applied_by.name(), by.factor)
            }
            Ok(Some(_)) => "another".to_owned(),
            Err(why) => why,
        };
        let measured = value(None, "31.2");
        assert_eq!(told(&measured, "10", Some(Dilutions::ToApply)), "312.0 by gateway 10");
        assert_eq!(told(&measured, "10", Some(Dilutions::Applied)), "31.2 by analyzer 10");
        assert_eq!(told(&measured, "10", None), "as sent");
        assert_eq!(told(&measured, "1", Some(Dilutions::ToApply)), "as sent");
        assert_eq!(told(&measured, "", Some(Dilutions::ToApply)), "as sent");
        assert_eq!(told(&measured, "P", Some(Dilutions::Applied)), "as sent");
        assert!(told(&measured, "P", Some(Dilutions::ToApply)).contains("isn't understood"));
        let above = value(Some(Comparator::Greater), "250");
        assert_eq!(told(&above, "10", Some(Dilutions::ToApply)), ">2500 by gateway 10");
        assert_eq!(told(&Value::code("POS"), "10", Some(Dilutions::ToApply)), "as sent");
    }
}
