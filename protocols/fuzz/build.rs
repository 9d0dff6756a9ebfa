//! Lists the accessors of every typed view from the sources that declare them, so that none is forgotten. It writes one
//! function a grammar, which reads each accessor and compares it with the field of its number.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    list("../hl7/src/message", "Segment", "hl7_views.rs");
    list("../astm/src/record", "Record", "astm_views.rs");
}

fn list(folder: &str, of: &str, file: &str) {
    println!("cargo::rerun-if-changed={folder}");
    let entries = fs::read_dir(folder).expect("the grammar's sources");
    let mut sources: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    sources.sort();
    let views: String =
        sources.iter().filter(|path| !path.ends_with("view.rs")).map(|path| views(path)).collect();
    assert!(views.matches("if let").count() > 5, "the views of {folder} are found");
    let function = format!("/// Reads every accessor.\npub fn check(part: {of}<'_>) {{\n{views}}}\n");
    let place = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join(file);
    fs::write(place, function).expect("the folder of the build");
}

/// The views that one source declares.
fn views(path: &Path) -> String {
    let source = fs::read_to_string(path).expect("a source");
    let mut written = String::new();
    for declared in source.split("view::view! {").skip(1) {
        let body = declared.split("\n}").next().unwrap_or_default();
        for line in body.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
            if let Some((name, _)) = line.split_once(" of ") {
                writeln!(written, "    if let Some(view) = {name}::of(part) {{").expect("memory");
            } else if let Some((field, number)) = line.trim_end_matches(',').split_once(" = ") {
                writeln!(written, "        assert_eq!(view.{field}().raw(), part.field({number}).raw());")
                    .expect("memory");
            }
        }
        written.push_str("    }\n");
    }
    written
}
