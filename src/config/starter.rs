//! The first files of a configuration: the manual with a site's answers in it, and an instrument's least file. It makes
//! texts and says what is wrong with them; it writes nothing.

use std::path::Path;
use std::sync::Arc;

use super::complaint::Remarks;
use super::examples::setting;
use super::finding::{Errors, Source};
use super::profiles::Profiles;
use super::{DEFAULT, reader, site};
use crate::domain::profile::Profile;

/// What a laboratory says of itself. What is left out stays at its default.
#[derive(Debug, Clone, Default)]
pub struct Site {
    pub name: String,
    /// Where results go: `https://…`, `HOST:PORT` for HL7 over MLLP, or `/a/folder`.
    pub lims: Option<String>,
    pub token_file: Option<String>,
    pub journal: Option<String>,
    pub page: Option<String>,
    pub control_socket: Option<String>,
}

impl Site {
    /// The manual with these answers. Paths are relative to `folder`.
    ///
    /// # Errors
    /// Every answer that won't do, where it would stand.
    pub fn text(&self, folder: &Path) -> Result<String, Errors> {
        let mut text = with(DEFAULT, "", "site", &quoted(&self.name));
        for (table, key, answer) in [
            ("", "control_socket", &self.control_socket),
            ("journal", "path", &self.journal),
            ("page", "listen", &self.page),
        ] {
            text = answer.iter().fold(text, |text, answer| with(&text, table, key, &quoted(answer)));
        }
        if let Some(lims) = &self.lims {
            let (table, kind, key) = way(lims);
            text = with(&text, table, "kind", &quoted(kind));
            text = with(&text, table, key, &quoted(lims));
            let token = self.token_file.iter();
            text = token.fold(text, |text, token| with(&text, table, "token_file", &quoted(token)));
        }
        let source = Source { name: "labwire.toml".to_owned(), text };
        let remarks = Remarks::default();
        reader::document(&source.text, &remarks, |file| drop(site::read(file, folder)));
        let (errors, _) = remarks.into_parts();
        if errors.is_empty() {
            return Ok(source.text);
        }
        Err(Errors(errors.iter().map(|complaint| source.finding(complaint)).collect()))
    }
}

/// The manual's table for an address like this, its kind, and the key of the address.
fn way(lims: &str) -> (&'static str, &'static str, &'static str) {
    if lims.starts_with('/') {
        ("destination.lis-files", "file", "folder")
    } else if lims.contains("://") {
        ("destination.lims", "http", "url")
    } else {
        ("destination.lis-hl7", "mllp", "connect")
    }
}

/// An instrument's least file: `connection` is its table and what stands in it, each value as TOML writes it.
pub fn instrument(
    profile: &Profile,
    described: &str,
    time_zone: &str,
    sender: Option<&str>,
    connection: (&str, &[(&str, String)]),
) -> String {
    let mut text = format!(
        "#:schema /usr/share/labwire/schemas/instrument.schema.json\n# {} {}. Every key is explained in \
         /usr/share/doc/labwire/examples/instruments.d;\n# how its tests are called at the LIMS is for the laboratory to say, under \
         [codes].\n",
        one_line(&profile.vendor),
        one_line(&profile.model)
    );
    if !profile.note.trim().is_empty() {
        text += &format!("# Of its profile: {}\n", one_line(&profile.note));
    }
    text += &format!("\nprofile = {}\n", quoted(&profile.name));
    if !described.is_empty() {
        text += &format!("description = {}\n", quoted(described));
    }
    text += &format!("time_zone = {}\n", quoted(time_zone));
    if let Some(sender) = sender {
        text += &format!("sender = {}\n", quoted(sender));
    }
    let (table, entries) = connection;
    text += &format!("\n[{table}]\n");
    for (key, value) in entries {
        text += &format!("{key} = {value}\n");
    }
    text
}

