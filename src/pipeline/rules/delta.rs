//! A value against the patient's latest earlier one. Where there is nothing to compare with, or not beyond doubt, it is
//! not evaluated, and says why.

use jiff::Timestamp;
use labwire_units::Exact;

use super::rcv::{is_beyond, is_beyond_log, log_bounds, rcv};
use super::{Form, Judged};
use crate::domain::Comparator;
use crate::domain::clinic::{
    Amount, Answer, Base, Case, Delta, Limits, Measured, Method, Past, Path, Reach, Ruling, Why,
};

/// What of a day a microsecond is.
const MICROSECONDS_A_DAY: i64 = 86_400_000_000;

/// Judges `measured`, which is the case's own value or one that was measured together with it.
pub(super) fn judge(delta: &Delta, measured: &Measured, case: &Case, form: Form) -> Judged {
    let thresholds = thresholds(&delta.method);
    let answer = current(measured, form)
        .and_then(|current| Ok((current, latest(delta, measured, case)?)))
        .map(|((value, analyte), (at, latest))| {
            let inputs: Vec<String> = latest.iter().map(|past| shown(analyte, past)).collect();
            let mut rulings: Vec<Ruling> =
                latest.iter().map(|past| compare(delta, value, at, past, form)).collect();
            rulings.dedup();
            let ruling = match rulings.as_slice() {
                [one] => one.clone(),
                _ => Ruling::NotEvaluated(Why::SeveralPrevious),
            };
            Judged { ruling, inputs, thresholds: thresholds.clone() }
        });
    answer.unwrap_or_else(|why| Judged { thresholds, ..Judged::not_evaluated(why) })
}

/// The value and its analyte.
fn current(measured: &Measured, form: Form) -> Result<(&Exact, &str), Why> {
    match &measured.amount {
        Amount::Unconverted(why) => return Err(Why::Unconverted(why.clone())),
        Amount::Number { comparator: Some(_), .. } => return Err(Why::Comparator),
        Amount::Number { .. } | Amount::Absurd(_) | Amount::NoNumber => {}
    }
    form.number(&measured.amount).zip(measured.analyte.as_deref()).ok_or(Why::NoNumber)
}

/// When the value was measured, and the patient's latest earlier ones: more than one only where they are of one moment.
fn latest<'a>(delta: &Delta, measured: &Measured, case: &'a Case) -> Result<(Timestamp, Vec<&'a Past>), Why> {
    if !case.person.has_id {
        return Err(Why::NoPatientId);
    }
    let at = case.at.ok_or(Why::NoTime)?;
    let earlier: Vec<&Past> = case
        .history
        .iter()
        .filter(|past| Some(&past.analyte) == measured.analyte.as_ref())
        .filter(|past| past.at.is_none_or(|then| then < at))
        .collect();
    if earlier.is_empty() {
        return Err(if case.history_untold { Why::HistoryUntold } else { Why::NoPrevious });
    }
    let comparable = |past: &&&Past| delta.across_instruments || past.instrument == case.specimen.instrument;
    let comparable: Vec<&Past> = earlier.iter().filter(comparable).copied().collect();
    if comparable.is_empty() {
        return Err(Why::OtherMethod);
    }
    let latest = comparable.iter().filter_map(|past| past.at).max().ok_or(Why::NoTime)?;
    if at.duration_since(latest) > delta.window {
        return Err(Why::OutOfWindow);
    }
    let mut of_then: Vec<&Past> = comparable.into_iter().filter(|past| past.at == Some(latest)).collect();
    of_then.sort_by_key(|past| format!("{:?} {}", past.amount, past.instrument));
    Ok((at, of_then))
}

