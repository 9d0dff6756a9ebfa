//! `labwire specimen-id`: an instrument's specimen rules, tried on a number.

use std::io::Write;

use super::Outcome;
use crate::config::Settings;
use crate::exit::Exit;
use crate::pipeline::{Length, Specimen};

pub(super) fn run(settings: &Settings, instrument: &str, id: &str, out: &mut impl Write) -> Outcome {
    let Some(found) = settings.instruments.iter().find(|it| it.id.as_str() == instrument) else {
        let names: Vec<&str> = settings.instruments.iter().map(|it| it.id.as_str()).collect();
        writeln!(out, "There is no instrument {instrument:?}; there are {}.", names.join(", "))?;
        return Ok(Exit::Failed);
    };
    let specimen = Specimen::read(id, &found.specimen);
    let shown = specimen.id.reveal();
    match specimen.length {
        _ if specimen.id.is_blank() => writeln!(out, "{id:?} is blank: the result is held")?,
        Length::Whole => writeln!(out, "{id:?} is specimen {shown:?}")?,
        Length::PossiblyTruncated => {
            writeln!(out, "{id:?} is specimen {shown:?}, which may have been cut off: the result is held")?;
        }
    }
    Ok(Exit::Done)
}
