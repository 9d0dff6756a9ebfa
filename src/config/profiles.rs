//! The profiles an instrument file may name: those shipped inside the program and the site's own. A released
//! revision never changes, so a site can add revisions and models but never replace one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::finding::{Finding, Source};
use super::nearest::{either, nearest};
use super::profile;
use crate::domain::profile::Profile;

/// Profiles by name and revision.
#[derive(Debug, Default, Clone)]
pub(super) struct Profiles {
    known: BTreeMap<String, BTreeMap<u32, Known>>,
    /// The names of those whose files can't be read as they are, which is said there.
    unread: BTreeSet<String>,
}

#[derive(Debug, Clone)]
struct Known {
    profile: Arc<Profile>,
    /// The file it came from; `None` for a shipped one.
    file: Option<String>,
}

impl Profiles {
    /// The profiles inside the program, and what is wrong with them: nothing, which a test holds.
    pub(super) fn shipped() -> (Profiles, Vec<Finding>) {
        let mut profiles = Profiles::default();
        let mut findings = Vec::new();
        for (name, text) in profile::shipped() {
            let source = Source { name: format!("(shipped) profiles.d/{name}"), text };
            findings.extend(profiles.add_shipped(&source));
        }
        (profiles, findings)
    }

    /// Adds a profile that is part of the program.
    pub(super) fn add_shipped(&mut self, source: &Source) -> Vec<Finding> {
        self.add(source, None)
    }

    /// Adds a profile of the site's own.
    pub(super) fn add_from_site(&mut self, source: &Source) -> Vec<Finding> {
        self.add(source, Some(source.name.clone()))
    }

    fn add(&mut self, source: &Source, file: Option<String>) -> Vec<Finding> {
        let profile = match profile::parse(&source.text) {
            Ok(profile) => profile,
            Err(complaints) => {
                self.unread.extend(name_in(&source.text));
                return complaints.iter().map(|complaint| source.finding(complaint)).collect();
            }
        };
        let revisions = self.known.entry(profile.name.clone()).or_default();
        if let Some(other) = revisions.get(&profile.revision) {
            let id = profile.identity();
            return vec![Finding::about(&source.name, already_there(&id, other.file.as_deref()))];
        }
        revisions.insert(profile.revision, Known { profile: Arc::new(profile), file });
        Vec::new()
    }

    /// The profile that `name` or `name/revision` means; a name alone means its highest revision. `None` for one whose
    /// file is wrong: it is told there what to mend.
    ///
    /// # Errors
    /// A sentence that says which profiles there are.
    pub(super) fn find(&self, wanted: &str) -> Result<Option<Arc<Profile>>, String> {
        let (name, revision) = match wanted.split_once('/') {
            Some((name, revision)) => (name, Some(revision)),
            None => (wanted, None),
        };
        let Some(revisions) = self.known.get(name) else {
            return if self.unread.contains(name) { Ok(None) } else { Err(self.unknown(name)) };
        };
        let found = match revision {
            Some(text) => text.parse().ok().and_then(|revision: u32| revisions.get(&revision)),
            None => revisions.values().next_back(),
        };
        found.map(|known| Some(Arc::clone(&known.profile))).ok_or_else(|| {
            let revisions: Vec<String> =
                revisions.keys().map(|revision| format!("{name}/{revision}")).collect();
            format!(
                "unknown revision in \"{wanted}\"; write {}",
                either(revisions.iter().map(String::as_str))
            )
        })
    }

    /// The highest revision of each, by name.
    pub(super) fn newest(&self) -> Vec<Arc<Profile>> {
        let newest = self.known.values().filter_map(|revisions| revisions.values().next_back());
        newest.map(|known| Arc::clone(&known.profile)).collect()
    }

    fn unknown(&self, name: &str) -> String {
        let known = || self.known.keys().map(String::as_str);
        match nearest(name, known()) {
            Some(near) => format!("unknown profile \"{name}\"; did you mean \"{near}\"?"),
            None if self.known.is_empty() => format!("unknown profile \"{name}\"; add it to profiles.d"),
            None => format!("unknown profile \"{name}\"; write {}, or add it to profiles.d", either(known())),
        }
    }
}

/// The name that a file gives its profile, as far as a wrong file tells.
fn name_in(text: &str) -> Option<String> {
    let said =
        text.lines().find_map(|line| line.trim_start().strip_prefix("name")?.trim_start().strip_prefix('='));
    said.map(|name| name.trim().trim_matches(['"', '\'']).to_owned())
}

fn already_there(id: &str, file: Option<&str>) -> String {
    match file {
        Some(file) => format!("profile {id} is also in {file}; give one of them another name or revision"),
        None => format!("profile {id} is shipped with labwire and never changes; raise the revision"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_profile_reads_without_complaint() {
        let (_, findings) = Profiles::shipped();
        assert_eq!(findings, []);
    }
}