fn compare(delta: &Delta, value: &Exact, at: Timestamp, past: &Past, form: Form) -> Ruling {
    let previous = match &past.amount {
        Amount::Number { comparator: Some(_), .. } => {
            return Ruling::NotEvaluated(Why::PreviousComparator);
        }
        Amount::Absurd(_) => return Ruling::NotEvaluated(Why::PreviousAbsurd),
        amount => form.number(amount),
    };
    let Some(previous) = previous else { return Ruling::NotEvaluated(Why::PreviousUnconverted) };
    let change = value - previous;
    let then = past.at.unwrap_or(at);
    let answer = match &delta.method {
        Method::Absolute(limits) => sided(limits, Some(change)),
        Method::Percent { limits, base } => {
            let of = match base {
                Base::Previous => previous.clone(),
                Base::Mean => &(value + previous) * &half(),
            };
            sided(
                limits,
                size(&(&change * &Exact::from(100)))
                    .checked_div(&size(&of))
                    .map(|part| signed(part, &change)),
            )
        }
        Method::Rate(limits) => {
            let elapsed = at.as_microsecond().saturating_sub(then.as_microsecond());
            let day = Exact::from(MICROSECONDS_A_DAY);
            sided(limits, (&change * &day).checked_div(&Exact::from(elapsed)))
        }
        Method::Rcv { operator, z, cva, cvi } => (!previous.is_zero())
            .then(|| directed(&change, is_beyond(&change, previous, z, (cva, cvi), *operator))),
        Method::RcvLog { z, cva, cvi, .. } => {
            if !value.is_positive() || !previous.is_positive() {
                return Ruling::NotEvaluated(Why::NothingToCompare);
            }
            value.checked_div(previous).map(|ratio| directed(&change, is_beyond_log(&ratio, z, (cva, cvi))))
        }
    };
    answer.unwrap_or(Ruling::NotEvaluated(Why::PreviousZero))
}

/// A change, signed, against the limit of its side. `None` for no change that has a size.
fn sided(limits: &Limits, change: Option<Exact>) -> Option<Ruling> {
    let change = change?;
    let (limit, path) = match change.is_positive() {
        true => (&limits.high, Path::Rise),
        false => (&limits.low, Path::Fall),
    };
    let met = limit
        .as_ref()
        .is_some_and(|limit| limit.is_met(&Reach::of(None::<Comparator>, &size(&change))) == Answer::Yes);
    Some(Ruling::Decided(if met { path } else { Path::Clear }))
}

fn directed(change: &Exact, beyond: Answer) -> Ruling {
    match beyond {
        Answer::Yes if change.is_positive() => Ruling::Decided(Path::Rise),
        Answer::Yes => Ruling::Decided(Path::Fall),
        Answer::No => Ruling::Decided(Path::Clear),
        Answer::Unknown => Ruling::Undecided(Why::TooClose),
    }
}

fn size(number: &Exact) -> Exact {
    if *number < Exact::zero() { -number } else { number.clone() }
}

fn signed(size: Exact, like: &Exact) -> Exact {
    if *like < Exact::zero() { -&size } else { size }
}

fn half() -> Exact {
    Exact::one().checked_div(&Exact::from(2)).unwrap_or_else(Exact::one)
}

fn thresholds(method: &Method) -> Vec<String> {
    match method {
        Method::Absolute(limits) | Method::Percent { limits, .. } | Method::Rate(limits) => {
            let told = |limit: &Option<crate::domain::clinic::Limit>, what: &str| {
                limit.as_ref().map(|limit| format!("{what} {}", limit.written))
            };
            [told(&limits.low, "fall"), told(&limits.high, "rise")].into_iter().flatten().collect()
        }
        Method::Rcv { operator, z, cva, cvi } => {
            let bound = rcv(z, cva, cvi).and_then(|bound| bound.rounded(2)).unwrap_or_default();
            vec![format!("{} {bound} %, the RCV of Z {z}, CVa {cva}, CVi {cvi}", operator.as_str())]
        }
        Method::RcvLog { operator, z, cva, cvi } => {
            let bounds = log_bounds(z, cva, cvi);
            let bounds = bounds.and_then(|(fall, rise)| fall.rounded(2).zip(rise.rounded(2)));
            let (fall, rise) = bounds.unwrap_or_default();
            let sign = operator.as_str();
            vec![format!("{sign} {rise} % or {fall} %, the log-normal RCV of Z {z}, CVa {cva}, CVi {cvi}")]
        }
    }
}

fn shown(analyte: &str, past: &Past) -> String {
    let amount = super::consistency::amount(&past.amount);
    let at = past.at.map_or_else(|| "an unknown time".to_owned(), |at| at.to_string());
    format!("{analyte} was {amount} at {at} on {}", past.instrument)
}
