//! From one unit to another by an exact line, where both measure the same and nothing about them leaves a doubt. Knows no
//! analyte: what needs one is refused here.

use super::exact::Exact;
use super::refusal::Refusal;
use super::unit::{Scale, Unit};

/// How a number in one unit becomes a number in another: `number × slope + offset`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub slope: Exact,
    pub offset: Exact,
}

impl Line {
    /// The line that changes nothing.
    pub fn identity() -> Line {
        Line::through_zero(Exact::one())
    }

    pub fn through_zero(slope: Exact) -> Line {
        Line { slope, offset: Exact::zero() }
    }

    pub fn apply(&self, number: &Exact) -> Exact {
        &(number * &self.slope) + &self.offset
    }

    /// This line and then another.
    pub fn then(&self, next: &Line) -> Line {
        Line { slope: &self.slope * &next.slope, offset: next.apply(&self.offset) }
    }

    /// The way back. `None` for a line that is level.
    pub fn inverse(&self) -> Option<Line> {
        let slope = Exact::one().checked_div(&self.slope)?;
        Some(Line { offset: -&(&self.offset * &slope), slope })
    }
}

/// The line from one unit to another, whatever is measured in them.
///
/// # Errors
/// Why there is none that is exact and beyond doubt.
pub fn line(from: &Unit, to: &Unit) -> Result<Line, Refusal> {
    let found = line_within_one_analyte(from, to)?;
    if from.is_arbitrary() && from.code != to.code {
        return Err(Refusal::Arbitrary { from: from.code.clone(), to: to.code.clone() });
    }
    Ok(found)
}

/// The line from one unit to another for one measurand, whose arbitrary units are always the same.
pub(crate) fn line_within_one_analyte(from: &Unit, to: &Unit) -> Result<Line, Refusal> {
    let names = || (from.code.clone(), to.code.clone());
    if from.dimension != to.dimension {
        let (from, to) = names();
        return Err(Refusal::Incommensurable { from, to });
    }
    if from.annotations != to.annotations {
        let (from, to) = names();
        return Err(Refusal::Annotations { from, to });
    }
    exact(from, to).ok_or_else(|| {
        let (from, to) = names();
        Refusal::NotExact { from, to }
    })
}

fn exact(from: &Unit, to: &Unit) -> Option<Line> {
    if let (Scale::Curve { of, by }, Scale::Curve { of: other, by: other_by }) = (&from.scale, &to.scale) {
        return (of == other).then(|| by.checked_div(other_by)).flatten().map(Line::through_zero);
    }
    Some(to_base(from)?.then(&to_base(to)?.inverse()?))
}

