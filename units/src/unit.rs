//! One unit, understood: its factor, what it measures, its annotations, and whether its scale is a line through zero.
//! Reads UCUM text; guesses nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::RwLock;

use octofhir_ucum::{UnitExpr, parse_expression};

use super::exact::Exact;
use super::refusal::Refusal;
use super::table;

/// The longest text that is taken for a unit.
const LONGEST: usize = 100;
/// The highest exponent, either way.
const HIGHEST_EXPONENT: i32 = 99;
/// The longest number within a unit that the grammar keeps whole.
const MOST_DIGITS: usize = 28;

/// How many codes stay understood: instruments send the same few all day.
const KEPT: usize = 1_000;
static UNDERSTOOD: RwLock<BTreeMap<String, Unit>> = RwLock::new(BTreeMap::new());

/// A UCUM unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    pub(crate) code: String,
    /// In the base units of the table; of a unit on another scale, that of the unit it is built on.
    pub(crate) factor: Exact,
    pub(crate) dimension: Dimension,
    /// How often each annotation stands above the line, negative for below.
    pub(crate) annotations: BTreeMap<String, i32>,
    pub(crate) scale: Scale,
}

/// Base units and what is kept apart like them, with their exponents; none is zero.
pub(crate) type Dimension = BTreeMap<&'static str, i32>;

/// How a number in the unit relates to what it is built on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scale {
    Ratio,
    /// `(number × by + offset) × factor`: the temperatures.
    Interval {
        by: Exact,
        offset: Exact,
    },
    /// `f(number × by) × factor`, where f is no line: logarithms and the like. Of the unit only `by` can be changed exactly.
    Curve {
        of: &'static str,
        by: Exact,
    },
}

impl Unit {
    /// Reads a UCUM code, case sensitive, of 1 to 100 characters.
    ///
    /// # Errors
    /// What is wrong with it. Whether it is the right unit for anything is another question.
    pub fn parse(code: &str) -> Result<Unit, Refusal> {
        if let Some(unit) = UNDERSTOOD.read().ok().and_then(|kept| kept.get(code).cloned()) {
            return Ok(unit);
        }
        let unit = Unit::understand(code)?;
        if let Ok(mut kept) = UNDERSTOOD.write()
            && kept.len() < KEPT
        {
            kept.insert(code.to_owned(), unit.clone());
        }
        Ok(unit)
    }

    fn understand(code: &str) -> Result<Unit, Refusal> {
        let refuse = |reason: String| Refusal::NotAUnit { unit: shortened(code), reason };
        let expression = read(code).map_err(refuse)?;
        let mut unit = evaluate(&expression, &table::unit).map_err(refuse)?;
        if unit.factor.is_zero() {
            return Err(refuse("it is zero".to_owned()));
        }
        code.clone_into(&mut unit.code);
        Ok(unit)
    }

    /// The number one: what is left when comparable units are divided.
    pub fn unity() -> Unit {
        Unit::number(Exact::one())
    }

    pub(crate) fn number(factor: Exact) -> Unit {
        Unit {
            code: "1".to_owned(),
            factor,
            dimension: Dimension::new(),
            annotations: BTreeMap::new(),
            scale: Scale::Ratio,
        }
    }

    /// The code as it was read.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The unit of a product of two quantities.
    ///
    /// # Errors
    /// A temperature scale or a logarithm takes part in no product; only a number scales it.
    pub fn times(&self, other: &Unit) -> Result<Unit, Refusal> {
        let code = format!("({}).({})", self.code, other.code);
        let product = product(self.clone(), other.clone(), 1);
        product.map(|unit| Unit { code: code.clone(), ..unit }).map_err(|reason| refused(&code, reason))
    }

    /// The unit of a quotient of two quantities.
    ///
    /// # Errors
    /// As for [`Unit::times`].
    pub fn per(&self, other: &Unit) -> Result<Unit, Refusal> {
        let code = format!("({})/({})", self.code, other.code);
        let quotient = product(self.clone(), other.clone(), -1);
        quotient.map(|unit| Unit { code: code.clone(), ..unit }).map_err(|reason| refused(&code, reason))
    }

    /// Whether both are one unit under two codes, such as `mg/dl` and `mg/dL`.
    pub fn means(&self, other: &Unit) -> bool {
        let Unit { code: _, factor, dimension, annotations, scale } = self;
        *factor == other.factor
            && *dimension == other.dimension
            && *annotations == other.annotations
            && *scale == other.scale
    }

    /// Whether an assay's own unit is part of it.
    pub(crate) fn is_arbitrary(&self) -> bool {
        self.dimension.keys().any(|code| table::is_arbitrary(code))
    }

    /// How often a base unit, or one that is kept apart, stands above the line.
    pub(crate) fn exponent(&self, of: &str) -> i32 {
        self.dimension.get(of).copied().unwrap_or_default()
    }

    fn is_a_number(&self) -> bool {
        self.dimension.is_empty() && self.scale == Scale::Ratio
    }

