//! Where settings were read, and whether the same files say the same now.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The folders of a configuration, itself first.
const FOLDERS: [&str; 6] = ["", "instruments.d", "profiles.d", "codes.d", "rules.d", "qc.d"];

/// A configuration folder as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub folder: PathBuf,
    /// SHA-256 of every file's content, by its name in the folder. Files that these name (certificates, tokens) aren't in it.
    files: BTreeMap<String, [u8; 32]>,
}

impl Origin {
    /// Reads every file of the configuration. One that can't be read counts as one without content.
    pub fn of(folder: &Path) -> Origin {
        let hashed = |path: PathBuf| {
            let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
            (name, Sha256::digest(fs::read(&path).unwrap_or_default()).into())
        };
        Origin { folder: folder.to_owned(), files: files(folder).into_iter().map(hashed).collect() }
    }

    /// The files that are in one of both alone, or say something else in the other.
    pub fn differs_in(&self, other: &Origin) -> Vec<String> {
        let names: BTreeSet<&String> = self.files.keys().chain(other.files.keys()).collect();
        names.into_iter().filter(|name| self.files.get(*name) != other.files.get(*name)).cloned().collect()
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
        let renamed = ["instruments.d/a.toml".to_owned(), "instruments.d/b.toml".to_owned()];
        assert_eq!(seen[3].differs_in(&seen[2]), renamed);
        assert_eq!(seen[0].differs_in(&seen[2]), ["instruments.d/a.toml", "labwire.toml"]);
        for (at, origin) in seen.iter().enumerate() {
            assert!(!seen[..at].contains(origin), "{at}");
        }
    }
}