/// From a unit to what it is built on. `None` where no line leads there.
fn to_base(unit: &Unit) -> Option<Line> {
    match &unit.scale {
        Scale::Ratio => Some(Line::through_zero(unit.factor.clone())),
        Scale::Interval { by, offset } => {
            Some(Line { slope: by * &unit.factor, offset: offset * &unit.factor })
        }
        Scale::Curve { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn between(from: &str, to: &str) -> Result<Line, Refusal> {
        line(&Unit::parse(from).unwrap(), &Unit::parse(to).unwrap())
    }

    fn converted(value: &str, from: &str, to: &str) -> String {
        between(from, to).unwrap().apply(&Exact::parse(value).unwrap()).to_string()
    }

    #[test]
    fn a_number_is_converted_to_the_last_digit() {
        for (value, from, to, expected) in [
            ("7500", "/uL", "10*9/L", "7.5"),
            ("7.5", "10*9/L", "/uL", "7500"),
            ("4.28", "10*6/uL", "10*12/L", "4.28"),
            ("90", "um3", "fL", "90"),
            ("14.1", "g/dL", "g/L", "141"),
            ("14.1", "g%", "g/L", "141"),
            ("1", "U/L", "nkat/L", "50/3"),
            ("60", "U/L", "ukat/L", "1"),
            ("760", "mm[Hg]", "kPa", "101.32472"),
            ("37", "Cel", "[degF]", "98.6"),
            ("98.6", "[degF]", "Cel", "37"),
            ("98.6", "[degF]", "K", "310.15"),
            ("37000", "mCel", "K", "310.15"),
            ("20", "dB", "B", "2"),
            ("7.4", "[pH]", "[pH]", "7.4"),
            ("0.45", "L/L", "%", "45"),
            ("5", "[arb'U]", "[arb'U]", "5"),
            ("30", "mg/g{creat}", "g/kg{creat}", "30"),
        ] {
            assert_eq!(converted(value, from, to), expected, "{value} {from} in {to}");
        }
    }

    #[test]
    fn what_leaves_a_doubt_is_refused() {
        let incommensurable = [
            ("mmol/L", "/L"),
            ("mmol/L", "mg/dL"),
            ("meq/L", "mmol/L"),
            ("mosm/kg", "mmol/kg"),
            ("[IU]/L", "U/L"),
            ("[IU]/L", "[arb'U]/L"),
            ("[IU]/L", "/L"),
            ("K/uL", "10*9/L"),
            ("G/L", "10*9/L"),
            ("T/L", "10*12/L"),
            ("MG/L", "mg/L"),
            ("PG", "pg"),
            ("C", "Cel"),
            ("pH", "[pH]"),
            ("/[HPF]", "/[LPF]"),
        ];
        for (from, to) in incommensurable {
            let refusal = between(from, to).unwrap_err();
            assert!(matches!(refusal, Refusal::Incommensurable { .. }), "{from} in {to}: {refusal}");
        }
        for (from, to) in [("mg/L{FEU}", "ng/mL{DDU}"), ("mg/L{FEU}", "mg/L"), ("mmol/L{N}", "mmol/L{urea}")]
        {
            let refusal = between(from, to).unwrap_err();
            assert!(matches!(refusal, Refusal::Annotations { .. }), "{from} in {to}: {refusal}");
        }
        for (from, to) in
            [("u[IU]/L", "m[IU]/L"), ("[IU]/mL", "[IU]/L"), ("u[IU]/mL", "m[IU]/L"), ("[arb'U]", "2.[arb'U]")]
        {
            let refusal = between(from, to).unwrap_err();
            assert!(matches!(refusal, Refusal::Arbitrary { .. }), "{from} in {to}: {refusal}");
        }
        for (from, to) in [("[pH]", "mol/L"), ("B[V]", "V"), ("B", "Np"), ("B[W]", "B[kW]")] {
            let refusal = between(from, to).unwrap_err();
            assert!(matches!(refusal, Refusal::NotExact { .. }), "{from} in {to}: {refusal}");
        }
    }

    #[test]
    fn what_no_table_has_is_no_unit_however_long_or_odd_it_is() {
        let long = "m.".repeat(60) + "m";
        let deep = "(".repeat(49) + "m" + &")".repeat(49);
        for code in [
            "",
            " ",
            "µmol/L",
            "mEq/L",
            "sec",
            "IU/L",
            "x10E3/uL",
            "mmHg",
            "10^3/uL x",
            "mg/dl ",
            "m100",
            "10*100",
            "Cel.m",
            "Cel2",
            "Cel/s",
            "/Cel",
            "m-",
            "{",
            "0.5.m",
            "1/0",
            "0",
            "0.m",
            "m/0",
            "\u{0}",
            &long,
            &"9".repeat(29),
        ] {
            assert!(matches!(Unit::parse(code), Err(Refusal::NotAUnit { .. })), "{code:?}");
        }
        assert!(Unit::parse(&deep).is_ok());
    }

    const PREFIXES: [&str; 9] = ["", "f", "p", "n", "u", "m", "d", "k", "M"];
    const UNITS: [&str; 7] = ["g/L", "mol/L", "mol/(24.h)", "L", "kat/L", "U/L", "Pa"];

    proptest! {
        #[test]
        fn there_and_back_is_the_same_number(
            number in any::<i64>(), places in 0_i32..20, unit in 0..UNITS.len(),
            from in 0..PREFIXES.len(), via in 0..PREFIXES.len(), to in 0..PREFIXES.len(),
        ) {
            let number = Exact::scientific(number.into(), -places);
            let [from, via, to] = [from, via, to].map(|prefix| format!("{}{}", PREFIXES[prefix], UNITS[unit]));
            let there = between(&from, &to).unwrap();
            prop_assert_eq!(&between(&to, &from).unwrap().apply(&there.apply(&number)), &number);
            prop_assert_eq!(there.inverse().unwrap(), between(&to, &from).unwrap());
            prop_assert_eq!(between(&from, &via).unwrap().then(&between(&via, &to).unwrap()), there);
        }

        #[test]
        fn no_text_upsets_the_reading_of_units(text in "[ -~]{0,40}", odd in any::<String>()) {
            for text in [text, odd] {
                if let Ok(unit) = Unit::parse(&text) {
                    prop_assert_eq!(line(&unit, &unit).unwrap(), Line::identity());
                }
            }
        }

        #[test]
        fn what_looks_like_a_unit_is_read_or_refused(text in "(10\\*|m|k|g|L|mol|Cel|U|\\[pH\\]|/|\\.|\\(|\\)|\\{a\\}|-?[0-9]){0,12}") {
            if let Ok(unit) = Unit::parse(&text) {
                prop_assert_eq!(line(&unit, &unit).unwrap(), Line::identity());
            }
        }
    }
}
