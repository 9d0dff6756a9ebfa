//! Whose a specimen is, by the orders for it and by what came with its results. It looks nothing up, and where words
//! contradict each other it takes nobody's, whichever came first.

use std::collections::BTreeSet;

use super::CachedOrder;
use crate::domain::{OrderState, Patient, Private, Sourced};

/// A patient, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub patient: Private<Patient>,
    /// Whose order names the patient; `None` where only the analyzer does.
    pub source: Option<String>,
}

/// The orders that say whose a specimen is, of all that it has: those to be done; once all are over, the ones that stood.
/// `sources` are those whose orders count.
pub fn standing(mut orders: Vec<CachedOrder>, sources: &BTreeSet<String>) -> Vec<CachedOrder> {
    orders.retain(|it| sources.contains(&it.source));
    let is_open = |it: &CachedOrder| matches!(it.state, OrderState::Active | OrderState::Held);
    if orders.iter().any(is_open) {
        orders.retain(is_open);
    } else {
        orders.retain(|it| it.state == OrderState::Completed);
    }
    orders
}

/// Whose a specimen is. The LIMS's word counts, and the analyzer's only where the LIMS knows no order. Where orders name
/// several patients, nobody is known.
pub fn whose(orders: &[CachedOrder], told: &[Private<Patient>]) -> Option<Owner> {
    match orders.first() {
        Some(first) if !Sourced::are_of_several(orders.iter().map(CachedOrder::sourced)) => {
            Some(Owner { patient: first.order.patient.clone(), source: Some(first.source.clone()) })
        }
        Some(_) => None,
        None => Some(Owner { patient: by_analyzer(told)?, source: None }),
    }
}

/// The patient by what came with a specimen's results: nobody where there are several numbers; of one number what isn't
/// contradicted.
pub fn by_analyzer(told: &[Private<Patient>]) -> Option<Private<Patient>> {
    let all: Vec<&Patient> = told.iter().map(Private::reveal).collect();
    let Patient { id, authority, .. } = all.first()?;
    if all.iter().any(|it| (&it.id, &it.authority) != (id, authority)) {
        return None;
    }
    Some(Private::new(Patient {
        id: id.clone(),
        authority: authority.clone(),
        // That there is a name counts; whether names are the same is asked apart.
        name: said(&all, |it| &it.name).first().map(|name| (*name).to_owned()).unwrap_or_default(),
        birth_date: agreed(&all, |it| &it.birth_date),
        sex: agreed(&all, |it| &it.sex),
        location: agreed(&all, |it| &it.location),
    }))
}

/// Whom results came with, each once.
pub fn distinct<'a>(all: impl Iterator<Item = &'a Private<Patient>>) -> Vec<Private<Patient>> {
    let mut patients: Vec<Private<Patient>> = Vec::new();
    for patient in all {
        if !patients.contains(patient) {
            patients.push(patient.clone());
        }
    }
    patients
}

fn said<'a>(all: &[&'a Patient], of: fn(&Patient) -> &String) -> BTreeSet<&'a str> {
    all.iter().map(|it| of(it).as_str()).filter(|it| !it.trim().is_empty()).collect()
}

fn agreed(all: &[&Patient], of: fn(&Patient) -> &String) -> String {
    let said = said(all, of);
    said.first().filter(|_| said.len() == 1).map(|one| (*one).to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patient(id: &str, name: &str, birth_date: &str, sex: &str) -> Private<Patient> {
        Private::new(Patient {
            id: id.to_owned(),
            authority: String::new(),
            name: name.to_owned(),
            birth_date: birth_date.to_owned(),
            sex: sex.to_owned(),
            location: String::new(),
        })
    }

    #[test]
    fn what_contradicts_itself_is_not_known_whichever_came_first() {
        let (one, other) = (patient("7", "B", "19700131", "F"), patient("7", "A", "19900131", ""));
        let known = patient("7", "A", "", "F");
        for told in [[one.clone(), other.clone()], [other, one.clone()]] {
            assert!(by_analyzer(&told).as_ref() == Some(&known));
        }
        assert!(by_analyzer(&[one.clone(), patient("8", "B", "19700131", "F")]).is_none());
        let by_analyzer = Owner { patient: one.clone(), source: None };
        assert!(whose(&[], std::slice::from_ref(&one)) == Some(by_analyzer));
    }
}
