//! Makes what the package ships beside the programs: man pages and shell completions from the programs' own command lines,
//! schemas of the configuration for editors, the documents with links to where the package puts things, and the licences of
//! everything that is built into them. It is no part of what is shipped, and it decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap_complete::Shell;
use labwire::config::schema;
use serde_json::Value;

/// The machine that the package is for: what others need besides isn't in it.
const TARGET: &str = "x86_64-unknown-linux-gnu";

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("say into which folder")?);
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    let schemas = folder.join("schemas");
    for folder in [&man, &completions, &schemas] {
        fs::create_dir_all(folder)?;
    }
    for (name, mut command) in [("labwire", labwire::cli::command()), ("labsim", labsim::cli::command())] {
        clap_mangen::generate_to(command.clone(), &man)?;
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            clap_complete::generate_to(shell, &mut command, name, &completions)?;
        }
    }
    for file in schema::File::ALL {
        fs::write(schemas.join(format!("{}.schema.json", file.name())), file.schema())?;
    }
    fs::write(folder.join("THIRD-PARTY-LICENCES"), licences()?)?;
    documents(&folder.join("documents"))
}

/// Where the package has the documents.
const DOCUMENTS: &str = "usr/share/doc/labwire/";

/// README.md and docs/*.md as the package has them.
fn documents(folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let installed = Installed::read(root)?;
    let mut sources = vec![PathBuf::from("README.md")];
    for entry in fs::read_dir(root.join("docs"))? {
        sources.push(Path::new("docs").join(entry?.file_name()));
    }
    for source in sources.iter().filter(|it| it.extension().is_some_and(|end| end == "md")) {
        let name = source.file_name().ok_or("a document without a name")?;
        fs::write(folder.join(name), installed.relinked(source, &fs::read_to_string(root.join(source))?))?;
    }
    Ok(())
}

/// Which file of the source is put where, by the package's own list: patterns with at most one `*`, in a file's name.
struct Installed(Vec<(String, String)>);

impl Installed {
    fn read(root: &Path) -> Result<Self, Box<dyn Error>> {
        let manifest: toml::Value = toml::from_str(&fs::read_to_string(root.join("Cargo.toml"))?)?;
        let deb = ["package", "metadata", "deb", "assets"];
        let assets = deb.iter().try_fold(&manifest, |table, key| table.get(key)).and_then(|it| it.as_array());
        let mut places = vec![
            ("README.md".to_owned(), DOCUMENTS.to_owned()),
            ("docs/*.md".to_owned(), DOCUMENTS.to_owned()),
        ];
        for asset in assets.ok_or("the package has no list of what is in it")? {
            let field = |number: usize| asset.get(number).and_then(|it| it.as_str()).map(str::to_owned);
            places.extend(field(0).zip(field(1)));
        }
        Ok(Installed(places))
    }

    /// Where a file of the source is put; `None` where the package hasn't got it.
    fn place(&self, source: &str) -> Option<String> {
        let name = source.rsplit('/').next()?;
        self.0.iter().find_map(|(pattern, place)| {
            let fits = match pattern.split_once('*') {
                Some((start, end)) => {
                    source.strip_prefix(start)?.strip_suffix(end).is_some_and(|it| !it.contains('/'))
                }
                None => source == pattern,
            };
            fits.then(|| if place.ends_with('/') { format!("/{place}{name}") } else { format!("/{place}") })
        })
    }

    /// A document whose links to other files lead to where they are put, or say that the source alone has them.
    fn relinked(&self, document: &Path, text: &str) -> String {
        let mut relinked = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("](") {
            let Some((target, behind)) = after.split_once(')') else { break };
            if target.starts_with('#') || target.contains("://") {
                relinked.push_str(before);
                relinked.push_str(&format!("]({target})"));
            } else {
                let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
                let source = in_source(document, file);
                match self.place(&source) {
                    Some(place) if anchor.is_empty() => relinked.push_str(&format!("{before}]({place})")),
                    Some(place) => relinked.push_str(&format!("{before}]({place}#{anchor})")),
                    None => {
                        let (ahead, words) = before.rsplit_once('[').unwrap_or(("", before));
                        relinked.push_str(&format!("{ahead}{words} (in the source, {source})"));
                    }
                }
            }
            rest = behind;
        }
        relinked.push_str(rest);
        relinked
    }
}

