//! The example files that are part of the program: they are the manual of their keys, and what a site's files are begun with.

pub(super) const SERIAL: &str = include_str!("../../config/instruments.d/example-serial.toml.disabled");
pub(super) const TCP_SERVER: &str =
    include_str!("../../config/instruments.d/example-tcp-server.toml.disabled");
pub(super) const TCP_CLIENT: &str =
    include_str!("../../config/instruments.d/example-tcp-client.toml.disabled");
pub(super) const HL7: &str = include_str!("../../config/instruments.d/example-hl7.toml.disabled");
pub(super) const DROP: &str = include_str!("../../config/instruments.d/example-drop.toml.disabled");
pub(super) const QC: &str = include_str!("../../config/qc.d/example.toml.disabled");
pub(super) const RULES: &str = include_str!("../../config/rules.d/example.toml.disabled");

/// The text with every commented setting switched on.
pub(super) fn switched_on(text: &str) -> String {
    text.lines().map(|line| setting(line).unwrap_or(line).to_owned() + "\n").collect()
}

/// The setting in a commented line; `None` for a line that explains, tells an editor its schema, or isn't commented.
pub(super) fn setting(line: &str) -> Option<&str> {
    let setting = line.strip_prefix('#')?;
    (!setting.is_empty() && !setting.starts_with([' ', ':'])).then_some(setting)
}
