//! From TOML files to checked settings.

pub mod settings;

pub use settings::Settings;
