//! `labwire init`: writes a site's first `labwire.toml`, which is the manual with the answers in it. It writes over nothing but
//! the manual as it was shipped.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::Outcome;
use super::arguments::Init;
use super::ask::Dialogue;
use crate::config::starter::Site;
use crate::config::{DEFAULT, Errors, Finding, Secrets, Settings};
use crate::exit::Exit;
use crate::host::users::{SERVICE, User};

/// `dialogue`, where somebody can be asked; otherwise `out` is all there is.
pub(super) fn run(asked: &Init, mut dialogue: Option<Dialogue<'_>>, out: &mut impl Write) -> Outcome {
    let folder: &Path = &asked.config;
    let file = folder.join("labwire.toml");
    if !is_free(&file)? {
        writeln!(out, "Refused: {} says something already; edit it, then labwire check.", file.display())?;
        return Ok(Exit::Failed);
    }
    let mut site = Site {
        name: asked.site.clone().unwrap_or_default(),
        lims: asked.lims.clone(),
        token_file: asked.token_file.clone(),
        journal: asked.journal.clone(),
        page: asked.page.clone(),
        control_socket: asked.control_socket.clone(),
    };
    match &mut dialogue {
        Some(dialogue) => complete(&mut site, asked, dialogue, folder)?,
        None if asked.site.is_none() => {
            writeln!(io::stderr(), "labwire: say --site NAME; there is no terminal to ask on")?;
            return Ok(Exit::Usage);
        }
        None => {}
    }
    let text = match site.text(folder) {
        Ok(text) => text,
        Err(errors) => {
            writeln!(io::stderr(), "{errors}\nnothing was written")?;
            return Ok(Exit::Configuration);
        }
    };
    for name in ["instruments.d", "profiles.d"] {
        fs::create_dir_all(folder.join(name))?;
    }
    write(&file, &text)?;
    writeln!(out, "{}: written; it explains every setting there is.", file.display())?;
    if let Err(Errors(errors)) = Settings::load_for(folder, Secrets::Tried) {
        tell(&errors, out)?;
        return Ok(Exit::Configuration);
    }
    let token = site.token_file.filter(|_| site.lims.is_some()).map(|token| folder.join(token));
    if let Some(told) = token.and_then(|token| hidden(&token, &User::named(SERVICE)?)) {
        writeln!(out, "{told}")?;
        return Ok(Exit::Configuration);
    }
    writeln!(out, "Next: labwire add instrument NAME, then labwire check.")?;
    Ok(Exit::Done)
}

/// What the unit of the package hides from the service.
const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];

/// What to do where the service can't read a token's file that whoever asks can.
fn hidden(token: &Path, service: &User) -> Option<String> {
    let by_unit = HOMES.iter().map(Path::new).find(|home| token.starts_with(home)).map(Path::to_owned);
    let obstacle = by_unit.or_else(|| service.obstacle(token))?;
    Some(format!(
        "labwire runs as the user {SERVICE}, which can't read {token}: {obstacle} is closed to it. Leave the file as it is, and have \
         systemd hand it over: systemctl edit labwire, and write\n  [Service]\n  LoadCredential=lims:{token}\nthen in labwire.toml\n  \
         token_file = \"/run/credentials/labwire.service/lims\"\nthen systemctl restart labwire.",
        token = token.display(),
        obstacle = obstacle.display()
    ))
}

/// Asks what wasn't said.
fn complete(site: &mut Site, asked: &Init, dialogue: &mut Dialogue<'_>, folder: &Path) -> io::Result<()> {
    let judged = |site: Site| site.text(folder).map(drop).map_err(|errors| words(&errors));
    if asked.site.is_none() {
        let known = site.clone();
        site.name = dialogue.ask("The laboratory's name, chosen once", None, |name| {
            judged(Site { name: name.to_owned(), lims: None, ..known.clone() })
        })?;
    }
    if asked.lims.is_none() {
        let question = "Where results go (https://…, HOST:PORT for HL7, a folder, or nothing for now)";
        let known = site.clone();
        let lims = dialogue.ask(question, Some(""), |lims| match lims {
            "" => Ok(()),
            lims => judged(Site { lims: Some(lims.to_owned()), ..known.clone() }),
        })?;
        site.lims = Some(lims).filter(|lims| !lims.is_empty());
    }
    Ok(())
}

fn words(errors: &Errors) -> String {
    errors.0.iter().map(|finding| finding.message.as_str()).collect::<Vec<_>>().join("\n")
}

fn tell(errors: &[Finding], out: &mut impl Write) -> io::Result<()> {
    errors.iter().try_for_each(|error| writeln!(out, "{error}"))
}

/// Nothing is there, or the manual as some package brought it.
fn is_free(file: &Path) -> io::Result<bool> {
    match fs::read(file) {
        Ok(bytes) => Ok(bytes == DEFAULT.as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// The whole text or nothing of it.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let part = file.with_extension("toml.new");
    let mut new = File::create(&part)?;
    new.write_all(text.as_bytes())?;
    new.sync_all()?;
    fs::rename(&part, file)
}

#[cfg(test)]
mod tests;
