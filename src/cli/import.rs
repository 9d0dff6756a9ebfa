//! `labwire import livd`: a manufacturer's table becomes a draft of a code map, and everything in it that a person must
//! decide is named. It reads no configuration and changes none.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use super::Outcome;
use super::arguments::ImportLivd;
use crate::exit::Exit;
use crate::livd::{Catalogue, Draft, draft, sheets};

pub(super) fn livd(asked: &ImportLivd, out: &mut impl Write, told: &mut impl Write) -> Outcome {
    let draft = match drafted(asked) {
        Ok(draft) => draft,
        Err(why) => {
            writeln!(told, "{}: {why}.", asked.file.display())?;
            return Ok(Exit::Failed);
        }
    };
    match &asked.out {
        None => out.write_all(draft.text.as_bytes())?,
        Some(path) => {
            if let Err(error) = write_new(path, &draft.text) {
                writeln!(told, "{}: failed to write the draft: {error}.", path.display())?;
                return Ok(Exit::Failed);
            }
        }
    }
    tell(&draft, told)?;
    Ok(if draft.asked.is_empty() && draft.unused.is_empty() { Exit::Done } else { Exit::Open })
}

fn drafted(asked: &ImportLivd) -> Result<Draft, String> {
    let bytes = fs::read(&asked.file).map_err(|error| format!("failed to read it: {error}"))?;
    let catalogue = Catalogue::read(&sheets(&bytes)?, asked.sheet.as_deref())?;
    let name = asked.file.file_name().unwrap_or_default().to_string_lossy();
    draft(&catalogue, asked.model.as_deref(), &name)
}

/// Never over a file that is there: somebody may have reviewed it.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn tell(draft: &Draft, told: &mut impl Write) -> std::io::Result<()> {
    let Draft { written, asked, unused, .. } = draft;
    writeln!(told, "{written} codes written, {} questions, {} rows not used.", asked.len(), unused.len())?;
    for question in asked {
        let rows = question.rows.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        writeln!(told, "question: {:?} (rows {rows}): {}", question.code, question.why)?;
    }
    for unused in unused {
        writeln!(told, "row {}: {}", unused.row, unused.why)?;
    }
    Ok(())
}
