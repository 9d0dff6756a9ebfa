//! What values of one specimen must be to one another, and what they point to together.

use labwire_units::Exact;

use super::{Form, Judged};
use crate::domain::Comparator;
use crate::domain::clinic::{
    Amount, Answer, Case, Consistency, Limit, Measured, Path, Pattern, Reach, Relation, Ruling, Term, Why,
};

pub(super) fn formula(rule: &Consistency, case: &Case, form: Form) -> Judged {
    let mut inputs = Vec::new();
    let mut side = |terms: &[Term]| sum(terms, case, form, &mut inputs);
    let ruling = side(&rule.left).and_then(|left| Ok((left, side(&rule.right)?)));
    let ruling = ruling.map_or_else(|ruling| ruling, |(left, right)| keeps(&rule.relation, &left, &right));
    let written = |terms: &[Term]| terms.iter().map(|it| it.written.as_str()).collect::<Vec<_>>().join(" + ");
    let threshold = match &rule.relation {
        Relation::Less => "below ".to_owned(),
        Relation::LessOrEqual => "at most ".to_owned(),
        Relation::Greater => "above ".to_owned(),
        Relation::GreaterOrEqual => "at least ".to_owned(),
        Relation::Within(percent) => format!("within {percent} % of "),
    };
    inputs.sort();
    inputs.dedup();
    let threshold = format!("{} {threshold}{}", written(&rule.left), written(&rule.right));
    Judged { ruling, inputs, thresholds: vec![threshold] }
}

fn sum(terms: &[Term], case: &Case, form: Form, inputs: &mut Vec<String>) -> Result<Reach, Ruling> {
    let mut sum = Reach::exactly(Exact::zero());
    for term in terms {
        let (value, measured) = only(&term.analyte, case, form)?;
        inputs.push(shown(measured));
        let in_unit = value.times(&term.slope).plus(&Reach::exactly(term.offset.clone()));
        sum = sum.plus(&in_unit.times(&term.times));
    }
    Ok(sum)
}

/// The one value of an analyte, in the unit that is reported.
fn only<'a>(analyte: &str, case: &'a Case, form: Form) -> Result<(Reach, &'a Measured), Ruling> {
    let mut found = values(analyte, case);
    let Some(first) = found.next() else {
        return Err(Ruling::NotEvaluated(Why::NotMeasured(analyte.to_owned())));
    };
    if found.any(|other| other.amount != first.amount) {
        return Err(Ruling::Undecided(Why::SeveralValues(analyte.to_owned())));
    }
    match &first.amount {
        Amount::Unconverted(why) => Err(Ruling::NotEvaluated(Why::Unconverted(why.clone()))),
        amount => form.reach(amount).map(|value| (value, first)).ok_or(Ruling::NotEvaluated(Why::NoNumber)),
    }
}

fn values<'a>(analyte: &str, case: &'a Case) -> impl Iterator<Item = &'a Measured> {
    let all = std::iter::once(&case.measured).chain(&case.together);
    all.filter(move |it| it.analyte.as_deref() == Some(analyte))
}

fn keeps(relation: &Relation, left: &Reach, right: &Reach) -> Ruling {
    let against = |left: &Reach, right: &Reach, operator| {
        let limit = Limit { operator, at: Exact::zero(), written: String::new() };
        limit.is_met(&left.plus(&right.times(&-&Exact::one())))
    };
    let answer = match relation {
        Relation::Less => against(left, right, Comparator::Less),
        Relation::LessOrEqual => against(left, right, Comparator::LessOrEqual),
        Relation::Greater => against(left, right, Comparator::Greater),
        Relation::GreaterOrEqual => against(left, right, Comparator::GreaterOrEqual),
        Relation::Within(percent) => {
            let above_zero =
                Limit { operator: Comparator::Greater, at: Exact::zero(), written: String::new() };
            if above_zero.is_met(right) != Answer::Yes {
                return Ruling::NotEvaluated(Why::NothingToCompare);
            }
            let hundred = Exact::from(100);
            let part = percent.checked_div(&hundred).unwrap_or_else(Exact::zero);
            let (most, least) = (&Exact::one() + &part, &Exact::one() - &part);
            against(left, &right.times(&most), Comparator::LessOrEqual).and(against(
                left,
                &right.times(&least),
                Comparator::GreaterOrEqual,
            ))
        }
    };
    match answer {
        Answer::Yes => Ruling::Decided(Path::Clear),
        Answer::No => Ruling::Decided(Path::Found),
        Answer::Unknown => Ruling::Undecided(Why::Comparator),
    }
}

/// All signs must be there; one that isn't clears the pattern, whatever is known of the others.
pub(super) fn pattern(rule: &Pattern, case: &Case, form: Form) -> Judged {
    let mut inputs = Vec::new();
    let mut doubt = None;
    let mut cleared = false;
    for sign in &rule.0 {
        let answers: Vec<Answer> = values(&sign.analyte, case)
            .filter_map(|it| form.reach(&it.amount))
            .map(|value| sign.limit.is_met(&value))
            .collect();
        inputs.extend(values(&sign.analyte, case).map(shown));
        let why = if answers.is_empty() {
            Some(Ruling::NotEvaluated(Why::NotMeasured(sign.analyte.clone())))
        } else if answers.iter().all(|answer| *answer == Answer::No) {
            cleared = true;
            None
        } else if answers.iter().all(|answer| *answer == Answer::Yes) {
            None
        } else if answers.contains(&Answer::Unknown) {
            Some(Ruling::Undecided(Why::Comparator))
        } else {
            Some(Ruling::Undecided(Why::SeveralValues(sign.analyte.clone())))
        };
        doubt = doubt.or(why);
    }
    inputs.sort();
    let ruling = match (cleared, doubt) {
        (true, _) => Ruling::Decided(Path::Clear),
        (false, Some(doubt)) => doubt,
        (false, None) => Ruling::Decided(Path::Found),
    };
    let thresholds = rule.0.iter().map(|sign| format!("{} {}", sign.analyte, sign.limit.written));
    Judged { ruling, inputs, thresholds: thresholds.collect() }
}

/// A value as a decision tells it.
pub(super) fn shown(measured: &Measured) -> String {
    let name = measured.analyte.as_deref().unwrap_or(&measured.code);
    format!("{name} is {}", amount(&measured.amount))
}

/// A number as it is reported, and exactly where that isn't the same; or what it is instead.
pub(super) fn amount(amount: &Amount) -> String {
    match amount {
        Amount::Number { comparator, exact, reported } => {
            let comparator = comparator.map_or("", Comparator::as_str);
            let number = format!("{comparator}{reported}");
            if exact == reported { number } else { format!("{number} (exactly {exact})") }
        }
        Amount::Unconverted(_) => "not in the reported unit".to_owned(),
        Amount::Absurd(number) => format!("{number}, which no patient has"),
        Amount::NoNumber => "no number".to_owned(),
    }
}
