//! Where settings were read, and whether the same files say the same now.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The folders of a configuration, itself first.
const FOLDERS: [&str; 6] = ["", "instruments.d", "profiles.d", "codes.d", "rules.d", "qc.d"];

/// The most keys of one file that are named.
const NAMED: usize = 8;

type Sha = [u8; 32];

/// A configuration folder as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub folder: PathBuf,
    /// By its name in the folder. Files that these name (certificates, tokens) aren't in it.
    files: BTreeMap<String, Content>,
}

/// What a file said. Values are kept as hashes, so that none of them is ever told.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Content {
    sha256: Sha,
    /// The hash of each value, by its key with the tables that it stands in; none where it isn't TOML.
    keys: BTreeMap<String, Sha>,
}

impl Content {
    fn of(bytes: &[u8]) -> Content {
        let mut keys = BTreeMap::new();
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        if let Ok(table) = text.parse::<toml::Table>() {
            within("", &toml::Value::Table(table), &mut keys);
        }
        Content { sha256: Sha256::digest(bytes).into(), keys }
    }
}

/// Every value below this one, arrays of tables by their place, from 1 on.
fn within(key: &str, value: &toml::Value, keys: &mut BTreeMap<String, Sha>) {
    match value {
        // One without keys says something too: `[codes.NEW]`.
        toml::Value::Table(table) if table.is_empty() && !key.is_empty() => {
            keys.insert(key.to_owned(), Sha256::digest("{}").into());
        }
        toml::Value::Table(table) => {
            for (name, value) in table {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                within(&key, value, keys);
            }
        }
        toml::Value::Array(values) if values.iter().any(toml::Value::is_table) => {
            for (at, value) in (1..).zip(values) {
                within(&format!("{key}[{at}]"), value, keys);
            }
        }
        value => {
            keys.insert(key.to_owned(), Sha256::digest(value.to_string()).into());
        }
    }
}

impl Origin {
    /// Reads every file of the configuration. One that can't be read counts as one without content.
    pub fn of(folder: &Path) -> Origin {
        let hashed = |path: PathBuf| {
            let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
            (name, Content::of(&fs::read(&path).unwrap_or_default()))
        };
        Origin { folder: folder.to_owned(), files: files(folder).into_iter().map(hashed).collect() }
    }

    /// What is another since `before`: a text for each file, `labwire.toml: page.listen, log.filter`. It tells keys and no values.
    pub fn changes_since(&self, before: &Origin) -> Vec<String> {
        let names: BTreeSet<&String> = self.files.keys().chain(before.files.keys()).collect();
        let changed = |name: &&String| self.files.get(*name) != before.files.get(*name);
        let told = |name: &String| match (before.files.get(name), self.files.get(name)) {
            (Some(before), Some(now)) => format!("{name}{}", in_one_file(before, now)),
            (None, _) => format!("{name} (new)"),
            (_, None) => format!("{name} (gone)"),
        };
        names.into_iter().filter(changed).map(told).collect()
    }
}

/// The keys that are another in one file; nothing where it can't be told.
fn in_one_file(before: &Content, now: &Content) -> String {
    if before.keys.is_empty() || now.keys.is_empty() {
        return String::new();
    }
    let keys: BTreeSet<&String> = before.keys.keys().chain(now.keys.keys()).collect();
    let changed: Vec<&str> = keys
        .into_iter()
        .filter(|key| before.keys.get(*key) != now.keys.get(*key))
        .map(String::as_str)
        .collect();
    let named = changed.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match changed.len() {
        0 => ": comments alone".to_owned(),
        more if more > NAMED => format!(": {named} and {} more", more - NAMED),
        _ => format!(": {named}"),
    }
}

/// The files of a configuration folder, in the order of their names within each of its folders.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for place in FOLDERS {
        let Ok(entries) = fs::read_dir(folder.join(place)) else { continue };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|it| it == "toml"));
        paths.sort();
        all.extend(paths);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_name_or_content_or_file_is_another_origin_and_what_isnt_read_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        fs::create_dir(folder.path().join("instruments.d")).unwrap();
        write("labwire.toml", "site = \"a\"");
        let mut seen = vec![Origin::of(folder.path())];
        write("instruments.d/notes.txt", "nothing that is read");
        assert_eq!(Origin::of(folder.path()), seen[0]);
        write("labwire.toml", "site = \"b\"");
        seen.push(Origin::of(folder.path()));
        write("instruments.d/a.toml", "");
        seen.push(Origin::of(folder.path()));
        fs::rename(folder.path().join("instruments.d/a.toml"), folder.path().join("instruments.d/b.toml"))
            .unwrap();
        seen.push(Origin::of(folder.path()));
        let renamed = ["instruments.d/a.toml (gone)", "instruments.d/b.toml (new)"];
        assert_eq!(seen[3].changes_since(&seen[2]), renamed);
        assert_eq!(seen[0].changes_since(&seen[2]), ["instruments.d/a.toml (gone)", "labwire.toml: site"]);
        for (at, origin) in seen.iter().enumerate() {
            assert!(!seen[..at].contains(origin), "{at}");
        }
    }

    #[test]
    fn what_changed_in_a_file_is_told_by_its_keys_and_never_by_values() {
        let folder = tempfile::tempdir().unwrap();
        let of = |text: &str| {
            fs::write(folder.path().join("labwire.toml"), text).unwrap();
            Origin::of(folder.path())
        };
        let before = "site = \"A\"\n[page]\nlisten = \"a\"\nsecret = \"invented\"\n[[rule]]\nx = 1\n[[rule]]\nx = [1, 2]\n";
        let told = |now: &str| of(now).changes_since(&of(before)).concat();
        assert_eq!(told(before), "");
        assert_eq!(told(&format!("# why\n{before}")), "labwire.toml: comments alone");
        let changed =
            before.replace("\"a\"", "\"b\"").replace("[1, 2]", "[1, 3]").replace("invented", "another");
        assert_eq!(told(&changed), "labwire.toml: page.listen, page.secret, rule[2].x");
        assert_eq!(told(&before.replace("site", "name")), "labwire.toml: name, site");
        assert_eq!(told("site = "), "labwire.toml", "a file with a mistake has no keys");
        for emptied in ["[codes.NEW]\n", "[qc]\n"] {
            let key = emptied.trim_matches(['[', ']', '\n']);
            assert_eq!(
                told(&format!("{before}{emptied}")),
                format!("labwire.toml: {key}"),
                "a table says something too"
            );
        }
        let many: String = (0..10).map(|number| format!("k{number} = 1\n")).collect();
        assert!(told(&(many + before)).ends_with("k7 and 2 more"));
    }
}
