//! Which destinations an observation goes to. Pure: the configuration decides, and nothing that was sent before.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::settings::{Destination, Mode, Whose};
use crate::domain::{DestinationId, Observation, SampleClass};
use crate::journal::results::Route;

/// An observation's way to each destination. What an analyzer marks as no production goes to those under test alone.
pub(super) fn routes(
    destinations: &[Arc<Destination>],
    observation: &Observation,
    not_production: bool,
) -> Vec<(DestinationId, Route)> {
    let route = |destination: &Destination| match destination.mode {
        Mode::Live | Mode::Drain if not_production => Route::Never,
        Mode::Live | Mode::Test if takes(destination, observation) => match destination.takes.whose {
            Whose::Patients => Route::Deliver,
            Whose::Controls => Route::Control,
        },
        Mode::Live | Mode::Test | Mode::Drain => Route::Follow,
    };
    destinations.iter().map(|destination| (destination.id.clone(), route(destination))).collect()
}

/// The tests of these observations that no destination takes which patients are treated by; while all destinations
/// are under test, that none takes. Where controls go counts for nothing here.
pub(super) fn homeless(destinations: &[Arc<Destination>], observations: &[Observation]) -> BTreeSet<String> {
    let of_patients = |it: &&Arc<Destination>| it.takes.whose == Whose::Patients;
    let destinations: Vec<_> = destinations.iter().filter(of_patients).collect();
    if destinations.is_empty() {
        return BTreeSet::new();
    }
    let counts = match destinations.iter().all(|destination| destination.mode == Mode::Test) {
        true => Mode::Test,
        false => Mode::Live,
    };
    let has_home = |observation: &&Observation| {
        observation.class != SampleClass::Patient
            || destinations.iter().any(|it| it.mode == counts && takes(it, observation))
    };
    observations.iter().filter(|it| !has_home(it)).map(|it| it.test.code.clone()).collect()
}

fn takes(destination: &Destination, observation: &Observation) -> bool {
    let takes = &destination.takes;
    let is_theirs = match takes.whose {
        Whose::Patients => observation.class == SampleClass::Patient,
        Whose::Controls => observation.class == SampleClass::Control,
    };
    let mut tests = vec![observation.test.code.as_str()];
    tests.extend(observation.lims_code.as_deref());
    is_theirs
        && takes.instruments.takes(&[observation.instrument.as_str()])
        && takes.tests.takes(&tests)
        && takes.specimen_kinds.takes(&[observation.specimen_type.as_deref().unwrap_or_default()])
}