    /// The unit with a prefix or a number before it.
    pub(crate) fn scaled(mut self, factor: &Exact) -> Unit {
        match &mut self.scale {
            Scale::Ratio => self.factor = &self.factor * factor,
            Scale::Interval { by, .. } | Scale::Curve { by, .. } => *by = &*by * factor,
        }
        self
    }

    fn power(&self, exponent: i32) -> Result<Unit, String> {
        if self.scale != Scale::Ratio {
            return Err(format!("{} can't be raised to a power", self.code));
        }
        let factor = self.factor.power(exponent).ok_or("a factor of it is zero")?;
        let mut dimension = self.dimension.clone();
        for of in dimension.values_mut() {
            *of = of.saturating_mul(exponent);
        }
        dimension.retain(|_, of| *of != 0);
        Ok(Unit { factor, dimension, ..self.clone() })
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)
    }
}

/// What a unit is called in words, as the official tests have it: `(millimeter)`, `(meter) / (second)`.
///
/// # Errors
/// As for [`Unit::parse`]; an empty code is `(unity)`.
pub fn display_name(code: &str) -> Result<String, Refusal> {
    if code.is_empty() {
        return Ok("(unity)".to_owned());
    }
    Unit::parse(code)?;
    octofhir_ucum::display_name(code).map_err(|error| refused(code, error.to_string()))
}

/// The expression of a code, or why there is none.
pub(crate) fn read(code: &str) -> Result<UnitExpr, String> {
    if code.is_empty() {
        return Err("it is empty".to_owned());
    }
    if code.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} characters"));
    }
    if code.split(|c: char| !c.is_ascii_digit()).any(|number| number.len() > MOST_DIGITS) {
        return Err(format!("a number in it has more than {MOST_DIGITS} digits"));
    }
    parse_expression(code).map_err(|_| "it isn't written as UCUM writes units".to_owned())
}

/// What an expression amounts to, where `known` says what each symbol is.
pub(crate) fn evaluate(expression: &UnitExpr, known: &impl Fn(&str) -> Option<Unit>) -> Result<Unit, String> {
    match expression {
        UnitExpr::Symbol(symbol) => {
            known(symbol).ok_or_else(|| format!("the table has no {}", shortened(symbol)))
        }
        UnitExpr::Numeric(number) => {
            let (digits, exponent) = number.to_integer_and_exponent();
            Ok(Unit::number(Exact::scientific(digits, exponent)))
        }
        UnitExpr::Power(base, exponent) => {
            if exponent.abs() > HIGHEST_EXPONENT {
                return Err(format!("an exponent in it is beyond {HIGHEST_EXPONENT}"));
            }
            evaluate(base, known)?.power(*exponent)
        }
        UnitExpr::Annotation(text) => Ok(annotated(Unit::unity(), text)),
        UnitExpr::Annotated(inner, text) => Ok(annotated(evaluate(inner, known)?, text)),
        UnitExpr::Product(terms) => {
            terms.iter().try_fold(Unit::unity(), |unit, term| product(unit, evaluate(term, known)?, 1))
        }
        UnitExpr::Quotient(above, below) => product(evaluate(above, known)?, evaluate(below, known)?, -1),
        UnitExpr::Reciprocal(below) => product(Unit::unity(), evaluate(below, known)?, -1),
    }
}

fn annotated(mut unit: Unit, text: &str) -> Unit {
    *unit.annotations.entry(text.to_owned()).or_default() += 1;
    unit
}

/// `unit × other^sign`.
fn product(unit: Unit, mut other: Unit, sign: i32) -> Result<Unit, String> {
    let annotations = summed(unit.annotations.clone(), &other.annotations, sign);
    if unit.scale != Scale::Ratio || other.scale != Scale::Ratio {
        let (special, number) = if unit.is_a_number() && sign > 0 { (other, unit) } else { (unit, other) };
        if !number.is_a_number() {
            return Err("a temperature scale or a logarithm can be scaled by a number only".to_owned());
        }
        let by = number.factor.power(sign).ok_or("a factor of it is zero")?;
        return Ok(Unit { annotations, ..special.scaled(&by) });
    }
    if sign < 0 {
        other = other.power(sign)?;
    }
    Ok(Unit {
        factor: &unit.factor * &other.factor,
        dimension: summed(unit.dimension, &other.dimension, 1),
        annotations,
        ..Unit::unity()
    })
}

fn summed<K: Ord + Clone>(mut to: BTreeMap<K, i32>, more: &BTreeMap<K, i32>, sign: i32) -> BTreeMap<K, i32> {
    for (key, exponent) in more {
        let sum = to.entry(key.clone()).or_default();
        *sum = sum.saturating_add(exponent.saturating_mul(sign));
    }
    to.retain(|_, exponent| *exponent != 0);
    to
}

fn refused(unit: &str, reason: String) -> Refusal {
    Refusal::NotAUnit { unit: shortened(unit), reason }
}

/// A text from outside, as a message may show it.
fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(40).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
