//! What the LIMS orders under one code and an analyzer reports as several tests: `[panels]` of an instrument's file, and of
//! the files in `codes.d`. A component that the analyzer can't report is a mistake, as its panel would never be done.

use std::collections::{BTreeMap, BTreeSet};

use super::codes::filled;
use super::nearest::nearest;
use super::reader::{Entry, Name, Table};
use super::settings::CodeMapping;
use crate::domain::profile::Profile;
use crate::domain::{Panel, Panels};

/// What an analyzer can report: the codes of its profile and of the site. A file of `codes.d` doesn't know the profile.
pub(super) struct Reported<'a> {
    pub(super) codes: &'a BTreeMap<String, CodeMapping>,
    pub(super) profile: Option<&'a Profile>,
}

impl Reported<'_> {
    /// Why a code can't be a component, if it can't.
    fn objection(&self, code: &str) -> Option<String> {
        let profile = self.profile?;
        let known = || self.codes.keys().chain(profile.tests.keys()).map(String::as_str);
        if known().any(|it| it == code) {
            return None;
        }
        Some(match nearest(code, known()) {
            Some(near) => format!("this analyzer has no code \"{code}\"; did you mean \"{near}\"?"),
            None => format!("this analyzer has no code \"{code}\"; add [codes.{code}], or remove it here"),
        })
    }

    /// What of panels of a file of `codes.d` can't be reported by this analyzer.
    pub(super) fn objections(&self, panels: &Panels) -> Vec<String> {
        let of = |(name, panel): (&String, &Panel)| {
            let codes = panel.components.iter().chain(&panel.optional);
            let why = codes.filter_map(|code| self.objection(code));
            why.map(|why| format!("[panels.{name}] of its code_map: {why}")).collect::<Vec<_>>()
        };
        panels.iter().flat_map(of).collect()
    }
}

/// By the LIMS's code.
pub(super) fn read(file: &mut Table<'_>, reported: &Reported<'_>) -> Panels {
    let panels = file.named_tables("panels", |name, table| panel(&name, table, reported));
    panels.into_iter().flatten().collect()
}

fn panel(name: &Name<'_>, table: &mut Table<'_>, reported: &Reported<'_>) -> Option<(String, Panel)> {
    let mut same = reported.codes.iter().filter(|(_, it)| it.lims_code.as_deref() == Some(name.text));
    if let Some((code, _)) = same.next() {
        name.error(format!(
            "what the LIMS calls {} is a test, [codes.{code}], and a panel; remove lims_code there, or this panel",
            name.text
        ));
    }
    let told_as = table.parsed("told_as", |text| filled("told_as", text));
    let mut seen = BTreeSet::new();
    let mut each = |entry: Entry<'_>| component(&entry, &mut seen, reported);
    let optional = table.list("optional", &mut each).unwrap_or_default();
    let entry = table.required("components", "[\"WBC\", \"RBC\"]")?;
    let listed = entry.list()?;
    if listed.is_empty() {
        entry.error("components is empty; write the codes under which the analyzer reports the panel");
    }
    let components = listed.into_iter().filter_map(each).collect();
    Some((name.text.to_owned(), Panel { components, optional, told_as }))
}

fn component(entry: &Entry<'_>, seen: &mut BTreeSet<String>, reported: &Reported<'_>) -> Option<String> {
    let code = entry.parsed(|text| filled("a component", text))?;
    if let Some(why) = reported.objection(&code) {
        entry.error(why);
    }
    if !seen.insert(code.clone()) {
        entry.error(format!("\"{code}\" stands twice in one panel; remove one"));
    }
    Some(code)
}