/// The newest revision of each model that an instrument may name, by name: the shipped ones and the site's own.
pub fn models(folder: &Path) -> Vec<Arc<Profile>> {
    let (mut profiles, _) = Profiles::shipped();
    let files = std::fs::read_dir(folder.join("profiles.d")).into_iter().flatten().flatten();
    for file in files.filter(|file| file.path().extension().is_some_and(|it| it == "toml")) {
        let name = format!("profiles.d/{}", file.file_name().to_string_lossy());
        // What is wrong with it is said where the configuration is loaded.
        let _ = Source::open(folder, &name).map(|source| profiles.add_from_site(&source));
    }
    profiles.newest()
}

/// Whether an instrument may have this name.
///
/// # Errors
/// What to write instead.
pub fn instrument_name(name: &str) -> Result<(), String> {
    super::id("an instrument's name", name)
}

/// A text as TOML writes it.
pub fn quoted(text: &str) -> String {
    // What JSON escapes, TOML reads alike.
    serde_json::Value::String(text.to_owned()).to_string()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text with a key set in one of its tables, where it stands as a comment or not; the file's own is the table without a name.
fn with(text: &str, table: &str, key: &str, value: &str) -> String {
    let mut at = String::new();
    let mut is_set = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        let meant = setting(line).unwrap_or(line);
        if let Some(header) = meant.strip_prefix('[') {
            header.trim_end().trim_end_matches(']').clone_into(&mut at);
            lines.push(if at == table { meant } else { line }.to_owned());
        } else if at == table && !is_set && meant.split_once(" = ").is_some_and(|(name, _)| name == key) {
            is_set = true;
            lines.push(format!("{key} = {value}"));
        } else {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_stands_where_the_manual_has_its_key_and_nothing_else_changes() {
        let manual = "site = \"A\"\n# why\n[journal]\n#path = \"/a\"\n\n#[destination.lims]\n# where\n#url = \"x\"\n#url = \"y\"\n";
        for (table, key, expected) in [
            ("", "site", manual.replace("\"A\"", "1")),
            ("journal", "path", manual.replace("#path = \"/a\"", "path = 1")),
            ("destination.lims", "url", manual.replace("#[dest", "[dest").replace("#url = \"x\"", "url = 1")),
        ] {
            assert_eq!(with(manual, table, key, "1"), expected);
        }
    }

    #[test]
    fn a_first_configuration_is_the_manual_with_the_answers_in_it() {
        for (lims, changed) in [
            (None, vec!["site = \"Müller's \\\"Lab\\\"\""]),
            (
                Some("https://lims.example/results"),
                vec!["[destination.lims]", "kind = \"http\"", "url = \"https://lims.example/results\""],
            ),
            (
                Some("lims.example:2575"),
                vec!["[destination.lis-hl7]", "kind = \"mllp\"", "connect = \"lims.example:2575\""],
            ),
            (Some("/srv/lims"), vec!["[destination.lis-files]", "kind = \"file\"", "folder = \"/srv/lims\""]),
        ] {
            let lims = lims.map(str::to_owned);
            let site = Site { name: "Müller's \"Lab\"".to_owned(), lims, ..Site::default() };
            let text = site.text(Path::new("/nowhere")).unwrap();
            let is_new = |line: &&str| !DEFAULT.lines().any(|known| known == *line);
            let new: Vec<&str> = text.lines().filter(is_new).collect();
            let is_told = |line: &&str| text.lines().any(|it| it == *line) || new.iter().any(|it| it == line);
            assert!(changed.iter().all(is_told), "{new:?}");
            assert_eq!(text.lines().count(), DEFAULT.lines().count());
        }
    }

    #[test]
    fn an_answer_that_will_not_do_is_told() {
        let wrong = |site: Site| site.text(Path::new("/nowhere")).unwrap_err().to_string();
        let named = || Site { name: "A".to_owned(), ..Site::default() };
        assert!(wrong(Site::default()).contains("a site's name has 1 to 64 characters"));
        let told = wrong(Site { lims: Some("lims.example".to_owned()), ..named() });
        assert!(told.contains("no host with a port"), "{told}");
        let told = wrong(Site { page: Some("0.0.0.0:80".to_owned()), ..named() });
        assert!(told.contains("open to the network"), "{told}");
    }
}
