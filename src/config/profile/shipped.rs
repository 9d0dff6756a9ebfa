//! The profiles that are part of the program.

use std::collections::BTreeMap;

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "config/profiles.d"]
struct Files;

/// The text of each, by its file name.
pub fn shipped() -> BTreeMap<String, String> {
    let text = |name: &str| Some(String::from_utf8_lossy(&Files::get(name)?.data).into_owned());
    let names = Files::iter().filter(|name| name.ends_with(".toml"));
    names.filter_map(|name| Some((name.to_string(), text(&name)?))).collect()
}