/// A link's path from the root of the source.
fn in_source(document: &Path, link: &str) -> String {
    let mut parts: Vec<&str> = document.iter().filter_map(|part| part.to_str()).collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// A crate that is built in.
struct Part {
    name: String,
    version: String,
    licence: String,
    folder: PathBuf,
}

/// The list of crates, and each text once with the crates that it belongs to.
fn licences() -> Result<String, Box<dyn Error>> {
    let parts = parts()?;
    let mut text = "labwire is under the Apache License 2.0. Built into its programs are these crates; the words of their \
                    licences follow. SQLite, which rusqlite brings, is in the public domain.\n\n"
        .to_owned();
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Part { name, version, licence, folder } in &parts {
        writeln!(text, "{name} {version}: {licence}")?;
        for words in words(folder)? {
            texts.entry(words).or_default().push(format!("{name} {version}"));
        }
    }
    let ucum = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("units/ucum/NOTICE"))?;
    texts.entry(ucum).or_default().push("UCUM's table of units".to_owned());
    for (words, owners) in &texts {
        let rule = "=".repeat(80);
        write!(text, "\n{rule}\n{}\n{rule}\n\n{}\n", owners.join(", "), words.trim_end())?;
    }
    Ok(text)
}

/// What a crate says about its rights, in files of the usual names.
fn words(folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy().to_uppercase()).unwrap_or_default();
            path.is_file() && ["LICEN", "COPYING", "NOTICE"].iter().any(|start| name.starts_with(start))
        })
        .collect();
    files.sort();
    Ok(files
        .iter()
        .map(|file| fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        .collect::<Result<_, _>>()?)
}

/// Every crate from a registry that the two programs are built of: no dependencies of tests or of builds.
fn parts() -> Result<Vec<Part>, Box<dyn Error>> {
    let asked = ["metadata", "--locked", "--format-version", "1", "--filter-platform", TARGET];
    let output = Command::new(env!("CARGO")).args(asked).output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let by_id = |pointer: &str| -> BTreeMap<String, Value> {
        let list = metadata.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
        list.into_iter().map(|it| (text(&it, "id"), it)).collect()
    };
    let (packages, nodes) = (by_id("/packages"), by_id("/resolve/nodes"));
    let roots = packages.iter().filter(|(_, it)| text(it, "name") == "labwire").map(|(id, _)| id.clone());
    let (mut reached, mut waiting) = (BTreeSet::new(), roots.collect::<Vec<_>>());
    while let Some(id) = waiting.pop() {
        if reached.insert(id.clone()) {
            waiting.extend(nodes.get(&id).map(built_in).unwrap_or_default());
        }
    }
    let packages = reached.iter().filter_map(|id| packages.get(id));
    let parts = packages.filter(|it| !text(it, "source").is_empty()).map(|it| Part {
        name: text(it, "name"),
        version: text(it, "version"),
        licence: text(it, "license"),
        folder: Path::new(&text(it, "manifest_path")).parent().unwrap_or(Path::new("/")).to_owned(),
    });
    Ok(parts.collect())
}

/// What a crate needs when it runs.
fn built_in(node: &Value) -> Vec<String> {
    let list =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let needed =
        |it: &Value| list(it, "dep_kinds").iter().any(|kind| kind.get("kind").is_none_or(Value::is_null));
    list(node, "deps").iter().filter(|it| needed(it)).map(|it| text(it, "pkg")).collect()
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
