//! The rules that a person can put in force through the gateway, and what keeps them from it.

use std::sync::Arc;

use tokio::sync::watch;

use crate::domain::Rules;

/// The rules that can be signed, and whom to tell.
#[derive(Clone)]
pub struct Signable {
    /// Those that the gateway was started with.
    pub present: Arc<Rules>,
    /// Those in force.
    pub in_force: watch::Sender<Option<Arc<Rules>>>,
    /// How many of the cases beside them don't come out as they say. Such rules are never put in force.
    pub failed_cases: usize,
    /// The ways through them that no case takes, each as its rule and its path. Such rules are put in force only with a reason.
    pub untried: Arc<[String]>,
    /// The system users who may sign; empty: whoever may use the socket.
    pub signers: Arc<[String]>,
}

impl Signable {
    /// What the audit says of ways that no case takes, and of rules in whose place there is none, or why they keep the rules
    /// from being signed.
    pub(super) fn untried(&self, because: Option<String>) -> Result<Option<String>, String> {
        let in_force = self.in_force.borrow().as_ref().map_or(0, |it| it.checks.rules.len());
        let is_emptied = in_force > 0 && self.present.checks.rules.is_empty();
        let ways = format!("no case for {}: {}", self.untried.len(), self.untried.join(", "));
        match because.filter(|because| !because.trim().is_empty()) {
            Some(because) if is_emptied => {
                Ok(Some(format!("no rule in the place of {in_force}; because {because}")))
            }
            None if is_emptied => Err(format!(
                "no rule is configured, and {in_force} are in force: with this signature nothing is called any more, and what they \
                 hold leaves. Is a file of rules.d missing? If it is meant so, say --untried-because and why"
            )),
            _ if self.untried.is_empty() => Ok(None),
            Some(because) => Ok(Some(format!("{ways}; because {because}"))),
            None => Err(format!("{ways}; add cases, or say why none is needed")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clinic::{Checks, Flags, Rule, RuleKind};

    #[test]
    fn a_set_without_rules_takes_the_place_of_one_that_has_some_only_for_a_reason() {
        let rule = Rule {
            name: "flags".to_owned(),
            analytes: Vec::new(),
            criteria: Default::default(),
            holds: true,
            preliminary: false,
            source: String::new(),
            kind: RuleKind::Flags(Flags(Vec::new())),
            place: String::new(),
        };
        let checks = Checks { rules: vec![rule], ..Checks::default() };
        let some = Arc::new(Rules { checks, ..Rules::default() });
        let signable = |present: &Arc<Rules>, in_force: Option<&Arc<Rules>>| Signable {
            present: Arc::clone(present),
            in_force: watch::Sender::new(in_force.cloned()),
            failed_cases: 0,
            untried: Arc::new([]),
            signers: Arc::new([]),
        };
        let none = Arc::new(Rules::default());
        let emptied = signable(&none, Some(&some));
        assert!(emptied.untried(None).unwrap_err().contains("1 are in force"));
        assert!(emptied.untried(Some(" ".to_owned())).is_err());
        let told = emptied.untried(Some("the LIMS checks".to_owned())).unwrap().unwrap();
        assert_eq!(told, "no rule in the place of 1; because the LIMS checks");
        for (present, in_force) in [(&none, None), (&none, Some(&none)), (&some, Some(&some)), (&some, None)]
        {
            assert_eq!(signable(present, in_force).untried(None), Ok(None));
        }
    }
}
