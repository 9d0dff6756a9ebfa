//! Asks a laboratory's rules about one case. Pure and total: the same case and rules give the same decisions, whatever
//! order anything came in. It decides nothing about deliveries, and it never takes "could not be asked" for "nothing
//! found".

mod consistency;
mod delta;
mod examples;
mod label;
mod limits;
mod rcv;
mod reach;
mod relevant;
#[cfg(test)]
mod tests;
mod together;

use labwire_units::Exact;

pub use examples::{Failure, Trial, try_examples};
pub use rcv::{log_bounds, rcv};
pub use reach::{OutOfReach, Overlooked, analyte_of_code, codes_of, out_of_reach, overlooked};
pub use relevant::{Told, Wanted, latest, relevant};

use crate::domain::clinic::{
    Amount, Answer, Band, Case, Check, Checks, Criteria, Decision, Path, Program, Reach, Rule, RuleKind,
    Ruling, Why, completions,
};

/// What a rule says of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Judged {
    ruling: Ruling,
    inputs: Vec<String>,
    thresholds: Vec<String>,
}

/// By which of its two forms a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Exact,
    /// Rounded as it is reported.
    Reported,
}

impl Form {
    fn reach(self, amount: &Amount) -> Option<Reach> {
        match self {
            Form::Exact => amount.reach(),
            Form::Reported => amount.reported(),
        }
    }

    fn number(self, amount: &Amount) -> Option<&Exact> {
        match (self, amount) {
            (Form::Exact, Amount::Number { exact, .. }) => Some(exact),
            (Form::Reported, Amount::Number { reported, .. }) => Some(reported),
            _ => None,
        }
    }
}

impl Judged {
    fn new(ruling: Ruling) -> Judged {
        Judged { ruling, inputs: Vec::new(), thresholds: Vec::new() }
    }

    fn not_evaluated(why: Why) -> Judged {
        Judged::new(Ruling::NotEvaluated(why))
    }
}

/// Every decision about a case, in the order of the checks and, within one, of the rules.
pub fn evaluate(case: &Case, checks: &Checks) -> Vec<Decision> {
    evaluate_as(Program::NOW, case, checks)
}

/// The same, as a program decided it.
pub fn evaluate_as(program: Program, case: &Case, checks: &Checks) -> Vec<Decision> {
    let mut decisions = Vec::new();
    let analyte = case.measured.analyte.as_deref();
    let concerned: Vec<&Rule> = checks.rules.iter().filter(|rule| rule.concerns(analyte)).collect();
    let about = &Asked { program, case, checks, is_rounded: case.is_rounded() };
    for (_, check) in Check::ALL {
        let asked: Vec<&Rule> = concerned.iter().filter(|rule| rule.kind.check() == check).copied().collect();
        match asked.first().map(|rule| rule.kind.band()) {
            Some(Band::First) => decisions.push(by_band(check, &asked, about)),
            Some(Band::Each) => decisions.extend(asked.iter().filter_map(|rule| one(rule, about))),
            None => {}
        }
    }
    decisions
}

/// A case that rules are asked about.
struct Asked<'a> {
    program: Program,
    case: &'a Case,
    checks: &'a Checks,
    /// Whether any of its numbers is reported otherwise than it is: only then it must be asked about in both forms.
    is_rounded: bool,
}

/// The first rule that fits; where it isn't known which does, all that may, and they must agree.
fn by_band(check: Check, rules: &[&Rule], about: &Asked<'_>) -> Decision {
    let case = about.case;
    let mut asked: Vec<&Rule> = Vec::new();
    let mut fit = Answer::No;
    for rule in rules {
        fit = rule.criteria.fit(case);
        if fit != Answer::No {
            asked.push(rule);
        }
        if fit == Answer::Yes {
            break;
        }
    }
    let certain = fit == Answer::Yes || whoever_it_is(&asked, case);
    decision(check, &asked, certain, about)
}

/// Whether one of the rules is for the patient, whoever of those that it may be it is.
fn whoever_it_is(asked: &[&Rule], case: &Case) -> bool {
    let criteria: Vec<&Criteria> = asked.iter().map(|rule| &rule.criteria).collect();
    let one_fits = |case: &Case| criteria.iter().any(|it| it.fit(case) == Answer::Yes);
    !asked.is_empty() && completions(&criteria, case).iter().all(one_fits)
}

/// What all rules that may be the patient's say together.
fn agreed(asked: &[&Rule], certain: bool, about: &Asked<'_>, form: Form) -> Judged {
    let mut answers = asked.iter().map(|rule| judge(rule, about, form));
    let Some(mut answer) = answers.next() else { return Judged::not_evaluated(Why::NoRuleFits) };
    for other in answers {
        if other.ruling != answer.ruling {
            answer.ruling = Ruling::Undecided(Why::WhichRule);
        }
        answer.thresholds.extend(other.thresholds);
    }
    if !certain {
        answer.ruling = doubted(answer.ruling);
    }
    answer
}

/// What a ruling comes to where it isn't known whether its rule is for the patient.
fn doubted(ruling: Ruling) -> Ruling {
    match ruling {
        Ruling::Decided(Path::Clear) => Ruling::NotEvaluated(Why::MayNotFit),
        Ruling::Decided(_) => Ruling::Undecided(Why::WhichRule),
        other => other,
    }
}

/// A rule that stands for itself. `None` where it is for others.
fn one(rule: &Rule, about: &Asked<'_>) -> Option<Decision> {
    let fit = rule.criteria.fit(about.case);
    (fit != Answer::No).then(|| decision(rule.kind.check(), &[rule], fit == Answer::Yes, about))
}

fn decision(check: Check, asked: &[&Rule], certain: bool, about: &Asked<'_>) -> Decision {
    let by = |form| agreed(asked, certain, about, form);
    let exact = by(Form::Exact);
    let rounding_decides = about.is_rounded && exact.ruling != by(Form::Reported).ruling;
    // What may be critical and can't be decided is looked at first, whatever the rule does with what is.
    let waits = asked.iter().any(|rule| rule.holds)
        || (check == Check::Critical && matches!(exact.ruling, Ruling::Undecided(_)));
    Decision {
        check,
        rules: asked.iter().map(|rule| rule.name.clone()).collect(),
        holds: rounding_decides || (waits && exact.ruling.wants_a_person()),
        ruling: exact.ruling,
        inputs: exact.inputs,
        thresholds: exact.thresholds,
        rounding_decides,
    }
}

fn judge(rule: &Rule, about: &Asked<'_>, form: Form) -> Judged {
    let case = about.case;
    match &rule.kind {
        RuleKind::Critical(limits) | RuleKind::Range(limits) => limits::judge(limits, case, form),
        RuleKind::Delta(delta) => delta::judge(delta, &case.measured, case, form),
        RuleKind::Together(together) => together::judge(together, about, form),
        RuleKind::Flags(flags) => label::flags(flags, case),
        RuleKind::Index(index) => limits::index(index, case, form),
        RuleKind::Consistency(formula) => consistency::formula(formula, case, form),
        RuleKind::Pattern(pattern) => consistency::pattern(pattern, case, form),
        RuleKind::Number(pattern) => label::number(pattern, case),
        RuleKind::Demographics(wanted) => label::demographics(wanted, case),
        RuleKind::Identity(_) => label::identity(case),
        RuleKind::Qc(rule) => label::qc(*rule, case),
    }
}
